"""The sections inside ``decision``: how each name is decided, and when weights are traded."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from tradewright.portfolio.decision import SignalSettings
from tradewright.portfolio.rebalancing import RebalancingConfig
from tradewright.portfolio.sizing import PositionSizingParams
from tradewright.services.study.section import Section

Fraction = Annotated[float, Field(gt=0, le=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class SignalSection(Section):
    """``decision.signals``: each name as BUY, HOLD or SELL, see `portfolio.decision`.

    Parameters
    ----------
    sizer : str
        ``standard`` (base, Kelly and risk, times every factor), ``fixed_fraction``,
        ``fixed_notional``, ``volatility_target``, ``risk_per_trade``, ``kelly``, ``equal_risk``, or
        the name of one that a package brings.
    sizer_params : mapping
        The sizer's own parameters.
    confidence_threshold : float
        Smallest confidence that is traded.
    max_uncertainty : float
        Largest uncertainty that is traded; in mixed and volatile regimes both are stricter by 0.1.
    max_position_size : float
        Largest weight of one name; the account's limit holds besides.
    risk_per_trade : float
        Largest loss of one position at its stop, a fraction of equity.
    kelly_fraction : float
        Part of the growth-optimal size that is taken.
    min_position_size : float
        A smaller weight becomes 0.
    act_above : float
        Score above which it is BUY, and below whose negative it is SELL.
    stop : str
        ``distribution``: from the forecast's quantiles; ``atr``: a multiple of the average true
        range; ``fixed``: the distances below; ``off``: targets only.
    stop_loss, take_profit : float
        Distances where there is no distribution, as fractions of the price.
    atr_multiple : float
        Average true ranges to the stop, for ``atr``.
    risk_free_rate : float
        Annual return of cash that a long position must beat.
    """

    sizer: str = "standard"
    sizer_params: dict[str, Any] = {}  # noqa: RUF012 (pydantic copies defaults)
    confidence_threshold: Annotated[float, Field(ge=0, le=0.99)] = 0.6
    max_uncertainty: Share = 0.5
    max_position_size: Annotated[float, Field(gt=0, le=3)] = 0.2
    risk_per_trade: Fraction = 0.02
    kelly_fraction: Fraction = 0.5
    min_position_size: Share = 0.01
    act_above: Share = 0.05
    stop: Literal["distribution", "atr", "fixed", "off"] = "distribution"
    stop_loss: Annotated[float, Field(gt=0, lt=0.99)] = 0.05
    take_profit: Annotated[float, Field(gt=0, lt=0.99)] = 0.15
    atr_multiple: Annotated[float, Field(gt=0, le=100)] = 2.0
    risk_free_rate: Annotated[float, Field(ge=-1, le=1)] = 0.02

    def settings(self, *, allow_short: bool) -> SignalSettings:
        """Return the engine's settings.

        Parameters
        ----------
        allow_short : bool
            Whether SELL may open a short position.
        """
        return SignalSettings(
            enable_stop_loss=self.stop != "off",
            stop_mode="distribution" if self.stop == "off" else self.stop,
            stop_loss_pct=self.stop_loss,
            take_profit_pct=self.take_profit,
            atr_multiple=self.atr_multiple,
            max_uncertainty=self.max_uncertainty,
            act_above=self.act_above,
            allow_short=allow_short,
            risk_free_rate=self.risk_free_rate,
            sizer=self.sizer,
            sizer_parameters=self.sizer_params,
            sizing=PositionSizingParams(
                max_position_size=self.max_position_size,
                risk_per_trade=self.risk_per_trade,
                confidence_threshold=self.confidence_threshold,
                kelly_fraction=self.kelly_fraction,
                min_position_size=self.min_position_size,
            ),
        )


class RebalancingSection(Section):
    """``decision.rebalancing``: when wanted weights are traded, see `portfolio.rebalancing`.

    It is looked at on every decision: combine it with ``rebalance: daily``. Taxes are not
    simulated; they are part of plans for an account.
    """

    threshold_method: Literal["percentage", "absolute", "volatility", "calendar"] = "percentage"
    rebalance_threshold: Annotated[float, Field(gt=0)] = 0.05
    volatility_threshold: Annotated[float, Field(gt=0)] = 0.10
    calendar_period: Literal["monthly", "quarterly"] = "monthly"
    min_rebalance_interval: Annotated[int, Field(ge=0)] = 7
    max_rebalance_interval: Annotated[int, Field(ge=0)] = 30
    transaction_cost_threshold: Annotated[float, Field(ge=0)] = 0.002
    benefit_multiple: Annotated[float, Field(ge=0)] = 1.0
    risk_aversion: Annotated[float, Field(ge=0)] = 2.5
    holding_days: Annotated[float, Field(ge=0)] = 21.0
    partial: bool = False

    def settings(self) -> RebalancingConfig:
        """Return the rebalancer's configuration."""
        return RebalancingConfig(**self.model_dump(), consider_tax_implications=False)
