"""Runs of random orders: what must hold whatever was traded."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradewright.adapters.stores.memory_runs import MemoryRunStore
from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import TargetWeights
from tradewright.domain.instruments import Instrument
from tradewright.domain.rules import FillRules
from tradewright.metrics.drawdowns import drawdown_series, drawdown_table
from tradewright.metrics.returns import performance, returns_of
from tradewright.metrics.sessions import monthly_returns, yearly_returns
from tradewright.services.results.documents import plain, write_documents
from tradewright.services.results.stored import load_run
from tradewright.services.runs import Run

SLOW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """Trade random weights on random prices through the engine's own batch drive."""
    from tradewright.simulation import run_weights

    seed = draw(st.integers(0, 2**20))
    n, k = draw(st.integers(30, 120)), draw(st.integers(1, 3))
    rng = np.random.default_rng(seed)
    close = np.round(40 * np.exp(np.cumsum(rng.normal(0, 0.02, (n, k)), axis=0)), 2)
    open_ = np.round(close * (1 + rng.normal(0, 0.005, (n, k))), 2)
    days = np.busday_offset("2019-11-04", np.arange(n), roll="forward")
    bars = Bars(
        tuple(Instrument(f"S{j}") for j in range(k)),
        days.astype("datetime64[ns]").view("i8") + 21 * 3_600_000_000_000,
        open_,
        np.maximum(open_, close),
        np.minimum(open_, close),
        close,
        np.full((n, k), 1e7),
    )
    weights = rng.uniform(-0.4, 0.5, (n, k)) / k
    weights[rng.random((n, k)) < 0.7] = np.nan
    costs = Costs(fee_bps=draw(st.integers(0, 30)), slippage_bps=draw(st.integers(0, 20)))
    outcome = run_weights(
        bars, TargetWeights(weights), cash_minor=10_000_000, costs=costs, rules=FillRules()
    )
    return Run(outcome, bars, created_ns=seed, seed=seed)


@SLOW
@given(runs())
def test_costs_are_the_gap_to_equity_without_them(run: Run) -> None:
    final = {row["multiple"]: row["final_equity"] for row in run.cost_sensitivity}
    assert final[0.0] - final[1.0] == pytest.approx(run.metrics["total_costs"], abs=1e-6)
    assert run.costs["total"].sum() == pytest.approx(run.metrics["total_costs"], abs=1e-6)


@SLOW
@given(runs())
def test_months_and_years_compound_to_the_total(run: Run) -> None:
    ts, levels = run.outcome.ts[run.timeline.rows], run.timeline.levels
    months = math.prod(1 + value for *_, value in monthly_returns(ts, levels))
    years = math.prod(1 + value for _, value in yearly_returns(ts, levels))
    assert months == pytest.approx(1 + run.metrics["total_return"])
    assert years == pytest.approx(1 + run.metrics["total_return"])


@SLOW
@given(runs())
def test_profit_of_trips_less_financing_is_the_change_of_equity(run: Run) -> None:
    change = (int(run.outcome.equity[-1]) - run.outcome.initial_cash) / 100
    financing = run.metrics["financing_costs"]
    slack = 0.01 * (len(run.trips) + len(run.outcome.fills) + 5)
    assert run.trades["pnl"].sum() - financing == pytest.approx(change, abs=slack)


@SLOW
@given(runs())
def test_stored_run_comes_back_equal(run: Run) -> None:
    store = MemoryRunStore()
    store.save(run.summary, write_documents(run))
    back = load_run(store, "latest")
    assert back.digest == run.digest
    assert plain(dict(back.metrics)) == plain(dict(run.metrics))
    assert plain(back.statistics.as_document()) == plain(run.statistics.as_document())
    for name in ("trades", "fills", "orders", "equity", "exposure", "costs", "benchmark"):
        assert getattr(back, name).equals(getattr(run, name)), name


LEVELS = st.lists(st.floats(1.0, 1e4), min_size=2, max_size=60).map(np.array)


@settings(deadline=None)
@given(LEVELS)
def test_drawdown_is_that_of_brute_force(levels: np.ndarray) -> None:
    wanted = min(
        levels[j] / levels[i] - 1 for i in range(len(levels)) for j in range(i, len(levels))
    )
    assert drawdown_series(levels).min() == pytest.approx(wanted, abs=1e-12)
    table = drawdown_table(levels)
    assert (table[0].depth if table else 0.0) == pytest.approx(wanted, abs=1e-12)


@settings(deadline=None)
@given(LEVELS, st.sampled_from([52.0, 252.0, 365.0]))
def test_metrics_stay_in_their_ranges(levels: np.ndarray, ppy: float) -> None:
    found = performance(returns_of(levels), periods_per_year=ppy)
    assert found["total_return"] == pytest.approx(levels[-1] / levels[0] - 1, rel=1e-6, abs=1e-7)
    assert found["annual_return"] >= -1
    assert found["cvar_95"] >= found["var_95"] - 1e-12
    assert 0 <= found["positive_sessions"] <= 1
    assert not found["annual_volatility"] < 0


@settings(deadline=None)
@given(LEVELS, st.floats(0.001, 1000.0))
def test_metrics_do_not_depend_on_the_unit_of_money(levels: np.ndarray, factor: float) -> None:
    one = performance(returns_of(levels), periods_per_year=252)
    two = performance(returns_of(levels * factor), periods_per_year=252)
    for name in ("total_return", "var_95", "best_session"):
        assert one[name] == pytest.approx(two[name], rel=1e-6, abs=1e-7)
