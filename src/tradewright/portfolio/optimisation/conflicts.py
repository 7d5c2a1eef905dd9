"""Which constraints cannot hold together."""

from __future__ import annotations

from tradewright.portfolio.optimisation.layout import lay_out
from tradewright.portfolio.optimisation.problem import InfeasibleError, Problem, SolverError


def is_feasible(problem: Problem) -> bool:
    """Return whether any weights satisfy the constraints, counts of positions left out."""
    try:
        lay_out(problem).solve()
    except (InfeasibleError, SolverError):
        return False
    return True


def conflicting(problem: Problem) -> tuple[str, ...]:
    """Return a smallest set of constraints without common weights.

    Constraints are left out one after the other; one whose absence keeps the problem infeasible
    stays out. What is left is infeasible together and feasible without any one of it.

    Parameters
    ----------
    problem : Problem
        Infeasible.

    Returns
    -------
    tuple of str
        Labels with their limits; empty if the problem has a solution after all.
    """
    if is_feasible(problem):
        return ()
    kept = _labels(problem)
    for label in list(kept):
        rest = problem.without(label)
        if not is_feasible(rest):
            problem = rest
            del kept[label]
    return tuple(f"{label} {limit}".strip() for label, limit in kept.items())


def _labels(problem: Problem) -> dict[str, str]:
    found: dict[str, str] = {}
    limits = {
        "max_turnover": problem.turnover,
        "max_tracking_error": problem.tracking,
        "max_volatility": problem.volatility,
        "max_gross": problem.gross,
        "max_long": problem.longs,
        "max_short": problem.shorts,
    }
    found |= {name: f"{limit:g}" for name, limit in limits.items() if limit is not None}
    for row in problem.rows:
        shown = "" if row.kind == "linear" else f"{row.low if row.high > 1e300 else row.high:g}"
        found[row.label] = shown
    low, high = problem.net
    found["min_weight"] = _range(problem.lower)
    found["max_weight"] = _range(problem.upper)
    found["min_net"], found["max_net"] = f"{low:g}", f"{high:g}"
    return found


def _range(values: object) -> str:
    import numpy as np

    array = np.asarray(values, dtype=np.float64)
    low, high = float(array.min()), float(array.max())
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
