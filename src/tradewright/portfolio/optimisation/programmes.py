"""The convex methods: an objective over a problem's constraints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.portfolio.optimisation.feasibility import TOLERANCE, violations
from tradewright.portfolio.optimisation.layout import Layout, lay_out
from tradewright.portfolio.optimisation.problem import InfeasibleError, Problem, SolverError
from tradewright.portfolio.solvers.active_set import nonnegative_quadratic
from tradewright.portfolio.solvers.risk_budgets import budget_weights

FloatArray = NDArray[np.float64]
ACTIVE_SET: Final = "active_set"
DESCENT: Final = "coordinate_descent"
CLOSED: Final = "closed_form"
NO_GAIN: Final = "no portfolio within the constraints beats the risk-free rate"


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Weights of a method, and how they were found.

    Parameters
    ----------
    weights : ndarray of shape (n,)
        In the problem's order.
    solver : str
        What found them.
    achieved : bool
        Whether the method's own objective was met.
    notes : tuple of str
        Sentences for the result.
    """

    weights: FloatArray
    solver: str
    achieved: bool = True
    notes: tuple[str, ...] = ()


Method = Callable[[Problem], Found]


def minimum_variance(problem: Problem) -> Found:
    """Minimise wᵀΣw, plus the yearly cost of trading where there is one."""
    own = _held_only(problem, np.ones(problem.size)) if not problem.is_costly else None
    return own or _quadratic(problem, gain=np.zeros(problem.size), aversion=2.0)


def mean_variance(problem: Problem, *, risk_aversion: float) -> Found:
    """Maximise wᵀμ − ½λwᵀΣw less the yearly cost of trading."""
    return _quadratic(problem, gain=problem.mean, aversion=risk_aversion)


def maximum_return(problem: Problem) -> Found:
    """Maximise wᵀμ less the yearly cost of trading; of equal ones that with the least variance."""
    first = _quadratic(problem, gain=problem.mean, aversion=0.0)
    best = float(problem.mean @ first.weights - problem.cost @ problem.trades(first.weights))
    flat = np.abs(problem.mean).max() or 1.0
    try:
        held = at_least(problem, best - 1e-8 * flat)
    except (InfeasibleError, SolverError):
        return first
    return held


def at_least(problem: Problem, net_return: float) -> Found:
    """Minimise variance with a return after costs of at least `net_return`."""
    layout = lay_out(problem, costly=problem.is_costly)
    _floor(layout, problem, net_return)
    _add_variance(layout, problem, 2.0)
    return _finish(problem, layout)


def within_volatility(problem: Problem, volatility: float) -> Found:
    """Maximise wᵀμ less costs with a volatility of at most `volatility`."""
    limit = volatility if problem.volatility is None else min(volatility, problem.volatility)
    return replace(_quadratic(replace(problem, volatility=limit), gain=problem.mean, aversion=0.0))


def maximum_ratio(problem: Problem, gain: FloatArray, hurdle: float) -> Found:
    r"""Maximise (wᵀg − h − costs)/√(wᵀΣw).

    The ratio does not change with the scale of (w, 1), so that xᵀΣx is minimised over x = κw with
    a numerator of 1 [1]_.

    References
    ----------
    .. [1] G. Cornuéjols, J. Peña and R. Tütüncü, "Optimization Methods in Finance", 2nd ed.,
       Cambridge University Press, 2018, section 6.3.
    """
    if not problem.is_costly:
        own = _held_only(problem, gain - hurdle)
        if own is not None:
            return own
    size = max(float(np.abs(gain - hurdle).max()), 1e-12)
    layout = lay_out(problem, homogeneous=True, costly=problem.is_costly)
    terms = [(layout.x, -gain[None, :] / size), (layout.kappa, np.array([[hurdle / size]]))]
    if problem.is_costly and layout.trades is not None:
        terms.append((layout.trades, problem.cost[None, :] / size))
    layout.programme.at_most(terms, -np.ones(1))
    _add_variance(layout, problem, 2.0)
    try:
        return _finish(problem, layout)
    except (InfeasibleError, SolverError):
        # Without any gain the ratio has no maximum of this form: then nothing beats the hurdle.
        best = maximum_return(replace(problem, mean=gain, rows=problem.rows)).weights
        net = float(gain @ best - problem.cost @ problem.trades(best))
        if net > hurdle + 1e-9 * size:
            raise
    return replace(
        minimum_variance(problem),
        achieved=False,
        notes=(f"{NO_GAIN}; the weights are those of minimum variance",),
    )


