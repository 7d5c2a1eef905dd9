"""All methods side by side: what they promise, and what they would have earned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from tradewright.domain.errors import ConfigError, DataError
from tradewright.portfolio.optimisation import OptimizationMethod, parse_method
from tradewright.services.portfolio.optimising import PortfolioRequest, optimise

Progress = Callable[[float, str], None]
MONTH: Final = 21


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRow:
    """One method of a comparison.

    Parameters
    ----------
    method : str
        Its name.
    result : dict or None
        Fields of `OptimizationResult`, None where the method cannot answer.
    out_of_sample : dict or None
        Figures of its walk-forward backtest, None where it was not asked for or not possible.
    message : str
        Why something is missing.
    """

    method: str
    result: dict[str, Any] | None
    out_of_sample: dict[str, Any] | None
    message: str = ""

    def to_mapping(self) -> dict[str, Any]:
        """Return the row as values that JSON can hold."""
        return asdict(self)


def compare_methods(
    request: PortfolioRequest,
    *,
    methods: Sequence[str] = (),
    walk_forward: bool = True,
    rebalance_bars: int = MONTH,
    progress: Progress | None = None,
) -> list[MethodRow]:
    """Optimise by several methods on the same inputs, and walk each forward.

    The walk-forward row runs `strategies.Allocation` on the engine: weights of each rebalancing
    come from the window before it, trade at the next open and pay the constraint's
    ``transaction_cost``. Views and market weights are of today and are not walked forward.

    Parameters
    ----------
    request : PortfolioRequest
        Its method is not used.
    methods : sequence of str
        All twelve when empty.
    walk_forward : bool
        Whether the out-of-sample row is computed.
    rebalance_bars : int
        Bars between decisions of the walk-forward.
    progress : callable, optional
        ``progress(fraction, message)``.

    Returns
    -------
    list of MethodRow
        In the order asked.

    Raises
    ------
    ConfigError
        If a method is unknown, or constraints contradict each other.
    """
    chosen = [parse_method(name) for name in methods] or list(OptimizationMethod)
    rows = []
    for number, method in enumerate(chosen):
        if progress is not None:
            progress(number / len(chosen), method.value)
        rows.append(_row(replace(request, method=method.value), walk_forward, rebalance_bars))
    return rows


def _row(request: PortfolioRequest, walk_forward: bool, rebalance_bars: int) -> MethodRow:
    try:
        result = optimise(request).result.to_mapping()
    except DataError as error:
        return MethodRow(method=request.method, result=None, out_of_sample=None, message=str(error))
    if not walk_forward:
        return MethodRow(method=request.method, result=result, out_of_sample=None)
    try:
        found = _walked(request, rebalance_bars)
    except DataError as error:
        return MethodRow(
            method=request.method, result=result, out_of_sample=None, message=str(error)
        )
    return MethodRow(method=request.method, result=result, out_of_sample=found)


def _walked(request: PortfolioRequest, rebalance_bars: int) -> dict[str, Any]:
    from tradewright.costs import Costs
    from tradewright.services.backtest import BacktestConfig, backtest
    from tradewright.strategies import Allocation

    window, bars = request.estimation.window, request.bars
    if bars.n_bars < window + rebalance_bars + 2:
        raise DataError(
            f"the walk-forward needs more than {window + rebalance_bars + 1} bars, "
            f"found {bars.n_bars}"
        )
    rate = request.constraints.transaction_cost
    if not isinstance(rate, float | int):
        raise ConfigError("the walk-forward needs one transaction_cost for all instruments")
    # What a trade costs is weighed in the past only where it is weighed now.
    strategy = Allocation(
        request.method,
        window,
        rebalance_bars,
        covariance=request.estimation.covariance,
        mean=request.estimation.mean,
        transaction_cost=float(rate) if request.current is not None else 0.0,
        risk_free_rate=request.risk_free_rate,
    )
    strategy.constrained(request.constraints)
    run = backtest(
        strategy,
        bars,
        costs=Costs(fee_bps=float(rate) * 1e4) if rate else None,
        config=BacktestConfig.neutral(),
    )
    return _figures(run, int(bars.ts[window]))


def _figures(run: Any, first_ns: int) -> dict[str, Any]:
    from tradewright.metrics.drawdowns import drawdown_series
    from tradewright.metrics.returns import performance
    from tradewright.services.results.timeline import measure

    outcome = run.outcome
    timeline = measure(outcome, interval=run.bars.interval, first_ns=first_ns)
    found = performance(timeline.returns, periods_per_year=timeline.periods_per_year)
    fills = outcome.fills
    traded = float(fills["notional"].sum())
    mean_equity = float(timeline.levels.mean())
    return {
        "annual_return": found["annual_return"],
        "annual_volatility": found["annual_volatility"],
        "sharpe": found["sharpe"],
        "max_drawdown": float(drawdown_series(timeline.levels).min()),
        "turnover_annual": 0.5 * traded / mean_equity / timeline.years,
        "sessions": len(timeline.returns),
    }
