"""How the decision engine decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tradewright.domain.errors import ConfigError, nearest
from tradewright.portfolio.sizing.params import FactorSettings, PositionSizingParams, between

STOP_MODES: Final = ("distribution", "atr", "fixed")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSettings:
    """How forecasts become a BUY, HOLD or SELL with a size, a stop and a target.

    Parameters
    ----------
    enable_stop_loss : bool
        Whether signals carry a stop; it cannot be switched off on a live account.
    stop_loss_pct, take_profit_pct : float
        Distances where the forecast gives no distribution, fractions of the price.
    stop_mode : str
        ``distribution``: from the 5 % and 90 % quantiles of the forecast; ``atr``: a multiple of
        the average true range; ``fixed``: always the two distances above.
    atr_multiple : float
        Average true ranges between price and stop, for ``atr``.
    atr_bars : int
        Bars of the average true range.
    min_stop, max_stop : float
        Bounds of the stop distance for ``distribution`` and ``atr``.
    model_base, agent_base : float
        Base weights of all supervised models together and of all agents together.
    source_regimes : mapping of str to mapping of str to float
        Factor of a source by regime, by the source's name or by ``model`` and ``agent``; 1 where
        nothing is said.
    max_uncertainty : float
        Largest uncertainty that is traded.
    strict_margin : float
        In mixed or volatile regimes the confidence must be this much higher and the uncertainty
        this much lower.
    act_above : float
        Combined score above which a signal is BUY, and below whose negative it is SELL.
    allow_short : bool
        Whether SELL may open a short position; otherwise it closes a long one.
    max_stale_bars : float
        Age of the last price in bars above which nothing is decided.
    risk_free_rate : float
        Annual return of cash; what a long position must beat before Kelly gives it a size.
    correlation_bars : int
        Bars of returns behind the correlation with the holdings.
    sizer : str
        Name of the sizer, see `sizing.create_sizer`.
    sizer_parameters : mapping
        Its own parameters.
    sizing : PositionSizingParams
        Largest position, risk per trade, confidence threshold, Kelly fraction.
    factors : FactorSettings
        Of the adjustment factors.

    Raises
    ------
    ConfigError
        Naming the field, the value found and the values wanted.
    """

    enable_stop_loss: bool = True
    stop_loss_pct: float = 0.05
    take_profit_pct: float = 0.15
    stop_mode: str = "distribution"
    atr_multiple: float = 2.0
    atr_bars: int = 14
    min_stop: float = 0.01
    max_stop: float = 0.15
    model_base: float = 0.6
    agent_base: float = 0.4
    source_regimes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    max_uncertainty: float = 0.5
    strict_margin: float = 0.1
    act_above: float = 0.05
    allow_short: bool = False
    max_stale_bars: float = 2.0
    risk_free_rate: float = 0.02
    correlation_bars: int = 120
    sizer: str = "standard"
    sizer_parameters: Mapping[str, Any] = field(default_factory=dict)
    sizing: PositionSizingParams = field(default_factory=PositionSizingParams)
    factors: FactorSettings = field(default_factory=FactorSettings)

    def __post_init__(self) -> None:
        if self.stop_mode not in STOP_MODES:
            hint = nearest(self.stop_mode, STOP_MODES)
            raise ConfigError(f"signals.stop_mode is {self.stop_mode!r}; {hint}")
        for name in ("stop_loss_pct", "take_profit_pct", "min_stop", "max_stop"):
            between(f"signals.{name}", getattr(self, name), 0.0, 0.99, open_low=True)
        if self.min_stop > self.max_stop:
            raise ConfigError(
                f"signals.min_stop {self.min_stop:g} is above signals.max_stop {self.max_stop:g}"
            )
        for name in ("model_base", "agent_base", "max_uncertainty", "strict_margin", "act_above"):
            between(f"signals.{name}", getattr(self, name), 0.0, 1.0)
        if self.model_base + self.agent_base <= 0:
            raise ConfigError("signals.model_base and signals.agent_base are both 0")
        between("signals.atr_multiple", self.atr_multiple, 0.0, 100.0, open_low=True)
        between("signals.atr_bars", self.atr_bars, 1, 10_000)
        between("signals.correlation_bars", self.correlation_bars, 2, 100_000)
        between("signals.max_stale_bars", self.max_stale_bars, 0.0, 1e6)
        between("signals.risk_free_rate", self.risk_free_rate, -1.0, 1.0)
        for source, table in self.source_regimes.items():
            for regime, value in table.items():
                between(f"signals.source_regimes.{source}.{regime}", value, 0.0, 100.0)

    def thresholds(self, regime: str) -> tuple[float, float]:
        """Return smallest confidence and largest uncertainty in a regime.

        Examples
        --------
        >>> SignalSettings().thresholds("bullish/stable")
        (0.6, 0.5)
        >>> SignalSettings().thresholds("bearish/volatile")
        (0.7, 0.4)
        """
        confidence, uncertainty = self.sizing.confidence_threshold, self.max_uncertainty
        if regime == "mixed" or regime.endswith("/volatile"):
            confidence = min(1.0, confidence + self.strict_margin)
            uncertainty = max(0.0, uncertainty - self.strict_margin)
        return round(confidence, 12), round(uncertainty, 12)
