"""A problem's constraints as rows of a conic programme."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewright.portfolio.optimisation.problem import InfeasibleError, Problem, SolverError
from tradewright.portfolio.solvers.conic import ConicProgramme, ConicSolution

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Variables of a programme whose rows are a problem's constraints.

    Everything is written for x = κw, so that ratios can be maximised; κ is 1 otherwise.

    Parameters
    ----------
    programme : ConicProgramme
        With the rows; the method adds its objective.
    x : slice
        Scaled weights.
    kappa : slice
        Their scale.
    trades : slice or None
        At least |x − κ·current|, where turnover or costs need them.
    factor : ndarray of shape (n, n)
        F with FᵀF the covariance.
    """

    programme: ConicProgramme
    x: slice
    kappa: slice
    trades: slice | None
    factor: FloatArray

    def solve(self) -> tuple[FloatArray, ConicSolution]:
        """Return the weights.

        Raises
        ------
        InfeasibleError
            If no weights satisfy the rows.
        SolverError
            If the solver ended without an answer.
        """
        found = self.programme.solve()
        if found.status == "infeasible":
            raise InfeasibleError("no weights satisfy the constraints")
        kappa = float(found.x[self.kappa][0]) if found.status == "solved" else 0.0
        if not kappa > 1e-12:
            raise SolverError(f"the conic solver ended with {found.detail}")
        return found.x[self.x] / kappa, found


def lay_out(problem: Problem, *, homogeneous: bool = False, costly: bool = False) -> Layout:
    """Write a problem's constraints as rows.

    Parameters
    ----------
    problem : Problem
        With its limits.
    homogeneous : bool
        Whether κ is free.
    costly : bool
        Whether the objective needs the trades.

    Returns
    -------
    Layout
        Ready for an objective.
    """
    programme = ConicProgramme()
    n = problem.size
    x, kappa = programme.variables(n), programme.variables(1)
    if homogeneous:
        programme.at_most([(kappa, -np.ones((1, 1)))], np.zeros(1))
    else:
        programme.equal([(kappa, np.ones((1, 1)))], np.ones(1))
    factor = problem.factor()
    _add_bounds(programme, problem, x, kappa)
    _add_sums(programme, problem, x, kappa)
    trades = None
    if problem.current is not None and (problem.turnover is not None or costly):
        trades = programme.variables(n)
        _absolute(programme, x, kappa, trades, problem.current)
        if problem.turnover is not None:
            limit = np.array([[-2.0 * problem.turnover]])
            programme.at_most([(trades, np.ones((1, n))), (kappa, limit)], np.zeros(1))
    if problem.counted and not homogeneous:
        _add_counts(programme, problem, x)
    if problem.volatility is not None:
        _add_norm(programme, factor, np.zeros(n), (x, kappa), problem.volatility)
    if problem.tracking is not None and problem.benchmark is not None:
        _add_norm(programme, factor, problem.benchmark, (x, kappa), problem.tracking)
    return Layout(programme, x, kappa, trades, factor)


def _add_bounds(programme: ConicProgramme, problem: Problem, x: slice, kappa: slice) -> None:
    from scipy import sparse

    n = problem.size
    unit = sparse.identity(n)
    programme.at_most([(x, -unit), (kappa, problem.lower[:, None])], np.zeros(n))
    # The upper bound of a long-only portfolio that cannot bind costs no rows.
    needless = (problem.lower >= 0).all() and (problem.upper >= problem.net[1]).all()
    if not needless:
        programme.at_most([(x, unit), (kappa, -problem.upper[:, None])], np.zeros(n))
    low, high = problem.net
    ones = np.ones((1, n))
    if low == high:
        programme.equal([(x, ones), (kappa, np.array([[-low]]))], np.zeros(1))
    else:
        programme.at_most([(x, -ones), (kappa, np.array([[low]]))], np.zeros(1))
        programme.at_most([(x, ones), (kappa, np.array([[-high]]))], np.zeros(1))


def _add_sums(programme: ConicProgramme, problem: Problem, x: slice, kappa: slice) -> None:
    from scipy import sparse

    n = problem.size
    for row in problem.rows:
        place = (np.zeros(len(row.columns), dtype=np.intp), row.columns)
        line = sparse.coo_matrix((row.coefficients, place), shape=(1, n))
        size = float(np.abs(row.coefficients).max()) or 1.0
        if row.low == row.high:
            terms = [(x, line / size), (kappa, np.array([[-row.low / size]]))]
            programme.equal(terms, np.zeros(1))
            continue
        if math.isfinite(row.low):
            programme.at_most(
                [(x, -line / size), (kappa, np.array([[row.low / size]]))], np.zeros(1)
            )
        if math.isfinite(row.high):
            programme.at_most(
                [(x, line / size), (kappa, np.array([[-row.high / size]]))], np.zeros(1)
            )
    if problem.gross is None and problem.longs is None and problem.shorts is None:
        return
    shorts = programme.variables(n)
    unit, ones = sparse.identity(n), np.ones((1, n))
    programme.at_most([(shorts, -unit)], np.zeros(n))
    programme.at_most([(x, -unit), (shorts, -unit)], np.zeros(n))
    for limit, weights in (
        (problem.gross, [(x, ones), (shorts, 2.0 * ones)]),
        (problem.longs, [(x, ones), (shorts, ones)]),
        (problem.shorts, [(shorts, ones)]),
    ):
        if limit is not None:
            programme.at_most([*weights, (kappa, np.array([[-limit]]))], np.zeros(1))


def _add_counts(programme: ConicProgramme, problem: Problem, x: slice) -> None:
    # A weight is 0 with its bit, otherwise within its bounds and at least of the smallest size.
    from scipy import sparse

    n = problem.size
    held = programme.zero_or_one(n)
    unit, zero, ones = sparse.identity(n), np.zeros(n), np.ones((1, n))
    least = np.where(problem.lower >= 0, np.maximum(problem.lower, problem.floor), problem.lower)
    programme.at_most([(x, unit), (held, sparse.diags(-problem.upper))], zero)
    programme.at_most([(x, -unit), (held, sparse.diags(least))], zero)
    fewest, most = problem.counts
    if most is not None:
        programme.at_most([(held, ones)], np.array([float(most)]))
    if fewest is not None:
        programme.at_most([(held, -ones)], np.array([-float(fewest)]))


def _absolute(
    programme: ConicProgramme, x: slice, kappa: slice, size: slice, current: FloatArray
) -> None:
    from scipy import sparse

    n = len(current)
    unit, zero = sparse.identity(n), np.zeros(n)
    programme.at_most([(x, unit), (kappa, -current[:, None]), (size, -unit)], zero)
    programme.at_most([(x, -unit), (kappa, current[:, None]), (size, -unit)], zero)


def _add_norm(
    programme: ConicProgramme,
    factor: FloatArray,
    centre: FloatArray,
    where: tuple[slice, slice],
    limit: float,
) -> None:
    # (κ·limit, F(x − κ·centre)) lies in the second-order cone; scaled to its own size.
    x, kappa = where
    n = len(centre)
    top = np.vstack([np.full((1, 1), -limit), (factor @ centre)[:, None]]) / limit
    body = np.vstack([np.zeros((1, n)), -factor]) / limit
    programme.norm([(x, body), (kappa, top)], np.zeros(n + 1))
