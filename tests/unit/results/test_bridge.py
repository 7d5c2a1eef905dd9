"""From gross to net: the identity holds to the minor unit, for the run, instruments and windows."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tradewright as tw
from tradewright.metrics import glossary
from tradewright.services.results.costing.bridge import (
    FINANCING,
    Bridge,
    instrument_bridges,
    summed,
    whole_bridge,
    window_bridges,
)
from tradewright.services.runs import Run, RunExtras, Window

PARTS = ("gross", "spread", "slippage", "impact", "fee", "financing", "net", "notional", "fills")


def figures(bridge: Bridge) -> dict[str, int]:
    return {name: getattr(bridge, name) for name in PARTS}


@pytest.fixture(scope="module")
def bars() -> tw.Bars:
    return tw.sample_bars(["AAPL", "KO", "XOM"], start="2014-01-01", end="2016-01-01")


def a_run(bars: tw.Bars, seed: int, **costs: float) -> Run:
    rng = np.random.default_rng(seed)
    shape = bars.close.shape
    wanted = np.where(rng.random(shape) < 0.1, rng.uniform(-0.2, 0.32, shape), np.nan)
    return tw.backtest(tw.TargetWeights(wanted), bars, costs=tw.Costs(**costs))


def windows_of(run: Run, edges: list[int]) -> tuple[Window, ...]:
    ts = run.outcome.ts
    return tuple(
        Window(number + 1, 0, 0, int(ts[first]), int(ts[last - 1]))
        for number, (first, last) in enumerate(pairwise(edges))
    )


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    fee=st.floats(0, 40),
    spread=st.floats(0, 30),
    slippage=st.floats(0, 30),
    impact=st.sampled_from([0.5, 1.0]),
    borrow=st.floats(0, 0.2),
)
def test_every_table_adds_up_to_the_change_of_equity(
    bars: tw.Bars, seed: int, fee: float, spread: float, slippage: float, impact: float,
    borrow: float,
) -> None:  # fmt: skip
    run = a_run(
        bars, seed, fee_bps=fee, spread_bps=spread, slippage_bps=slippage, impact=impact,
        borrow_rate=borrow, debit_rate=0.03,
    )  # fmt: skip
    run.learn(RunExtras(windows=windows_of(run, [150, 250, 390, run.bars.n_bars])))
    run.__dict__.pop("timeline", None)
    whole = whole_bridge(run)
    equity = run.outcome.equity
    assert whole.net == int(equity[-1]) - int(equity[150])
    assert whole.gross - whole.trading - whole.financing == whole.net
    assert figures(summed("", instrument_bridges(run))) == figures(whole)
    assert figures(summed("", window_bridges(run))) == figures(whole)
    # No dividends and no currency here: prices and costs alone explain everything.
    assert {row.label for row in instrument_bridges(run)} <= {*bars.symbols, FINANCING}


def test_gross_of_an_instrument_is_its_cash_and_its_value_at_raw_prices(bars: tw.Bars) -> None:
    run = a_run(bars, 4, fee_bps=10, slippage_bps=5)
    for row in instrument_bridges(run):
        fills = run.fills.filter(run.fills["symbol"] == row.label).to_dicts()
        sign = {"buy": 1, "sell": -1}
        held = sum(sign[fill["side"]] * Fraction(str(fill["quantity"])) for fill in fills)
        paid = sum(sign[fill["side"]] * Fraction(str(fill["notional"])) for fill in fills)
        close = Fraction(str(round(float(bars.close[-1, bars.column(row.label)]), 8)))
        assert abs(held * close - paid - Fraction(row.gross, 100)) <= Fraction(1, 100)


def test_two_fills_by_hand(bars: tw.Bars) -> None:
    one = bars.select(["KO"])
    orders = {"bar": [10, 20], "symbol": ["KO", "KO"], "side": ["BUY", "SELL"], "qty": [100, 100]}
    run = tw.backtest(tw.Orders(orders), one, costs=tw.Costs(fee_bps=10, slippage_bps=5))
    bought, sold = float(one.open[11, 0]), float(one.open[21, 0])
    whole = whole_bridge(run)
    assert whole.gross == round(10_000 * sold) - round(10_000 * bought)
    assert whole.fee == round(10 * bought) + round(10 * sold)
    assert whole.notional == round(10_000 * sold) + round(10_000 * bought)
    spent = whole.fee + whole.slippage
    assert (whole.trading, whole.net) == (spent, whole.gross - spent)
    assert whole.break_even_bps == pytest.approx(1e4 * whole.gross / whole.notional)
    assert run.metrics["break_even_bps"] == pytest.approx(whole.break_even_bps)
    assert run.metrics["gross_profit"] == pytest.approx(whole.gross / 100)
    assert run.metrics["net_profit"] == pytest.approx(whole.net / 100)


def test_contracts_with_multipliers_add_up_too(bars: tw.Bars) -> None:
    big = replace(
        bars,
        instruments=tuple(
            replace(i, multiplier=m)
            for i, m in zip(bars.instruments, (50.0, 0.1, 1.0), strict=True)
        ),
    )
    sides = ["BUY", "BUY", "SELL"]
    symbols = ["AAPL", "KO", "AAPL"]
    orders = {"bar": [10, 20, 100], "symbol": symbols, "side": sides, "qty": [10, 300, 4]}
    run = tw.backtest(tw.Orders(orders), big, costs=tw.Costs(fee_bps=3), cash=1e6)
    run.learn(RunExtras(windows=windows_of(run, [50, bars.n_bars])))
    run.__dict__.pop("timeline", None)
    assert figures(summed("", instrument_bridges(run))) == figures(whole_bridge(run))
    assert {row.label for row in instrument_bridges(run)} == {"AAPL", "KO"}


def test_at_the_break_even_cost_nothing_is_left(bars: tw.Bars) -> None:
    # The same orders, charged the break-even of a free run and nothing else.
    rows = {"bar": [5, 90, 200, 260], "symbol": ["KO", "AAPL", "KO", "AAPL"],
            "side": ["BUY", "BUY", "SELL", "SELL"], "qty": [400, 100, 400, 100]}  # fmt: skip
    free = whole_bridge(tw.backtest(tw.Orders(rows), bars, costs=None))
    assert free.gross > 0
    assert free.gross == free.net
    charged = tw.backtest(tw.Orders(rows), bars, costs=tw.Costs(fee_bps=free.break_even_bps))
    assert abs(whole_bridge(charged).net) <= 4  # each fee is rounded once


def test_windows_that_share_days_count_each_day_once(bars: tw.Bars) -> None:
    run = a_run(bars, 5, fee_bps=10, slippage_bps=5)
    ts = run.outcome.ts
    spans = [(150, 300), (250, 400), (350, len(ts))]
    windows = tuple(
        Window(n + 1, 0, 0, int(ts[a]), int(ts[b - 1])) for n, (a, b) in enumerate(spans)
    )
    run.learn(RunExtras(windows=windows))
    run.__dict__.pop("timeline", None)
    assert figures(summed("", window_bridges(run))) == figures(whole_bridge(run))
    frame = run.window_costs
    assert frame["window"].to_list() == ["1", "2", "3"]
    assert frame["net"].sum() == pytest.approx(run.metrics["net_profit"], abs=0.005)


def test_tables_and_figures_say_the_same(bars: tw.Bars) -> None:
    run = a_run(bars, 9, fee_bps=10, slippage_bps=5, borrow_rate=0.05)
    frame = run.costs
    assert frame["net"].sum() == pytest.approx(run.metrics["net_profit"], abs=0.005)
    assert frame["total"].sum() == pytest.approx(run.metrics["total_costs"], abs=0.005)
    assert (frame["gross"] - frame["total"] - frame["net"]).abs().max() < 1e-6
    assert {"gross_profit", "net_profit", "break_even_bps"} <= set(glossary.BY_NAME)


def test_nothing_traded_has_no_break_even(bars: tw.Bars) -> None:
    idle = tw.backtest(tw.TargetWeights(np.full(bars.close.shape, np.nan)), bars)
    assert figures(whole_bridge(idle)) == dict.fromkeys(PARTS, 0)
    assert np.isnan(idle.metrics["break_even_bps"])
    assert instrument_bridges(idle) == ()
    assert "Costs and sensitivity" in idle.html()
