"""The kernel against a plain-Python reading of the fill rules, on random bars and orders."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from brackets import sensible_children
from fill_oracle import Oracle, Rules, Work, run_oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.costs import Costs
from tradewright.domain.actions import ActionSchedule
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders
from tradewright.domain.instruments import Instrument
from tradewright.domain.outcome import Outcome
from tradewright.domain.rules import FillRules
from tradewright.simulation import run_orders

DAY_NS = 86_400 * 10**9
HOUR_NS = 3_600 * 10**9
KINDS = ("market", "limit", "stop", "stop_limit", "trail")
NAMES = dict(zip(KINDS, ("MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP"), strict=True))
CASH = 1_000_000


@st.composite
def markets(draw: st.DrawFn) -> Bars:
    n_bars, width = draw(st.integers(4, 14)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    coarse = draw(st.sampled_from([0.5, 0.01, 1e-4]))
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.03, (n_bars, width)), axis=0))
    first = np.vstack([close[:1], close[:-1]]) * np.exp(rng.normal(0, 0.02, (n_bars, width)))
    spread = np.abs(rng.normal(0, 0.02, (2, n_bars, width)))
    snap = lambda x: np.maximum(np.round(x / coarse) * coarse, coarse)  # noqa: E731
    first, close = snap(first), snap(close)
    high = snap(np.maximum(first, close) * (1 + spread[0]))
    low = snap(np.minimum(first, close) * (1 - spread[1]))
    high, low = (
        np.maximum(high, np.maximum(first, close)),
        np.minimum(low, np.minimum(first, close)),
    )
    volume = np.round(rng.uniform(0, 300, (n_bars, width)))
    missing = rng.random((n_bars, width)) < draw(st.sampled_from([0.0, 0.15]))
    for array in (first, high, low, close, volume):
        array[missing] = np.nan
    multiplier = st.sampled_from([1.0, 1.0, 1.0, 5.0, 0.1, 0.37])
    names = tuple(
        Instrument(
            f"S{i}",
            lot_size=draw(LOT),
            tick_size=draw(TICK),
            multiplier=draw(multiplier),
            currency=draw(st.sampled_from(["USD", "USD", "EUR", "JPY"])),
        )
        for i in range(width)
    )
    walk = np.exp(np.cumsum(rng.normal(0, 0.02, (2, n_bars)), axis=1))
    rates = {"EUR/USD": 1.1 * walk[0], "USD/JPY": 95.0 * walk[1]}
    if draw(st.booleans()):
        days = np.arange(1, n_bars + 1) * DAY_NS
        return Bars(names, days, first, high, low, close, volume, rates=rates)
    # Hours, some of which are missing: what is on its way in the gap is there after it.
    ts = np.cumsum(rng.choice([1, 1, 1, 3], n_bars)) * HOUR_NS
    return Bars(names, ts, first, high, low, close, volume, interval="1h", rates=rates)


def worths(bars: Bars) -> tuple[tuple[Fraction, ...], ...]:
    """What a price of 1 is worth in dollars, by bar and column, held to 1e-12."""
    rows = []
    for row in range(bars.n_bars):
        rate = {
            "USD": 1.0,
            "EUR": bars.rates["EUR/USD"][row],
            "JPY": 1.0 / bars.rates["USD/JPY"][row],
        }
        line = [round(rate[i.currency] * i.multiplier * 1e12) for i in bars.instruments]
        rows.append(tuple(Fraction(factor, 10**12) for factor in line))
    return tuple(rows)


LOT = st.shared(st.sampled_from([1.0, 0.001]), key="lot")
TICK = st.shared(st.sampled_from([0.01, 0.01, 0.25]), key="tick")


@st.composite
def order_tables(draw: st.DrawFn, bars: Bars) -> list[dict[str, object]]:
    level = st.integers(8_000, 12_500).map(lambda cents: cents / 100)
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(KINDS))
        is_plain = kind in ("market", "limit")
        tifs = ("GTC", "DAY", "IOC", "FOK", "GTD") + (("OPG", "CLS") if is_plain else ())
        rows.append(
            {
                "bar": draw(st.integers(0, bars.n_bars - 1)),
                "column": draw(st.integers(0, bars.n_instruments - 1)),
                "side": draw(st.sampled_from([1, -1])),
                "kind": kind,
                "qty": draw(st.integers(1, 150)),
                "tif": draw(st.sampled_from(tifs)),
                "limit": draw(level) if kind in ("limit", "stop_limit") else None,
                "stop": draw(level) if kind in ("stop", "stop_limit") else None,
                "trail": draw(st.integers(50, 900)) / 100 if kind == "trail" else None,
                "trail_fraction": None,
                "oco": draw(st.sampled_from(["", "", "", "x", "y"])),
                "expires": None,
                "after": None,
                "stop_loss": draw(st.one_of(st.none(), level)),
                "take_profit": draw(st.one_of(st.none(), level)),
                "reduce_only": draw(st.booleans()) and draw(st.booleans()),
            }
        )
    rows.sort(key=lambda row: int(str(row["bar"])))
    for at, row in enumerate(rows):
        entries, children = [row["limit"], row["stop"]], (row["stop_loss"], row["take_profit"])
        row["stop_loss"], row["take_profit"] = sensible_children(row["side"], entries, *children)
        if row["tif"] == "GTD":
            row["expires"] = draw(st.integers(0, (bars.n_bars + 1) * 24)) * DAY_NS // 24 + 1
        if row["kind"] == "trail" and draw(st.booleans()):
            row["trail"], row["trail_fraction"] = None, draw(st.integers(5, 90)) / 1000
        if at and draw(st.integers(0, 3)) == 0:
            row["after"] = draw(st.integers(0, at - 1))
    return rows


@st.composite
def fundings(draw: st.DrawFn, bars: Bars) -> dict[str, list[tuple[int, float]]] | None:
    if draw(st.booleans()):
        return None
    hours = st.integers(1, (bars.n_bars + 1) * 24)
    rates = st.sampled_from([0.0001, -0.0003, 0.01, -0.02, 0.00003751])
    times = st.tuples(st.sampled_from(bars.symbols), hours.map(lambda h: h * DAY_NS // 24))
    found = draw(st.dictionaries(times, rates, min_size=1, max_size=20))
    table: dict[str, list[tuple[int, float]]] = {}
    for (symbol, time), rate in found.items():
        table.setdefault(symbol, []).append((time, rate))
    return table


@st.composite
def latencies(draw: st.DrawFn, bars: Bars) -> dict[str, Any]:
    if bars.interval == "1h" and draw(st.booleans()):
        return {"latency_ms": draw(st.sampled_from([0.5, 250.0, 3_600_000.0, 5_400_000.0]))}
    return {"latency_bars": draw(st.sampled_from([0, 0, 1, 2]))}


@st.composite
def cases(draw: st.DrawFn) -> tuple[Bars, list[dict[str, object]], Costs, FillRules]:
    bars = draw(markets())
    tiers = draw(st.sampled_from([None, None, [(0, 30, 12), (5_000, 20, 5), (12_000.5, 10, 0)]]))
    costs = Costs(
        fee_bps=0 if tiers else draw(st.sampled_from([0, 10, 37])),
        maker_fee_bps=None if tiers else draw(st.sampled_from([None, 3])),
        fee_tiers=tiers,
        fee_per_share=draw(st.sampled_from([0, 0.005])),
        fee_min=draw(st.sampled_from([0, 1.0])),
        spread_bps=draw(st.sampled_from([0, 7])),
        slippage_bps=draw(st.sampled_from([0, 5])),
        borrow_rate=draw(st.sampled_from([0, 0.5])),
        liquidation_fee_bps=draw(st.sampled_from([0, 50])),
        funding=draw(fundings(bars)),
        fx_spread_bps=draw(st.sampled_from([0, 30])),
    )
    leverage = draw(st.sampled_from([1, 2]))
    maintain = draw(st.sampled_from([(0.25, 0.30), (0.9, 0.97)]))
    rules = FillRules(
        intrabar=draw(st.sampled_from(["pessimistic", "optimistic"])),
        limit_touch=draw(st.sampled_from(["touch", "through"])),
        max_participation=draw(st.sampled_from([None, 0.1, 0.5])),
        on_insufficient=draw(st.sampled_from(["cut", "reject"])),
        allow_short=draw(st.booleans()),
        max_stale_bars=99,
        **draw(latencies(bars)),
        leverage=leverage,
        margin_check=draw(st.sampled_from(["off", "close", "worst"])),
        maintenance_long=maintain[0] / leverage,
        maintenance_short=maintain[1] / leverage,
    )
    return bars, draw(order_tables(bars)), costs, rules


def expected(bars: Bars, rows: list[dict[str, object]], costs: Costs, rules: FillRules) -> Oracle:
    return run_oracle(*told(bars, rows, costs, rules))


def told(
    bars: Bars, rows: list[dict[str, object]], costs: Costs, rules: FillRules
) -> tuple[dict[str, list[list[float]]], list[int], list[Work], int, Rules]:
    """The same case in the words of the oracle."""

    def scaled(value: object) -> int:
        return 0 if value is None else round(float(str(value)) * 1e8)

    tick = Fraction(str(bars.instruments[0].tick_size))

    def level(value: object, side: int) -> int:
        """Prices off the tick: down where they buy, up where they sell."""
        steps = Fraction(scaled(value), 10**8) / tick
        whole = math.floor(steps) if side > 0 else math.ceil(steps)
        return int(max(whole, 1) * tick * 10**8) if value is not None else 0

    def near(value: object) -> int:
        return (
            int(
                max(math.floor(Fraction(scaled(value), 10**8) / tick + Fraction(1, 2)), 1)
                * tick
                * 10**8
            )
            if value is not None
            else 0
        )

    sides = [int(str(row["side"])) for row in rows]
    works = [
        Work(
            bar=row["bar"],  # type: ignore[arg-type]
            column=row["column"],  # type: ignore[arg-type]
            side=row["side"],  # type: ignore[arg-type]
            kind=str(row["kind"]),
            qty=scaled(row["qty"]),
            tif=str(row["tif"]),
            limit=level(row["limit"], side),
            stop=level(row["stop"], side),
            trail=near(row["trail"]),
            child_stop=level(row["stop_loss"], -side),
            child_target=level(row["take_profit"], -side),
            reduce_only=bool(row["reduce_only"]),
            trail_share=Fraction(scaled(row["trail_fraction"]), 10**8),
            last_row=int(np.sum(bars.ts <= int(str(row["expires"] or 0)))) - 1,
            oco=str(row["oco"]),
        )
        for row, side in zip(rows, sides, strict=True)
    ]
    for work, row in zip(works, rows, strict=True):
        work.after = None if row["after"] is None else works[int(str(row["after"]))]

    def rate(bps: float) -> Fraction:
        return Fraction(round(bps * 1e4), 10**8)

    plain = Rules(
        fee=Fraction(round(costs.fee_bps * 1e4), 10**8),
        maker=None if costs.maker_fee_bps is None else rate(costs.maker_fee_bps),
        tiers=tuple((round(t[0] * 100), rate(t[1]), rate(t[2])) for t in costs.fee_tiers or ()),
        per_share=Fraction(round(costs.fee_per_share * 1e8), 10**8),
        fee_min=round(costs.fee_min * 100),
        half_spread=Fraction(round(costs.spread_bps / 2 * 1e4), 10**8),
        slippage=Fraction(round(costs.slippage_bps * 1e4), 10**8),
        borrow=costs.borrow_rate,
        optimistic=rules.intrabar == "optimistic",
        through=rules.limit_touch == "through",
        participation=rules.max_participation or 0.0,
        reject=rules.on_insufficient == "reject",
        allow_short=rules.allow_short,
        lot=round(bars.instruments[0].lot_size * 1e8),
        tick=int(tick * 10**8),
        funding=tuple(
            sorted(
                (time, bars.symbols.index(symbol), Fraction(str(rate)))
                for symbol, rows in (costs.funding or {}).items()
                for time, rate in rows
            )
        ),
        worth=worths(bars),
        exchange=Fraction(round(costs.fx_spread_bps / 2 * 1e4), 10**8),
        foreign=frozenset(at for at, i in enumerate(bars.instruments) if i.currency != "USD"),
        latency=rules.latency_bars,
        on_its_way_ns=round(rules.latency_ms * 1e6),
        step_ns=HOUR_NS,
        sessions=() if bars.interval == "1d" else tuple(int(t) for t in (bars.ts - 1) // DAY_NS),
        leverage=int(rules.leverage),
        margin=str(rules.margin_check),
        maintain=(rules.maintenance_long, rules.maintenance_short),
        liquidation=rate(costs.liquidation_fee_bps),
    )
    panel = {k: getattr(bars, k).tolist() for k in ("open", "high", "low", "close", "volume")}
    if rules.max_participation and any(not (np.nan_to_num(v) > 0).any() for v in bars.volume.T):
        plain.participation = -1.0
    return panel, bars.ts.tolist(), works, CASH, plain


def run(
    bars: Bars,
    rows: list[dict[str, object]],
    costs: Costs,
    rules: FillRules,
    actions: ActionSchedule | None = None,
) -> Outcome:
    return run_orders(
        bars, orders_of(bars, rows), cash_minor=CASH, costs=costs, rules=rules, actions=actions
    )


def orders_of(bars: Bars, rows: list[dict[str, object]]) -> Orders:
    names = ("bar", "qty", "tif", "limit", "stop", "trail", "stop_loss", "take_profit")
    linked = ("reduce_only", "trail_fraction", "expires", "oco", "after")
    table = {name: [row[name] for row in rows] for name in (*names, *linked)}
    table["symbol"] = [bars.symbols[int(str(row["column"]))] for row in rows]
    table["side"] = [row["side"] for row in rows]
    table["type"] = [NAMES[str(row["kind"])] for row in rows]
    return Orders(table)


FIELDS = ("bar", "instrument", "side", "qty", "px", "notional", "fee", "spread", "slippage")


@settings(max_examples=300, deadline=None)
@given(cases())
def test_kernel_fills_as_the_plain_rules_do(
    case: tuple[Bars, list[dict[str, object]], Costs, FillRules],
) -> None:
    bars, rows, costs, rules = case
    oracle = expected(bars, rows, costs, rules)
    if oracle.rules.participation < 0:
        return  # a column without volume trades without a cap; tests/unit covers it
    outcome = run(bars, rows, costs, rules)
    fills = [tuple(int(fill[name]) for name in FIELDS) for fill in outcome.fills]
    ended = len(outcome.equity)  # a ruined account stops early
    assert fills == [fill for fill in oracle.fills if fill[0] < ended]
    assert outcome.equity.tolist() == oracle.equity[:ended]


@settings(max_examples=150, deadline=None)
@given(cases(), st.sampled_from(["pessimistic", "optimistic", "ohlc"]))
def test_fills_keep_to_the_bar_the_cap_and_the_clock(
    case: tuple[Bars, list[dict[str, object]], Costs, FillRules], intrabar: str
) -> None:
    bars, rows, costs, given_rules = case
    rules = FillRules(
        intrabar=intrabar,
        limit_touch=given_rules.limit_touch,
        max_participation=given_rules.max_participation,
        allow_short=given_rules.allow_short,
        max_stale_bars=99,
    )
    outcome = run(bars, rows, costs, rules)
    used: dict[tuple[int, int], int] = {}
    for fill in outcome.fills:
        row, column = int(fill["bar"]), int(fill["instrument"])
        assert not math.isnan(bars.close[row, column])
        assert (
            round(bars.low[row, column] * 1e8) <= fill["px"] <= round(bars.high[row, column] * 1e8)
        )
        order = outcome.orders[fill["order"]]
        decided = outcome.orders[order["parent"]]["bar"] if order["parent"] >= 0 else order["bar"]
        assert row > decided
        if order["type"] == 1:  # a limit never fills worse than its price, and pays no slippage
            assert fill["side"] * (order["limit_px"] - fill["px"]) >= 0
            assert fill["slippage"] == fill["impact"] == 0
            if bars.instruments[column].currency == "USD":
                assert fill["spread"] == 0
        used[row, column] = used.get((row, column), 0) + int(fill["qty"])
    if rules.max_participation and (np.nan_to_num(bars.volume) > 0).any(axis=0).all():
        for (row, column), qty in used.items():
            assert qty <= rules.max_participation * bars.volume[row, column] * 1e8 + 1


@settings(max_examples=150, deadline=None)
@given(cases())
def test_cash_stays_above_zero_without_margin_when_only_buying_what_is_owned(
    case: tuple[Bars, list[dict[str, object]], Costs, FillRules],
) -> None:
    bars, rows, costs, given_rules = case
    free_of_minimum = Costs(fee_bps=costs.fee_bps, slippage_bps=costs.slippage_bps)
    rules = FillRules(
        intrabar=given_rules.intrabar, on_insufficient="cut", allow_short=False, max_stale_bars=99
    )
    outcome = run(bars, rows, free_of_minimum, rules)
    assert (outcome.cash >= 0).all()
    assert (outcome.short_value == 0).all()


@settings(max_examples=100, deadline=None)
@given(cases())
def test_equity_without_costs_less_components_is_equity(
    case: tuple[Bars, list[dict[str, object]], Costs, FillRules],
) -> None:
    bars, rows, costs, rules = case
    outcome = run(bars, rows, costs, rules)
    cash = outcome.initial_cash
    for fill in outcome.fills:
        cash -= int(fill["side"]) * int(fill["notional"])
        cash -= sum(int(fill[name]) for name in ("fee", "spread", "slippage", "impact"))
    assert cash - int(outcome.financing.sum()) == outcome.cash[-1]
    assert (outcome.cash + outcome.long_value + outcome.short_value == outcome.equity).all()


@pytest.mark.parametrize("participation", [None, 0.5])
def test_oracle_itself_fills_a_hand_worked_gap(participation: float | None) -> None:
    bars = {
        "open": [[10.0], [10.0], [8.0]],
        "high": [[10.0], [11.0], [8.5]],
        "low": [[10.0], [9.9], [7.5]],
        "close": [[10.0], [10.5], [8.2]],
        "volume": [[1e6]] * 3,
    }
    work = Work(0, 0, 1, "market", 10 * 10**8, child_stop=9 * 10**8)
    oracle = run_oracle(bars, [1, 2, 3], [work], 100_000, Rules(participation=participation or 0.0))
    assert [(f[0], f[2], f[4]) for f in oracle.fills] == [(1, 1, 10 * 10**8), (2, -1, 8 * 10**8)]
    assert oracle.equity == [100_000, 100_500, 98_000]
