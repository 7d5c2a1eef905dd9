"""A panel of forecasts as signals: the decision engine asked for each instrument of a bar."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.costs import Costs
from tradewright.domain.forecasts import Forecast, ForecastPanel
from tradewright.domain.orders import Side
from tradewright.domain.signals import Signal
from tradewright.domain.time import NS_PER_DAY
from tradewright.forecasts.regimes import RegimeSettings, RegimeTracker
from tradewright.portfolio.decision import (
    DecisionEngine,
    DecisionSettings,
    MarketView,
    PortfolioView,
    SignalSettings,
)
from tradewright.portfolio.decision.book import keep_gross
from tradewright.portfolio.sizing import AccountLimits
from tradewright.strategies.protocol import Context

FloatArray = NDArray[np.float64]
HISTORY_SESSIONS: Final = 253
STEP: Final = 0.02
REGIME_BARS: Final = RegimeSettings().warm_up
"""Bars before the first decision after which regimes are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionScene:
    """What decisions depend on beside forecasts and prices.

    Parameters
    ----------
    mode : str
        ``backtest``, ``paper`` or ``live``.
    costs : Costs or None
        Charged for trades; the expected move must exceed a round trip.
    sectors : mapping of str to str
        Sector of each instrument that has one.
    account : AccountLimits
        What the account allows.
    position_limit : float or None
        Weight above which a position breaches the risk limit, for rebalancing.
    periods_per_year : float
        Bars a year.
    bars_per_session : float
        Bars a session.
    """

    mode: str = "backtest"
    costs: Costs | None = None
    sectors: Mapping[str, str] = field(default_factory=dict)
    account: AccountLimits = field(default_factory=AccountLimits)
    position_limit: float | None = None
    periods_per_year: float = 252.0
    bars_per_session: float = 1.0


