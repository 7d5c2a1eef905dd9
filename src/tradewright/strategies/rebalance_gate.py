"""Rebalancing inside a strategy: wanted weights are traded only when it is due and pays."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.time import from_ns
from tradewright.portfolio.rebalancing import (
    Drift,
    RebalancePlan,
    Rebalancer,
    RebalancingConfig,
    Review,
    Trigger,
    plan_rebalance,
)
from tradewright.strategies.protocol import Context
from tradewright.strategies.signal_desk import DecisionScene

FloatArray = NDArray[np.float64]
COVARIANCE_BARS = 252
FEWEST_RETURNS = 60


class _BarClock:
    # The time of the bar, as a clock.
    def __init__(self) -> None:
        self.ctx: Context | None = None

    def now_ns(self) -> int:
        return 0 if self.ctx is None else self.ctx.now_ns

    def sleep_until(self, ts_ns: int) -> bool:
        return True


class RebalanceGate:
    """Reviews wanted weights at each decision.

    Parameters
    ----------
    config : RebalancingConfig
        Triggers, intervals, costs.
    scene : DecisionScene
        Costs, position limit and bars a year.
    horizon_bars : int
        Horizon of the forecasts, for the cost-benefit test.
    """

    def __init__(
        self, config: RebalancingConfig, scene: DecisionScene, *, horizon_bars: int
    ) -> None:
        self.config, self.scene, self.horizon_bars = config, scene, horizon_bars
        self._clock = _BarClock()
        self._rebalancer = Rebalancer(config, self._clock)

    def review(
        self,
        ctx: Context,
        symbols: tuple[str, ...],
        targets: FloatArray,
        mean: FloatArray,
    ) -> Review:
        """Say whether to trade now, and towards which weights.

        Parameters
        ----------
        ctx : Context
            Shows what is known now.
        symbols : tuple of str
            Instruments.
        targets : ndarray of shape (n,)
            Wanted weights, without NaN.
        mean : ndarray of shape (n,)
            Expected returns over the horizon; NaN counts as 0.

        Returns
        -------
        Review
            A ``trade`` is taken as executed.
        """
        self._clock.ctx = ctx
        columns = [ctx.symbols.index(symbol) for symbol in symbols]
        held = ctx.weights()[columns]
        drift = self._drift(ctx, symbols, held, targets, mean)
        prices = {symbol: _last(ctx, symbol) for symbol in symbols}

        def plan(given: Drift) -> RebalancePlan:
            return plan_rebalance(
                given, self.config, equity=ctx.equity, prices=prices, costs=self.scene.costs
            )

        found = self._rebalancer.review(drift, plan, breached_limit=self._breach(symbols, held))
        if found.action == "trade" and found.plan is not None:
            self._rebalancer.completed(found.plan)
        return found

    def _drift(
        self,
        ctx: Context,
        symbols: tuple[str, ...],
        held: FloatArray,
        targets: FloatArray,
        mean: FloatArray,
    ) -> Drift:
        covariance = self._covariance(ctx, symbols)
        yearly = np.nan_to_num(mean) * self.scene.periods_per_year / self.horizon_bars
        tested = self.config.benefit_multiple > 0 and covariance is not None
        return Drift(
            symbols=symbols,
            weights=held,
            targets=targets,
            covariance=covariance,
            expected_returns=yearly if tested else None,
        )

    def _covariance(self, ctx: Context, symbols: tuple[str, ...]) -> FloatArray | None:
        # Sample covariance of the bars on which everything traded; None where they are too few.
        if self.config.threshold_method != "volatility" and self.config.benefit_multiple <= 0:
            return None
        past = np.full((COVARIANCE_BARS + 1, len(symbols)), np.nan)
        for column, symbol in enumerate(symbols):
            closes = ctx.history(symbol, COVARIANCE_BARS + 1)
            past[len(past) - len(closes) :, column] = closes
        returns = past[1:] / past[:-1] - 1.0
        returns = returns[np.isfinite(returns).all(axis=1)]
        if len(returns) < FEWEST_RETURNS:
            return None
        found = np.atleast_2d(np.cov(returns, rowvar=False)) * self.scene.periods_per_year
        return np.asarray(found, dtype=np.float64)

    def _breach(self, symbols: tuple[str, ...], held: FloatArray) -> Trigger | None:
        limit = self.scene.position_limit
        if limit is None or not len(held):
            return None
        at = int(np.argmax(np.abs(held)))
        found = float(abs(held[at]))
        return Trigger("risk_limit", symbols[at], found, limit) if found > limit + 1e-9 else None


def next_review(review: Review, now_ns: int) -> str:
    """Return in words when a review that did not trade is looked at again.

    Examples
    --------
    >>> next_review(Review("defer", "costs 0.3 %"), 0)
    'rebalancing deferred: costs 0.3 %; looked at again from 1970-01-02'
    """
    day = from_ns(now_ns).date() + timedelta(days=1)
    word = {"defer": "deferred", "forgo": "forgone"}.get(review.action, review.action)
    return f"rebalancing {word}: {review.reason}; looked at again from {day}"


def _last(ctx: Context, symbol: str) -> float:
    past = ctx.history(symbol, 10)
    known = past[np.isfinite(past)]
    return float(known[-1]) if len(known) else math.nan