def risk_parity(problem: Problem, budgets: FloatArray) -> Found:
    """Spread risk by budgets; under constraints that bind, as far as they let it."""
    if (problem.lower < 0).any():
        problem = replace(problem, lower=np.maximum(problem.lower, 0.0))
    # An instrument that must not be held has no budget.
    held = np.flatnonzero(problem.upper > 0)
    budgets = budgets[held] / budgets[held].sum()
    if problem.net == (1.0, 1.0):
        weights = np.zeros(problem.size)
        weights[held], _ = budget_weights(problem.covariance[np.ix_(held, held)], budgets)
        if not violations(problem, weights):
            return Found(weights, DESCENT)
    from scipy import sparse

    n = len(held)
    layout = lay_out(problem, homogeneous=True)
    programme = layout.programme
    logs = programme.variables(n)
    programme.linear(logs, -budgets)
    # Rows by threes: (log, 1, x) lies in the exponential cone.
    rows, one = np.arange(n) * 3, -np.ones(n)
    terms = [
        (logs, sparse.coo_matrix((one, (rows, np.arange(n))), shape=(3 * n, n))),
        (layout.x, sparse.coo_matrix((one, (rows + 2, held)), shape=(3 * n, problem.size))),
    ]
    right = np.zeros(3 * n)
    right[rows + 1] = 1.0
    programme.exponential(terms, right)
    _add_variance(layout, problem, 1.0)
    found = _finish(problem, layout)
    return replace(found, notes=("constraints bind, so that risk is not spread by the budgets",))


def minimum_shortfall(
    problem: Problem, returns: FloatArray | None, *, level: float, periods_per_year: float
) -> Found:
    r"""Minimise the expected shortfall of one period, plus costs.

    With `returns` the mean loss of their worst (1 − level) share [1]_; without them that of the
    normal distribution with the problem's moments.

    References
    ----------
    .. [1] R. T. Rockafellar and S. Uryasev, "Optimization of conditional value-at-risk", Journal
       of Risk 2, 2000, eq. 9.
    """
    layout = lay_out(problem, costly=problem.is_costly)
    programme = layout.programme
    if problem.is_costly and layout.trades is not None:
        programme.linear(layout.trades, problem.cost / periods_per_year)
    if returns is None:
        from scipy.special import ndtri

        spread = programme.variables(1)
        n = problem.size
        tail = float(np.exp(-(ndtri(level) ** 2) / 2) / np.sqrt(2 * np.pi) / (1 - level))
        head = np.zeros((n + 1, 1))
        head[0] = -1.0
        body = np.vstack([np.zeros((1, n)), -layout.factor / np.sqrt(periods_per_year)])
        programme.norm([(spread, head), (layout.x, body)], np.zeros(n + 1))
        programme.linear(spread, np.array([tail]))
        programme.linear(layout.x, -problem.mean / periods_per_year)
        note = "the shortfall is that of a normal distribution: no returns were given"
        return replace(_finish(problem, layout), notes=(note,))
    rows = len(returns)
    loss, beyond = programme.variables(1), programme.variables(rows)
    from scipy import sparse

    unit, ones = sparse.identity(rows), np.ones((rows, 1))
    programme.at_most([(beyond, -unit)], np.zeros(rows))
    programme.at_most([(layout.x, -returns), (loss, -ones), (beyond, -unit)], np.zeros(rows))
    programme.linear(loss, np.ones(1))
    programme.linear(beyond, np.full(rows, 1.0 / ((1.0 - level) * rows)))
    return _finish(problem, layout)


