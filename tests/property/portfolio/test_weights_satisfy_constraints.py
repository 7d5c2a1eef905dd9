"""Random problems: no returned weight violates any constraint by more than 1e-6."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tradewright.domain.errors import ConfigError
from tradewright.portfolio.constraints import OptimizationConstraints
from tradewright.portfolio.optimisation import MethodInputs, OptimizationMethod, PortfolioOptimizer

pytest.importorskip("clarabel")
METHODS = [m.value for m in OptimizationMethod]
SLACK = 1e-6


@st.composite
def problems(draw):
    n = draw(st.integers(2, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    scale = draw(st.sampled_from([1.0, 1 / 252]))
    returns = rng.normal(3e-4, 0.01, (260, n)) @ (np.eye(n) + rng.normal(0, 0.3, (n, n)))
    names = tuple(f"S{i}" for i in range(n))
    limits = {}
    short = draw(st.booleans())
    limits["min_weight"] = draw(st.sampled_from([-1.0, -0.3] if short else [0.0, 0.0, 0.02]))
    limits["max_weight"] = draw(st.sampled_from([1.0, 0.8, max(0.4, 1.5 / n)]))
    current = None
    if draw(st.booleans()):
        current = dict(zip(names, rng.dirichlet(np.ones(n)).tolist(), strict=True))
        if draw(st.booleans()):
            limits["max_turnover"] = draw(st.floats(0.02, 0.8))
        limits["transaction_cost"] = draw(st.sampled_from([0.0, 0.001, 0.05]))
    if draw(st.booleans()):
        sectors = {name: f"G{i % 3}" for i, name in enumerate(names)}
        limits |= {"sectors": sectors, "sector_max": {"G0": draw(st.floats(0.3, 0.9))}}
    if draw(st.booleans()):
        limits["max_volatility"] = draw(st.floats(0.1, 0.6)) * np.sqrt(scale)
    if draw(st.booleans()):
        limits["linear"] = [f"S0 - 0.5*S1 <= {draw(st.floats(0.0, 0.5)):.3f}"]
    if draw(st.booleans()):
        limits |= {
            "benchmark_weights": dict.fromkeys(names, 1 / n),
            "max_tracking_error": draw(st.floats(0.02, 0.3)) * np.sqrt(scale),
        }
    if short:
        limits["max_gross"] = draw(st.floats(1.1, 2.5))
    if draw(st.booleans()):
        limits["max_positions"] = draw(st.integers(1, n))
    mean, covariance = returns.mean(axis=0) * 252 * scale, np.cov(returns.T) * 252 * scale
    return names, mean, covariance, returns, limits, current


def independent_violation(w, limits, names, covariance, current, soft):
    """The largest violation, written without the product's checks."""
    missed = [
        abs(w.sum() - 1.0),
        (limits["min_weight"] - w).max(),
        (w - limits["max_weight"]).max(),
    ]
    if "linear" in limits:
        bound = float(limits["linear"][0].split("<=")[1])
        missed.append(w[0] - 0.5 * w[1] - bound)
    if "max_volatility" in limits:
        missed.append(np.sqrt(w @ covariance @ w) - limits["max_volatility"])
    if "max_gross" in limits:
        missed.append(np.abs(w).sum() - limits["max_gross"])
    if "max_positions" in limits:
        missed.append(float((np.abs(w) > 1e-6).sum() > limits["max_positions"]))
    if soft:
        if "max_turnover" in limits:
            held = np.array([current[name] for name in names])
            missed.append(0.5 * np.abs(w - held).sum() - limits["max_turnover"])
        if "max_tracking_error" in limits:
            off = w - 1 / len(w)
            missed.append(np.sqrt(off @ covariance @ off) - limits["max_tracking_error"])
        if "sectors" in limits:
            total = sum(w[i] for i, name in enumerate(names) if limits["sectors"][name] == "G0")
            missed.append(total - limits["sector_max"]["G0"])
    return max(missed)


@given(problem=problems(), method=st.sampled_from(METHODS))
@settings(max_examples=150, deadline=None)
def test_no_weight_violates_any_constraint(problem, method):
    names, mean, covariance, returns, limits, current = problem
    optimizer = PortfolioOptimizer(0.0)
    try:
        result = optimizer.optimize_portfolio(
            mean,
            covariance,
            method,
            OptimizationConstraints(**limits),
            current,
            inputs=MethodInputs(symbols=names, returns=returns),
        )
    except ConfigError as error:
        if "contradict" not in str(error):
            raise
        return
    assume(result.fallback_used != "cash")
    weights = np.array([result.weights[name] for name in names])
    soft = not (result.fallback_used or "").startswith("dropped") and result.fallback_used not in {
        "previous weights",
        "inverse volatility",
    }
    if result.fallback_used == "stronger shrinkage":
        soft = result.success
    missed = independent_violation(weights, limits, names, covariance, current, soft)
    assert missed <= SLACK, (result.message, missed)
    if result.success:
        assert soft
