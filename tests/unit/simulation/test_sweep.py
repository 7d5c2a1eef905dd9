"""Sweeps against single runs, and the same bytes however many threads do the work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

import tradewright as tw
from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Signals, TargetWeights
from tradewright.domain.errors import ConfigError, StrategyError
from tradewright.domain.instruments import Instrument
from tradewright.domain.outcome import Outcome
from tradewright.metrics.drawdowns import path_risk
from tradewright.metrics.returns import returns_of, sharpe
from tradewright.services.sweep import sweep
from tradewright.simulation import run_signals, run_weights, sweep_signals


@pytest.fixture(scope="module")
def bars() -> Bars:
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(2e-4, 0.02, (700, 2)), axis=0))
    first = np.vstack([close[:1], close[:-1]])
    high, low = np.maximum(first, close) * 1.01, np.minimum(first, close) * 0.99
    ts = np.arange(1, 701) * 86_400 * 10**9
    names = (Instrument("A"), Instrument("B"))
    return Bars(names, ts, first, high, low, close, np.full_like(close, 1e6))


def average(close: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    out = np.full_like(close, np.nan)
    out[window - 1 :] = np.lib.stride_tricks.sliding_window_view(close, window, axis=0).mean(axis=2)
    return out


def cross(bars: Bars, fast: int, slow: int) -> Signals:
    quick, calm = average(bars.close, fast), average(bars.close, slow)
    up, down = np.zeros((2, *bars.close.shape), dtype=bool)
    up[1:] = (quick[:-1] <= calm[:-1]) & (quick[1:] > calm[1:])
    down[1:] = (quick[:-1] >= calm[:-1]) & (quick[1:] < calm[1:])
    return Signals(up, down, short_entries=down, short_exits=up, size=0.45, stop=0.05)


PAIRS = [(fast, slow) for fast in (3, 5, 8, 13) for slow in (21, 34, 55, 89)]


def test_every_row_of_a_sweep_equals_its_own_run(bars: Bars) -> None:
    found = sweep_signals(
        bars, (cross(bars, *pair) for pair in PAIRS), cash_minor=10**7, costs=Costs.standard()
    )
    for at, pair in enumerate(PAIRS):
        outcome = run_signals(bars, cross(bars, *pair), cash_minor=10**7, costs=Costs.standard())
        returns = returns_of(outcome.equity.astype(float))
        assert found.final_equity[at] == outcome.equity[-1]
        assert found.total_return[at] == outcome.equity[-1] / outcome.equity[0] - 1
        assert found.sharpe[at] == pytest.approx(sharpe(returns, periods_per_year=252), rel=1e-9)
        risk = path_risk(outcome.equity, outcome.long_value, outcome.short_value)
        assert found.max_drawdown[at] == pytest.approx(risk.worst.depth, rel=1e-12)
        assert found.trades[at] == round_trips_ended(outcome)


def round_trips_ended(outcome: Outcome) -> int:
    held = [0] * len(outcome.instruments)
    count = 0
    for fill in outcome.fills:
        before = held[fill["instrument"]]
        after = before + int(fill["side"]) * int(fill["qty"])
        count += before != 0 and (after == 0 or (after > 0) != (before > 0))
        held[fill["instrument"]] = after
    return count


def test_sweeps_do_not_depend_on_the_number_of_threads(bars: Bars) -> None:
    runs = [
        sweep_signals(bars, (cross(bars, *p) for p in PAIRS), cash_minor=10**7, workers=workers)
        for workers in (1, 2, 4)
    ]
    for other in runs[1:]:
        for name in ("total_return", "sharpe", "max_drawdown", "trades", "final_equity"):
            assert getattr(other, name).tobytes() == getattr(runs[0], name).tobytes()


def test_runs_on_many_threads_give_the_same_bytes_as_one(bars: Bars) -> None:
    def digest(pair: tuple[int, int]) -> tuple[bytes, ...]:
        outcome = run_signals(bars, cross(bars, *pair), cash_minor=10**7, costs=Costs(10))
        return outcome.fills.tobytes(), outcome.orders.tobytes(), outcome.equity.tobytes()

    alone = [digest(pair) for pair in PAIRS]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(digest, PAIRS)) == alone


def test_weights_can_be_swept_and_an_account_without_variance_has_no_sharpe(bars: Bars) -> None:
    half = np.full(bars.close.shape, np.nan)
    half[0] = 0.4
    nothing = np.full(bars.close.shape, np.nan)
    found = sweep_signals(bars, [TargetWeights(half), TargetWeights(nothing)], cash_minor=10**7)
    assert (
        found.final_equity[0] == run_weights(bars, TargetWeights(half), cash_minor=10**7).equity[-1]
    )
    assert np.isnan(found.sharpe[1])
    assert found.trades.tolist() == [0, 0]


def test_grid_random_and_searched_sweeps_agree_where_they_meet(bars: Bars) -> None:
    grid = {"fast": [3, 5, 8, 30], "slow": [21, 34]}

    def make(fast: int, slow: int) -> Signals | None:
        return cross(bars, fast, slow) if fast < slow else None

    whole = sweep(make, bars, grid)
    assert whole.trials == 7  # fast 30 over slow 21 is left out
    rows = {(row["fast"], row["slow"]): row for row in whole.table.to_dicts()}
    for search in ("random:5", "optuna:6"):
        part = sweep(make, bars, grid, search=search, seed=4)
        assert 0 < part.trials <= 6
        for row in part.table.to_dicts():
            assert row == rows[row["fast"], row["slow"]]
    assert whole.best["sharpe"] == max(row["sharpe"] for row in rows.values())
    assert whole.heatmap().shape == (2, 5)
    again = sweep(make, bars, grid, search="optuna:6", seed=4)
    assert again.table.equals(sweep(make, bars, grid, search="optuna:6", seed=4).table)


def test_a_strategy_per_set_is_run_by_the_engine(bars: Bars) -> None:
    from tradewright.strategies import create_strategy

    found = sweep(
        lambda fast: create_strategy("sma_cross", fast=fast, slow=50), bars, {"fast": [10, 20]}
    )
    run = tw.backtest(create_strategy("sma_cross", fast=20, slow=50), bars)
    assert found.table["sharpe"][1] == pytest.approx(run.metrics["sharpe"])
    assert found.table["trades"][1] == run.metrics["trades"]


@pytest.mark.parametrize(
    ("grid", "search", "message"),
    [
        ({}, "grid", "no values"),
        ({"fast": []}, "grid", "no values for fast"),
        ({"fast": [3]}, "greedy", "search is 'greedy'"),
        ({"fast": [3]}, "random:0", "wanted a number of trials"),
    ],
)
def test_a_sweep_over_nothing_or_by_an_unknown_search_is_refused(
    bars: Bars, grid: dict[str, list[int]], search: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        sweep(lambda fast: cross(bars, fast, 21), bars, grid, search=search)


def test_a_sweep_that_leaves_everything_out_is_refused(bars: Bars) -> None:
    with pytest.raises(ConfigError, match="None for every set"):
        sweep(lambda fast: None, bars, {"fast": [1, 2]})


def test_make_that_raises_is_named_with_its_parameters(bars: Bars) -> None:
    def make(fast: int) -> Signals:
        return cross(bars, 10 // fast, 30)

    with pytest.raises(StrategyError, match=r"make\(fast=0\) raised ZeroDivisionError"):
        sweep(make, bars, {"fast": [1, 0]})
    with pytest.raises(StrategyError, match=r"make\(slow=5\) raised TypeError"):
        sweep(make, bars, {"slow": [5]})


def test_sweep_of_arrays_takes_its_cash_for_the_returns_too(bars: Bars) -> None:
    found = sweep(lambda fast: cross(bars, fast, 30), bars, {"fast": [5, 8]}, cash=5_000.0)
    grown = np.prod(1 + found.returns, axis=0) - 1
    assert grown == pytest.approx(found.table["total_return"].to_list())
