"""The tests of luck over all sets of a sweep see exactly what each set earned."""

from __future__ import annotations

import numpy as np
import pytest

import tradewright as tw
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Signals
from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import Instrument
from tradewright.metrics.benchmark import buy_and_hold
from tradewright.metrics.returns import returns_of
from tradewright.metrics.trials.overfitting import backtest_overfitting
from tradewright.services.sweep import Sweep, sweep
from tradewright.services.sweeping import tester, units
from tradewright.strategies import create_strategy


@pytest.fixture(scope="module")
def bars() -> Bars:
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(2e-4, 0.02, (600, 2)), axis=0))
    first = np.vstack([close[:1], close[:-1]])
    high, low = np.maximum(first, close) * 1.01, np.minimum(first, close) * 0.99
    ts = np.arange(1, 601) * 86_400 * 10**9
    names = (Instrument("A"), Instrument("B"))
    return Bars(names, ts, first, high, low, close, np.full_like(close, 1e6))


def coin(bars: Bars, seed: int, sight: float = 0.0) -> Signals:
    """Enter and leave at random; with sight, more often before a rise."""
    rng = np.random.default_rng(seed)
    ahead = np.zeros_like(bars.close)
    ahead[:-2] = bars.close[2:] / bars.open[1:-1] - 1.0
    flag = rng.random(bars.close.shape) + sight * np.sign(ahead) > 0.5
    return Signals(flag, ~flag, size=0.4)


def test_returns_of_array_sets_are_those_of_their_runs(bars: Bars) -> None:
    found = sweep(lambda seed: coin(bars, seed), bars, {"seed": [4, 5, 6]})
    for column, seed in enumerate((4, 5, 6)):
        run = tw.backtest(coin(bars, seed), bars)
        np.testing.assert_array_equal(found.returns[:, column], run.timeline.returns)
    total = np.prod(1 + found.returns, axis=0) - 1
    np.testing.assert_allclose(total, found.table["total_return"].to_numpy(), rtol=1e-9)


def test_returns_of_strategy_sets_are_kept_from_their_runs(
    bars: Bars, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = sweep(
        lambda fast: create_strategy("sma_cross", fast=fast, slow=50), bars, {"fast": [10, 20]}
    )
    run = tw.backtest(create_strategy("sma_cross", fast=20, slow=50), bars)
    monkeypatch.setattr(units, "session_levels", None)  # nothing is run again
    np.testing.assert_array_equal(found.returns[:, 1], run.timeline.returns)


def test_overfitting_of_a_sweep_is_that_of_its_returns(bars: Bars) -> None:
    found = sweep(lambda seed: coin(bars, seed), bars, {"seed": list(range(12))})
    told = found.overfitting()
    assert told == backtest_overfitting(found.returns, risk_free_per_period=0.02 / 252)
    assert told is not None
    assert told.n_splits == 12_870
    assert told.probability > 0.1


def test_a_set_that_sees_ahead_is_superior_and_not_overfitted(bars: Bars) -> None:
    sights = {"sight": [0.0, 0.0, 0.0, 0.3]}
    found = sweep(lambda sight: coin(bars, int(sight * 10), sight), bars, sights, costs=None)
    tests, told = found.superiority(), found.overfitting()
    assert tests is not None
    assert told is not None
    assert (tests.best, tests.superior) == (3, (3,))
    assert tests.spa < 0.01
    assert told.probability < 0.05
    held = returns_of(buy_and_hold(bars.close))
    np.testing.assert_array_equal(found._tester.held_returns, held)


def test_the_chosen_set_is_judged_with_all_trials(bars: Bars) -> None:
    found = sweep(lambda seed: coin(bars, seed), bars, {"seed": list(range(12))})
    run = found.run()
    alone = tw.backtest(coin(bars, found.best["seed"]), bars)
    assert run.digest == alone.digest
    assert run.n_trials == 12
    assert run.statistics["overfitting"] == found.overfitting().probability
    assert run.statistics["deflated_sharpe"] < alone.statistics["deflated_sharpe"]
    assert found.run(seed=3).digest == tw.backtest(coin(bars, 3), bars).digest


def test_one_set_has_nothing_to_overfit(bars: Bars) -> None:
    assert sweep(lambda seed: coin(bars, seed), bars, {"seed": [1]}).overfitting() is None


def test_too_many_returns_are_refused_before_memory_is_taken(
    bars: Bars, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = sweep(lambda seed: coin(bars, seed), bars, {"seed": [1, 2]})
    monkeypatch.setattr(tester, "MOST_CELLS", 1000)
    with pytest.raises(ConfigError, match="2 sets over 600 sessions"):
        _ = found.returns


def test_a_sweep_without_its_sets_says_so(bars: Bars) -> None:
    found = sweep(lambda seed: coin(bars, seed), bars, {"seed": [1, 2]})
    with pytest.raises(ConfigError, match="the returns of its sets are gone"):
        _ = Sweep(found.table, found.parameters, found.trials).returns
