"""Stacks of methods: shares by unseen rows, weights within the constraints."""

from __future__ import annotations

import numpy as np
import pytest
from optimiser_markets import factor_market

from tradewright.domain.errors import ConfigError, DataError
from tradewright.portfolio.constraints import OptimizationConstraints
from tradewright.portfolio.covariance import EstimationSettings
from tradewright.portfolio.optimisation import MethodInputs, OptimizationMethod, PortfolioOptimizer
from tradewright.portfolio.optimisation.stacking import method_shares

NAMES = tuple(f"S{i}" for i in range(6))
GOOD, BAD = OptimizationMethod.MINIMUM_VARIANCE, OptimizationMethod.EQUAL_WEIGHT


def test_method_that_earns_on_unseen_rows_gets_the_share():
    rng = np.random.default_rng(0)
    returns = np.column_stack([rng.normal(0.002, 0.01, 250), rng.normal(-0.002, 0.01, 250)])
    asked = []

    def fit(method, rows):
        asked.append(len(rows))
        return np.array([1.0, 0.0]) if method is GOOD else np.array([0.0, 1.0])

    shares, notes = method_shares(returns, [GOOD, BAD], fit)
    assert shares == pytest.approx([1.0, 0.0])
    assert "minimum_variance 100%" in notes[0]
    # Five blocks of 50 rows, with five more rows left out on either inner side.
    assert asked == [195, 195, 190, 190, 190, 190, 190, 190, 195, 195]


def test_rows_of_a_block_never_reach_the_fit_that_is_judged_on_it():
    returns = np.arange(100.0)[:, None] * np.ones((1, 2)) / 1e4
    judged = []

    def fit(method, rows):
        judged.append(set(rows[:, 0].tolist()))
        return np.array([0.5, 0.5])

    method_shares(returns, [GOOD, BAD], fit, folds=4)
    for number, seen in enumerate(judged[::2]):
        block = {float(v) / 1e4 for v in range(number * 25, number * 25 + 25)}
        assert not seen & block


def test_no_method_with_a_gain_gives_equal_shares():
    returns = np.random.default_rng(1).normal(-0.01, 0.001, (100, 2))
    shares, notes = method_shares(returns, [GOOD, BAD], lambda m, r: np.array([0.5, 0.5]))
    assert shares.tolist() == [0.5, 0.5]
    assert "equal shares" in notes[0]


def test_stack_is_the_mixture_and_obeys_the_constraints():
    pytest.importorskip("clarabel")
    returns = factor_market(6, 5, periods=252)
    optimizer = PortfolioOptimizer(0.0)
    limits = OptimizationConstraints(max_weight=0.4, linear=["S0 + S1 >= 0.1"])
    inputs = MethodInputs(symbols=NAMES)
    methods = ["minimum_variance", "risk_parity", "maximum_sharpe"]
    result = optimizer.stack_returns(returns, methods, limits, inputs=inputs)
    assert result.success
    assert result.optimization_method == "stacked"
    weights = np.array([result.weights[name] for name in NAMES])
    assert weights.sum() == pytest.approx(1.0)
    assert weights.max() <= 0.4 + 1e-6
    assert weights[0] + weights[1] >= 0.1 - 1e-6
    single = []
    for method in methods:
        found = optimizer.optimize_returns(
            returns,
            method,
            limits,
            estimation=EstimationSettings(window=252, min_observations=20),
            inputs=inputs,
        )
        single.append([found.weights[name] for name in NAMES])
    # The weights are a convex mixture of those of the methods.
    shares, *_ = np.linalg.lstsq(np.array(single).T, weights, rcond=None)
    assert np.array(single).T @ shares == pytest.approx(weights, abs=1e-6)
    assert shares.min() > -1e-4


def test_wrong_stack_is_refused():
    returns = factor_market(6, 5, periods=252)
    optimizer = PortfolioOptimizer(0.0)
    with pytest.raises(ConfigError, match="two or more"):
        optimizer.stack_returns(returns, ["risk_parity"])
    with pytest.raises(ConfigError, match="folds"):
        optimizer.stack_returns(returns, ["risk_parity", "equal_weight"], folds=1)
    with pytest.raises(DataError, match="too few"):
        optimizer.stack_returns(returns, ["risk_parity", "equal_weight"], folds=40)
