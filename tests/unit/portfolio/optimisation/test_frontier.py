"""The frontier rises, bends down, and ends where its two methods do."""

from __future__ import annotations

import numpy as np
import pytest
from optimiser_markets import moments

from tradewright.domain.errors import ConfigError
from tradewright.portfolio.constraints import OptimizationConstraints
from tradewright.portfolio.optimisation import MethodInputs, PortfolioOptimizer

pytest.importorskip("clarabel")
MEAN, COVARIANCE = moments(9, 51)
NAMES = [f"S{i}" for i in range(9)]
LIMITS = OptimizationConstraints(max_weight=0.4, linear=["S0 + S1 >= 0.1"])
OPTIMIZER = PortfolioOptimizer(0.02)


def frontier(limits=LIMITS, **more):
    return OPTIMIZER.efficient_frontier(MEAN, COVARIANCE, limits, symbols=NAMES, **more)


def test_fifty_points_rise_and_bend_down():
    found = frontier()
    assert len(found.points) == 50
    returns = np.array([p.expected_return for p in found.points])
    risk = np.array([p.volatility for p in found.points])
    assert (np.diff(returns) > -1e-9).all()
    assert (np.diff(risk) > -1e-7).all()
    slopes = np.diff(returns) / np.maximum(np.diff(risk), 1e-12)
    assert (np.diff(slopes[:-1]) < 1e-3 * slopes[0]).all()
    for point in found.points:
        weights = np.array(list(point.weights.values()))
        assert weights.sum() == pytest.approx(1.0, abs=1e-6)
        assert weights.max() <= 0.4 + 1e-6
        assert weights[0] + weights[1] >= 0.1 - 1e-6


def test_ends_are_minimum_variance_and_maximum_return():
    found = frontier()
    inputs = MethodInputs(symbols=NAMES)
    calm = OPTIMIZER.optimize_portfolio(MEAN, COVARIANCE, "minimum_variance", LIMITS, inputs=inputs)
    assert found.points[0].weights == pytest.approx(dict(calm.weights), abs=1e-6)
    bold = OPTIMIZER.optimize_portfolio(
        MEAN,
        COVARIANCE,
        "mean_variance",
        LIMITS,
        inputs=MethodInputs(symbols=NAMES, risk_tolerance=1.0),
    )
    assert found.points[-1].weights == pytest.approx(dict(bold.weights), abs=1e-6)
    assert found.points[-1].expected_return == pytest.approx(bold.expected_return)


def test_marks_are_the_methods_and_what_is_held():
    found = frontier(current_weights=dict.fromkeys(NAMES, 1 / 9))
    best = OPTIMIZER.optimize_portfolio(
        MEAN, COVARIANCE, "maximum_sharpe", LIMITS, inputs=MethodInputs(symbols=NAMES)
    )
    assert found.marks["maximum_sharpe"].weights == pytest.approx(dict(best.weights), abs=1e-6)
    assert found.marks["current"].volatility == pytest.approx(
        np.sqrt(np.full(9, 1 / 9) @ COVARIANCE @ np.full(9, 1 / 9))
    )
    assert found.assets["S3"].expected_return == pytest.approx(MEAN[3])
    assert set(found.to_mapping()) == {"points", "marks", "assets"}


def test_frontier_of_contradicting_constraints_is_refused():
    with pytest.raises(ConfigError, match="frontier"):
        frontier(OptimizationConstraints(linear=["S0 >= 0.7", "S0 <= 0.2"]))
    with pytest.raises(ConfigError, match="points"):
        frontier(points=1)
