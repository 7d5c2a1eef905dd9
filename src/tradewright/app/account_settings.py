"""Settings of decisions, sizes, rebalancing and account limits."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tradewright.portfolio.decision import SignalSettings
from tradewright.portfolio.rebalancing import RebalancingConfig, TaxRates
from tradewright.portfolio.sizing import AccountLimits, FactorSettings, PositionSizingParams


class Section(BaseModel):
    """A section of the settings: frozen, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Regimes(Section):
    """Factor of a long position by market regime; a short one swaps bullish and bearish."""

    bullish_stable: float = Field(1.0, ge=0, le=1, description="size factor, bullish and stable")
    bullish_volatile: float = Field(0.7, ge=0, le=1, description="bullish and volatile")
    sideways_stable: float = Field(0.8, ge=0, le=1, description="sideways and stable")
    sideways_volatile: float = Field(0.5, ge=0, le=1, description="sideways and volatile")
    bearish_stable: float = Field(0.6, ge=0, le=1, description="bearish and stable")
    bearish_volatile: float = Field(0.3, ge=0, le=1, description="bearish and volatile")
    mixed: float = Field(0.5, ge=0, le=1, description="not clear")


class Factors(Section):
    """What the adjustment factors of a size are made of."""

    volatility_floor: float = Field(0.1, ge=0, le=1, description="least volatility factor")
    var_floor: float = Field(0.1, ge=0, le=1, description="least value-at-risk factor")
    var_multiple: float = Field(10.0, ge=0, le=1000, description="weight of the value at risk")
    uncertainty_floor: float = Field(0.3, ge=0, le=1, description="least uncertainty factor")
    penalty: float = Field(0.35, ge=0, le=1, description="penalty of full uncertainty, halved")
    confidence_base: float = Field(0.5, ge=0, le=1, description="confidence factor at threshold")
    participation: float = Field(0.01, ge=0, le=1, description="share of the daily notional")
    product_floor: float = Field(0.05, ge=0, le=1, description="least product of all factors")


class Signals(Section):
    """Decisions on paper, live and by the API; a study page has its own."""

    confidence_threshold: float = Field(0.6, ge=0, le=0.99, description="least confidence traded")
    max_position_size: float = Field(0.2, gt=0, le=3, description="largest weight of a holding")
    risk_per_trade: float = Field(0.02, gt=0, le=1, description="largest loss at the stop")
    kelly_fraction: float = Field(0.5, gt=0, le=1, description="part of the growth-optimal size")
    enable_stop_loss: bool = Field(True, description="signals carry a stop; always on when live")
    default_stop_loss_pct: float = Field(
        0.05, gt=0, lt=0.99, description="stop distance without a distribution"
    )
    take_profit_pct: float = Field(
        0.15, gt=0, lt=0.99, description="target distance without a distribution"
    )
    factors: Factors = Field(default_factory=Factors)
    regimes: Regimes = Field(default_factory=Regimes)


class Portfolio(Section):
    """Rebalancing and taxes of an account."""

    min_position_size: float = Field(0.01, ge=0, le=1, description="a smaller weight becomes 0")
    rebalance_threshold: float = Field(0.05, gt=0, description="drift that triggers")
    min_rebalance_interval_days: int = Field(7, ge=0, description="nothing but risk within")
    max_rebalance_interval_days: int = Field(30, ge=0, description="trades after, untriggered")
    transaction_cost_threshold: float = Field(
        0.002, ge=0, description="a plan that costs more of equity is deferred"
    )
    tax_short: float = Field(0.35, ge=0, le=1, description="tax on gains of young lots")
    tax_long: float = Field(0.15, ge=0, le=1, description="tax on gains after 366 days")


class Risk(Section):
    """Limits of an account."""

    max_trade_pct: float = Field(
        0.05, gt=0, le=3, description="largest single order, of equity, on paper and live"
    )
    four_eyes: bool = Field(False, description="loosening a stored limit needs a second person")
    max_sector_weight: float = Field(0.4, gt=0, le=3, description="largest weight of a sector")


def account_limits(signals: Signals, risk: Risk) -> AccountLimits:
    """Return what an account allows."""
    return AccountLimits(
        max_trade_pct=risk.max_trade_pct,
        max_position_size=signals.max_position_size,
        max_sector_weight=risk.max_sector_weight,
    )


def signal_settings(signals: Signals, portfolio: Portfolio) -> SignalSettings:
    """Return how the decision engine of paper, live and the API decides."""
    regimes = {
        name.replace("_", "/", 1): float(value)
        for name, value in signals.regimes.model_dump().items()
    }
    given: dict[str, Any] = signals.factors.model_dump()
    return SignalSettings(
        enable_stop_loss=signals.enable_stop_loss,
        stop_loss_pct=signals.default_stop_loss_pct,
        take_profit_pct=signals.take_profit_pct,
        sizing=PositionSizingParams(
            max_position_size=signals.max_position_size,
            risk_per_trade=signals.risk_per_trade,
            confidence_threshold=signals.confidence_threshold,
            kelly_fraction=signals.kelly_fraction,
            min_position_size=portfolio.min_position_size,
        ),
        factors=FactorSettings(**given, regimes=regimes),
    )


def rebalancing_config(portfolio: Portfolio) -> RebalancingConfig:
    """Return when an account is rebalanced.

    Raises
    ------
    ConfigError
        If the minimum interval is above the maximum one.
    """
    return RebalancingConfig(
        rebalance_threshold=portfolio.rebalance_threshold,
        min_rebalance_interval=portfolio.min_rebalance_interval_days,
        max_rebalance_interval=portfolio.max_rebalance_interval_days,
        transaction_cost_threshold=portfolio.transaction_cost_threshold,
    )


def tax_rates(portfolio: Portfolio) -> TaxRates:
    """Return the rates on realised gains."""
    return TaxRates(short=portfolio.tax_short, long=portfolio.tax_long)
