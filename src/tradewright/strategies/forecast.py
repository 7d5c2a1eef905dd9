"""The strategy that trades a study: forecasts through the decision rule."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradewright.domain.errors import ConfigError
from tradewright.domain.forecasts import ForecastPanel
from tradewright.portfolio import DecisionSettings, decide
from tradewright.strategies.protocol import Context, Strategy


class ForecastStrategy(Strategy):
    """Turn each row of a forecast panel into target weights.

    Parameters
    ----------
    forecasts : ForecastPanel
        Out-of-sample forecasts; its symbols must be on the tape.
    decision : DecisionSettings, optional
        How forecasts become weights.

    Notes
    -----
    Timing: a row is used at the bar that closes at its `ts_known`; one that becomes known between
    two bars is used at the later one; an older row is never used again.
    Missing data: a bar without a row of forecasts changes nothing; see `portfolio.decide` for
    missing names.
    """

    name = "forecast"

    def __init__(self, forecasts: ForecastPanel, decision: DecisionSettings | None = None) -> None:
        self.forecasts = forecasts
        self.decision = decision or DecisionSettings()
        self.parameters = {"model": forecasts.model, "horizon_bars": forecasts.horizon_bars}
        self._next = 0
        self._since = 0
        self._columns: list[int] = []

    def on_start(self, ctx: Context) -> None:
        """Find the panel's instruments on the tape."""
        missing = [s for s in self.forecasts.symbols if s not in ctx.symbols]
        if missing:
            raise ConfigError(f"forecasts of {', '.join(missing)}, which the bars do not hold")
        self._columns = [ctx.symbols.index(s) for s in self.forecasts.symbols]
        self._next, self._since = 0, 0

    def on_bar(self, ctx: Context, bar: Any) -> None:
        """Decide on the newest row of forecasts, if one became known since the last bar."""
        stamps = self.forecasts.ts_known
        first = self._next
        while self._next < len(stamps) and stamps[self._next] <= ctx.now_ns:
            self._next += 1
        if self._next == first:
            return
        row = self._next - 1
        if not np.isfinite(self.forecasts.mean[row]).any():
            return
        due = self._since % self.decision.rebalance_bars == 0
        self._since += 1
        if due:
            self._trade(ctx, row)

    def _trade(self, ctx: Context, row: int) -> None:
        panel, settings = self.forecasts, self.decision
        weights = decide(
            panel.mean[row],
            settings,
            sd=None if panel.sd is None else panel.sd[row],
            probability_up=None if panel.probability_up is None else panel.probability_up[row],
            volatility=self._volatility(ctx) if settings.volatility_scaled else None,
            held=ctx.weights()[self._columns],
        )
        for symbol, weight in zip(panel.symbols, weights.tolist(), strict=True):
            if np.isnan(weight):
                continue
            stop = target = None
            if weight and (settings.stop_loss or settings.take_profit):
                close = float(ctx.history(symbol, 1)[-1])
                side = 1.0 if weight > 0 else -1.0
                if settings.stop_loss:
                    stop = close * (1.0 - side * settings.stop_loss)
                if settings.take_profit:
                    target = close * (1.0 + side * settings.take_profit)
            ctx.target_weight(weight, symbol, stop=stop, target=target)

    def _volatility(self, ctx: Context) -> np.ndarray[Any, np.dtype[np.float64]]:
        # Standard deviation of the last simple returns of each name; NaN where one is missing.
        n = self.decision.volatility_bars
        out = np.full(len(self.forecasts.symbols), np.nan)
        for i, symbol in enumerate(self.forecasts.symbols):
            past = ctx.history(symbol, n + 1)
            if len(past) > n:
                out[i] = np.std(past[1:] / past[:-1] - 1.0, ddof=1)
        return out
