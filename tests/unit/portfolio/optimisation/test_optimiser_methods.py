"""Each method against its definition or an independent solution."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from optimiser_markets import factor_market, moments

from tradewright.domain.errors import ConfigError, DataError
from tradewright.portfolio.constraints import OptimizationConstraints
from tradewright.portfolio.covariance import EstimationSettings, estimate_moments
from tradewright.portfolio.optimisation import (
    MethodInputs,
    OptimizationMethod,
    PortfolioOptimizer,
    parse_method,
)

cp = pytest.importorskip("cvxpy")
MEAN, COVARIANCE = moments(12, 11)
N = len(MEAN)
NAMES = tuple(f"S{i}" for i in range(N))


def solve(method, constraints=None, current=None, rate=0.02, **inputs):
    optimizer = PortfolioOptimizer(rate)
    return optimizer.optimize_portfolio(
        MEAN, COVARIANCE, method, constraints, current, inputs=MethodInputs(symbols=NAMES, **inputs)
    )


def vector(result):
    return np.array([result.weights[name] for name in NAMES])


def test_wire_names_round_trip_in_both_cases():
    assert len(OptimizationMethod) == 12
    for method in OptimizationMethod:
        assert parse_method(method.value) is method
        assert parse_method(method.value.upper()) is method
        assert method.name == method.value.upper()
    with pytest.raises(ConfigError, match="minimum_variance"):
        parse_method("minimum_varianc")


@pytest.mark.parametrize("method", list(OptimizationMethod))
def test_every_method_answers_with_every_field(method):
    result = solve(method, returns=factor_market(N, 11))
    weights = vector(result)
    assert result.optimization_method == method.value
    assert result.success
    assert result.message
    assert weights.sum() == pytest.approx(1.0, abs=1e-9)
    assert result.expected_volatility == pytest.approx(np.sqrt(weights @ COVARIANCE @ weights))
    assert result.sharpe_ratio == pytest.approx(
        (result.expected_return - 0.02) / result.expected_volatility
    )
    assert sum(result.risk_contributions.values()) == pytest.approx(1.0)
    assert result.effective_n == pytest.approx(1 / (weights**2).sum())
    assert result.largest_weight == pytest.approx(weights.max())
    assert result.fallback_used is None
    assert result.solve_ms > 0
    assert result.to_mapping()["cash"] == pytest.approx(0.0, abs=1e-9)


def test_target_return_gives_the_least_variance_with_it():
    target = float(np.quantile(MEAN, 0.8))
    result = solve("mean_variance", OptimizationConstraints(target_return=target))
    w = cp.Variable(N)
    problem = cp.Problem(
        cp.Minimize(cp.quad_form(w, cp.psd_wrap(COVARIANCE))),
        [w >= 0, cp.sum(w) == 1, MEAN @ w >= target],
    )
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12)
    assert result.expected_return >= target - 1e-6
    assert result.expected_volatility**2 == pytest.approx(problem.value, abs=1e-8)
    assert "target_return" in result.binding_constraints


def test_target_out_of_reach_becomes_the_nearest_and_is_named():
    result = solve("mean_variance", OptimizationConstraints(target_return=9.0))
    assert not result.success
    assert "target_return 9 is out of reach" in result.message
    assert result.expected_return == pytest.approx(MEAN.max(), abs=1e-5)


def test_utility_satisfies_its_conditions_of_optimality():
    aversion = 4.0
    weights = vector(solve("mean_variance", risk_aversion=aversion))
    gradient = MEAN - aversion * COVARIANCE @ weights
    held = weights > 1e-6
    level = gradient[held].mean()
    assert gradient[held] == pytest.approx(level, abs=1e-5)
    assert (gradient[~held] <= level + 1e-5).all()


def test_sharpe_of_an_all_bad_market_falls_back_to_minimum_variance():
    result = PortfolioOptimizer(0.02).optimize_portfolio(
        -np.abs(MEAN), COVARIANCE, "maximum_sharpe", inputs=MethodInputs(symbols=NAMES)
    )
    calm = solve("minimum_variance")
    assert not result.success
    assert "beats the risk-free rate" in result.message
    assert vector(result) == pytest.approx(vector(calm), abs=1e-7)


def test_sharpe_of_a_bad_market_under_constraints_falls_back_too():
    limits = OptimizationConstraints(max_weight=0.2, linear=["S0 <= 0.05"])
    result = PortfolioOptimizer(0.02).optimize_portfolio(
        -np.abs(MEAN), COVARIANCE, "maximum_sharpe", limits, inputs=MethodInputs(symbols=NAMES)
    )
    assert not result.success
    assert "beats the risk-free rate" in result.message


def test_sharpe_under_bounds_equals_a_search_along_the_frontier():
    limits = OptimizationConstraints(max_weight=0.2)
    result = solve("maximum_sharpe", limits)
    frontier = PortfolioOptimizer(0.02).efficient_frontier(MEAN, COVARIANCE, limits, points=60)
    best = max((p.expected_return - 0.02) / p.volatility for p in frontier.points)
    assert result.sharpe_ratio >= best - 1e-9
    assert result.sharpe_ratio == pytest.approx(best, rel=1e-3)


def test_long_short_tangency_is_the_closed_form():
    limits = OptimizationConstraints(min_weight=-5.0, max_weight=5.0)
    raw = np.linalg.solve(COVARIANCE, MEAN - 0.02)
    assert raw.sum() > 0
    assert vector(solve("maximum_sharpe", limits)) == pytest.approx(raw / raw.sum(), abs=1e-5)


def test_risk_budgets_are_met():
    budgets = {name: float(i + 1) for i, name in enumerate(NAMES)}
    result = solve("risk_parity", budgets=budgets)
    total = sum(budgets.values())
    for name, share in result.risk_contributions.items():
        assert share == pytest.approx(budgets[name] / total, abs=1e-6)


def test_risk_parity_under_binding_bounds_says_so_and_obeys():
    free = vector(solve("risk_parity"))
    cap = float(np.sort(free)[-3])
    result = solve("risk_parity", OptimizationConstraints(max_weight=cap))
    weights = vector(result)
    assert weights.max() <= cap + 1e-6
    assert "constraints bind" in result.message.lower()
    inside = weights < cap - 1e-5
    risk = weights * (COVARIANCE @ weights)
    assert inside.sum() >= 3
    assert weights.sum() == pytest.approx(1.0)
    # Smaller names take up what the capped ones cannot.
    assert (weights[inside] >= free[inside] - 1e-6).all()
    assert (risk > 0).all()


def test_gaussian_shortfall_without_returns_is_a_mean_and_a_multiple_of_volatility():
    result = solve("minimum_cvar", cvar_level=0.95)
    weights = vector(result)
    assert "normal distribution" in result.message
    k = 2.0627128  # density at the quantile over the tail, 95 %

    def shortfall(w):
        return -w @ MEAN / 252 + k * np.sqrt(w @ COVARIANCE @ w / 252)

    rng = np.random.default_rng(0)
    others = rng.dirichlet(np.full(N, 0.5), 3000)
    near = np.maximum(weights + rng.normal(0, 0.01, (3000, N)), 0)
    near /= near.sum(axis=1, keepdims=True)
    least = min(shortfall(w) for w in np.vstack([others, near]))
    assert shortfall(weights) <= least + 1e-12


def test_historical_shortfall_is_the_least_of_the_worst_days():
    returns = factor_market(N, 11)
    weights = vector(solve("minimum_cvar", returns=returns))

    def shortfall(w):
        return -np.sort(returns @ w)[:15].mean()  # 5 % of 300

    rng = np.random.default_rng(1)
    others = np.maximum(weights + rng.normal(0, 0.01, (3000, N)), 0)
    others /= others.sum(axis=1, keepdims=True)
    assert shortfall(weights) <= min(shortfall(w) for w in others) + 1e-10


def test_half_kelly_is_half_of_the_growth_optimal_weights():
    limits = OptimizationConstraints(min_weight=-50, max_weight=50, min_net=-50, max_net=50)
    growth = np.linalg.solve(COVARIANCE, MEAN - 0.02)
    assert vector(solve("kelly", limits)) == pytest.approx(0.5 * growth, abs=1e-4)
    whole = vector(solve("kelly", limits, kelly_fraction=1.0))
    assert whole == pytest.approx(growth, abs=1e-4)


def test_equal_weight_under_bounds_is_the_nearest_portfolio():
    limits = OptimizationConstraints(max_weights={"S0": 0.02})
    weights = vector(solve("equal_weight", limits))
    assert weights[0] == pytest.approx(0.02, abs=1e-7)
    assert weights[1:] == pytest.approx(0.98 / (N - 1), abs=1e-6)


def test_top_quantile_holds_the_best_fifth_equally():
    result = solve("factor_based", returns=factor_market(N, 11), factor_mode="top_quantile")
    assert sorted(vector(result))[-2:] == pytest.approx([0.5, 0.5])


def test_risk_tolerance_moves_from_least_variance_to_most_return():
    limits = OptimizationConstraints(max_weight=0.3)
    path = [
        solve("mean_variance", limits, risk_tolerance=t) for t in (0.0, 0.25, 0.5, 0.7, 0.9, 1.0)
    ]
    calm = solve("minimum_variance", limits)
    assert vector(path[0]) == pytest.approx(vector(calm), abs=1e-6)
    order = np.argsort(-MEAN)
    bold = np.zeros(N)
    bold[order[:3]], bold[order[3]] = 0.3, 0.1
    assert vector(path[-1]) == pytest.approx(bold, abs=1e-5)
    volatility = [r.expected_volatility for r in path]
    assert volatility == sorted(volatility)
    returns = [r.expected_return for r in path]
    assert returns == sorted(returns)
    low, high = volatility[0], volatility[-1]
    assert volatility[3] == pytest.approx(low + 0.7 * (high - low), abs=1e-6)


def test_moments_and_their_panel_give_the_same_weights():
    returns = factor_market(N, 12)
    frame = pd.DataFrame(returns, columns=NAMES)
    settings = EstimationSettings(covariance="oas")
    found = estimate_moments(returns, NAMES, settings)
    optimizer = PortfolioOptimizer(0.02)
    for method in ("maximum_sharpe", "risk_parity", "minimum_cvar", "factor_based"):
        panel = optimizer.optimize_returns(frame, method, estimation=settings)
        direct = optimizer.optimize_portfolio(
            found.mean,
            found.covariance,
            method,
            inputs=MethodInputs(symbols=NAMES, returns=found.returns),
        )
        assert vector(panel) == pytest.approx(vector(direct), abs=1e-12)


def test_prior_of_skfolio_gives_the_moments():
    prior = pytest.importorskip("skfolio.prior")
    returns = factor_market(N, 13, periods=252)
    result = PortfolioOptimizer(0.0).optimize_returns(
        returns,
        "minimum_variance",
        prior=prior.EmpiricalPrior(),
        inputs=MethodInputs(symbols=NAMES),
    )
    sample = np.cov(returns, rowvar=False) * 252
    direct = PortfolioOptimizer(0.0).optimize_portfolio(
        returns.mean(axis=0), sample, "minimum_variance", inputs=MethodInputs(symbols=NAMES)
    )
    assert vector(result) == pytest.approx(vector(direct), abs=1e-9)


def test_instrument_with_a_short_history_has_weight_zero_with_its_reason():
    returns = factor_market(N, 14)
    returns[:-30, 4] = np.nan
    result = PortfolioOptimizer(0.02).optimize_returns(
        returns,
        "minimum_variance",
        OptimizationConstraints(max_weights={"S4": 0.1}),
        inputs=MethodInputs(symbols=NAMES),
    )
    assert result.weights["S4"] == 0.0
    assert list(result.weights) != []
    assert any("S4 has weight 0: 30 returns" in text for text in result.warnings)
    assert sum(result.weights.values()) == pytest.approx(1.0)


def test_what_names_an_instrument_without_estimate_is_left_out_with_it():
    from tradewright.portfolio.views import View

    returns = factor_market(N, 14)
    returns[:-30, 4] = np.nan
    inputs = MethodInputs(
        symbols=NAMES,
        market_weights=dict.fromkeys(NAMES, 1 / N),
        views=[
            View(portfolio={"S4": 1.0}, value=0.3),
            View(portfolio={"S0": 1.0}, value=0.3, confidence=0.9),
        ],
    )
    result = PortfolioOptimizer(0.02).optimize_returns(
        returns,
        "black_litterman",
        current_weights=dict.fromkeys(NAMES, 1 / N),
        inputs=inputs,
    )
    assert result.weights["S4"] == 0.0
    assert result.weights["S0"] > 0.3
    assert "views of instruments without estimate are left out" in result.warnings
    with pytest.raises(ConfigError, match="current_weights: 'ZZ'"):
        PortfolioOptimizer(0.02).optimize_returns(
            returns, current_weights={"ZZ": 1.0}, inputs=MethodInputs(symbols=NAMES)
        )


def test_same_question_is_answered_from_the_cache_and_says_so():
    optimizer = PortfolioOptimizer(0.02)
    now = [0.0]
    optimizer.cache.clock = lambda: now[0]
    first = optimizer.optimize_portfolio(MEAN, COVARIANCE, "kelly")
    assert not optimizer.from_cache
    now[0] = 299.0
    assert optimizer.optimize_portfolio(MEAN, COVARIANCE, "KELLY") is first
    assert optimizer.from_cache
    other = optimizer.optimize_portfolio(MEAN * 1.0000001, COVARIANCE, "kelly")
    assert other is not first
    assert not optimizer.from_cache
    now[0] = 301.0
    assert optimizer.optimize_portfolio(MEAN, COVARIANCE, "kelly") is not first


def test_wrong_moments_are_refused_by_name():
    optimizer = PortfolioOptimizer()
    bad = MEAN.copy()
    bad[3] = np.nan
    with pytest.raises(DataError, match="expected return of A3"):
        optimizer.optimize_portfolio(bad, COVARIANCE)
    with pytest.raises(DataError, match="shape"):
        optimizer.optimize_portfolio(MEAN[:-1], COVARIANCE)
    with pytest.raises(DataError, match="not symmetric"):
        optimizer.optimize_portfolio(MEAN, np.random.default_rng(0).random((N, N)))
    frame = pd.DataFrame(COVARIANCE, index=NAMES, columns=NAMES)
    with pytest.raises(DataError, match="name their instruments differently"):
        optimizer.optimize_portfolio(pd.Series(MEAN, index=NAMES[::-1]), frame)


def test_broken_covariance_is_repaired_with_a_warning_in_the_result():
    broken = COVARIANCE.copy()
    sd = np.sqrt(np.diag(broken))
    broken[0, 1] = broken[1, 0] = 0.999 * sd[0] * sd[1]
    broken[0, 2] = broken[2, 0] = -0.999 * sd[0] * sd[2]
    broken[1, 2] = broken[2, 1] = 0.999 * sd[1] * sd[2]
    result = PortfolioOptimizer().optimize_portfolio(MEAN, broken, "minimum_variance")
    assert any("not positive semidefinite" in text for text in result.warnings)


def test_concentration_is_warned_of():
    sectors = dict.fromkeys(NAMES[:6], "Tech")
    limits = OptimizationConstraints(min_weights={"S0": 0.5, "S1": 0.3}, sectors=sectors)
    warnings = " ".join(solve("minimum_variance", limits).warnings)
    assert "S0 is 50.0%" in warnings
    assert "sector Tech is" in warnings
    assert "equal ones" in warnings
    assert solve("equal_weight").warnings == ()


def test_missing_conic_solver_names_the_extra(monkeypatch):
    import sys

    from tradewright.domain.errors import MissingExtraError

    monkeypatch.setitem(sys.modules, "clarabel", None)
    assert solve("minimum_variance").success
    with pytest.raises(MissingExtraError, match=r"tradewright\[portfolio\]"):
        solve("minimum_variance", OptimizationConstraints(max_weight=0.1))