def nearest_to(problem: Problem, wanted: FloatArray) -> Found:
    """Return wanted weights, or the nearest ones (least squares) that the constraints allow."""
    if not violations(problem, wanted):
        return Found(wanted, CLOSED)
    layout = lay_out(problem)
    layout.programme.quadratic(layout.x, np.eye(problem.size))
    layout.programme.linear(layout.x, -wanted)
    found = _finish(problem, layout)
    return replace(found, notes=("constraints bind: the nearest weights that satisfy them",))


def _held_only(problem: Problem, gain: FloatArray) -> Found | None:
    # The long-only portfolio of the best ratio; it is the answer where it breaks no constraint.
    if (problem.lower < 0).any() or problem.net != (1.0, 1.0):
        return None
    x, _ = nonnegative_quadratic(problem.regular_covariance(), gain)
    total = float(x.sum())
    if not total > 0:
        return None
    weights = x / total
    return None if violations(problem, weights) else Found(weights, ACTIVE_SET)


def _quadratic(problem: Problem, *, gain: FloatArray, aversion: float) -> Found:
    layout = lay_out(problem, costly=problem.is_costly)
    if aversion:
        _add_variance(layout, problem, aversion, gain)
        return _finish(problem, layout)
    size = max(float(np.abs(gain).max()), 1e-12)
    layout.programme.linear(layout.x, -gain / size)
    if problem.is_costly and layout.trades is not None:
        layout.programme.linear(layout.trades, problem.cost / size)
    return _finish(problem, layout)


def _add_variance(
    layout: Layout, problem: Problem, aversion: float, gain: FloatArray | None = None
) -> None:
    # ½λwᵀΣw − gᵀw + costs, divided by the size of the variances so that tolerances mean the same.
    covariance = problem.regular_covariance()
    size = float(np.diagonal(covariance).mean()) or 1.0
    layout.programme.quadratic(layout.x, covariance * (aversion / size))
    if gain is not None:
        layout.programme.linear(layout.x, -gain / size)
        if problem.is_costly and layout.trades is not None:
            layout.programme.linear(layout.trades, problem.cost / size)


def _floor(layout: Layout, problem: Problem, net_return: float) -> None:
    size = max(float(np.abs(problem.mean).max()), 1e-12)
    terms = [
        (layout.x, -problem.mean[None, :] / size),
        (layout.kappa, np.array([[net_return / size]])),
    ]
    if problem.is_costly and layout.trades is not None:
        terms.append((layout.trades, problem.cost[None, :] / size))
    layout.programme.at_most(terms, np.zeros(1))


def _finish(problem: Problem, layout: Layout) -> Found:
    raw, solved = layout.solve()
    weights = tidy(problem, raw)
    missed = violations(problem, weights, tolerance=TOLERANCE)
    counted = ("min_positions", "max_positions", "min_position_size")
    missed = tuple(text for text in missed if not text.startswith(counted))
    if missed:
        raise SolverError("the conic solver's weights are not accurate: " + "; ".join(missed))
    return Found(weights, solved.solver)


def tidy(problem: Problem, weights: FloatArray) -> FloatArray:
    """Return weights without the solver's dust: bounds exact, tiny positions 0, sum as wanted."""
    clean = np.clip(weights, problem.lower, problem.upper)
    clean = np.where((np.abs(clean) < 1e-8) & (problem.lower <= 0) & (problem.upper >= 0), 0, clean)
    low, high = problem.net
    total = float(clean.sum())
    wanted = min(max(total, low), high)
    gap = wanted - total
    if gap:
        room = (problem.upper - clean) if gap > 0 else (clean - problem.lower)
        room = np.where(clean != 0, room, 0.0)
        if room.sum() > abs(gap):
            clean = clean + gap * room / room.sum()
    return clean
