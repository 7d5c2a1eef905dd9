"""`intrabar: finer` against runs made on the finer bars themselves, with the same decisions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.costs import Costs
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders, Signals, TargetWeights
from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import Instrument
from tradewright.domain.outcome import Outcome
from tradewright.domain.rules import FillRules
from tradewright.domain.time import from_ns
from tradewright.marketdata import resample
from tradewright.simulation import FinerVenue, run_orders, run_signals, run_weights

MINUTE_NS = 60 * 10**9
CASH = 10_000_000
FINER = FillRules(intrabar="finer", max_stale_bars=99)
PLAIN = FillRules(max_stale_bars=99)
DATA = Path(__file__).parents[4] / "shared" / "data"
FIELDS_OF_BARS = ("open", "high", "low", "close", "volume")
FIELDS = ("instrument", "side", "qty", "px", "notional", "fee", "reason")


@st.composite
def minutes(draw: st.DrawFn, width: int = 1) -> Bars:
    n_hours = draw(st.integers(3, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (n_hours * 60, width)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.004, shape), axis=0))
    first = np.vstack((close[:1], close[:-1])) * np.exp(rng.normal(0, 0.001, shape))
    high, low = np.maximum(first, close) * 1.001, np.minimum(first, close) * 0.999
    gone = rng.random(shape) < draw(st.sampled_from([0.0, 0.3]))
    gone[59::60] = False  # the last minute of an hour trades, so that both tapes end bars alike
    for array in (first, high, low, close):
        array[gone] = np.nan
    names = tuple(Instrument(f"S{at}", calendar="24/7", lot_size=0.01) for at in range(width))
    ts = (np.arange(len(close)) + 1 + 60 * 24 * 17_000) * MINUTE_NS
    volume = np.where(gone, np.nan, 1e4)
    return Bars(names, ts, first, high, low, close, volume, interval="1m")


def random_orders(bars: Bars, rng: np.random.Generator) -> dict[str, list[Any]]:
    count = 12
    at = np.sort(rng.integers(0, bars.n_bars, count))
    column = rng.integers(0, bars.n_instruments, count)
    px = bars.close[at, column]
    near = px * (1 + np.clip(rng.normal(0, 0.01, count), -0.015, 0.015))
    kind = rng.choice(["MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP"], count)
    side = rng.choice([1, -1], count)
    return {
        "bar": at.tolist(),
        "symbol": [bars.symbols[i] for i in column],
        "side": side.tolist(),
        "qty": rng.integers(1, 300, count).tolist(),
        "type": kind.tolist(),
        "tif": rng.choice(["GTC", "GTC", "DAY"], count).tolist(),
        "limit": [float(v) if "LIMIT" in k else None for k, v in zip(kind, near, strict=True)],
        "stop": [
            float(v) if k.startswith("STOP") else None for k, v in zip(kind, near, strict=True)
        ],
        "trail": [0.7 if k == "TRAILING_STOP" else None for k in kind],
        "stop_loss": [float(v) for v in px * (1 - side * 0.018)],
        "take_profit": [float(v) for v in px * (1 + side * 0.018)],
        "oco": rng.choice(["", "", "x"], count).tolist(),
    }


def assert_same(coarse: Outcome, fine: Outcome, ends: np.ndarray) -> None:
    for name in FIELDS:
        assert coarse.fills[name].tolist() == fine.fills[name].tolist(), name
    parents = np.searchsorted(ends, fine.fills["bar"])
    assert coarse.fills["bar"].tolist() == parents.tolist()
    for name in ("equity", "cash", "long_value", "short_value"):
        assert getattr(coarse, name).tolist() == getattr(fine, name)[ends].tolist(), name
    assert coarse.path_dependent_fills == fine.path_dependent_fills


@settings(max_examples=60, deadline=None)
@given(minutes(), st.integers(0, 2**32 - 1))
def test_orders_fill_as_on_the_finer_bars_themselves(fine: Bars, seed: int) -> None:
    hours = resample(fine, "1h")
    ends = np.searchsorted(fine.ts, hours.ts)
    table = random_orders(hours, np.random.default_rng(seed))
    how: dict[str, Any] = {"cash_minor": CASH, "costs": Costs(fee_bps=3)}
    coarse = run_orders(hours, Orders(table), rules=FINER, finer=fine, **how)
    table = {**table, "bar": ends[table["bar"]].tolist()}
    assert_same(coarse, run_orders(fine, Orders(table), rules=PLAIN, **how), ends)


@settings(max_examples=40, deadline=None)
@given(minutes(width=3), st.integers(0, 2**32 - 1))
def test_signals_and_weights_fill_as_on_the_finer_bars_themselves(fine: Bars, seed: int) -> None:
    rng = np.random.default_rng(seed)
    hours = resample(fine, "1h")
    ends = np.searchsorted(fine.ts, hours.ts)
    entries, exits = rng.random((2, *hours.close.shape)) < 0.3
    how: dict[str, Any] = {"cash_minor": CASH, "costs": Costs(fee_bps=3)}
    given_flags = {"size": 0.3, "stop": 0.006, "target": 0.007}

    def late(panel: np.ndarray, elsewhere: Any) -> np.ndarray:
        out = np.full(fine.close.shape, elsewhere, dtype=panel.dtype)
        out[ends] = panel
        return out

    coarse = run_signals(
        hours, Signals(entries, exits, **given_flags), rules=FINER, finer=fine, **how
    )
    signals = Signals(late(entries, False), late(exits, False), **given_flags)
    assert_same(coarse, run_signals(fine, signals, rules=PLAIN, **how), ends)
    weights = np.where(rng.random(hours.close.shape) < 0.5, rng.random(hours.close.shape) / 4, 0.0)
    coarse = run_weights(hours, TargetWeights(weights), rules=FINER, finer=fine, **how)
    there = TargetWeights(late(weights, np.nan))
    assert_same(coarse, run_weights(fine, there, rules=PLAIN, **how), ends)


@settings(max_examples=40, deadline=None)
@given(minutes(width=2), st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 2]))
def test_a_venue_on_finer_bars_fills_as_the_batch(fine: Bars, seed: int, latency: int) -> None:
    rng = np.random.default_rng(seed)
    hours = resample(fine, "1h")
    some = fine if seed % 2 else fine.select(["S0"])  # the other has no finer bars
    orders = Orders(random_orders(hours, rng))
    rules = FillRules(intrabar="finer", max_stale_bars=99, latency_bars=latency)
    how: dict[str, Any] = {"cash_minor": CASH, "costs": Costs(fee_bps=3), "rules": rules}
    batch = run_orders(hours, orders, finer=some, **how)
    venue = FinerVenue(hours, some, **how)
    waiting = list(orders.rows)
    for row in range(hours.n_bars):
        venue.advance(row)
        venue.poll()
        if venue.equity_minor <= 0:
            break
        while waiting and waiting[0][0] <= row:
            venue.submit(waiting.pop(0)[1])
    step = venue.outcome()
    assert batch.fills.tolist() == step.fills.tolist()
    assert batch.orders.tolist() == step.orders.tolist()
    assert batch.equity.tolist() == step.equity.tolist()
    for fill in batch.fills:  # never outside the bar that a user sees
        row, column = fill["bar"], fill["instrument"]
        low, high = hours.low[row, column], hours.high[row, column]
        assert round(low * 1e8) <= fill["px"] <= round(high * 1e8)


@settings(max_examples=30, deadline=None)
@given(minutes(width=2), st.integers(0, 2**32 - 1))
def test_without_finer_bars_a_bar_is_read_pessimistically(fine: Bars, seed: int) -> None:
    rng = np.random.default_rng(seed)
    hours = resample(fine, "1h")
    orders = Orders(random_orders(hours, rng))
    how: dict[str, Any] = {"cash_minor": CASH, "costs": Costs(fee_bps=3)}
    last = fine.between(int(hours.ts[-2]) + 1)  # finer bars for the last hour alone
    mixed = run_orders(hours, orders, rules=FINER, finer=last, **how)
    plain = run_orders(hours, orders, rules=PLAIN, **how)
    early = hours.n_bars - 1
    same = mixed.fills[mixed.fills["bar"] < early]
    assert same.tolist() == plain.fills[plain.fills["bar"] < early].tolist()
    assert mixed.equity[:early].tolist() == plain.equity[:early].tolist()
    assert f"2 of {2 * hours.n_bars} bars were walked through" in mixed.notes[0]


def test_finer_bars_of_other_prices_are_not_read() -> None:
    fine = minutes_of([100, 101, 99, 100], [100, 102, 98, 101])
    hours = resample(fine, "1h")
    moved = {n: getattr(fine, n).copy() for n in ("open", "high", "low", "close")}
    moved["low"][70] -= 5.0
    other = Bars(fine.instruments, fine.ts, **moved, volume=fine.volume, interval="1m")
    orders = Orders({"bar": [0], "symbol": ["S0"], "side": ["BUY"], "qty": [1.0]})
    found = run_orders(hours, orders, cash_minor=CASH, rules=FINER, finer=other)
    assert "1 of 2 bars were walked through" in found.notes[0]
    assert "in 1 of them the finer bars do not add up" in found.notes[0]


@pytest.mark.parametrize("ends_early", [False, True])
def test_decisions_see_the_close_where_no_finer_bar_ends_with_the_bar(ends_early: bool) -> None:
    fine = minutes_of([100, 101, 99, 100], [100, 102, 98, 101], [101, 102, 103, 104])
    hours = resample(fine, "1h")
    both = {n: np.repeat(getattr(hours, n), 2, axis=1) for n in FIELDS_OF_BARS}
    names = (*hours.instruments, Instrument("S1", calendar="24/7"))
    hours = Bars(names, hours.ts, **both, interval="1h")
    if ends_early:
        parts = {n: getattr(fine, n).copy() for n in FIELDS_OF_BARS}
        for panel in parts.values():
            panel[59] = np.nan
        fine = Bars(fine.instruments, fine.ts, **parts, interval="1m")
    entries = np.zeros((3, 2), dtype=bool)
    entries[0] = True
    signals = Signals(entries, np.zeros_like(entries), size=0.4, stop=0.015)
    found = run_signals(hours, signals, cash_minor=CASH, rules=FINER, finer=fine)
    assert found.fills[["bar", "instrument", "px"]].tolist() == [
        (1, 0, 100 * 10**8),
        (1, 1, 100 * 10**8),
        (1, 1, round(98.5 * 1e8)),
        (1, 0, 98 * 10**8),  # minutes gap from 102 to 98
    ]


@pytest.mark.parametrize(
    ("rules", "interval", "text"),
    [
        (FINER, "1d", "bars of 1d, wanted an interval within a day that is shorter"),
        (FINER, "1h", "bars of 1h, wanted an interval within a day that is shorter"),
        (PLAIN, "1m", "rules.intrabar is 'pessimistic'"),
    ],
)
def test_wrong_finer_bars_are_refused(rules: FillRules, interval: str, text: str) -> None:
    fine = minutes_of([100, 101, 99, 100])
    hours = resample(fine, "1h")
    finer = replace(fine, interval=interval)
    orders = Orders({"bar": [0], "symbol": ["S0"], "side": ["BUY"], "qty": [1.0]})
    with pytest.raises(ConfigError, match=text):
        run_orders(hours, orders, cash_minor=CASH, rules=rules, finer=finer)
    with pytest.raises(ConfigError, match="no finer bars are given"):
        run_orders(hours, orders, cash_minor=CASH, rules=FINER)


def test_finer_bars_beside_corporate_actions_are_refused() -> None:
    fine = minutes_of([100, 101, 99, 100], [100, 102, 98, 101])
    hours = resample(fine, "1h")
    split = CorporateAction("S0", ActionKind.SPLIT, from_ns(int(hours.ts[1])).date(), 2.0)
    orders = Orders({"bar": [0], "symbol": ["S0"], "side": ["BUY"], "qty": [1.0]})
    with pytest.raises(ConfigError, match="beside corporate actions"):
        run_orders(hours.with_actions([split]), orders, cash_minor=CASH, rules=FINER, finer=fine)


def minutes_of(*hours: list[float]) -> Bars:
    """Minutes that walk through four prices, a quarter of an hour each."""
    close = np.concatenate([np.repeat(hour, 15) for hour in hours]).astype(float)[:, None]
    ts = (np.arange(len(close)) + 1 + 60 * 24 * 17_000) * MINUTE_NS
    names = (Instrument("S0", calendar="24/7"),)
    return Bars(names, ts, *[close] * 4, np.full_like(close, 1e4), interval="1m")


FILES = {
    "eurusd": ("fx/eurusd_minute_oanda.parquet", "EURUSD", 0.0003),
    "btc": ("crypto/btc_perp_minute_2022_01.parquet", "BTC-PERP", 0.001),
}


@pytest.mark.parametrize("name", FILES)
def test_real_minutes_inside_hours_fill_as_the_minutes_themselves(name: str) -> None:
    path = DATA / FILES[name][0]
    if not path.exists():
        pytest.skip(f"{path} is not here")
    fine = real_minutes(path, FILES[name][1])
    hours = resample(fine, "1h")
    ends = np.searchsorted(fine.ts, hours.ts, side="right") - 1
    rng = np.random.default_rng(5)
    entries = rng.random(hours.close.shape) < 0.6
    how: dict[str, Any] = {"cash_minor": 10**9, "costs": Costs(fee_bps=1)}
    near = FILES[name][2]
    shape = {"size": 0.5, "stop": near, "target": 1.2 * near, "trail": 2 * near}
    signals = Signals(entries, np.zeros_like(entries), **shape)
    coarse = run_signals(hours, signals, rules=FINER, finer=fine, **how)
    late = np.zeros(fine.close.shape, dtype=bool)
    late[ends] = entries
    there = run_signals(fine, Signals(late, np.zeros_like(late), **shape), rules=PLAIN, **how)
    assert len(coarse.fills) > 60
    within = there.fills[there.fills["bar"] <= ends[-1]]  # minutes after the last whole hour
    for field in FIELDS:
        assert coarse.fills[field].tolist() == within[field].tolist(), field
    plain = run_signals(hours, signals, rules=PLAIN, **how)
    assert plain.fills["px"].tolist() != coarse.fills["px"].tolist()
    assert coarse.path_dependent_fills < plain.path_dependent_fills


def real_minutes(path: Path, symbol: str) -> Bars:
    frame = pl.read_parquet(path).filter(pl.col("symbol") == symbol).sort("timestamp").head(8_000)
    columns = [frame[n].to_numpy().astype(float)[:, None] for n in ("open", "high", "low", "close")]
    ts = frame["timestamp"].dt.timestamp("ns").to_numpy().astype(np.int64)
    names = (Instrument(symbol, calendar="24/7", lot_size=1e-8, tick_size=1e-6),)
    return Bars(names, ts, *columns, np.full_like(columns[0], 1e9), interval="1m")
