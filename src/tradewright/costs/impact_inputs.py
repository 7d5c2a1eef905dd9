"""Daily volatility and volume of the past, as the impact law needs them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

WINDOW: Final = 20
LEAST: Final = 5


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
    n_sessions, n_instruments = len(first), close.shape[1]
    last_close = np.full((n_sessions, n_instruments), np.nan)
    total = np.zeros((n_sessions, n_instruments))
    seen = np.zeros((n_sessions, n_instruments), dtype=bool)
    for row in range(len(close)):
        known = ~np.isnan(close[row])
        last_close[number[row], known] = close[row, known]
        total[number[row], known] += np.nan_to_num(volume[row, known])
        seen[number[row]] |= known
    returns = np.full_like(last_close, np.nan)
    returns[1:] = last_close[1:] / last_close[:-1] - 1.0
    total[~seen] = np.nan
    out = np.full((2, n_sessions, n_instruments), np.nan)
    for at in range(1, n_sessions):
        window = slice(max(0, at - WINDOW), at)
        out[0, at] = _columns(returns[window], ddof=1)
        out[1, at] = _columns(total[window], ddof=None)
    return np.ascontiguousarray(out[:, number])


def _columns(window: NDArray[np.float64], *, ddof: int | None) -> NDArray[np.float64]:
    known = ~np.isnan(window)
    count = known.sum(axis=0)
    mean = np.where(known, window, 0.0).sum(axis=0) / np.maximum(count, 1)
    if ddof is None:
        return np.where(count >= LEAST, mean, np.nan)
    squares = np.where(known, (window - mean) ** 2, 0.0).sum(axis=0)
    return np.where(count >= LEAST, np.sqrt(squares / np.maximum(count - ddof, 1)), np.nan)
