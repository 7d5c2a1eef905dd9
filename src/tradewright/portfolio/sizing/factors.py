"""The adjustment factors of a position, one function each."""

from __future__ import annotations

import math
from typing import Final

from tradewright.domain.errors import ConfigError, nearest
from tradewright.portfolio.sizing.params import FactorSettings

DEFAULT: Final = FactorSettings()
FACTORS: Final = (
    "volatility",
    "var",
    "regime",
    "uncertainty",
    "confidence",
    "concentration",
    "correlation",
    "liquidity",
)
"""Names in the order in which they are multiplied and shown."""


def volatility_factor(volatility: float, settings: FactorSettings = DEFAULT) -> float:
    """Return ``max(floor, 1 - annualised volatility)``; an unknown volatility gets the floor.

    Examples
    --------
    >>> volatility_factor(0.25), volatility_factor(2.0)
    (0.75, 0.1)
    """
    return _floored(1.0 - volatility, settings.volatility_floor)


def var_factor(var_95: float, settings: FactorSettings = DEFAULT) -> float:
    """Return ``max(floor, 1 - 10 var_95)`` for a one-day positive loss fraction.

    An unknown value at risk gets the floor.

    Examples
    --------
    >>> round(var_factor(0.02), 6), var_factor(0.5)
    (0.8, 0.1)
    """
    return _floored(1.0 - settings.var_multiple * var_95, settings.var_floor)


def regime_factor(regime: str, *, short: bool = False, settings: FactorSettings = DEFAULT) -> float:
    """Return the factor of a regime; a short position reads bullish as bearish and back.

    Parameters
    ----------
    regime : str
        ``trend/volatility`` such as ``bullish/stable``, or ``mixed``.
    short : bool
        Whether the position is short.
    settings : FactorSettings
        Holds the table.

    Returns
    -------
    float
        From the table.

    Raises
    ------
    ConfigError
        If the regime is not in the table.

    Examples
    --------
    >>> regime_factor("bullish/volatile"), regime_factor("bullish/volatile", short=True)
    (0.7, 0.3)
    """
    name = regime
    if short:
        trend, slash, rest = regime.partition("/")
        name = {"bullish": "bearish", "bearish": "bullish"}.get(trend, trend) + slash + rest
    if name not in settings.regimes:
        raise ConfigError(f"regime {regime!r} is not known; {nearest(regime, settings.regimes)}")
    return settings.regimes[name]


def uncertainty_factor(uncertainty: float, settings: FactorSettings = DEFAULT) -> float:
    """Return ``max(floor, 1 - 2 p)`` with the penalty ``p = 0.35 u``.

    Examples
    --------
    >>> uncertainty_factor(0.5), round(uncertainty_factor(1.0), 6)
    (0.65, 0.3)
    """
    return _floored(1.0 - 2.0 * settings.penalty * uncertainty, settings.uncertainty_floor)


def confidence_factor(
    confidence: float, threshold: float = 0.6, settings: FactorSettings = DEFAULT
) -> float:
    """Return 0.5 at the threshold, growing linearly to 1 at full confidence.

    Examples
    --------
    >>> confidence_factor(0.6), confidence_factor(0.8), confidence_factor(1.0)
    (0.5, 0.75, 1.0)
    """
    share = (confidence - threshold) / (1.0 - threshold)
    return settings.confidence_base + (1.0 - settings.confidence_base) * min(1.0, max(0.0, share))


def headroom_factor(headroom: float, wanted: float) -> float:
    """Return ``min(1, headroom / wanted)``: the part of a wanted size that fits.

    Concentration (room left in the sector) and liquidity (what the market can take) both ask it.

    Parameters
    ----------
    headroom : float
        What is left; a negative one counts as 0, an infinite one is no limit.
    wanted : float
        What is wanted, in the same unit.

    Returns
    -------
    float
        In [0, 1]; 1 where nothing is wanted, 0 where the headroom is not known.

    Examples
    --------
    >>> headroom_factor(0.05, 0.2), headroom_factor(0.3, 0.2), headroom_factor(-1.0, 0.2)
    (0.25, 1.0, 0.0)
    """
    if wanted <= 0:
        return 1.0
    if math.isnan(headroom):
        return 0.0
    return min(1.0, max(0.0, headroom) / wanted)


def correlation_factor(correlation: float, settings: FactorSettings = DEFAULT) -> float:
    """Return ``1 - max(0, rho - 0.5)`` for the weighted mean correlation with the holdings.

    Nothing held, or too little history, is a correlation of NaN and costs nothing.

    Examples
    --------
    >>> correlation_factor(0.3), correlation_factor(0.75), correlation_factor(1.0)
    (1.0, 0.75, 0.5)
    """
    if math.isnan(correlation):
        return 1.0
    return 1.0 - max(0.0, min(correlation, 1.0) - settings.free_correlation)


def _floored(value: float, floor: float) -> float:
    # What is not known counts as risk, never as none.
    return floor if math.isnan(value) else min(1.0, max(floor, value))
