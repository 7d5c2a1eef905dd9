"""What is answered where a problem has no solution, or the solver finds none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tradewright.domain.errors import ConfigError, ModelError
from tradewright.portfolio.optimisation import programmes
from tradewright.portfolio.optimisation.conflicts import conflicting
from tradewright.portfolio.optimisation.dispatch import inverse_volatility
from tradewright.portfolio.optimisation.feasibility import violations, volatility_of
from tradewright.portfolio.optimisation.position_counts import with_counts
from tradewright.portfolio.optimisation.problem import InfeasibleError, Problem, SolverError
from tradewright.portfolio.optimisation.programmes import CLOSED, Found, Method


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """Weights with the way to them.

    Parameters
    ----------
    found : Found
        The weights.
    problem : Problem
        What they solve.
    success : bool
        Whether that is what was asked.
    fallback : str or None
        Step of the ladder.
    notes : tuple of str
        Sentences for the message.
    """

    found: Found
    problem: Problem
    success: bool
    fallback: str | None
    notes: tuple[str, ...]


def answer(problem: Problem, method: Method) -> Answer:
    """Solve a problem, or go down the ladder.

    The steps are: the nearest reachable target return; without turnover limit, then also without
    tracking error, then also without sector limits; with the covariance shrunk half way to its
    diagonal; the previous weights where they satisfy the hard limits; inverse volatility where
    that does; cash.

    Parameters
    ----------
    problem : Problem
        As it was asked.
    method : callable
        Solves a problem.

    Returns
    -------
    Answer
        With a sentence for each step.

    Raises
    ------
    ConfigError
        If `max_volatility` is below the smallest that the other constraints allow.
    """
    try:
        found = with_counts(problem, method)
        return Answer(found, problem, found.achieved, None, found.notes)
    except ModelError as error:
        # No weights, a solver without an answer, or a method that these moments do not allow.
        reason = str(error)
    _check_volatility(problem)
    nearest = _nearest_target(problem, method)
    if nearest is not None:
        return nearest
    notes = [_why(problem, reason)]
    softer = problem
    for label in problem.soft():
        softer = softer.without(label)
        found_softer = _tried(softer, method, notes, f"without {label}")
        if found_softer is not None:
            step = f"dropped {label}"
            return Answer(found_softer, softer, False, step, (*notes, *found_softer.notes))
    spread = np.diag(np.diagonal(problem.covariance))
    shrunk = replace(softer, covariance=0.5 * problem.covariance + 0.5 * spread)
    found_shrunk = _tried(shrunk, method, notes, "with the covariance shrunk half way")
    if found_shrunk is not None and not violations(softer, found_shrunk.weights):
        kept = softer is problem and found_shrunk.achieved
        return Answer(
            found_shrunk, softer, kept, "stronger shrinkage", (*notes, *found_shrunk.notes)
        )
    return _without_solver(softer, notes)


def _without_solver(problem: Problem, notes: list[str]) -> Answer:
    if problem.current is not None:
        if not violations(problem, problem.current):
            notes.append("the previous weights are kept.")
            kept = Found(problem.current.copy(), CLOSED)
            return Answer(kept, problem, False, "previous weights", tuple(notes))
        notes.append("the previous weights do not satisfy the hard limits.")
    steady = inverse_volatility(problem.covariance)
    steady = steady * min(max(1.0, problem.net[0]), problem.net[1])
    if not violations(problem, steady):
        notes.append("weights by inverse volatility are used.")
        return Answer(Found(steady, CLOSED), problem, False, "inverse volatility", tuple(notes))
    notes.append("weights by inverse volatility do not satisfy the hard limits; cash is held.")
    return Answer(Found(np.zeros(problem.size), CLOSED), problem, False, "cash", tuple(notes))


def _tried(problem: Problem, method: Method, notes: list[str], what: str) -> Found | None:
    try:
        found = with_counts(problem, method)
    except ModelError:
        notes.append(f"{what} there is no solution either.")
        return None
    notes.append(f"solved {what}.")
    return found


def _why(problem: Problem, reason: str) -> str:
    labels = conflicting(problem)
    if not labels:
        return f"{reason}."
    if len(labels) == 1:
        return f"{labels[0]} cannot be met."
    return f"{' and '.join(labels)} cannot be met together."


def _check_volatility(problem: Problem) -> None:
    if problem.volatility is None:
        return
    free = replace(problem.without("max_volatility"), counts=(None, None), least=0.0)
    free = replace(free, cost=np.zeros(problem.size))
    try:
        least = volatility_of(problem, programmes.minimum_variance(free).weights)
    except (InfeasibleError, SolverError):
        return
    if least > problem.volatility:
        raise ConfigError(
            f"max_volatility {problem.volatility:g} and the other constraints contradict each "
            f"other: the smallest volatility that they allow is {least:.4g}"
        )


def _nearest_target(problem: Problem, method: Method) -> Answer | None:
    # A target return that is out of reach is replaced by the largest return within reach.
    row = next((row for row in problem.rows if row.kind == "target_return"), None)
    if row is None:
        return None
    free = replace(problem.without("target_return"), counts=(None, None), least=0.0)
    free = replace(free, cost=np.zeros(problem.size))
    try:
        best = programmes.maximum_return(free).weights
    except (InfeasibleError, SolverError):
        return None
    reach = float(problem.mean @ best)
    if reach >= row.low:
        return None
    slack = 1e-7 * max(float(np.abs(problem.mean).max()), 1e-9)
    rows = tuple(replace(r, low=reach - slack) if r is row else r for r in problem.rows)
    nearer = replace(problem, rows=rows)
    try:
        found = with_counts(nearer, method)
    except (InfeasibleError, SolverError):
        return None
    note = (
        f"target_return {row.low:g} is out of reach under the constraints; the nearest reachable "
        f"is {reach:.6g}."
    )
    return Answer(found, nearer, False, "nearest target", (note, *found.notes))
