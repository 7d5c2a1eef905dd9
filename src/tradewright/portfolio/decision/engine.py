"""The decision engine: forecasts, market and portfolio in, one explained signal out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tradewright.domain.errors import ConfigError, ModelError
from tradewright.domain.forecasts import Forecast
from tradewright.domain.signals import Action, Blocked, Signal
from tradewright.portfolio.decision.combining import Combined, Outlook, combine, outlook_of
from tradewright.portfolio.decision.figures import after_trade, risk_figures
from tradewright.portfolio.decision.filters import Check, first_failed
from tradewright.portfolio.decision.market import MarketView, PortfolioView
from tradewright.portfolio.decision.protection import Protection, protect
from tradewright.portfolio.decision.settings import SignalSettings
from tradewright.portfolio.decision.sources import SourceView, view_of
from tradewright.portfolio.sizing import (
    AccountLimits,
    PositionSize,
    SizingInputs,
    apply_sizer,
    create_sizer,
)
from tradewright.portfolio.sizing.limits import checked_mode


@dataclass
class _Draft:
    # What is known of a signal while it is being made.
    symbol: str
    price: float
    market: MarketView
    portfolio: PortfolioView
    expires_at: int
    reasons: list[str] = field(default_factory=list)
    views: tuple[SourceView, ...] = ()
    combined: Combined | None = None
    risk: dict[str, float] = field(default_factory=dict)
    size: PositionSize | None = None

    @property
    def held(self) -> float:
        return self.portfolio.held(self.symbol)


class DecisionEngine:
    """Turn the forecasts of one instrument into a signal.

    A pure function of what it is given: nothing is remembered from call to call but how many
    forecasts had to be refused.

    Parameters
    ----------
    settings : SignalSettings, optional
        How it decides.
    account : AccountLimits, optional
        What the account allows.
    mode : str
        ``backtest``, ``paper`` or ``live``.
    all_figures : bool
        Whether HOLD carries its risk figures too, and every signal those that its size does not
        need; they change no decision.

    Raises
    ------
    ConfigError
        If the stop is switched off on a live account, or the sizer is not known.

    Examples
    --------
    >>> import numpy as np
    >>> told = Forecast(symbol="AAPL", model="ridge", ts_known=5, horizon_ns=10, mean=0.06, sd=0.03)
    >>> closes = 100.0 + np.arange(60) % 2
    >>> market = MarketView(now_ns=5, closes=closes, forecasts=(told,), bar_ns=10,
    ...     regime="bullish/stable")
    >>> engine = DecisionEngine()
    >>> signal = engine.generate_signal("AAPL", market, 100.0, PortfolioView(equity=1e5))
    >>> signal.action.name, round(signal.confidence, 3), str(signal.blocked)
    ('BUY', 0.894, 'None')
    """

    def __init__(
        self,
        settings: SignalSettings | None = None,
        *,
        account: AccountLimits | None = None,
        mode: str = "backtest",
        all_figures: bool = True,
    ) -> None:
        self.all_figures = all_figures
        self.settings = settings or SignalSettings()
        self.account = account or AccountLimits()
        self.mode = checked_mode(mode)
        if mode == "live" and not self.settings.enable_stop_loss:
            raise ConfigError(
                "signals.enable_stop_loss is false: on a live account every signal carries a stop"
            )
        self.sizer = create_sizer(self.settings.sizer, **self.settings.sizer_parameters)
        self.refused = 0

    def generate_signal(
        self,
        symbol: str,
        market_data: MarketView,
        current_price: float,
        portfolio: PortfolioView,
    ) -> Signal:
        """Decide about one instrument.

        Parameters
        ----------
        symbol : str
            Instrument.
        market_data : MarketView
            Its past, forecasts and regime.
        current_price : float
            Last price; NaN where there is none.
        portfolio : PortfolioView
            What is held.

        Returns
        -------
        Signal
            HOLD with a reason wherever something is missing or a filter fails; the size is a
            target, which orders reach in steps of ``account.max_trade_pct``.

        Notes
        -----
        Timing: known at ``market_data.now_ns``; a forecast from the future is refused.
        Missing data: a price that is missing or stale, or no forecast, is HOLD.
        """
        market = market_data
        draft = _Draft(symbol, current_price, market, portfolio, market.now_ns + market.bar_ns)
        priced = current_price > 0 and math.isfinite(current_price)
        age = market.age_bars if priced else math.inf
        stale = first_failed([Check("fresh", age, self.settings.max_stale_bars, at_least=False)])
        if stale is not None:
            what = "the price is too old" if priced else "there is no price"
            return self._hold(draft, what, stale)
        forecasts, late = self._usable(draft)
        if not forecasts:
            return self._hold(draft, "no forecast", late)
        draft.expires_at = min(f.ts_known + f.horizon_ns for f in forecasts)
        per_ns = math.nan
        if self.all_figures or any(f.sd is None or f.mean is None for f in forecasts):
            daily = self._risk(draft)["volatility"] / math.sqrt(market.periods_per_year)
            per_ns = daily / math.sqrt(market.bar_ns)
        draft.views = tuple(self._view(f, market, per_ns) for f in forecasts)
        draft.combined = combine(draft.views, self.settings, market.regime)
        outlook = outlook_of(forecasts, draft.combined.weights, volatility_per_ns=per_ns)
        return self._decide(draft, outlook)

    def _risk(self, draft: _Draft) -> dict[str, float]:
        if not draft.risk:
            draft.risk = risk_figures(
                draft.symbol,
                draft.market,
                draft.portfolio,
                risk_free_rate=self.settings.risk_free_rate,
                for_sizing=not self.all_figures,
            )
        return draft.risk

    def _usable(self, draft: _Draft) -> tuple[list[Forecast], Blocked | None]:
        now, usable = draft.market.now_ns, []
        late: Blocked | None = None
        for forecast in draft.market.forecasts:
            try:
                check_forecast(forecast, draft.symbol, now)
            except ModelError as error:
                self.refused += 1
                draft.reasons.append(f"refused: {error}")
                continue
            age = now - forecast.ts_known
            blocked = first_failed([Check("horizon", age, forecast.horizon_ns, at_least=False)])
            if blocked is None:
                usable.append(forecast)
            else:
                late = late or blocked
                draft.reasons.append(f"{forecast.name} is older than its horizon, left out")
        return usable, late

    def _view(self, forecast: Forecast, market: MarketView, per_ns: float) -> SourceView:
        skills = market.skills
        return view_of(
            forecast,
            volatility=per_ns * math.sqrt(forecast.horizon_ns),
            cost=market.round_trip_cost,
            skill=skills.get(forecast.name, skills.get(forecast.model, 1.0)),
        )

    def _decide(self, draft: _Draft, outlook: Outlook) -> Signal:
        combined = draft.combined
        assert combined is not None
        score, settings = combined.score, self.settings
        if abs(score) <= settings.act_above:
            return self._hold(draft, f"score {score:+.3f} is within {settings.act_above:g} of 0")
        short = score < 0
        opens = not short or settings.allow_short
        if not opens and draft.held <= 0:
            return self._hold(draft, "SELL without a position, and shorts are off")
        failed = first_failed(self._checks(draft, combined, outlook, opens=opens))
        if failed is not None:
            return self._hold(draft, str(failed), failed)
        if not opens:
            draft.reasons.append(f"score {score:+.3f}: SELL closes the long position")
            return self._signal(draft, Action.SELL, 0.0, None)
        draft.reasons.append(
            f"score {score:+.3f}, confidence {combined.confidence:.3f}, "
            f"uncertainty {combined.uncertainty:.3f}: {'SELL' if short else 'BUY'}"
        )
        return self._sized(draft, outlook, short=short)

    def _checks(
        self, draft: _Draft, combined: Combined, outlook: Outlook, *, opens: bool
    ) -> list[Check]:
        sure, doubt = self.settings.thresholds(draft.market.regime)
        checks = [
            Check("confidence", combined.confidence, sure),
            Check("uncertainty", combined.uncertainty, doubt, at_least=False),
        ]
        if opens:
            room = self._headroom(draft)
            checks.append(Check("concentration", room, 0.0, strictly=True))
        move = abs(outlook.mean)
        if math.isnan(move):
            # No source states a return: the score says how many deviations are expected.
            move = 2.0 * abs(combined.score) * outlook.sd
        checks.append(Check("edge", move, draft.market.round_trip_cost, strictly=True))
        return checks

    def _headroom(self, draft: _Draft) -> float:
        # An instrument without a sector has no sector limit.
        used = draft.portfolio.sector_weight(draft.symbol, without=True)
        return math.inf if math.isnan(used) else self.account.max_sector_weight - used

    def _sized(self, draft: _Draft, outlook: Outlook, *, short: bool) -> Signal:
        market, portfolio, settings = draft.market, draft.portfolio, self.settings
        side = -1.0 if short else 1.0
        assert draft.combined is not None
        span = market.average_true_range(settings.atr_bars) if settings.stop_mode == "atr" else 0.0
        guard = protect(
            settings, short=short, quantiles=outlook.quantiles, relative_range=span / draft.price
        )
        mean = outlook.mean
        if math.isnan(mean):
            mean = 2.0 * draft.combined.score * outlook.sd
        bars = outlook.horizon_ns / market.bar_ns
        cash = 0.0 if short else settings.risk_free_rate * bars / market.periods_per_year
        adv = market.adv_notional()
        share = settings.factors.participation
        liquidity = share * adv / portfolio.equity if portfolio.equity > 0 else 0.0
        sd = outlook.sd if outlook.sd > 0 else math.nan
        if math.isnan(sd) or math.isnan(mean):
            return self._hold(draft, "the volatility is not known: no size can be found")
        inputs = SizingInputs(
            confidence=draft.combined.confidence,
            uncertainty=draft.combined.uncertainty,
            mean_excess=side * mean - market.round_trip_cost - cash,
            horizon_volatility=sd,
            stop_distance=guard.stop,
            short=short,
            volatility=self._risk(draft)["volatility"],
            var_95=self._risk(draft)["var_95"],
            regime=market.regime,
            correlation=portfolio.correlation(draft.symbol, side, settings.correlation_bars),
            sector_headroom=self._headroom(draft),
            liquidity=math.inf if math.isinf(adv) else liquidity,
            held=draft.held,
        )
        size = draft.size = apply_sizer(
            self.sizer,
            inputs,
            settings.sizing,
            settings.factors,
            equity=portfolio.equity,
            limits={"account": self.account.position_limit(self.mode)},
        )
        if not size.size:
            return self._hold(draft, size.reason)
        draft.reasons.append(f"size decided by {size.bound_by}")
        draft.reasons.append(
            f"stop {guard.stop:.4f} and target {guard.target:.4f} from the price ({guard.basis})"
        )
        return self._signal(draft, Action.SELL if short else Action.BUY, size.size, guard)

    def _hold(self, draft: _Draft, why: str, blocked: Blocked | None = None) -> Signal:
        draft.reasons.append(f"HOLD: {why}")
        return self._signal(draft, Action.HOLD, 0.0, None, blocked)

    def _signal(
        self,
        draft: _Draft,
        action: Action,
        size: float,
        guard: Protection | None,
        blocked: Blocked | None = None,
    ) -> Signal:
        combined, market = draft.combined, draft.market
        stop = target = None
        if guard is not None:
            stop, target = guard.prices(draft.price, short=action is Action.SELL)
            stop = stop if self.settings.enable_stop_loss else None
        after = draft.held
        if action is not Action.HOLD:
            after = size if action is Action.BUY else -size
        risk = draft.risk
        if combined is not None and action is not Action.HOLD:
            risk = self._risk(draft)
        if risk:
            risk = {**risk, **after_trade(draft.symbol, after, market, draft.portfolio)}
        return Signal(
            symbol=draft.symbol,
            action=action,
            confidence=combined.confidence if combined else 0.0,
            uncertainty=combined.uncertainty if combined else 1.0,
            position_size=size,
            price=draft.price,
            ts_known=market.now_ns,
            expires_at=draft.expires_at,
            target_price=target,
            stop_loss=stop,
            model_version=", ".join(view.name for view in draft.views),
            mode=self.mode,
            regime=market.regime,
            score=combined.score if combined else 0.0,
            agreement=combined.agreement if combined else 0.0,
            reasons=tuple(draft.reasons),
            factors=dict(draft.size.factors) if draft.size else {},
            sizing=self._sizing(draft, after),
            sources=_sources(draft.views, combined),
            risk=risk,
            blocked=blocked,
        )

    def _sizing(self, draft: _Draft, after: float) -> dict[str, float]:
        size = draft.size
        if size is None:
            return {}
        steps = {f"step_{name}": value for name, value in size.steps.items()}
        limits = {f"limit_{name}": value for name, value in size.limits.items()}
        order = min(abs(after - draft.held), self.account.order_limit(self.mode))
        return {**steps, "product": size.product, **limits, "order_size": order}


def check_forecast(forecast: Forecast, symbol: str, now_ns: int) -> None:
    """Check that a forecast may be used for a decision.

    Parameters
    ----------
    forecast : Forecast
        What a source says.
    symbol : str
        Instrument that is decided about.
    now_ns : int
        Time of the decision.

    Raises
    ------
    ModelError
        If it is of another instrument or from the future.
    """
    if forecast.symbol != symbol:
        raise ModelError(f"forecast {forecast.name} is of {forecast.symbol}, wanted {symbol}")
    if forecast.ts_known > now_ns:
        raise ModelError(
            f"forecast {forecast.name} of {symbol} is known at {forecast.ts_known}, "
            f"which is after the decision at {now_ns}"
        )


def _sources(views: Sequence[SourceView], combined: Combined | None) -> tuple[dict[str, Any], ...]:
    weights = combined.weights if combined else (0.0,) * len(views)
    return tuple(view.to_dict(weight) for view, weight in zip(views, weights, strict=True))
