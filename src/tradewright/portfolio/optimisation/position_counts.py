"""How many positions there may be, and how small: solved exactly where that is possible."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tradewright.portfolio.optimisation.feasibility import POSITION, violations
from tradewright.portfolio.optimisation.problem import (
    FLOOR,
    InfeasibleError,
    Problem,
    SolverError,
)
from tradewright.portfolio.optimisation.programmes import Found, Method
from tradewright.portfolio.solvers.conic import MIXED


def with_counts(problem: Problem, method: Method) -> Found:
    """Solve a method under limits of the number and the size of positions.

    The method is solved without them. Where the answer breaks them, it is solved again as a
    mixed-integer programme where its scale is fixed and a solver for it is installed: scipy's for
    linear ones, SCIP or another for quadratic ones. Otherwise the largest `max_positions` weights
    are kept, those below `min_position_size` leave one by one, the ones with the least
    volatility join up to `min_positions`, and the rest is solved again among the kept ones.

    Parameters
    ----------
    problem : Problem
        With its limits.
    method : callable
        Solves a problem without limits of counts.

    Returns
    -------
    Found
        With a note where the answer comes from solving again.

    Raises
    ------
    InfeasibleError
        If the kept instruments cannot satisfy the constraints.
    """
    free = replace(problem, counts=(None, None), least=0.0)
    found = method(free)
    fewest, most = problem.counts
    if fewest is None and most is None and not problem.least:
        return found
    if not violations(problem, found.weights):
        return found
    exact = _exactly(problem, method)
    if exact is not None:
        return exact
    held = np.abs(found.weights) > POSITION
    if most is not None and held.sum() > most:
        held = _largest(found.weights, most)
    if fewest is not None and held.sum() < fewest:
        held = _joined(problem, held, fewest)
    floor = problem.floor
    while held.any():
        again = _solve_among(free, method, held, floor if fewest is not None else 0.0)
        small = held & (np.abs(again.weights) < problem.least - 1e-9)
        if problem.least and small.any() and (fewest is None or held.sum() > fewest):
            at = int(np.flatnonzero(small)[np.argmin(np.abs(again.weights[small]))])
            held[at] = False
            continue
        missed = violations(problem, again.weights)
        if missed and floor and not (problem.lower < 0).any():
            again = _solve_among(free, method, held, floor)
            missed = violations(problem, again.weights)
        if missed:
            raise InfeasibleError("position counts: " + "; ".join(missed))
        note = "positions: solved, kept the largest, solved again (not proven to be the best set)"
        return replace(again, notes=(*again.notes, note))
    raise InfeasibleError(f"min_position_size {problem.least:g} leaves no position")


def _exactly(problem: Problem, method: Method) -> Found | None:
    free = replace(problem, counts=(None, None), least=0.0)
    try:
        found = method(replace(problem, counted=True))
        if found.solver != MIXED:
            return None
        # The set is the mixed-integer solver's, the weights within it are the exact solver's.
        held = np.abs(found.weights) > max(problem.floor / 2.0, 1e-5)
        again = _solve_among(free, method, held, problem.floor)
    except (InfeasibleError, SolverError):
        return None
    if violations(problem, again.weights):
        return None
    note = "positions: the best set, by a mixed-integer programme"
    return replace(again, solver=MIXED, notes=(*again.notes, note))


def _largest(weights: np.ndarray, count: int) -> np.ndarray:
    held = np.zeros(len(weights), dtype=np.bool_)
    held[np.argsort(-np.abs(weights), kind="stable")[:count]] = True
    return held


def _joined(problem: Problem, held: np.ndarray, count: int) -> np.ndarray:
    out = held.copy()
    steady = np.argsort(np.diagonal(problem.covariance), kind="stable")
    for at in steady:
        if out.sum() >= count:
            break
        out[at] = out[at] or problem.upper[at] >= FLOOR
    return out


def _solve_among(problem: Problem, method: Method, held: np.ndarray, floor: float) -> Found:
    lower = np.where(held, problem.lower, np.minimum(problem.lower, 0.0))
    lower = np.where(held & (problem.lower >= 0), np.maximum(lower, floor), lower)
    lower = np.where(held, lower, np.where(problem.lower > 0, problem.lower, 0.0))
    upper = np.where(held, problem.upper, np.where(problem.upper < 0, problem.upper, 0.0))
    if (lower > upper).any() or lower.sum() > problem.net[1] or upper.sum() < problem.net[0]:
        raise InfeasibleError("position counts leave instruments that cannot satisfy the bounds")
    return method(replace(problem, lower=lower, upper=upper))
