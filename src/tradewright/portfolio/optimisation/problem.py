"""One optimisation with everything resolved to arrays, in the order of its symbols."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, DataError, ModelError, nearest
from tradewright.portfolio.constraints.linear_text import parse_linear
from tradewright.portfolio.constraints.weights import OptimizationConstraints

FloatArray = NDArray[np.float64]
FLOOR: Final = 0.01
"""Smallest weight of an instrument that is held only to reach `min_positions`."""
RIDGE: Final = 1e-8
"""Added to the variances for the solvers, as a share of their mean."""


class InfeasibleError(ModelError):
    """No weights satisfy the constraints."""


class SolverError(ModelError):
    """A solver ended without an answer."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearRow:
    """Low ≤ Σ coefficient · weight ≤ high.

    Parameters
    ----------
    label : str
        As messages name it.
    columns, coefficients : ndarray
        The instruments in it.
    low, high : float
        Infinite where there is no bound.
    kind : str
        ``sectors``, ``linear``, ``beta`` or ``target_return``.
    """

    label: str
    columns: NDArray[np.intp]
    coefficients: FloatArray
    low: float
    high: float
    kind: str

    def value(self, weights: FloatArray) -> float:
        """Return the weighted sum."""
        return float(self.coefficients @ weights[self.columns])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Problem:
    """Moments, limits and costs of one optimisation.

    Parameters
    ----------
    symbols : tuple of str
        Instruments.
    mean, covariance : ndarray
        Expected returns and covariance a year.
    risk_free_rate : float
        A year.
    lower, upper : ndarray of shape (n,)
        Bounds of the weights.
    net : tuple of float
        Bounds of Σw.
    rows : tuple of LinearRow
        Linear constraints.
    gross, longs, shorts, volatility, tracking, turnover : float or None
        Limits.
    benchmark, current : ndarray or None
        Weights of the benchmark, and those held now.
    cost : ndarray of shape (n,)
        Cost a year of one unit traded; zeros where what is held is not known.
    counts : tuple
        Fewest and most positions, None for off.
    least : float
        Smallest position.
    counted : bool
        Whether programmes carry the limits of counts, as mixed-integer ones.
    """

    symbols: tuple[str, ...]
    mean: FloatArray
    covariance: FloatArray
    risk_free_rate: float
    lower: FloatArray
    upper: FloatArray
    net: tuple[float, float]
    rows: tuple[LinearRow, ...] = ()
    gross: float | None = None
    longs: float | None = None
    shorts: float | None = None
    volatility: float | None = None
    tracking: float | None = None
    turnover: float | None = None
    benchmark: FloatArray | None = None
    current: FloatArray | None = None
    cost: FloatArray
    counts: tuple[int | None, int | None] = (None, None)
    least: float = 0.0
    counted: bool = False

    @property
    def floor(self) -> float:
        """Smallest weight of a position: a count is only reached by weights that matter."""
        return max(self.least, FLOOR if self.counts[0] is not None else 0.0)

    @property
    def size(self) -> int:
        """Number of instruments."""
        return len(self.symbols)

    @property
    def is_costly(self) -> bool:
        """Whether trading costs something."""
        return bool(self.cost.any())

    def regular_covariance(self) -> FloatArray:
        """Return the covariance with the solvers' ridge on its diagonal."""
        out = self.covariance.copy()
        out[np.diag_indices_from(out)] += RIDGE * float(np.diagonal(out).mean())
        return out

    def factor(self) -> FloatArray:
        """Return F with FᵀF the regular covariance."""
        matrix = self.regular_covariance()
        try:
            return np.asarray(np.linalg.cholesky(matrix).T, dtype=np.float64)
        except np.linalg.LinAlgError:
            values, vectors = np.linalg.eigh(matrix)
            root: FloatArray = (vectors * np.sqrt(np.maximum(values, 0.0))).T
            return root

    def trades(self, weights: FloatArray) -> FloatArray:
        """Return |Δw|; zeros where what is held is not known."""
        if self.current is None:
            return np.zeros(self.size)
        return np.abs(weights - self.current)

    def soft(self) -> list[str]:
        """Return the soft constraints that are there, in the order they are dropped."""
        present = {
            "max_turnover": self.turnover is not None,
            "max_tracking_error": self.tracking is not None,
            "sectors": any(row.kind == "sectors" for row in self.rows),
        }
        return [name for name, there in present.items() if there]

    def without(self, label: str) -> Problem:
        """Return the problem without one constraint, by its label or kind."""
        simple = {
            "max_turnover": "turnover",
            "max_tracking_error": "tracking",
            "max_volatility": "volatility",
            "max_gross": "gross",
            "max_long": "longs",
            "max_short": "shorts",
        }
        if label in simple:
            return replace(self, **{simple[label]: None})  # type: ignore[arg-type]
        if label == "max_weight":
            return replace(self, upper=np.full(self.size, 10.0))
        if label == "min_weight":
            return replace(self, lower=np.full(self.size, -10.0))
        if label in {"min_net", "max_net"}:
            low, high = self.net
            return replace(self, net=(-10.0, high) if label == "min_net" else (low, 10.0))
        return replace(self, rows=tuple(r for r in self.rows if label not in {r.label, r.kind}))


