"""Performance of one series of session returns."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tradewright.domain.errors import DataError

RISK_FREE: Final = 0.02
"""Annual risk-free rate that ratios are measured over, unless another is given."""

FloatArray = NDArray[np.float64]


def returns_of(levels: ArrayLike) -> FloatArray:
    """Turn a series of levels into simple returns; a total loss is -1 and stays lost.

    Parameters
    ----------
    levels : array_like of shape (n + 1,)
        Equity or index levels in time order; values at or below zero count as zero.

    Returns
    -------
    ndarray of shape (n,)
        ``levels[i + 1] / levels[i] - 1``; 0 after a total loss, because nothing is left to lose.

    Raises
    ------
    DataError
        If a level is NaN or infinite, or the array is not one-dimensional.

    Examples
    --------
    >>> returns_of([100.0, 110.0, 0.0, 0.0]).round(2)
    array([ 0.1, -1. ,  0. ])
    """
    array = np.maximum(_series(levels, "levels"), 0.0)
    before, after = array[:-1], array[1:]
    alive = before > 0
    return np.where(alive, after / np.where(alive, before, 1.0) - 1.0, 0.0)


def performance(
    returns: ArrayLike, *, periods_per_year: float, risk_free: float = RISK_FREE
) -> dict[str, float]:
    r"""Compute return, risk and the ratios of both from session returns.

    Formulas and conventions stand in `tradewright.metrics.glossary`.

    Parameters
    ----------
    returns : array_like of shape (n,)
        Simple returns per session as fractions.
    periods_per_year : float
        Sessions per year: 252 equities, 260 forex, 365 crypto; > 0.
    risk_free : float
        Annual risk-free rate as a fraction; :math:`r_f / ppy` is taken off each session.

    Returns
    -------
    dict of str to float
        NaN where a metric is not defined, for example a Sharpe ratio without variance.

    Raises
    ------
    DataError
        If a return is NaN, infinite or below -1.

    Examples
    --------
    >>> found = performance([0.01, -0.01, 0.02], periods_per_year=252, risk_free=0.0)
    >>> round(found["total_return"], 6), round(found["sharpe"], 3)
    (0.019898, 6.928)
    """
    r = _series(returns, "returns")
    if (r < -1).any():
        raise DataError(f"returns: {r.min()} is below -1, more than everything cannot be lost")
    total = total_return(r)
    volatility = annual_volatility(r, periods_per_year=periods_per_year)
    found = {
        "total_return": total,
        "annual_return": annual_return(r, periods_per_year=periods_per_year),
        "annual_volatility": volatility,
        "sharpe": sharpe(r, periods_per_year=periods_per_year, risk_free=risk_free),
        "sortino": sortino(r, periods_per_year=periods_per_year, risk_free=risk_free),
        "omega": omega(r, threshold=risk_free / periods_per_year),
    }
    found.update(_shape(r))
    return found


def total_return(returns: FloatArray) -> float:
    """Compound the returns of all sessions; -1 is a total loss, NaN without a session."""
    return float(np.prod(1.0 + returns) - 1.0) if len(returns) else math.nan


def annual_return(returns: FloatArray, *, periods_per_year: float) -> float:
    """Return the constant yearly growth that gives the total return (CAGR).

    Examples
    --------
    >>> round(annual_return(np.full(504, 0.0004), periods_per_year=252), 5)
    0.10603
    >>> annual_return(np.array([0.1, -1.0]), periods_per_year=252)
    -1.0
    """
    if not len(returns):
        return math.nan
    growth = 1.0 + total_return(returns)
    if growth <= 0:
        return -1.0
    exponent = math.log(growth) * periods_per_year / len(returns)
    return math.expm1(exponent) if exponent < 700 else math.inf


def annual_volatility(returns: FloatArray, *, periods_per_year: float) -> float:
    """Return the standard deviation (ddof 1) of session returns, annualised."""
    if len(returns) < 2:
        return math.nan
    return float(np.std(returns, ddof=1) * math.sqrt(periods_per_year))


def sharpe(returns: FloatArray, *, periods_per_year: float, risk_free: float = RISK_FREE) -> float:
    """Return the annualised ratio of mean excess return to its standard deviation (ddof 1).

    References
    ----------
    .. [1] W. F. Sharpe, "The Sharpe Ratio", Journal of Portfolio Management, 1994.
    """
    excess = returns - risk_free / periods_per_year
    if _is_constant(excess):
        return math.nan
    return float(excess.mean() / excess.std(ddof=1) * math.sqrt(periods_per_year))


def sortino(returns: FloatArray, *, periods_per_year: float, risk_free: float = RISK_FREE) -> float:
    """Return the annualised ratio of mean excess return to downside deviation over all sessions.

    References
    ----------
    .. [1] F. A. Sortino, R. van der Meer, "Downside Risk", Journal of Portfolio Management, 1991.
    """
    excess = returns - risk_free / periods_per_year
    if len(excess) < 2 or not (excess < 0).any():
        return math.nan
    downside = math.sqrt(float(np.mean(np.minimum(excess, 0.0) ** 2)))
    return float(excess.mean()) / downside * math.sqrt(periods_per_year)


def omega(returns: FloatArray, *, threshold: float = 0.0) -> float:
    """Return the sum of gains over a threshold divided by the sum of shortfalls under it."""
    excess = returns - threshold
    losses = -float(excess[excess < 0].sum())
    return float(excess[excess > 0].sum()) / losses if losses > 0 else math.nan


def value_at_risk(returns: FloatArray, *, level: float = 0.95) -> float:
    """Return the historical value at risk of one session: the loss exceeded with 1 - level.

    Parameters
    ----------
    returns : ndarray of shape (n,)
        Simple returns.
    level : float
        Confidence in (0.5, 1).

    Returns
    -------
    float
        ``-quantile(returns, 1 - level)`` with linear interpolation; positive is a loss.

    Examples
    --------
    >>> round(value_at_risk(np.arange(-10, 11) / 100, level=0.95), 4)
    0.09
    """
    return -float(np.quantile(returns, 1.0 - level)) if len(returns) else math.nan


def expected_shortfall(returns: FloatArray, *, level: float = 0.95) -> float:
    """Return the mean loss of the sessions at or beyond the value at risk.

    References
    ----------
    .. [1] C. Acerbi, D. Tasche, "On the coherence of expected shortfall", Journal of Banking and
       Finance, 2002.
    """
    if not len(returns):
        return math.nan
    cut = np.quantile(returns, 1.0 - level)
    return -float(returns[returns <= cut].mean())


def skewness(returns: FloatArray) -> float:
    """Return the third standardised moment (biased); NaN without variance."""
    return _moment(returns, 3)


def kurtosis(returns: FloatArray) -> float:
    """Return the fourth standardised moment (biased, 3 for a normal); NaN without variance."""
    return _moment(returns, 4)


def _shape(r: FloatArray) -> dict[str, float]:
    if not len(r):
        names = (
            "skew kurtosis var_95 cvar_95 var_99 cvar_99 tail_ratio best_session worst_session "
            "positive_sessions gain_to_pain"
        )
        return dict.fromkeys(names.split(), math.nan)
    high, low = np.quantile(r, [0.95, 0.05])
    losses = -float(r[r < 0].sum())
    return {
        "skew": skewness(r),
        "kurtosis": kurtosis(r) - 3.0,
        "var_95": value_at_risk(r, level=0.95),
        "cvar_95": expected_shortfall(r, level=0.95),
        "var_99": value_at_risk(r, level=0.99),
        "cvar_99": expected_shortfall(r, level=0.99),
        "tail_ratio": abs(float(high)) / abs(float(low)) if low != 0 else math.nan,
        "best_session": float(r.max()),
        "worst_session": float(r.min()),
        "positive_sessions": float(np.mean(r > 0)),
        "gain_to_pain": float(r.sum()) / losses if losses > 0 else math.nan,
    }


def _moment(returns: FloatArray, order: int) -> float:
    if _is_constant(returns):
        return math.nan
    centred = returns - returns.mean()
    return float(np.mean(centred**order) / np.mean(centred**2) ** (order / 2))


def _is_constant(values: FloatArray) -> bool:
    """Whether a series has no variance beyond the rounding of its own values."""
    if len(values) < 2:
        return True
    return bool(np.ptp(values) <= 1e-14 * max(1.0, float(np.abs(values).max())))


def _series(given: ArrayLike, name: str) -> FloatArray:
    array = np.asarray(given, dtype=np.float64)
    if array.ndim != 1:
        raise DataError(f"{name}: {array.ndim} dimensions, wanted one series")
    if not np.isfinite(array).all():
        raise DataError(f"{name}: row {int(np.argmin(np.isfinite(array)))} is not a finite number")
    return array
