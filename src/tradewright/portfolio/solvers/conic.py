"""Convex programmes with named rows, written straight for the conic solver."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import MissingExtraError

FloatArray = NDArray[np.float64]
Terms = Sequence[tuple[slice, Any]]
"""Columns of some variables, with the dense or sparse block that multiplies them."""

HIGHS: Final = "highs"
MIXED: Final = "mixed_integer"
_LARGE: Final = 12_000
_EXACT: Final = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
_SOLVED: Final = ("Solved", "AlmostSolved")
_INFEASIBLE: Final = ("PrimalInfeasible", "AlmostPrimalInfeasible")


@dataclass(frozen=True, slots=True, eq=False)
class ConicSolution:
    """What the solver found.

    Parameters
    ----------
    status : str
        ``solved``, ``infeasible`` or ``failed``.
    x : ndarray of shape (n_variables,)
        The minimum; meaningless unless solved.
    objective : float
        Its value.
    solve_ms : float
        Time in the solver.
    detail : str
        The solver's own word for how it ended.
    solver : str
        ``clarabel``, ``highs`` or ``mixed_integer``.
    """

    status: str
    x: FloatArray
    objective: float
    solve_ms: float
    detail: str
    solver: str = "clarabel"


class ConicProgramme:
    """Minimise ½ xᵀPx + qᵀx subject to rows in cones; blocks stay sparse.

    Examples
    --------
    >>> programme = ConicProgramme()
    >>> x = programme.variables(2)
    >>> programme.quadratic(x, np.eye(2))
    >>> programme.equal([(x, np.ones((1, 2)))], np.array([1.0]))
    >>> programme.solve().x.round(6)
    array([0.5, 0.5])
    """

    def __init__(self) -> None:
        self.width = 0
        self._whole: list[slice] = []
        self._linear: list[tuple[slice, FloatArray]] = []
        self._quadratic: list[tuple[slice, FloatArray]] = []
        self._blocks: dict[str, list[tuple[Any, FloatArray]]] = {
            name: [] for name in ("zero", "nonnegative", "second_order", "exponential")
        }

    def variables(self, count: int) -> slice:
        """Add variables; return their columns."""
        first = self.width
        self.width += count
        return slice(first, self.width)

    def zero_or_one(self, count: int) -> slice:
        """Add variables that are 0 or 1; the programme is then solved as a mixed-integer one."""
        columns = self.variables(count)
        self._whole.append(columns)
        self.at_most([(columns, np.eye(count))], np.ones(count))
        self.at_most([(columns, -np.eye(count))], np.zeros(count))
        return columns

    def linear(self, columns: slice, cost: FloatArray) -> None:
        """Add a linear cost of some variables."""
        self._linear.append((columns, np.broadcast_to(cost, columns.stop - columns.start)))

    def quadratic(self, columns: slice, matrix: FloatArray) -> None:
        """Add ½ xᵀPx of some variables."""
        self._quadratic.append((columns, matrix))

    def equal(self, terms: Terms, right: FloatArray) -> None:
        """Add rows Σ Ax = b."""
        self._blocks["zero"].append((terms, right))

    def at_most(self, terms: Terms, right: FloatArray) -> None:
        """Add rows Σ Ax ≤ b."""
        self._blocks["nonnegative"].append((terms, right))

    def norm(self, terms: Terms, right: FloatArray) -> None:
        """Add one cone: b − Σ Ax = (t, y) with the norm of y at most t."""
        self._blocks["second_order"].append((terms, right))

    def exponential(self, terms: Terms, right: FloatArray) -> None:
        """Add rows by threes: b − Σ Ax = (u, v, t) with v·exp(u/v) ≤ t."""
        self._blocks["exponential"].append((terms, right))

    def standard_form(self) -> tuple[Any, FloatArray, Any, FloatArray, Mapping[str, list[int]]]:
        """Return P (upper triangle), q, A, b and the sizes of the cones."""
        from scipy import sparse

        cost = np.zeros(self.width)
        for columns, values in self._linear:
            cost[columns] += values
        curvature = sparse.csc_matrix((self.width, self.width))
        for columns, matrix in self._quadratic:
            upper = sparse.triu(sparse.coo_matrix(matrix))
            shape = (self.width, self.width)
            place = (upper.row + columns.start, upper.col + columns.start)
            curvature = curvature + sparse.csc_matrix((upper.data, place), shape=shape)
        rows, right = [], []
        sizes: dict[str, list[int]] = {}
        for name, blocks in self._blocks.items():
            sizes[name] = [len(b) for _, b in blocks]
            for terms, b in blocks:
                rows.append(self._row_block(terms, len(b)))
                right.append(b)
        matrix = sparse.vstack(rows, format="csc") if rows else sparse.csc_matrix((0, self.width))
        return curvature, cost, matrix, np.concatenate(right) if right else np.zeros(0), sizes

    def _row_block(self, terms: Terms, height: int) -> Any:
        from scipy import sparse

        row, column, value = [], [], []
        for columns, block in terms:
            places = sparse.coo_matrix(block)
            index = np.arange(columns.start, columns.stop)
            row.append(places.row)
            column.append(index[places.col])
            value.append(places.data)
        parts = (np.concatenate(row), np.concatenate(column))
        return sparse.coo_matrix((np.concatenate(value), parts), shape=(height, self.width))

    def solve(self, *, tolerance: float = 1e-10) -> ConicSolution:
        """Solve with Clarabel, or with HiGHS where everything is linear.

        Parameters
        ----------
        tolerance : float
            Of gap and feasibility.

        Returns
        -------
        ConicSolution
            Solved, infeasible or failed.

        Raises
        ------
        MissingExtraError
            If Clarabel is needed and not installed.
        """
        if self._whole:
            return self._solve_mixed()
        if self._is_linear:
            found = self._solve_linear()
            if found.status != "failed":
                return found
        clarabel = import_clarabel()
        curvature, cost, matrix, right, sizes = self.standard_form()
        cones = []
        if sizes["zero"]:
            cones.append(clarabel.ZeroConeT(sum(sizes["zero"])))
        if sizes["nonnegative"]:
            cones.append(clarabel.NonnegativeConeT(sum(sizes["nonnegative"])))
        cones += [clarabel.SecondOrderConeT(size) for size in sizes["second_order"]]
        for size in sizes["exponential"]:
            cones += [clarabel.ExponentialConeT()] * (size // 3)
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
        settings.max_iter = 200
        settings.max_threads = 1
        started = time.perf_counter()
        found = clarabel.DefaultSolver(curvature, cost, matrix, right, cones, settings).solve()
        spent = (time.perf_counter() - started) * 1e3
        detail = str(found.status)
        status = "solved" if detail in _SOLVED else "failed"
        if detail in _INFEASIBLE:
            status = "infeasible"
        x = np.array(found.x, dtype=np.float64)
        if status == "solved" and not np.isfinite(x).all():
            status = "failed"
        return ConicSolution(status, x, float(found.obj_val), spent, detail)

    def _solve_mixed(self) -> ConicSolution:
        from tradewright.portfolio.solvers.mixed_integer import installed, solve_mixed

        quadratic = bool(self._quadratic or self._blocks["second_order"])
        solver = installed(quadratic=quadratic)
        if solver is None or self._blocks["exponential"]:
            detail = "no mixed-integer solver for this programme is installed"
            return ConicSolution("failed", np.zeros(self.width), np.nan, 0.0, detail, MIXED)
        whole = np.concatenate([np.arange(c.start, c.stop) for c in self._whole])
        return ConicSolution(*solve_mixed(self.standard_form(), whole, solver), MIXED)

    @property
    def _is_linear(self) -> bool:
        blocks = self._blocks
        if self._quadratic or blocks["second_order"] or blocks["exponential"]:
            return False
        # The simplex method is quicker until there are thousands of scenarios.
        return sum(len(right) for rows in blocks.values() for _, right in rows) <= _LARGE

    def _solve_linear(self) -> ConicSolution:
        from scipy.optimize import linprog

        _, cost, matrix, right, sizes = self.standard_form()
        rows, equal = matrix.tocsr(), sum(sizes["zero"])
        started = time.perf_counter()
        found = linprog(
            cost,
            A_ub=rows[equal:],
            b_ub=right[equal:],
            A_eq=rows[:equal],
            b_eq=right[:equal],
            bounds=(None, None),
            method="highs-ds",
            options=_EXACT,
        )
        spent = (time.perf_counter() - started) * 1e3
        status = {0: "solved", 2: "infeasible"}.get(found.status, "failed")
        x = np.zeros(self.width) if found.x is None else np.asarray(found.x, dtype=np.float64)
        value = float(found.fun) if status == "solved" else np.nan
        return ConicSolution(status, x, value, spent, str(found.message), HIGHS)


def import_clarabel() -> Any:
    """Return the solver's module, or say which extra brings it."""
    try:
        import clarabel
    except ImportError as error:
        raise MissingExtraError("clarabel", "portfolio") from error
    return clarabel
