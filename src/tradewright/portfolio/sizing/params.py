"""What sizing is told: the parameters, the table of regimes and the floors of the factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from tradewright.domain.errors import ConfigError

REGIME_FACTORS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "bullish/stable": 1.0,
        "bullish/volatile": 0.7,
        "sideways/stable": 0.8,
        "sideways/volatile": 0.5,
        "bearish/stable": 0.6,
        "bearish/volatile": 0.3,
        "mixed": 0.5,
    }
)
"""Factor of a long position by trend and volatility; a short one swaps bullish and bearish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionSizingParams:
    """How large a position may become.

    Parameters
    ----------
    max_position_size : float
        Largest weight of one holding, a fraction of equity.
    risk_per_trade : float
        Largest loss of one position at its stop, a fraction of equity.
    confidence_threshold : float
        Smallest confidence that is traded, in [0, 1).
    kelly_fraction : float
        Part of the growth-optimal size that is taken, above 0 and at most 1.
    min_position_size : float
        A smaller weight becomes 0.

    Raises
    ------
    ConfigError
        Naming the field, the value found and the range wanted.
    """

    max_position_size: float = 0.2
    risk_per_trade: float = 0.02
    confidence_threshold: float = 0.6
    kelly_fraction: float = 0.5
    min_position_size: float = 0.01

    def __post_init__(self) -> None:
        between("sizing.max_position_size", self.max_position_size, 0.0, 3.0, open_low=True)
        between("sizing.risk_per_trade", self.risk_per_trade, 0.0, 1.0, open_low=True)
        between("sizing.confidence_threshold", self.confidence_threshold, 0.0, 0.99)
        between("sizing.kelly_fraction", self.kelly_fraction, 0.0, 1.0, open_low=True)
        between("sizing.min_position_size", self.min_position_size, 0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorSettings:
    """What the adjustment factors are made of.

    Parameters
    ----------
    volatility_floor, var_floor, uncertainty_floor : float
        Smallest value of each factor.
    var_multiple : float
        Weight of the one-day value at risk: ``1 - var_multiple * var_95``.
    penalty : float
        Uncertainty penalty ``p = penalty * u``; the factor is ``1 - 2 p``.
    confidence_base : float
        The confidence factor at the threshold; it grows linearly to 1 at full confidence.
    free_correlation : float
        Mean correlation with the holdings that costs nothing.
    participation : float
        Share of the average daily notional that one position may take.
    product_floor : float
        Smallest product of all factors.
    regimes : mapping of str to float
        Factor of each regime, see `REGIME_FACTORS`; complete.

    Raises
    ------
    ConfigError
        Naming the field, the value found and the range wanted.
    """

    volatility_floor: float = 0.1
    var_floor: float = 0.1
    uncertainty_floor: float = 0.3
    var_multiple: float = 10.0
    penalty: float = 0.35
    confidence_base: float = 0.5
    free_correlation: float = 0.5
    participation: float = 0.01
    product_floor: float = 0.05
    regimes: Mapping[str, float] = field(default_factory=lambda: REGIME_FACTORS)

    def __post_init__(self) -> None:
        for name in ("volatility_floor", "var_floor", "uncertainty_floor", "confidence_base",
                     "product_floor", "free_correlation", "participation"):  # fmt: skip
            between(f"sizing.{name}", getattr(self, name), 0.0, 1.0)
        between("sizing.var_multiple", self.var_multiple, 0.0, 1000.0)
        between("sizing.penalty", self.penalty, 0.0, 1.0)
        if set(self.regimes) != set(REGIME_FACTORS):
            raise ConfigError(
                f"sizing.regimes names {', '.join(sorted(self.regimes))}; "
                f"wanted {', '.join(sorted(REGIME_FACTORS))}"
            )
        for name, value in self.regimes.items():
            between(f"sizing.regimes.{name}", value, 0.0, 1.0)


def between(name: str, value: float, low: float, high: float, *, open_low: bool = False) -> None:
    """Check that a number lies in a range.

    Parameters
    ----------
    name : str
        Of the setting, for the message.
    value : float
        What was given.
    low, high : float
        The range, both ends included.
    open_low : bool
        Whether `low` itself is refused.

    Raises
    ------
    ConfigError
        If it does not, or is not finite.
    """
    ok = low < value <= high if open_low else low <= value <= high
    if not ok:
        wanted = f"above {low:g} and at most {high:g}" if open_low else f"{low:g} to {high:g}"
        raise ConfigError(f"{name} is {value}, wanted {wanted}")
