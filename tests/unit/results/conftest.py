"""Small outcomes made by a plain loop, so that these tests need no engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tradewright.domain.bars import Bars
from tradewright.domain.instruments import Instrument
from tradewright.domain.orders import OrderStatus
from tradewright.domain.outcome import FILL_DTYPE, ORDER_DTYPE, Outcome
from tradewright.services.runs import Run

UNIT = 10**8


def synthetic_bars(
    n_bars: int = 400, symbols: tuple[str, ...] = ("AAA", "BBB", "SPY"), seed: int = 1
) -> Bars:
    rng = np.random.default_rng(seed)
    steps = rng.normal(0.0005, 0.01, (n_bars, len(symbols)))
    close = np.round(50 * np.exp(np.cumsum(steps, axis=0)), 2)
    open_ = np.round(close * (1 + rng.normal(0, 0.002, close.shape)), 2)
    high, low = np.maximum(open_, close) * 1.004, np.minimum(open_, close) * 0.996
    days = np.busday_offset("2018-01-02", np.arange(n_bars), roll="forward")
    ts = days.astype("datetime64[ns]").view("i8") + 21 * 3_600_000_000_000
    return Bars(
        instruments=tuple(Instrument(symbol) for symbol in symbols),
        ts=ts,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=np.full(close.shape, 1e6),
        source="synthetic",
        data_version="v1",
    )


def trade(bars: Bars, shares: np.ndarray, *, fee_bps: int = 10, slip_bps: int = 5) -> Outcome:
    """Hold `shares[t]` (whole shares) from the open of bar t + 1 on."""
    n, k = bars.close.shape
    cash = 10_000_000
    held = np.zeros(k, dtype=np.int64)
    fills, orders = [], []
    last = np.nan_to_num(bars.close[0])
    rows = {name: np.zeros(n, np.int64) for name in ("equity", "cash", "long", "short")}
    for t in range(n):
        for j in range(k):
            change = int(shares[t - 1, j] - held[j]) if t else 0
            if not change or np.isnan(bars.open[t, j]):
                continue
            side, qty = (1 if change > 0 else -1), abs(change)
            px = round(bars.open[t, j] * UNIT)
            notional = round(qty * px / (UNIT // 100))
            fee, slip = round(notional * fee_bps / 10_000), round(notional * slip_bps / 10_000)
            fill = (len(orders), t, j, side, 0, qty * UNIT, px, notional, fee, 0, slip, 0)
            fills.append(fill)
            filled = int(OrderStatus.FILLED)
            orders.append((t - 1, j, side, 0, 0, filled, 0, qty * UNIT, qty * UNIT, 0, 0, -1, t))
            cash += -side * notional - fee - slip
            held[j] += change
        last = np.where(np.isnan(bars.close[t]), last, bars.close[t])
        value = np.rint(held * last * 100).astype(np.int64)
        rows["cash"][t] = cash
        rows["long"][t], rows["short"][t] = value[value > 0].sum(), value[value < 0].sum()
        rows["equity"][t] = cash + value.sum()
    return Outcome(
        instruments=bars.instruments,
        ts=bars.ts,
        equity=rows["equity"],
        cash=rows["cash"],
        long_value=rows["long"],
        short_value=rows["short"],
        fills=np.array(fills, dtype=FILL_DTYPE),
        orders=np.array(orders, dtype=ORDER_DTYPE),
        financing=np.zeros(n, np.int64),
        initial_cash=10_000_000,
        marks=bars.close[-1],
    )


def a_run(seed: int = 1, n_bars: int = 400, **changes: object) -> Run:
    bars = synthetic_bars(n_bars)
    rng = np.random.default_rng(seed)
    shares = np.repeat(rng.integers(-200, 500, (n_bars // 20 + 1, 3)), 20, axis=0)[:n_bars]
    shares[150:170] = 0
    outcome = trade(bars, shares)
    of_outcome = {k: changes.pop(k) for k in ("status", "message") if k in changes}
    made: dict[str, object] = {"name": "walk", "created_ns": 10**18, "seed": 3, **changes}
    return Run(replace(outcome, **of_outcome), bars, **made)  # type: ignore[arg-type]


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """Return the maker of runs: `make_run(seed=…, n_bars=…, **arguments of Run)`."""
    return a_run


@pytest.fixture
def run() -> Run:
    """Return one run of a random walk."""
    return a_run()


@pytest.fixture
def make_bars() -> Callable[..., Bars]:
    """Return the maker of bars."""
    return synthetic_bars


@pytest.fixture
def make_outcome() -> Callable[..., Outcome]:
    """Return the plain loop that trades whole shares."""
    return trade