def build_problem(
    mean: FloatArray,
    covariance: FloatArray,
    symbols: Sequence[str],
    constraints: OptimizationConstraints,
    *,
    risk_free_rate: float = 0.0,
    current: FloatArray | None = None,
) -> Problem:
    """Resolve constraints to arrays and refuse those that contradict each other.

    Parameters
    ----------
    mean : ndarray of shape (n,)
        Expected returns a year.
    covariance : ndarray of shape (n, n)
        Checked covariance a year.
    symbols : sequence of str
        Instruments in order.
    constraints : OptimizationConstraints
        Limits.
    risk_free_rate : float
        A year.
    current : ndarray of shape (n,), optional
        Weights held now.

    Returns
    -------
    Problem
        Consistent as far as single numbers can tell.

    Raises
    ------
    ConfigError
        Naming two constraints that cannot both hold, or a symbol that is not there.
    DataError
        If an expected return or a weight is not finite.
    """
    names = tuple(symbols)
    for what, values in (("expected return", mean), ("current weight", current)):
        if values is not None and not np.isfinite(values).all():
            at = int(np.argmin(np.isfinite(values)))
            raise DataError(f"{what} of {names[at]} is {values[at]}, wanted a finite number")
    if constraints.max_turnover is not None and current is None:
        raise ConfigError("max_turnover needs current_weights")
    benchmark = None
    if constraints.benchmark_weights is not None:
        benchmark = weights_of(constraints.benchmark_weights, names, "benchmark_weights")
    rates = constraints.transaction_cost
    yearly = 365.0 / constraints.holding_period_days
    cost = np.zeros(len(names))
    if current is not None:
        cost = (
            np.array([rates.get(s, 0.0) for s in names])
            if isinstance(rates, Mapping)
            else np.full(len(names), float(rates))
        ) * yearly
    problem = Problem(
        symbols=names,
        mean=mean,
        covariance=covariance,
        risk_free_rate=risk_free_rate,
        lower=_bounds(names, constraints.min_weight, constraints.min_weights, "min_weights"),
        upper=_bounds(names, constraints.max_weight, constraints.max_weights, "max_weights"),
        net=(constraints.min_net, constraints.max_net),
        rows=_rows(constraints, names, mean, covariance, benchmark),
        gross=constraints.max_gross,
        longs=constraints.max_long,
        shorts=constraints.max_short,
        volatility=constraints.max_volatility,
        tracking=constraints.max_tracking_error,
        turnover=constraints.max_turnover,
        benchmark=benchmark,
        current=current,
        cost=cost,
        counts=(constraints.min_positions, constraints.max_positions),
        least=constraints.min_position_size,
    )
    _check_pairs(problem, constraints)
    return problem


def weights_of(given: Mapping[str, float], symbols: Sequence[str], what: str) -> FloatArray:
    """Return weights in the order of the symbols; ``CASH`` is left out, others must be known."""
    for name in given:
        if name not in symbols and name != "CASH":
            raise ConfigError(f"{what}: {name!r} is not there; {nearest(name, symbols)}")
    return np.array([float(given.get(symbol, 0.0)) for symbol in symbols])


def _bounds(
    symbols: tuple[str, ...], every: float, single: Mapping[str, float], what: str
) -> FloatArray:
    for name in single:
        if name not in symbols:
            raise ConfigError(f"{what}: {name!r} is not there; {nearest(name, symbols)}")
    return np.array([float(single.get(symbol, every)) for symbol in symbols])


