"""Causal helpers for strategies written on whole arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tradewright.domain.errors import ConfigError, DataError
from tradewright.features import rolling
from tradewright.features.specs import Panel


def sma(x: ArrayLike, n: int) -> Panel:
    """Return the mean of the last `n` rows.

    Parameters
    ----------
    x : array_like of shape (n_bars,) or (n_bars, n_instruments)
        Prices or any series.
    n : int
        Rows of the window; >= 1.

    Returns
    -------
    ndarray
        Same shape; NaN in the first ``n - 1`` rows.

    Raises
    ------
    ConfigError
        If `n` is below 1.
    DataError
        If `x` has other than one or two dimensions.

    Notes
    -----
    Timing: row ``t`` uses rows ``t-n+1..t``.
    Missing data: a window with a NaN gives NaN; later windows are not touched.
    Accuracy: every window is a sum of its own `n` values (nothing is ever subtracted), so the
    relative error of positive prices is below ``n`` × 1.1e-16, anywhere in any series.

    Examples
    --------
    >>> sma([1.0, 2.0, 3.0, 4.0], 2)
    array([nan, 1.5, 2.5, 3.5])
    """
    panel, flat = _panel(x, n)
    if flat:
        from tradewright.features import kernels

        out = np.empty(len(panel))
        kernels.series_mean(rolling.frozen(panel[:, 0]), n, out)
        return out
    return rolling.mean(panel, n)


def ema(x: ArrayLike, n: int) -> Panel:
    """Return the exponential mean with weight ``2/(n+1)``, seeded with the mean of `n` values.

    Parameters
    ----------
    x : array_like of shape (n_bars,) or (n_bars, n_instruments)
        Prices or any series.
    n : int
        Rows of the equivalent window; >= 1.

    Returns
    -------
    ndarray
        Same shape; NaN until `n` values were seen.

    Raises
    ------
    ConfigError, DataError
        As `sma`.

    Notes
    -----
    Timing: row ``t`` uses rows ``0..t``.
    Missing data: a NaN gives NaN and leaves the mean as it was.

    Examples
    --------
    >>> ema([1.0, 3.0, 5.0], 2).round(4)
    array([nan,  2.,  4.])
    """
    panel, flat = _panel(x, n)
    out = rolling.ema(panel, n)
    return out[:, 0] if flat else out


def rsi(x: ArrayLike, n: int = 14) -> Panel:
    """Return Wilder's relative strength index, 0 to 100.

    Parameters
    ----------
    x : array_like of shape (n_bars,) or (n_bars, n_instruments)
        Prices.
    n : int
        Changes in the first mean; >= 1.

    Returns
    -------
    ndarray
        Same shape; the first value is in row `n`. A price that does not change gives 50.

    Raises
    ------
    ConfigError, DataError
        As `sma`.

    Notes
    -----
    Timing: row ``t`` uses rows ``0..t``.
    Missing data: a NaN gives NaN, and no change is counted from or to it.

    References
    ----------
    J. Welles Wilder, "New Concepts in Technical Trading Systems", 1978.

    Examples
    --------
    >>> rsi([1.0, 2.0, 3.0, 4.0], 2)
    array([ nan,  nan, 100., 100.])
    """
    panel, flat = _panel(x, n)
    out = rolling.strength(panel, n)
    return out[:, 0] if flat else out


def crossed_above(a: ArrayLike, b: ArrayLike) -> NDArray[np.bool_]:
    """Return where `a` is above `b` after having been at or below it one row earlier.

    Parameters
    ----------
    a, b : array_like of shape (n_bars,) or (n_bars, n_instruments), or a number
        Series to compare.

    Returns
    -------
    ndarray of bool
        Same shape; False where a value of either row is NaN, and in row 0.

    Notes
    -----
    Timing: row ``t`` uses rows ``t-1`` and ``t``.

    Examples
    --------
    >>> crossed_above([1.0, 3.0, 4.0], 2.0)
    array([False,  True, False])
    """
    left, right = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(b, np.float64))
    out = np.zeros(left.shape, dtype=np.bool_)
    np.greater(left[1:], right[1:], out=out[1:])
    out[1:] &= left[:-1] <= right[:-1]
    return out


def crossed_below(a: ArrayLike, b: ArrayLike) -> NDArray[np.bool_]:
    """Return where `a` is below `b` after having been at or above it one row earlier.

    Parameters
    ----------
    a, b : array_like of shape (n_bars,) or (n_bars, n_instruments), or a number
        Series to compare.

    Returns
    -------
    ndarray of bool
        Same shape; False where a value of either row is NaN, and in row 0.

    Notes
    -----
    Timing: row ``t`` uses rows ``t-1`` and ``t``.

    Examples
    --------
    >>> crossed_below([3.0, 1.0, 0.0], 2.0)
    array([False,  True, False])
    """
    return crossed_above(b, a)


def _panel(x: ArrayLike, n: int) -> tuple[Panel, bool]:
    array = np.asarray(x, dtype=np.float64)
    if array.ndim not in (1, 2):
        raise DataError(f"array has {array.ndim} dimensions, wanted (n_bars,) or (n_bars, n)")
    if isinstance(n, bool) or int(n) != n or n < 1:
        raise ConfigError(f"window is {n}, wanted a whole number of rows, 1 or more")
    flat = array.ndim == 1
    return (array[:, None] if flat else array), flat
