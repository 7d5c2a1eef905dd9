"""The efficient frontier under constraints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError
from tradewright.portfolio.optimisation import programmes
from tradewright.portfolio.optimisation.feasibility import volatility_of
from tradewright.portfolio.optimisation.problem import InfeasibleError, Problem, SolverError

FloatArray = NDArray[np.float64]
POINTS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierPoint:
    """One portfolio in the plane of volatility and return.

    Parameters
    ----------
    volatility, expected_return : float
        A year.
    weights : mapping of str to float
        Of the portfolio.
    """

    volatility: float
    expected_return: float
    weights: Mapping[str, float]

    def to_mapping(self) -> dict[str, Any]:
        """Return the point as values that JSON can hold."""
        return {
            "volatility": self.volatility,
            "expected_return": self.expected_return,
            "weights": dict(self.weights),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """Points of least variance for their return, with marks.

    Parameters
    ----------
    points : tuple of FrontierPoint
        From minimum variance to maximum return.
    marks : mapping of str to FrontierPoint
        ``minimum_variance``, ``maximum_sharpe``, ``maximum_return`` and ``current`` where known.
    assets : mapping of str to FrontierPoint
        Each instrument alone.
    """

    points: tuple[FrontierPoint, ...]
    marks: Mapping[str, FrontierPoint]
    assets: Mapping[str, FrontierPoint]

    def to_mapping(self) -> dict[str, Any]:
        """Return the frontier as values that JSON can hold."""
        return {
            "points": [point.to_mapping() for point in self.points],
            "marks": {name: point.to_mapping() for name, point in self.marks.items()},
            "assets": {name: point.to_mapping() for name, point in self.assets.items()},
        }


def trace_frontier(problem: Problem, *, points: int = POINTS) -> Frontier:
    """Trace the frontier from minimum variance to maximum return.

    Returns between the two ends are evenly spaced; each point minimises variance under the same
    constraints with at least that return. Costs and limits of counts are left out.

    Parameters
    ----------
    problem : Problem
        Moments and constraints.
    points : int
        2 or more.

    Returns
    -------
    Frontier
        Monotone and concave up to the solver's tolerance.

    Raises
    ------
    ConfigError
        If `points` is below 2 or the constraints cannot hold together.
    """
    if points < 2:
        raise ConfigError(f"points is {points}, wanted 2 or more")
    free = replace(problem, cost=np.zeros(problem.size), counts=(None, None), least=0.0)
    try:
        calm = programmes.minimum_variance(free).weights
        bold = programmes.maximum_return(free).weights
    except InfeasibleError as error:
        raise ConfigError(f"frontier: {error}") from None
    low, high = float(problem.mean @ calm), float(problem.mean @ bold)
    inner = []
    for wanted in np.linspace(low, high, points)[1:-1]:
        try:
            inner.append(programmes.at_least(free, float(wanted)).weights)
        except (InfeasibleError, SolverError):
            # The last ones may miss the highest return by the solver's tolerance.
            inner.append(bold)
    marks = {"minimum_variance": calm, "maximum_return": bold}
    try:
        best = programmes.maximum_ratio(free, problem.mean, problem.risk_free_rate)
        if best.achieved:
            marks["maximum_sharpe"] = best.weights
    except (InfeasibleError, SolverError):
        marks.pop("maximum_sharpe", None)
    if problem.current is not None:
        marks["current"] = problem.current
    alone = np.eye(problem.size)
    return Frontier(
        points=tuple(_point(problem, w) for w in [calm, *inner, bold]),
        marks={name: _point(problem, w) for name, w in marks.items()},
        assets={s: _point(problem, alone[i]) for i, s in enumerate(problem.symbols)},
    )


def _point(problem: Problem, weights: FloatArray) -> FrontierPoint:
    return FrontierPoint(
        volatility=volatility_of(problem, weights),
        expected_return=float(problem.mean @ weights),
        weights=dict(zip(problem.symbols, weights.tolist(), strict=True)),
    )
