"""A method's name becomes something that solves a problem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError
from tradewright.portfolio.optimisation import programmes
from tradewright.portfolio.optimisation.feasibility import volatility_of
from tradewright.portfolio.optimisation.inputs import MethodInputs
from tradewright.portfolio.optimisation.methods import OptimizationMethod as M
from tradewright.portfolio.optimisation.problem import Problem, weights_of
from tradewright.portfolio.optimisation.programmes import CLOSED, Found, Method
from tradewright.portfolio.solvers.hierarchical import hierarchical_weights
from tradewright.portfolio.views.black_litterman import black_litterman
from tradewright.portfolio.views.factor_scores import factor_returns, factor_scores

FloatArray = NDArray[np.float64]


def prepare(method: M, problem: Problem, inputs: MethodInputs) -> tuple[Problem, Method]:
    """Return the problem with the method's own expected returns, and what solves it.

    Raises
    ------
    ConfigError
        If an input that the method needs is missing.
    """
    if method is M.BLACK_LITTERMAN:
        return _black_litterman(problem, inputs)
    if method is M.FACTOR_BASED:
        return _factor_based(problem, inputs)
    by_moments: dict[M, Callable[[Problem, MethodInputs], Method]] = {
        M.MEAN_VARIANCE: _mean_variance,
        M.RISK_PARITY: _risk_parity,
        M.MINIMUM_CVAR: _minimum_cvar,
        M.KELLY: _kelly,
    }
    if method is M.MAXIMUM_SHARPE:
        return problem, _maximum_sharpe
    if method in by_moments:
        return problem, by_moments[method](problem, inputs)
    return problem, _by_covariance(method, inputs)


def _maximum_sharpe(problem: Problem) -> Found:
    return programmes.maximum_ratio(problem, problem.mean, problem.risk_free_rate)


def _risk_parity(problem: Problem, inputs: MethodInputs) -> Method:
    budgets = _budgets(problem, inputs)
    return lambda p: programmes.risk_parity(p, budgets)


def _minimum_cvar(_problem: Problem, inputs: MethodInputs) -> Method:
    return lambda p: programmes.minimum_shortfall(
        p, inputs.returns, level=inputs.cvar_level, periods_per_year=inputs.periods_per_year
    )


def _kelly(problem: Problem, inputs: MethodInputs) -> Method:
    # Growth μ'w − ½ w'Σw is maximal at Kelly's weights; a share of them is a larger aversion.
    excess = problem.mean - problem.risk_free_rate
    aversion = 1.0 / inputs.kelly_fraction
    return lambda p: programmes.mean_variance(replace(p, mean=excess), risk_aversion=aversion)


def _by_covariance(method: M, inputs: MethodInputs) -> Method:
    if method is M.MINIMUM_VARIANCE:
        return programmes.minimum_variance
    if method is M.MAXIMUM_DIVERSIFICATION:
        return lambda p: programmes.maximum_ratio(p, np.sqrt(np.diagonal(p.covariance)), 0.0)

    def closed(p: Problem) -> Found:
        if method is M.EQUAL_WEIGHT:
            weights = np.ones(p.size)
        elif method is M.INVERSE_VOLATILITY:
            weights = inverse_volatility(p.covariance)
        else:
            weights = hierarchical_weights(p.covariance, linkage=inputs.linkage)
        # The sum nearest to fully invested that the limits allow.
        total = min(max(1.0, p.net[0]), p.net[1])
        return programmes.nearest_to(p, weights * total / weights.sum())

    return closed


def inverse_volatility(covariance: FloatArray) -> FloatArray:
    """Return weights in proportion to 1/σ, sum 1; an instrument without variance gets 0."""
    sd = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
    raw = np.divide(1.0, sd, out=np.zeros(len(sd)), where=sd > 0)
    total = float(raw.sum())
    if not total > 0:
        return np.full(len(sd), 1.0 / len(sd))
    out: FloatArray = raw / total
    return out


def _mean_variance(_problem: Problem, inputs: MethodInputs) -> Method:
    tolerance = inputs.risk_tolerance

    def solve(p: Problem) -> Found:
        if tolerance is not None:
            return _tolerant(p, tolerance)
        if any(row.kind == "target_return" for row in p.rows):
            return programmes.minimum_variance(p)
        return programmes.mean_variance(p, risk_aversion=inputs.risk_aversion)

    return solve


def _tolerant(problem: Problem, tolerance: float) -> Found:
    # Between the two ends of the constrained frontier, by volatility.
    calm = programmes.minimum_variance(problem)
    if tolerance == 0.0:
        return calm
    bold = programmes.maximum_return(problem)
    if tolerance == 1.0:
        return bold
    low, high = volatility_of(problem, calm.weights), volatility_of(problem, bold.weights)
    if high <= low * (1 + 1e-9):
        return calm
    # The ridge of the solvers adds a little to the volatility that their rows see.
    return programmes.within_volatility(problem, (low + tolerance * (high - low)) * (1 + 1e-8))


def _budgets(problem: Problem, inputs: MethodInputs) -> FloatArray:
    if inputs.budgets is None:
        return np.full(problem.size, 1.0 / problem.size)
    budgets = weights_of(inputs.budgets, problem.symbols, "budgets")
    if not (budgets > 0).all():
        name = problem.symbols[int(np.argmin(budgets))]
        raise ConfigError(f"budgets: {name} has none, every instrument needs one above 0")
    out: FloatArray = budgets / budgets.sum()
    return out


def _black_litterman(problem: Problem, inputs: MethodInputs) -> tuple[Problem, Method]:
    given = inputs.market_weights
    market = (
        np.full(problem.size, 1.0 / problem.size)
        if given is None
        else weights_of(given, problem.symbols, "market_weights")
    )
    aversion = inputs.risk_aversion
    if inputs.market_return is not None:
        excess = inputs.market_return - problem.risk_free_rate
        variance = float(market @ problem.covariance @ market)
        if not (excess > 0 and variance > 0):
            raise ConfigError(
                f"market_return {inputs.market_return:g} must be above the risk-free rate "
                f"{problem.risk_free_rate:g}, and the market must have some variance"
            )
        aversion = excess / variance
    posterior = black_litterman(
        problem.covariance,
        problem.symbols,
        market,
        inputs.views,
        tau=inputs.tau,
        risk_aversion=aversion,
    )
    notes = () if given is not None else ("no market_weights were given: equal ones are used",)
    own = with_mean(problem, posterior.mean + problem.risk_free_rate)

    def solve(p: Problem) -> Found:
        if not inputs.views and not p.is_costly:
            held = programmes.nearest_to(p, market)
            if held.solver == CLOSED:
                return replace(held, notes=(*notes, "without views the market's weights remain"))
        found = programmes.mean_variance(p, risk_aversion=aversion)
        return replace(found, notes=(*notes, *found.notes))

    return own, solve


def _factor_based(problem: Problem, inputs: MethodInputs) -> tuple[Problem, Method]:
    if inputs.returns is None:
        raise ConfigError("factor_based needs returns: 252 periods or more")
    scores = factor_scores(inputs.returns)
    sd = np.sqrt(np.diagonal(problem.covariance))
    excess = factor_returns(scores, sd, information_coefficient=inputs.information_coefficient)
    own = with_mean(problem, excess + problem.risk_free_rate)
    if inputs.factor_mode == "top_quantile":
        count = max(1, problem.size // 5)
        best = np.argsort(-scores, kind="stable")[:count]
        wanted = np.zeros(problem.size)
        wanted[best] = 1.0 / count
        return own, lambda p: programmes.nearest_to(p, wanted)
    return own, _maximum_sharpe


def with_mean(problem: Problem, mean: FloatArray) -> Problem:
    """Return the problem with other expected returns, also in its target."""
    rows = tuple(
        replace(row, coefficients=mean) if row.kind == "target_return" else row
        for row in problem.rows
    )
    return replace(problem, mean=mean, rows=rows)
