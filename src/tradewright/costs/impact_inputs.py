"""Volatility, volume and spread of past sessions, as the laws of slippage and impact need them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

WINDOW: Final = 20
LEAST: Final = 5
_CORWIN_SCHULTZ: Final = 3.0 - 2.0 * np.sqrt(2.0)


def past_volatility_and_volume(
    close: NDArray[np.float64], volume: NDArray[np.float64], session: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return daily volatility and average daily volume over the 20 sessions before each bar.

    Parameters
    ----------
    close, volume : ndarray of shape (n_bars, n_instruments)
        Bars; NaN where an instrument has none.
    session : ndarray of shape (n_bars,)
        Number of the session of each bar, not decreasing.

    Returns
    -------
    ndarray of shape (2, n_bars, n_instruments)
        Standard deviation (ddof 1) of simple session returns, and mean session volume.

    Notes
    -----
    Timing: a bar sees sessions before its own only.
    Missing data: sessions without a bar are left out; NaN with fewer than 5 of them.
    """
    _, first, number = np.unique(session, return_index=True, return_inverse=True)
    last_close = _last_known(close, first)
    total = np.add.reduceat(np.where(np.isnan(close), 0.0, np.nan_to_num(volume)), first, axis=0)
    total[np.isnan(last_close)] = np.nan
    returns = np.full_like(last_close, np.nan)
    returns[1:] = last_close[1:] / last_close[:-1] - 1.0
    means = (_past_mean(returns, ddof=1), _past_mean(total, ddof=None))
    return np.ascontiguousarray(np.stack(means)[:, number])


def past_half_spread(
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    session: NDArray[np.int64],
) -> NDArray[np.float64]:
    r"""Return half the bid-ask spread estimated from highs and lows of the 20 sessions before.

    For two sessions :math:`S = 2(e^\alpha - 1)/(1 + e^\alpha)` with :math:`\alpha =
    (\sqrt{2\beta} - \sqrt\beta)/(3 - 2\sqrt2) - \sqrt{\gamma/(3 - 2\sqrt2)}`, :math:`\beta` the
    sum of the squared log ranges of both and :math:`\gamma` the squared log range of the two
    together. A gap over night is taken out of the second session, and a negative estimate counts
    as zero [1]_.

    Parameters
    ----------
    high, low, close : ndarray of shape (n_bars, n_instruments)
        Bars; NaN where an instrument has none.
    session : ndarray of shape (n_bars,)
        Number of the session of each bar, not decreasing.

    Returns
    -------
    ndarray of shape (n_bars, n_instruments)
        Mean estimate as a fraction of the price, halved.

    Notes
    -----
    Timing: a bar sees sessions before its own only.
    Missing data: pairs with a session without a bar are left out; NaN with fewer than 5 pairs.

    References
    ----------
    .. [1] Corwin, Schultz, "A Simple Way to Estimate Bid-Ask Spreads from Daily High and Low
       Prices", Journal of Finance 67(2), 2012, eq. 14 and 18, section II.B.
    """
    _, first, number = np.unique(session, return_index=True, return_inverse=True)
    top, bottom = np.fmax.reduceat(high, first, axis=0), np.fmin.reduceat(low, first, axis=0)
    spreads = np.full_like(top, np.nan)
    spreads[1:] = corwin_schultz(top, bottom, _last_known(close, first))
    return np.ascontiguousarray(_past_mean(spreads, ddof=None)[number] / 2.0)


def corwin_schultz(
    high: NDArray[np.float64], low: NDArray[np.float64], close: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the spread that each pair of neighbouring sessions shows, see `past_half_spread`.

    Parameters
    ----------
    high, low, close : ndarray of shape (n_sessions, ...)
        Of each session.

    Returns
    -------
    ndarray of shape (n_sessions - 1, ...)
        Fractions of the price; >= 0.

    Examples
    --------
    >>> corwin_schultz(np.array([101.0, 101.0]), np.array([100.0, 100.0]), np.array([100.5, 100.5]))
    array([0.00995025])
    """
    gap = np.maximum(low[1:] - close[:-1], 0.0) - np.maximum(close[:-1] - high[1:], 0.0)
    second_high, second_low = high[1:] - gap, low[1:] - gap
    beta = np.log(high[:-1] / low[:-1]) ** 2 + np.log(second_high / second_low) ** 2
    both = np.maximum(high[:-1], second_high) / np.minimum(low[:-1], second_low)
    gamma = np.log(both) ** 2
    alpha = (np.sqrt(2.0 * beta) - np.sqrt(beta)) / _CORWIN_SCHULTZ
    alpha -= np.sqrt(gamma / _CORWIN_SCHULTZ)
    spread: NDArray[np.float64] = 2.0 * (np.exp(alpha) - 1.0) / (1.0 + np.exp(alpha))
    return np.where(spread < 0.0, 0.0, spread)


def _last_known(close: NDArray[np.float64], first: NDArray[np.int64]) -> NDArray[np.float64]:
    # Last close of each session; NaN where the session has no bar of the instrument.
    rows = np.arange(len(close))[:, None]
    last = np.maximum.reduceat(np.where(np.isnan(close), -1, rows), first, axis=0)
    return np.where(last < 0, np.nan, np.take_along_axis(close, np.maximum(last, 0), axis=0))


def _past_mean(values: NDArray[np.float64], *, ddof: int | None) -> NDArray[np.float64]:
    # Mean, or deviation where `ddof` is given, of the known among the 20 rows before each.
    out = np.full_like(values, np.nan)
    for at in range(1, len(values)):
        out[at] = _columns(values[max(0, at - WINDOW) : at], ddof=ddof)
    return out


def _columns(window: NDArray[np.float64], *, ddof: int | None) -> NDArray[np.float64]:
    known = ~np.isnan(window)
    count = known.sum(axis=0)
    mean = np.where(known, window, 0.0).sum(axis=0) / np.maximum(count, 1)
    if ddof is None:
        return np.where(count >= LEAST, mean, np.nan)
    squares = np.where(known, (window - mean) ** 2, 0.0).sum(axis=0)
    return np.where(count >= LEAST, np.sqrt(squares / np.maximum(count - ddof, 1)), np.nan)
