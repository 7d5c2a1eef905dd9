"""The best set of positions against all of them, and what is done without a solver for it."""

from itertools import combinations

import numpy as np
import pytest
from optimiser_markets import factor_market, moments

from tradewright.portfolio.constraints import OptimizationConstraints
from tradewright.portfolio.optimisation import MethodInputs, PortfolioOptimizer
from tradewright.portfolio.solvers import mixed_integer, nonnegative_quadratic

pytest.importorskip("clarabel")
pytest.importorskip("cvxpy")
MEAN, COVARIANCE = moments(7, 71)
RETURNS = factor_market(7, 71, periods=120)


def solve(method, **limits):
    return PortfolioOptimizer(0.0).optimize_portfolio(
        MEAN,
        COVARIANCE,
        method,
        OptimizationConstraints(**limits),
        inputs=MethodInputs(returns=RETURNS),
    )


def shortfall(weights):
    return -np.sort(RETURNS @ weights)[:6].mean()  # 5 % of 120


def test_shortfall_with_two_positions_is_the_best_of_all_pairs():
    result = solve("minimum_cvar", max_positions=2)
    assert result.solver == "mixed_integer"
    assert "best set" in result.message
    ours = shortfall(np.array(list(result.weights.values())))
    best = np.inf
    for pair in combinations(range(7), 2):
        limits = {f"A{i}": 0.0 for i in range(7) if i not in pair}
        found = solve("minimum_cvar", max_weights=limits)
        best = min(best, shortfall(np.array(list(found.weights.values()))))
    assert ours == pytest.approx(best, abs=1e-9)


def test_variance_with_three_positions_is_the_best_of_all_triples():
    pytest.importorskip("pyscipopt")
    result = solve("minimum_variance", max_positions=3)
    assert result.solver == "mixed_integer"
    best = np.inf
    for chosen in combinations(range(7), 3):
        block = COVARIANCE[np.ix_(chosen, chosen)]
        x, _ = nonnegative_quadratic(block, np.ones(3))
        w = x / x.sum()
        best = min(best, float(w @ block @ w))
    assert result.expected_volatility**2 == pytest.approx(best, abs=1e-8)


def test_without_a_solver_the_result_says_that_the_set_is_not_proven(monkeypatch):
    monkeypatch.setattr(mixed_integer, "installed", lambda *, quadratic: None)
    result = solve("minimum_cvar", max_positions=2)
    assert result.success
    assert result.solver == "highs"
    assert "not proven to be the best set" in result.message
    assert sum(w > 1e-6 for w in result.weights.values()) == 2


def test_risk_parity_among_few_spreads_risk_among_them():
    result = solve("risk_parity", max_positions=3)
    held = {name: w for name, w in result.weights.items() if w > 1e-6}
    assert len(held) == 3
    for name in held:
        assert result.risk_contributions[name] == pytest.approx(1 / 3, abs=1e-6)
