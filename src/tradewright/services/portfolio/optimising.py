"""Optimise over stored bars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.time import from_ns
from tradewright.portfolio.constraints import (
    CEILING,
    OptimizationConstraints,
    PortfolioLimits,
    apply_limits,
)
from tradewright.portfolio.covariance import EstimationSettings, estimate_moments
from tradewright.portfolio.optimisation import (
    Frontier,
    MethodInputs,
    OptimizationMethod,
    OptimizationResult,
    PortfolioOptimizer,
    parse_method,
)

FloatArray = NDArray[np.float64]
POSITION: Final = 1e-6
CLASS_OF: Final = {"forex": "forex", "crypto": "crypto", "crypto_perp": "crypto"}
"""Class of an instrument for leverage; whatever is not named counts as equity."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PortfolioRequest:
    """What is asked of an optimisation over bars.

    Parameters
    ----------
    bars : Bars
        Up to the decision; the newest row is known.
    method : str
        See `OptimizationMethod`.
    constraints : OptimizationConstraints
        Limits.
    estimation : EstimationSettings
        How moments are estimated; its `periods_per_year` is replaced by that of the bars.
    inputs : MethodInputs
        What single methods need; names and returns are filled in.
    current : mapping of str to float, optional
        Held now.
    risk_free_rate : float
        A year.
    stack : sequence of str
        Methods that are mixed by cross-validation, instead of `method`.
    limits : PortfolioLimits, optional
        Of the whole portfolio, in force beside the constraints; None switches them off.
    """

    bars: Bars
    method: str = OptimizationMethod.MAXIMUM_SHARPE.value
    constraints: OptimizationConstraints = field(default_factory=OptimizationConstraints)
    estimation: EstimationSettings = field(default_factory=EstimationSettings)
    inputs: MethodInputs = field(default_factory=MethodInputs)
    current: Mapping[str, float] | None = None
    risk_free_rate: float = 0.02
    stack: Sequence[str] = ()
    limits: PortfolioLimits | None = field(default_factory=PortfolioLimits)

    def settings(self) -> EstimationSettings:
        """Return the estimation with the periods of the bars."""
        return replace(self.estimation, periods_per_year=periods_of(self.bars))


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimised:
    """A result with the data behind it.

    Parameters
    ----------
    result : OptimizationResult
        Weights and figures.
    as_of : str
        Close of the newest bar, RFC 3339.
    periods : int
        Returns in the window.
    data_version : str
        Of the bars.
    """

    result: OptimizationResult
    as_of: str
    periods: int
    data_version: str

    def to_mapping(self) -> dict[str, Any]:
        """Return everything as values that JSON can hold."""
        return {
            **self.result.to_mapping(),
            "as_of": self.as_of,
            "periods": self.periods,
            "data_version": self.data_version,
        }


def optimise(
    request: PortfolioRequest, *, optimizer: PortfolioOptimizer | None = None
) -> Optimised:
    """Optimise with returns up to the newest bar.

    Parameters
    ----------
    request : PortfolioRequest
        Bars, method, constraints.
    optimizer : PortfolioOptimizer, optional
        Keeps results of earlier questions.

    Returns
    -------
    Optimised
        Weights of every instrument of the bars.

    Raises
    ------
    ConfigError
        If constraints contradict each other or an input is missing.
    DataError
        If nothing can be estimated.
    """
    asked = optimizer or PortfolioOptimizer(request.risk_free_rate)
    bars = request.bars
    returns = session_returns(bars)

    def solve(constraints: OptimizationConstraints) -> OptimizationResult:
        how: dict[str, Any] = {
            "estimation": request.settings(),
            "inputs": replace(request.inputs, symbols=bars.symbols),
        }
        if request.stack:
            return asked.stack_returns(returns, request.stack, constraints, request.current, **how)
        method = parse_method(request.method)
        return asked.optimize_returns(returns, method, constraints, request.current, **how)

    result = solve(request.constraints)
    if request.limits is not None:
        result = _limited(request, request.limits, result, solve)
    return Optimised(
        result=result,
        as_of=from_ns(int(bars.ts[-1])).isoformat().replace("+00:00", "Z"),
        periods=min(len(returns), request.estimation.window),
        data_version=bars.data_version,
    )


def _limited(
    request: PortfolioRequest,
    limits: PortfolioLimits,
    result: OptimizationResult,
    solve: Callable[[OptimizationConstraints], OptimizationResult],
) -> OptimizationResult:
    # What breaks a limit is solved again under it, so that constraints and figures still hold.
    given = request.constraints
    classes = {
        i.symbol: CLASS_OF.get(str(i.asset_class), "equity") for i in request.bars.instruments
    }
    kinds = set(classes.values())
    most = limits.max_leverage.get(next(iter(kinds)), 1.0) if len(kinds) == 1 else CEILING
    if sum(abs(weight) for weight in result.weights.values()) > most * (1 + 1e-9):
        given = replace(
            given,
            max_gross=most,
            min_net=min(given.min_net, most),
            max_net=min(given.max_net, most),
        )
        result = solve(given)
    held = [abs(weight) for weight in result.weights.values() if abs(weight) > POSITION]
    if held and (min(held) < limits.min_position_size or len(held) > limits.max_positions):
        fewer = min(given.max_positions or len(result.weights), limits.max_positions)
        again = solve(
            replace(
                given,
                min_position_size=max(given.min_position_size, limits.min_position_size),
                max_positions=max(fewer, given.min_positions or 1),
            )
        )
        if again.fallback_used == result.fallback_used:
            result = again
    # Several classes at once: each is cut to its own leverage.
    cut, notes = apply_limits(
        result.weights, replace(limits, min_position_size=0.0), asset_classes=classes
    )
    if not notes:
        return result
    return replace(result, weights=cut, success=False, warnings=(*result.warnings, *notes))


def trace(request: PortfolioRequest, *, points: int = 50) -> Frontier:
    """Return the efficient frontier of the instruments under the constraints."""
    moments = estimate_moments(
        session_returns(request.bars), request.bars.symbols, request.settings()
    )
    current = request.current
    if current is not None:
        current = {s: w for s, w in current.items() if s in moments.symbols}
    return PortfolioOptimizer(request.risk_free_rate).efficient_frontier(
        moments.mean,
        moments.covariance,
        request.constraints,
        current,
        symbols=moments.symbols,
        points=points,
    )


def session_returns(bars: Bars) -> FloatArray:
    """Return simple returns between session closes, NaN where a close is missing."""
    from tradewright.metrics.sessions import session_rows

    rows = session_rows(bars.ts, interval=bars.interval, calendar=bars.instruments[0].calendar)
    closes = bars.close[rows]
    out: FloatArray = closes[1:] / closes[:-1] - 1.0
    return out


def periods_of(bars: Bars) -> float:
    """Return the sessions of a year."""
    from tradewright.metrics.sessions import periods_per_year

    first = bars.instruments[0]
    return periods_per_year(
        interval=bars.interval, calendar=first.calendar, asset_class=first.asset_class
    )
