"""Conic programmes with whole-number variables, by whatever solver is installed."""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
QUADRATIC: Final = ("SCIP", "GUROBI", "MOSEK", "CPLEX", "XPRESS")
LINEAR: Final = (*QUADRATIC, "HIGHS", "SCIPY")
TIME_LIMIT_S: Final = 10.0


@cache
def installed(*, quadratic: bool) -> str | None:
    """Return the first solver that can do it, None where there is none.

    Parameters
    ----------
    quadratic : bool
        Whether the programme has a quadratic cost or a norm; scipy's HiGHS does linear ones.
    """
    try:
        cvxpy: Any = importlib.import_module("cvxpy")
    except ImportError:
        return None
    there = set(cvxpy.installed_solvers())
    return next((name for name in (QUADRATIC if quadratic else LINEAR) if name in there), None)


def solve_mixed(
    form: tuple[Any, FloatArray, Any, FloatArray, Mapping[str, list[int]]],
    whole: NDArray[np.intp],
    solver: str,
) -> tuple[str, FloatArray, float, float, str]:
    """Solve a programme in standard form with some variables 0 or 1.

    Parameters
    ----------
    form : tuple
        Of `ConicProgramme.standard_form`.
    whole : ndarray of int
        Columns of the variables that are 0 or 1.
    solver : str
        Of `installed`.

    Returns
    -------
    tuple
        Status (``solved``, ``infeasible``, ``failed``), x, objective, milliseconds and the
        solver's own word.
    """
    cp: Any = importlib.import_module("cvxpy")
    curvature, cost, matrix, right, sizes = form
    width = len(cost)
    x, bits = cp.Variable(width), cp.Variable(len(whole), boolean=True)
    objective = cost @ x
    if curvature.nnz:
        full = curvature + curvature.T
        full.setdiag(curvature.diagonal())
        objective = objective + 0.5 * cp.quad_form(x, cp.psd_wrap(full))
    problem = cp.Problem(
        cp.Minimize(objective), [x[whole] == bits, *_rows(cp, x, matrix, right, sizes)]
    )
    started = time.perf_counter()
    try:
        with warnings.catch_warnings():
            # What is not optimal is told by the status.
            warnings.simplefilter("ignore")
            problem.solve(solver=solver, **_limits(solver))
        word = str(problem.status)
    except cp.error.SolverError as error:
        word = str(error)
    spent = (time.perf_counter() - started) * 1e3
    status = {"optimal": "solved", "infeasible": "infeasible"}.get(word, "failed")
    values = np.zeros(width) if x.value is None else np.asarray(x.value, dtype=np.float64)
    value = float(problem.value) if status == "solved" else float("nan")
    return status, values, value, spent, f"{solver} {word}"


def _rows(
    cp: Any, x: Any, matrix: Any, right: FloatArray, sizes: Mapping[str, list[int]]
) -> list[Any]:
    rows, at = [], 0
    left = right - matrix.tocsr() @ x
    for kind in ("zero", "nonnegative"):
        count = sum(sizes[kind])
        if count:
            part = left[at : at + count]
            rows.append(part == 0 if kind == "zero" else part >= 0)
            at += count
    for size in sizes["second_order"]:
        rows.append(cp.SOC(left[at], left[at + 1 : at + size]))
        at += size
    return rows


def _limits(solver: str) -> dict[str, Any]:
    if solver == "SCIP":
        return {"scip_params": {"limits/time": TIME_LIMIT_S}}
    if solver == "SCIPY":
        return {"scipy_options": {"time_limit": TIME_LIMIT_S, "mip_rel_gap": 1e-6}}
    return {}
