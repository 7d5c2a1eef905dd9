"""The growth-optimal size of a bet, and the part of it that is taken."""

from __future__ import annotations

import math

from tradewright.domain.errors import ModelError


def kelly_size(mean_excess: float, volatility: float, *, fraction: float = 0.5) -> float:
    r"""Return the Kelly weight of one position.

    :math:`f\,\mu_{excess} / \sigma^2`, mean and volatility over the same horizon; a bet without
    positive excess return gets nothing, never the opposite side [1]_.

    Parameters
    ----------
    mean_excess : float
        Expected simple return in the direction of the trade, after costs and the risk-free rate,
        over one horizon.
    volatility : float
        Standard deviation of the same return; > 0.
    fraction : float
        Part of the growth-optimal weight, in (0, 1].

    Returns
    -------
    float
        Weight, a fraction of equity; >= 0.

    Raises
    ------
    ModelError
        If the mean is not finite or the volatility is not above 0.

    References
    ----------
    .. [1] Thorp, "The Kelly Criterion in Blackjack, Sports Betting and the Stock Market",
       Handbook of Asset and Liability Management 1, 2006, eq. 7.3.

    Examples
    --------
    >>> round(kelly_size(0.05, 0.25, fraction=0.5), 6)
    0.4
    """
    if not math.isfinite(mean_excess):
        raise ModelError(f"kelly: the expected excess return is {mean_excess}, wanted finite")
    if not (volatility > 0 and math.isfinite(volatility)):
        raise ModelError(f"kelly: volatility is {volatility}, wanted above 0")
    return max(0.0, fraction * mean_excess / volatility**2)


def kelly_from_sharpe(sharpe: float, volatility: float, *, fraction: float = 0.5) -> float:
    r"""Return the Kelly weight :math:`f\,S / \sigma` from a Sharpe ratio of the same horizon.

    The same number as `kelly_size`, since :math:`S = \mu_{excess} / \sigma`.

    Parameters
    ----------
    sharpe : float
        Mean excess return over volatility, one horizon.
    volatility : float
        Standard deviation over the same horizon; > 0.
    fraction : float
        Part of the growth-optimal weight, in (0, 1].

    Returns
    -------
    float
        Weight, a fraction of equity; >= 0.

    Examples
    --------
    >>> round(kelly_from_sharpe(0.2, 0.25, fraction=0.5), 6)
    0.4
    """
    return kelly_size(sharpe * volatility, volatility, fraction=fraction)