class SignalDesk:
    """Asks the decision engine for every instrument of a panel.

    Parameters
    ----------
    panel : ForecastPanel
        Out-of-sample forecasts.
    decision : DecisionSettings
        Its `signals` say how each name is decided, its `gross` what all may be together.
    scene : DecisionScene
        Costs, sectors and limits.
    all_figures : bool
        Whether HOLD carries its risk figures too.
    """

    def __init__(
        self,
        panel: ForecastPanel,
        decision: DecisionSettings,
        scene: DecisionScene,
        *,
        all_figures: bool,
    ) -> None:
        self.panel, self.decision, self.scene = panel, decision, scene
        self.settings = decision.signals or SignalSettings(
            allow_short=decision.direction == "long_short"
        )
        self.engine = DecisionEngine(
            self.settings, account=scene.account, mode=scene.mode, all_figures=all_figures
        )
        steps = np.diff(panel.ts_known)
        self.bar_ns = int(np.median(steps)) if len(steps) else NS_PER_DAY
        self._bars = round(HISTORY_SESSIONS * max(1.0, scene.bars_per_session))
        self._columns: list[int] = []
        self._regimes = RegimeTracker(len(panel.symbols))
        self._trips: dict[tuple[int, int], float] = {}

    def start(self, columns: list[int]) -> None:
        """Begin a run; `columns` are the panel's instruments on the tape."""
        self._columns = columns
        self._regimes = RegimeTracker(len(self.panel.symbols))

    def watch(self, bar: Any) -> None:
        """Take a bar: regimes are followed on every one, decided on or not."""
        self._regimes.update(np.asarray(bar.closes, dtype=np.float64)[self._columns])

    def signals(self, ctx: Context, row: int) -> tuple[Signal, ...]:
        """Return one signal for each member of the universe that has a forecast in a row.

        Parameters
        ----------
        ctx : Context
            Shows what is known now.
        row : int
            Row of the panel.

        Returns
        -------
        tuple of Signal
            In the order of the panel; together they keep the largest gross exposure.
        """
        panel = self.panel
        held = {s: w for s, w in zip(ctx.symbols, ctx.weights().tolist(), strict=True) if w}
        closes = [ctx.history(symbol, self._bars) for symbol in panel.symbols]
        portfolio = PortfolioView(
            equity=ctx.equity,
            weights=held,
            sectors=self.scene.sectors,
            returns=_returns(closes, self.settings.correlation_bars) if held else None,
            symbols=panel.symbols if held else (),
        )
        regimes, members = self._regimes.regimes(), set(ctx.universe)
        made = [
            self.engine.generate_signal(
                symbol,
                self._market(ctx, row, column, closes[column], regimes[column]),
                _price(closes[column]),
                portfolio,
            )
            for column, symbol in enumerate(panel.symbols)
            if math.isfinite(panel.mean[row, column]) and symbol in members
        ]
        return keep_gross(made, held, self.decision.gross)

    def _market(
        self, ctx: Context, row: int, column: int, closes: FloatArray, regime: str
    ) -> MarketView:
        symbol, scene = self.panel.symbols[column], self.scene
        ranged = self.settings.stop_mode == "atr"
        return MarketView(
            now_ns=ctx.now_ns,
            closes=closes,
            forecasts=(self._forecast(row, column),),
            bar_ns=self.bar_ns,
            highs=ctx.history(symbol, self._bars, "high") if ranged else None,
            lows=ctx.history(symbol, self._bars, "low") if ranged else None,
            volumes=ctx.history(symbol, self._bars, "volume"),
            regime=regime,
            age_bars=_age(closes),
            round_trip_cost=self._round_trip(ctx.equity, _price(closes)),
            periods_per_year=scene.periods_per_year,
            bars_per_session=scene.bars_per_session,
        )

    def _forecast(self, row: int, column: int) -> Forecast:
        panel = self.panel
        sd = None if panel.sd is None else float(panel.sd[row, column])
        up = None if panel.probability_up is None else float(panel.probability_up[row, column])
        return Forecast(
            symbol=panel.symbols[column],
            model=panel.model,
            ts_known=int(panel.ts_known[row]),
            horizon_ns=panel.horizon_bars * self.bar_ns,
            mean=float(panel.mean[row, column]),
            sd=sd if sd is not None and math.isfinite(sd) else None,
            probabilities=(1.0 - up, 0.0, up) if up is not None and math.isfinite(up) else None,
        )

    def _round_trip(self, equity: float, price: float) -> float:
        # Of the largest position that may be wanted; per-share and minimum fees depend on it.
        costs = self.scene.costs
        if costs is None or costs.is_free or not (price > 0 and equity > 0):
            return 0.0
        # Price and equity enter in steps of two percent, so that few plans are made.
        steps = round(math.log(equity) / STEP), round(math.log(price) / STEP)
        found = self._trips.get(steps)
        if found is None:
            found = self._trips[steps] = self._planned_trip(costs, *steps)
        return found

    def _planned_trip(self, costs: Costs, equity: int, price: int) -> float:
        notional = self.settings.sizing.max_position_size * math.exp(equity * STEP)
        px = math.exp(price * STEP)
        qty = notional / px
        if not (1e-8 <= qty < 4e10 and px < 4e10):
            return 0.0
        both = [costs.plan(qty, px, side=side) for side in (Side.BUY, Side.SELL)]
        return sum(plan.total for plan in both) / both[0].notional if both[0].notional else 0.0


def capped(decision: DecisionSettings, account: AccountLimits, mode: str) -> DecisionSettings:
    """Return a decision whose largest position keeps the account's limit in a mode.

    Parameters
    ----------
    decision : DecisionSettings
        Of a study.
    account : AccountLimits
        What the account allows.
    mode : str
        ``backtest``, ``paper`` or ``live``.

    Returns
    -------
    DecisionSettings
        The tighter of both: what paper trades is then what parity compares.
    """
    limit = account.position_limit(mode)
    signals = decision.signals
    if signals is None or signals.sizing.max_position_size <= limit:
        return decision
    sizing = replace(signals.sizing, max_position_size=limit)
    return replace(decision, signals=replace(signals, sizing=sizing))


def _price(closes: FloatArray) -> float:
    # The newest close that traded; its age is told apart.
    known = np.flatnonzero(np.isfinite(closes))
    return float(closes[known[-1]]) if len(known) else math.nan


def _age(closes: FloatArray) -> float:
    known = np.flatnonzero(np.isfinite(closes))
    return float(len(closes) - 1 - known[-1]) if len(known) else math.inf


def _returns(closes: list[FloatArray], bars: int) -> FloatArray:
    panel = np.full((bars + 1, len(closes)), np.nan)
    for column, past in enumerate(closes):
        last = past[-(bars + 1) :]
        panel[len(panel) - len(last) :, column] = last
    found: FloatArray = panel[1:] / panel[:-1] - 1.0
    return found
