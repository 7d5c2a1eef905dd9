"""The own solvers against a conic solver that knows nothing of them."""

from __future__ import annotations

import numpy as np
import pytest
from optimiser_markets import moments

from tradewright.domain.errors import ModelError
from tradewright.portfolio.solvers import budget_weights, nonnegative_quadratic

cp = pytest.importorskip("cvxpy")
TIGHT = {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12}


def conic(objective, constraints):
    problem = cp.Problem(objective, constraints)
    problem.solve(solver=cp.CLARABEL, **TIGHT)
    return problem.value


@pytest.mark.parametrize("n", [2, 15, 60])
@pytest.mark.parametrize("seed", [1, 2])
def test_minimum_variance_objective_is_the_conic_one(n, seed):
    _, covariance = moments(n, seed)
    x, _ = nonnegative_quadratic(covariance, np.ones(n))
    ours = x / x.sum()
    w = cp.Variable(n)
    reference = conic(
        cp.Minimize(cp.quad_form(w, cp.psd_wrap(covariance))), [w >= 0, cp.sum(w) == 1]
    )
    assert (ours >= 0).all()
    assert ours @ covariance @ ours == pytest.approx(reference, abs=1e-8)


@pytest.mark.parametrize("n", [2, 15, 60])
@pytest.mark.parametrize("seed", [3, 4])
def test_maximum_sharpe_objective_is_the_conic_one(n, seed):
    mean, covariance = moments(n, seed)
    x, _ = nonnegative_quadratic(covariance, mean)
    ours = x / x.sum()
    y = cp.Variable(n)
    least = conic(cp.Minimize(cp.quad_form(y, cp.psd_wrap(covariance))), [y >= 0, mean @ y == 1])
    ratio = ours @ mean / np.sqrt(ours @ covariance @ ours)
    assert ratio == pytest.approx(1 / np.sqrt(least), abs=1e-8)


@pytest.mark.parametrize("n", [2, 15, 40])
def test_risk_parity_objective_is_the_conic_one(n):
    _, covariance = moments(n, 5)
    rng = np.random.default_rng(n)
    budgets = rng.uniform(0.5, 2.0, n)
    budgets /= budgets.sum()
    weights, _ = budget_weights(covariance, budgets)
    # Scaled so that risk is the sum of the budgets, as at the minimum of the programme.
    x = weights / np.sqrt(weights @ covariance @ weights)
    ours = 0.5 * x @ covariance @ x - budgets @ np.log(x)
    v = cp.Variable(n)
    reference = conic(
        cp.Minimize(0.5 * cp.quad_form(v, cp.psd_wrap(covariance)) - budgets @ cp.log(v)), []
    )
    assert ours <= reference + 1e-8


@pytest.mark.parametrize("n", [2, 7, 300])
def test_risk_contributions_are_the_budgets(n):
    _, covariance = moments(n, 6)
    budgets = np.arange(1.0, n + 1)
    weights, _ = budget_weights(covariance, budgets)
    risk = weights * (covariance @ weights)
    assert risk / risk.sum() == pytest.approx(budgets / budgets.sum(), abs=1e-9)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)


def test_conditions_of_the_active_set_hold_for_many_instruments():
    mean, covariance = moments(400, 7)
    covariance = covariance + np.eye(400) * 1e-6
    x, rounds = nonnegative_quadratic(covariance, mean)
    gradient = covariance @ x - mean
    held = x > 0
    assert (x >= 0).all()
    assert np.abs(gradient[held]).max() < 1e-9
    assert gradient[~held].min() > -1e-9
    assert rounds < 100


def test_nothing_is_held_without_gain():
    x, _ = nonnegative_quadratic(np.eye(3), np.array([-1.0, 0.0, -2.0]))
    assert x.tolist() == [0.0, 0.0, 0.0]


def test_negative_correlation_that_defies_the_first_guess_is_solved():
    # The sweep of the guess is far from settled here: the blocks have to find the set.
    rng = np.random.default_rng(8)
    base = rng.normal(size=(60, 61))
    covariance = base @ base.T / 61 + np.eye(60) * 1e-4
    gain = rng.normal(size=60)
    x, _ = nonnegative_quadratic(covariance, gain)
    gradient = covariance @ x - gain
    assert (x >= 0).all()
    assert np.minimum(x, np.maximum(gradient, 0)).max() < 1e-9
    assert gradient.min() > -1e-9


def test_matrix_that_is_not_positive_definite_is_refused():
    with pytest.raises(ModelError, match="positive definite"):
        nonnegative_quadratic(np.ones((3, 3)) * -1 + np.eye(3) * 1.5, np.ones(3))


def test_risk_parity_refuses_an_instrument_without_variance():
    with pytest.raises(ModelError, match="column 1"):
        budget_weights(np.diag([1.0, 0.0]))
