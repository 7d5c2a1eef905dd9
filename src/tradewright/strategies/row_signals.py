"""Decisions of the rules that look at a whole row, told name by name so that each can be read."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.forecasts import Forecast, ForecastPanel
from tradewright.domain.signals import Action, Signal
from tradewright.portfolio.decision import DecisionSettings, view_of

FloatArray = NDArray[np.float64]


def row_signals(
    panel: ForecastPanel,
    row: int,
    settings: DecisionSettings,
    *,
    weights: FloatArray,
    held: FloatArray,
    closes: Sequence[float],
    now_ns: int,
    mode: str,
) -> list[Signal]:
    """Tell a row of decided weights name by name.

    Parameters
    ----------
    panel : ForecastPanel
        The forecasts decided on.
    row : int
        Its row.
    settings : DecisionSettings
        The rule, ``top_k`` or ``proportional``.
    weights, held : ndarray of shape (n,)
        What `portfolio.decide` wants (NaN leaves a name as it is), and what is held.
    closes : sequence of float
        Last prices.
    now_ns : int
        Time of the decision.
    mode : str
        ``backtest``, ``paper`` or ``live``.

    Returns
    -------
    list of Signal
        One for each name with a forecast and a price: BUY or SELL where the weight changes, HOLD
        where it stays; with the rank of the forecast and what made the size.
    """
    mean = panel.mean[row]
    known = np.flatnonzero(np.isfinite(mean))
    order = known[np.argsort(-np.abs(mean[known]), kind="stable")]
    rank = {int(column): place + 1 for place, column in enumerate(order)}
    made = []
    for column in known.tolist():
        price = float(closes[column])
        if not (price > 0 and math.isfinite(price)):
            continue
        told = _Told(panel, row, column, settings)
        wanted, now = float(weights[column]), float(held[column])
        reasons = [
            f"forecast {mean[column]:+.4f} over {panel.horizon_bars} bars is number "
            f"{rank[column]} of {len(known)} by size",
            *told.why(wanted, now),
        ]
        action = Action.HOLD
        if not math.isnan(wanted) and (wanted or now) and wanted != now:
            action = Action.BUY if wanted > 0 or (not wanted and now < 0) else Action.SELL
        size = 0.0 if action is Action.HOLD else abs(wanted)
        side = 1.0 if action is Action.BUY else -1.0
        guarded = size > 0
        made.append(
            Signal(
                symbol=panel.symbols[column],
                action=action,
                confidence=told.view.confidence,
                uncertainty=told.view.uncertainty,
                position_size=size,
                price=price,
                ts_known=now_ns,
                expires_at=now_ns + 1,
                stop_loss=price * (1 - side * settings.stop_loss)
                if guarded and settings.stop_loss
                else None,
                target_price=price * (1 + side * settings.take_profit)
                if guarded and settings.take_profit
                else None,
                model_version=panel.model,
                mode=mode,
                regime="",
                score=told.view.score,
                agreement=1.0,
                reasons=tuple(reasons),
                sources=(told.view.to_dict(1.0),),
                risk={"weight_before": now, "weight_after": now if math.isnan(wanted) else wanted},
            )
        )
    return made


class _Told:
    # One name of the row, and the sentences about it.
    def __init__(
        self, panel: ForecastPanel, row: int, column: int, settings: DecisionSettings
    ) -> None:
        self.settings, self.mean = settings, float(panel.mean[row, column])
        sd = math.nan if panel.sd is None else float(panel.sd[row, column])
        up = math.nan if panel.probability_up is None else float(panel.probability_up[row, column])
        forecast = Forecast(
            symbol=panel.symbols[column],
            model=panel.model,
            ts_known=int(panel.ts_known[row]),
            horizon_ns=1,
            mean=self.mean,
            sd=sd if math.isfinite(sd) else None,
            probabilities=(1.0 - up, 0.0, up) if math.isfinite(up) else None,
        )
        self.view = view_of(forecast, volatility=math.nan, cost=settings.cost_hurdle)

    def why(self, wanted: float, now: float) -> list[str]:
        s = self.settings
        if math.isnan(wanted):
            return [f"the change is within no_trade_band {s.no_trade_band:g}, left as it is"]
        if wanted:
            share = f"1/{s.top_k}" if s.rule == "top_k" else "the forecast's part"
            scaled = ", divided by volatility" if s.volatility_scaled else ""
            capped = abs(wanted) >= s.max_weight - 1e-12
            cap = f", cut to max_weight {s.max_weight:g}" if capped else ""
            return [f"{s.rule}: {share} of gross {s.gross:g}{scaled}{cap} gives {wanted:+.4f}"]
        return [self._why_not(now)]

    def _why_not(self, now: float) -> str:
        s, sure = self.settings, self.view.confidence
        reasons = {
            "the forecast is 0": not self.mean,
            "the forecast is negative and only long positions are taken": (
                s.direction == "long" and self.mean < 0
            ),
            f"the forecast does not exceed cost_hurdle {s.cost_hurdle:g}": (
                not now and abs(self.mean) <= s.cost_hurdle
            ),
            f"confidence {sure:.3f} is below min_confidence {s.min_confidence:g}": (
                not now and s.min_confidence > 0 and sure < s.min_confidence
            ),
        }
        otherwise = f"{s.rule}: not among the {s.top_k} strongest"
        return next((why for why, holds in reasons.items() if holds), otherwise)
