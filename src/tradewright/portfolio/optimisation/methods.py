"""The twelve methods by name."""

from __future__ import annotations

from enum import StrEnum

from tradewright.domain.errors import ConfigError, nearest


class OptimizationMethod(StrEnum):
    """A way from moments to weights; the value is the name on the wire."""

    MAXIMUM_SHARPE = "maximum_sharpe"
    MINIMUM_VARIANCE = "minimum_variance"
    RISK_PARITY = "risk_parity"
    MEAN_VARIANCE = "mean_variance"
    BLACK_LITTERMAN = "black_litterman"
    FACTOR_BASED = "factor_based"
    EQUAL_WEIGHT = "equal_weight"
    INVERSE_VOLATILITY = "inverse_volatility"
    MAXIMUM_DIVERSIFICATION = "maximum_diversification"
    MINIMUM_CVAR = "minimum_cvar"
    HIERARCHICAL_RISK_PARITY = "hierarchical_risk_parity"
    KELLY = "kelly"


def parse_method(name: str | OptimizationMethod) -> OptimizationMethod:
    """Return the method of a name, in lower or upper case.

    Raises
    ------
    ConfigError
        If there is no such method; with the nearest name.

    Examples
    --------
    >>> parse_method("MINIMUM_VARIANCE").value
    'minimum_variance'
    """
    try:
        return OptimizationMethod(str(name).lower())
    except ValueError:
        known = [method.value for method in OptimizationMethod]
        hint = nearest(str(name).lower(), known)
        raise ConfigError(f"method {name!r} is not known; {hint}") from None
