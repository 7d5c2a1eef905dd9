"""Each step of the ladder is reached by an example, and says what cannot be met."""

from __future__ import annotations

import numpy as np
import pytest
from optimiser_markets import moments

from tradewright.portfolio.constraints import OptimizationConstraints
from tradewright.portfolio.optimisation import MethodInputs, PortfolioOptimizer, SolverError
from tradewright.portfolio.optimisation.ladder import answer
from tradewright.portfolio.optimisation.problem import build_problem
from tradewright.portfolio.optimisation.programmes import minimum_variance

pytest.importorskip("clarabel")
MEAN, COVARIANCE = moments(6, 31)
NAMES = tuple(f"S{i}" for i in range(6))
EQUAL = dict.fromkeys(NAMES, 1.0 / 6)
SECTORS = {name: "Tech" if i < 3 else "Bank" for i, name in enumerate(NAMES)}


def solve(current=None, **limits):
    return PortfolioOptimizer(0.0).optimize_portfolio(
        MEAN,
        COVARIANCE,
        "minimum_variance",
        OptimizationConstraints(**limits),
        current,
        inputs=MethodInputs(symbols=NAMES),
    )


def vector(result):
    return np.array([result.weights[name] for name in NAMES])


def test_turnover_is_dropped_first():
    current = {"S0": 1.0}
    result = solve(current, max_turnover=0.1, max_weight=0.5, sectors=SECTORS, sector_max=0.6)
    assert result.fallback_used == "dropped max_turnover"
    assert not result.success
    assert "max_turnover 0.1" in result.message
    assert "cannot be met together" in result.message
    assert vector(result).max() <= 0.5 + 1e-6
    assert vector(result)[:3].sum() <= 0.6 + 1e-6


def test_tracking_error_is_dropped_next():
    result = solve(
        max_weight=0.3, benchmark_weights={"S0": 1.0}, max_tracking_error=0.001, linear=["S1 <= 1"]
    )
    assert result.fallback_used == "dropped max_tracking_error"
    assert "max_tracking_error 0.001" in result.message


def test_sectors_are_dropped_last():
    result = solve(
        EQUAL,
        max_turnover=0.4,
        benchmark_weights=EQUAL,
        max_tracking_error=0.5,
        sectors=SECTORS,
        sector_max={"Tech": 0.3, "Bank": 0.3},
    )
    assert result.fallback_used == "dropped sectors"
    assert "sector_max Bank 0.3" in result.message
    assert "sector_max Tech 0.3" in result.message
    assert "max_turnover 0.4" not in result.message


def problem(current=None, **limits):
    held = None if current is None else np.array([current.get(n, 0.0) for n in NAMES])
    return build_problem(MEAN, COVARIANCE, NAMES, OptimizationConstraints(**limits), current=held)


def fails(times):
    left = [times]

    def method(given):
        if left[0]:
            left[0] -= 1
            raise SolverError("the solver gave up")
        return minimum_variance(given)

    return method


def test_stronger_shrinkage_answers_where_the_solver_fails():
    found = answer(problem(), fails(1))
    assert found.fallback == "stronger shrinkage"
    assert found.success
    assert "the solver gave up" in found.notes[0]
    spread = 0.5 * COVARIANCE + 0.5 * np.diag(np.diag(COVARIANCE))
    shrunk = build_problem(MEAN, spread, NAMES, OptimizationConstraints())
    assert found.found.weights == pytest.approx(minimum_variance(shrunk).weights, abs=1e-7)


def test_previous_weights_stay_where_they_satisfy_the_hard_limits():
    current = {"S0": 0.5, "S1": 0.5}
    found = answer(problem(current, max_weight=0.5), fails(99))
    assert found.fallback == "previous weights"
    assert found.found.weights[:2] == pytest.approx([0.5, 0.5])
    assert not found.success


def test_inverse_volatility_answers_where_the_previous_weights_break_a_limit():
    found = answer(problem({"S0": 1.0}, max_weight=0.5), fails(99))
    assert found.fallback == "inverse volatility"
    raw = 1 / np.sqrt(np.diag(COVARIANCE))
    assert found.found.weights == pytest.approx(raw / raw.sum())


def test_cash_is_the_last_step():
    result = solve(EQUAL, linear=["S0 + S1 >= 0.6", "S0 + S1 <= 0.4"])
    assert result.fallback_used == "cash"
    assert set(result.weights.values()) == {0.0}
    assert result.cash == 1.0
    assert "'S0 + S1 >= 0.6' and linear 'S0 + S1 <= 0.4' cannot be met together" in result.message
    for step in ("shrunk", "previous weights", "inverse volatility", "cash"):
        assert step in result.message


def test_count_that_cannot_be_met_keeps_the_previous_weights():
    # The three largest hold no bank, but the previous weights do.
    limits = {"max_positions": 1, "linear": ["S5 >= 1.0"], "max_weight": 1.0}
    result = solve({"S5": 1.0}, **limits)
    assert result.weights["S5"] == pytest.approx(1.0)


def test_conflict_names_only_what_conflicts():
    result = solve(
        max_weight=0.9,
        max_volatility=2.0,
        max_gross=0.8,
        sectors=SECTORS,
        sector_max=0.9,
    )
    assert result.fallback_used == "cash"
    named = result.message.split(" cannot be met")[0]
    assert "max_gross 0.8" in named
    assert "min_net 1" in named
    for other in ("max_volatility", "sector_max", "max_weight"):
        assert other not in named


@pytest.mark.parametrize("method", ["risk_parity", "hierarchical_risk_parity"])
def test_instrument_without_variance_is_named_and_the_ladder_answers(method):
    covariance = COVARIANCE.copy()
    covariance[2, :] = covariance[:, 2] = 0.0
    result = PortfolioOptimizer(0.0).optimize_portfolio(
        MEAN, covariance, method, inputs=MethodInputs(symbols=NAMES)
    )
    assert not result.success
    assert "positive variances; column 2 has 0" in result.message
    assert result.fallback_used == "inverse volatility"
    assert result.weights["S2"] == 0.0
    assert sum(result.weights.values()) == pytest.approx(1.0)


def test_risk_parity_of_more_instruments_than_returns_is_answered():
    returns = np.random.default_rng(0).normal(3e-4, 0.01, (30, 60))
    result = PortfolioOptimizer(0.0).optimize_portfolio(
        returns.mean(axis=0) * 252, np.cov(returns.T) * 252, "risk_parity"
    )
    assert result.fallback_used == "stronger shrinkage"
    assert sum(result.weights.values()) == pytest.approx(1.0)
    assert min(result.weights.values()) > 0.0