def _rows(
    constraints: OptimizationConstraints,
    symbols: tuple[str, ...],
    mean: FloatArray,
    covariance: FloatArray,
    benchmark: FloatArray | None,
) -> tuple[LinearRow, ...]:
    place = {symbol: i for i, symbol in enumerate(symbols)}
    members = constraints.members()
    rows = _sector_rows(constraints, members, place)
    for text in constraints.linear:
        found, least, most = parse_linear(text, symbols, members)
        columns = np.array([place[s] for s in found], dtype=np.intp)
        values = np.array(list(found.values()))
        rows.append(LinearRow(f"linear {text!r}", columns, values, least, most, "linear"))
    target = constraints.target_return
    if target is not None:
        rows.append(_row("target_return", mean, (target, None), "target_return"))
    if benchmark is None or (constraints.min_beta is None and constraints.max_beta is None):
        return tuple(rows)
    variance = float(benchmark @ covariance @ benchmark)
    if not variance > 0:
        raise ConfigError("min_beta and max_beta need a benchmark with some variance")
    betas = covariance @ benchmark / variance
    for label, bounds in (
        ("min_beta", (constraints.min_beta, None)),
        ("max_beta", (None, constraints.max_beta)),
    ):
        if bounds != (None, None):
            rows.append(_row(label, betas, bounds, "beta"))
    return tuple(rows)


def _sector_rows(
    constraints: OptimizationConstraints,
    members: Mapping[str, Sequence[str]],
    place: Mapping[str, int],
) -> list[LinearRow]:
    rows = []
    for which in ("sector_min", "sector_max"):
        bounds = getattr(constraints, which)
        for name in bounds if isinstance(bounds, Mapping) else ():
            if name not in members:
                raise ConfigError(f"{which}: {name!r} is no sector; {nearest(name, members)}")
    for name in constraints.sector_names():
        columns = np.array([place[s] for s in members[name] if s in place], dtype=np.intp)
        for which in ("sector_min", "sector_max"):
            bound = constraints.bound_of(name, which)
            if bound is not None and len(columns):
                bounds = (bound, None) if which == "sector_min" else (None, bound)
                ones = np.ones(len(columns))
                rows.append(_row(f"{which} {name}", ones, bounds, "sectors", columns))
    return rows


def _row(
    label: str,
    coefficients: FloatArray,
    bounds: tuple[float | None, float | None],
    kind: str,
    columns: NDArray[np.intp] | None = None,
) -> LinearRow:
    low, high = bounds
    first = -math.inf if low is None else float(low)
    last = math.inf if high is None else float(high)
    places = np.arange(len(coefficients)) if columns is None else columns
    return LinearRow(label, places, coefficients, first, last, kind)


def _check_pairs(problem: Problem, given: OptimizationConstraints) -> None:
    # What two numbers alone can contradict is said before anything is solved.
    lower, upper, (low, high) = problem.lower, problem.upper, problem.net
    tiny = 1e-9
    crossed = np.flatnonzero(lower > upper + tiny)
    if len(crossed):
        at = int(crossed[0])
        raise ConfigError(
            f"min_weight {lower[at]:g} and max_weight {upper[at]:g} of {problem.symbols[at]} "
            "contradict each other"
        )
    n = problem.size
    if lower.sum() > high + tiny:
        raise ConfigError(
            f"min_weight and max_net contradict each other: the smallest weights of {n} "
            f"instruments sum to {lower.sum():g}, above {high:g}"
        )
    if upper.sum() < low - tiny:
        raise ConfigError(
            f"max_weight and min_net contradict each other: the largest weights of {n} "
            f"instruments sum to {upper.sum():g}, below {low:g}"
        )
    for row in problem.rows:
        if row.kind == "sectors":
            most, least = upper[row.columns].sum(), lower[row.columns].sum()
            if row.low > most + tiny:
                raise ConfigError(
                    f"{row.label} {row.low:g} and max_weight contradict each other: the largest "
                    f"weights of its {len(row.columns)} instruments sum to {most:g}"
                )
            if row.high < least - tiny:
                raise ConfigError(
                    f"{row.label} {row.high:g} and min_weight contradict each other: the smallest "
                    f"weights of its {len(row.columns)} instruments sum to {least:g}"
                )
    fewest, most_held = problem.counts
    if fewest is not None and fewest > n:
        raise ConfigError(f"min_positions {fewest} and the {n} instruments contradict each other")
    if most_held is not None:
        reach = float(np.sort(upper)[::-1][:most_held].sum())
        if reach < low - tiny:
            raise ConfigError(
                f"max_positions {most_held} and max_weight contradict each other: together they "
                f"reach {reach:g}, below min_net {low:g}"
            )
    if fewest is not None and problem.least * fewest > high + tiny and (lower >= 0).all():
        raise ConfigError(
            f"min_positions {fewest} and min_position_size {given.min_position_size} contradict "
            f"each other: together they are above max_net {high:g}"
        )
