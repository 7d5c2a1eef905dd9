"""What holds for every series and every portfolio."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.risk.measures import (
    METHODS,
    MeasureSettings,
    Shock,
    contributions,
    contributions_by_strategy,
    grouped,
    incremental_var,
    instant_loss,
    measure,
    parametric_var,
    simulate_portfolio,
)
from tradewright.risk.measures.dependence import correlations, nearest_correlation, raised
from tradewright.risk.measures.stress import Portfolio

seeds = st.integers(0, 2**32 - 1)


def random_panel(seed, n=60, columns=4):
    random = np.random.default_rng(seed)
    common = random.standard_t(3, (n, 1))
    return 0.01 * (common + random.standard_t(3, (n, columns))) * random.uniform(0.2, 2, columns)


def random_portfolio(seed, *, long_only=False):
    random = np.random.default_rng(seed)
    weights = random.uniform(0 if long_only else -1, 1, 4)
    return Portfolio(
        symbols=("A", "B", "C", "D"), weights=weights, betas=random.uniform(0, 2.5, 4),
        covariance=np.cov(random_panel(seed), rowvar=False), durations=np.zeros(4),
        currencies=("USD",) * 4, spreads=np.full(4, 0.001),
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from([m for m in METHODS if m != "garch"]), st.floats(0.9, 0.999),
       st.integers(1, 20))  # fmt: skip
def test_shortfall_is_never_below_value_at_risk(seed, method, level, horizon):
    returns = np.clip(random_panel(seed)[:, 0], -0.9, 0.9)
    found = measure(returns, method, MeasureSettings(level=level, horizon=horizon))
    assert found.es >= found.var
    assert np.isfinite(found.es)


@settings(max_examples=4, deadline=None)
@given(seeds, st.floats(0.9, 0.999))
def test_shortfall_of_the_simulating_methods_too(seed, level):
    chosen = MeasureSettings(level=level, horizon=3, paths=500)
    panel = np.clip(random_panel(seed), -0.9, 0.9)
    found = measure(panel[:, 0], "garch", chosen)
    assert found.es >= found.var
    drawn = simulate_portfolio(np.full(4, 0.25), panel, chosen)
    assert drawn.es >= drawn.var


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_value_at_risk_grows_with_the_level(seed):
    returns = np.clip(random_panel(seed)[:, 0], -0.9, 0.9)
    for method in ("historical", "age_weighted", "gaussian", "student_t", "ewma"):
        found = [measure(returns, method, MeasureSettings(level=c)).var for c in (0.9, 0.95, 0.99)]
        assert found == sorted(found)


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_contributions_sum_to_the_total(seed):
    sigma = np.cov(random_panel(seed), rowvar=False)
    weights = np.random.default_rng(seed).uniform(-1, 1, 4)
    found = contributions(weights, sigma)
    assert found.by_volatility.sum() == pytest.approx(found.volatility, rel=1e-12)
    assert found.component_var.sum() == pytest.approx(found.var, rel=1e-12)
    assert found.shares.sum() == pytest.approx(1.0, abs=1e-12)
    parts = grouped(found.component_var, ["x", "y", "x", ""])
    assert sum(parts.values()) == pytest.approx(found.var, rel=1e-12)
    halves = {"one": weights * 0.3, "two": weights * 0.7}
    total = sum(contributions_by_strategy(halves, sigma).values())
    assert total == pytest.approx(found.var, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_small_orders_change_value_at_risk_by_their_marginal(seed):
    sigma = np.cov(random_panel(seed), rowvar=False)
    weights = np.random.default_rng(seed).uniform(0.1, 1, 4)
    found = contributions(weights, sigma)
    step = np.array([1e-6, 0, 0, 0])
    slope = incremental_var(weights, step, sigma) / 1e-6
    assert slope == pytest.approx(float(found.marginal_var[0]), rel=1e-3, abs=1e-9)
    added = parametric_var(weights + step, sigma) - parametric_var(weights, sigma)
    assert incremental_var(weights, step, sigma) == added


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(-1, 0), st.floats(-1, 0))
def test_loss_of_a_long_portfolio_is_monotone_in_the_shock(seed, one, other):
    held = random_portfolio(seed, long_only=True)
    worse, milder = sorted((one, other))
    assert instant_loss(held, Shock("a", worse)).loss >= instant_loss(held, Shock("b", milder)).loss


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(1, 5), st.floats(0, 0.5))
def test_value_at_risk_after_a_shock_is_monotone_for_a_long_portfolio(seed, times, increase):
    held = random_portfolio(seed, long_only=True)
    calm = instant_loss(held, Shock("a", 0.0)).var
    mixed = instant_loss(held, Shock("b", 0.0, times, increase)).var
    assert mixed >= calm * times * (1 - 1e-9)


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from(["pearson", "spearman", "ewma"]), st.floats(0, 1))
def test_correlations_stay_positive_semi_definite(seed, kind, increase):
    panel = random_panel(seed, n=90, columns=6)
    panel[np.random.default_rng(seed).random(panel.shape) < 0.05] = np.nan
    found = correlations(panel, kind)
    moved = raised(found.matrix, increase)
    for matrix in (found.matrix, moved):
        assert np.linalg.eigvalsh(matrix)[0] >= -1e-10
        np.testing.assert_allclose(np.diag(matrix), 1.0)
        np.testing.assert_array_equal(matrix, matrix.T)


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_a_matrix_that_is_no_correlation_is_lifted_to_one(seed):
    random = np.random.default_rng(seed)
    broken = random.uniform(-1, 1, (5, 5))
    fixed = nearest_correlation(broken)
    assert np.linalg.eigvalsh(fixed)[0] >= -1e-12
    np.testing.assert_allclose(np.diag(fixed), 1.0)
