"""Weights of an optimiser, estimated from the closes before each decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.forecasts import ForecastPanel
from tradewright.strategies.protocol import Context, Strategy

if TYPE_CHECKING:
    from tradewright.portfolio.constraints import OptimizationConstraints
    from tradewright.portfolio.optimisation import OptimizationResult
    from tradewright.portfolio.views import View

FloatArray = NDArray[np.float64]
PERIODS: Final = 252.0


class Allocation(Strategy):
    """Hold the weights of an optimisation method, computed anew every so many bars.

    Parameters
    ----------
    method : str
        One of the twelve of `portfolio.optimisation`.
    window : int
        Past returns behind the moments.
    rebalance_bars : int
        Bars between decisions.
    max_weight : float
        Largest weight of one instrument.
    covariance, mean : str
        See `portfolio.covariance.estimate_covariance` and `estimate_mean`.
    transaction_cost : float
        Cost of one unit traded that the objective weighs; 0 leaves it out.
    risk_free_rate : float
        A year of 252 bars.

    Notes
    -----
    Timing: a decision at the close of a bar uses returns up to that close; the first one is taken
    once `window` returns are there.
    Missing data: an instrument without a bar now, or with fewer than 60 returns in the window, has
    weight 0.
    """

    name = "allocation"

    def __init__(
        self,
        method: str = "minimum_variance",
        window: int = 252,
        rebalance_bars: int = 21,
        *,
        max_weight: float = 1.0,
        covariance: str = "ledoit_wolf",
        mean: str = "james_stein",
        transaction_cost: float = 0.0,
        risk_free_rate: float = 0.0,
    ) -> None:
        from tradewright.portfolio.covariance import EstimationSettings
        from tradewright.portfolio.optimisation import PortfolioOptimizer, parse_method

        for label, value, least in (("window", window, 20), ("rebalance_bars", rebalance_bars, 1)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigError(
                    f"allocation: {label} is {value!r}, wanted a whole number >= {least}"
                )
        if not 0 < max_weight <= 1:
            raise ConfigError(
                f"allocation: max_weight is {max_weight!r}, wanted above 0, at most 1"
            )
        if not 0 <= transaction_cost < 1:
            raise ConfigError(
                f"allocation: transaction_cost is {transaction_cost!r}, wanted 0 to 1"
            )
        self.parameters = {
            "method": parse_method(method).value,
            "window": window,
            "rebalance_bars": rebalance_bars,
            "max_weight": max_weight,
            "covariance": covariance,
            "mean": mean,
            "transaction_cost": transaction_cost,
            "risk_free_rate": risk_free_rate,
        }
        self._estimation = EstimationSettings(
            covariance=covariance, mean=mean, window=window, min_observations=min(60, window)
        )
        self._optimizer = PortfolioOptimizer(risk_free_rate)
        self._limits: OptimizationConstraints | None = None
        self._bars = 0

    def constrained(self, constraints: OptimizationConstraints) -> Allocation:
        """Return the strategy itself under other constraints than `max_weight`."""
        self._limits = constraints
        return self

    def on_start(self, ctx: Context) -> None:
        """Begin to count bars."""
        self._bars = 0

    def on_bar(self, ctx: Context, bar: Any) -> None:
        """Decide when it is due."""
        self._bars += 1
        waited = self._bars - self.parameters["window"] - 1
        if waited >= 0 and waited % self.parameters["rebalance_bars"] == 0:
            self._decide(ctx, bar)

    def _decide(self, ctx: Context, bar: Any) -> None:
        there = [s for s in ctx.symbols if not np.isnan(bar[s].close)]
        try:
            result = self._result(ctx, there)
        except (ConfigError, DataError) as error:
            # An instrument of the constraints may not be there yet: what is held stays.
            ctx.log(f"no decision: {error}")
            return
        if result.fallback_used:
            ctx.log(f"{result.optimization_method}: {result.message}")
        for symbol in there:
            ctx.target_weight(result.weights.get(symbol, 0.0), symbol)

    def _result(self, ctx: Context, symbols: Sequence[str]) -> OptimizationResult:
        from tradewright.portfolio.constraints import OptimizationConstraints
        from tradewright.portfolio.optimisation import MethodInputs

        cost = self.parameters["transaction_cost"]
        limits = self._limits
        if limits is None:
            # With few instruments the bound must leave room for being fully invested.
            cap = max(self.parameters["max_weight"], 1.0 / max(len(symbols), 1))
            limits = OptimizationConstraints(
                max_weight=cap,
                transaction_cost=cost,
                holding_period_days=self.parameters["rebalance_bars"] / PERIODS * 365.0,
            )
        held = None
        if cost or limits.max_turnover is not None:
            held = dict(zip(ctx.symbols, ctx.weights().tolist(), strict=True))
            held = {s: held[s] for s in symbols}
        return self._optimizer.optimize_returns(
            past_returns(ctx, symbols, self.parameters["window"]),
            self.parameters["method"],
            limits,
            held,
            estimation=self._estimation,
            inputs=MethodInputs(symbols=symbols),
        )


def past_returns(ctx: Context, symbols: Sequence[str], window: int) -> FloatArray:
    """Return the last simple returns of some instruments.

    Parameters
    ----------
    ctx : Context
        What the strategy sees; nothing in it is later than now.
    symbols : sequence of str
        Columns.
    window : int
        Rows at most.

    Returns
    -------
    ndarray of shape (n_periods, n_symbols)
        Oldest first; NaN where one of the two closes is missing.

    Raises
    ------
    DataError
        If there are no symbols or fewer than two bars.
    """
    if not symbols:
        raise DataError("no instrument has a bar now")
    closes = np.column_stack([ctx.history(symbol, window + 1) for symbol in symbols])
    if len(closes) < 2:
        raise DataError("two bars or more are needed for returns")
    return closes[1:] / closes[:-1] - 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSplit:
    """How the chosen long positions of a rule share what it invests.

    Parameters
    ----------
    method : str
        One of the twelve of `portfolio.optimisation`.
    window : int
        Past returns behind the moments; ``factor_based`` needs 252.
    max_weight : float
        Largest weight of one instrument.

    Raises
    ------
    ConfigError
        If the method is unknown or a value is out of its range.
    """

    method: str
    window: int = 252
    max_weight: float = 1.0

    def __post_init__(self) -> None:
        from tradewright.portfolio.optimisation import parse_method

        object.__setattr__(self, "method", parse_method(self.method).value)
        if self.window < 20 or (self.method == "factor_based" and self.window < 252):
            least = 252 if self.method == "factor_based" else 20
            raise ConfigError(f"method_window is {self.window}, wanted at least {least}")

    def share(
        self,
        wanted: FloatArray,
        returns: FloatArray,
        symbols: Sequence[str],
        *,
        views: Sequence[View] = (),
    ) -> FloatArray:
        """Share the sum of the positive weights among them by the method.

        Parameters
        ----------
        wanted : ndarray of shape (n,)
            Weights of the rule; those above 0 are chosen, their sum is invested.
        returns : ndarray of shape (n_periods, n)
            Past returns, NaN where none was observed.
        symbols : sequence of str
            Columns.
        views : sequence of View
            Of ``black_litterman``.

        Returns
        -------
        ndarray of shape (n,)
            The chosen ones by the method, the others as they were.

        Raises
        ------
        DataError
            If there are too few returns.

        Examples
        --------
        >>> returns = np.random.default_rng(0).normal(0, [0.01, 0.02, 0.01], (250, 3))
        >>> split = MethodSplit(method="inverse_volatility")
        >>> split.share(np.array([0.4, 0.4, 0.0]), returns, ["A", "B", "C"]).round(1)
        array([0.5, 0.3, 0. ])
        """
        from tradewright.portfolio.constraints import OptimizationConstraints
        from tradewright.portfolio.covariance import EstimationSettings
        from tradewright.portfolio.optimisation import MethodInputs, PortfolioOptimizer

        chosen = np.flatnonzero(np.nan_to_num(wanted) > 0)
        total = float(wanted[chosen].sum())
        if len(chosen) < 2:
            return wanted
        names = [symbols[int(i)] for i in chosen]
        cap = max(self.max_weight / total, 1.0 / len(chosen))
        result = PortfolioOptimizer(0.0).optimize_returns(
            returns[:, chosen],
            self.method,
            OptimizationConstraints(max_weight=cap),
            estimation=EstimationSettings(
                window=self.window, min_observations=min(60, self.window)
            ),
            inputs=MethodInputs(
                symbols=names, views=[v for v in views if set(v.portfolio) <= set(names)]
            ),
        )
        out = wanted.copy()
        out[chosen] = [result.weights[name] * total for name in names]
        return out

    def of_row(
        self,
        ctx: Context,
        panel: ForecastPanel,
        row: int,
        weights: FloatArray,
        *,
        held: FloatArray,
        band: float = 0.0,
    ) -> FloatArray:
        """Share one row of a rule's weights from the closes up to now.

        Parameters
        ----------
        ctx : Context
            What the strategy sees.
        panel : ForecastPanel
            The forecasts; views of ``black_litterman``.
        row : int
            The row that was decided on.
        weights, held : ndarray of shape (n,)
            Wanted by the rule without a band, and held now.
        band : float
            Smallest change of a weight that is traded; leaving a position always is.

        Returns
        -------
        ndarray of shape (n,)
            NaN leaves the position as it is; the rule's own shares where returns are too few.
        """
        try:
            returns = past_returns(ctx, panel.symbols, self.window)
            views: tuple[View, ...] = ()
            if self.method == "black_litterman":
                views = _views(panel, row, returns)
            weights = self.share(weights, returns, panel.symbols, views=views)
        except DataError as error:
            ctx.log(f"{self.method}: {error}; the rule's own shares stand")
        small = np.abs(weights - held) < band
        return np.where(small & ~((weights == 0) & (held != 0)), np.nan, weights)


def _views(panel: ForecastPanel, row: int, returns: FloatArray) -> tuple[View, ...]:
    from tradewright.portfolio.views import forecast_views

    # A model that states no deviation is as sure as the returns themselves.
    past = np.nanstd(returns, axis=0) * np.sqrt(panel.horizon_bars)
    sd = past if panel.sd is None else panel.sd[row]
    mean = np.where(sd > 0, panel.mean[row], np.nan)
    return forecast_views(panel.symbols, mean, sd, horizon_periods=panel.horizon_bars)
