"""Scores of forecasts against what happened: pure functions of two arrays."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

FloatArray = NDArray[np.float64]
MIN_NAMES: Final = 3
"""Fewest names of a date for a cross-sectional rank correlation."""


def information_coefficients(mean: FloatArray, value: FloatArray) -> FloatArray:
    r"""Return the rank correlation of forecast and outcome at each date.

    Spearman's :math:`\rho` over the names of a date. With fewer than three instruments in the
    panel, the contribution of each date to the rank correlation over time, so that the mean is
    that correlation.

    Parameters
    ----------
    mean, value : ndarray of shape (n_bars, n_instruments)
        Forecasts and simple returns; NaN where unknown.

    Returns
    -------
    ndarray of shape (n_dates,)
        One number a date on which at least three names (or one, over time) are known and not all
        equal.

    Notes
    -----
    Missing data: a pair with a NaN is left out.

    Examples
    --------
    >>> information_coefficients(np.array([[1.0, 2, 3]]), np.array([[0.1, 0.3, 0.2]]))
    array([0.5])
    """
    if mean.size == 0:
        return np.empty(0)
    axis = 1 if mean.shape[1] >= MIN_NAMES else 0
    known = np.isfinite(mean) & np.isfinite(value)
    ranks = []
    for array in (mean, value):
        rank = rankdata(np.where(known, array, np.nan), axis=axis, nan_policy="omit")
        rank = np.where(known, rank, np.nan)
        count = known.sum(axis=axis, keepdims=True)
        centred = np.where(known, rank - (count + 1) / 2, 0.0)
        norm = np.sqrt((centred**2).sum(axis=axis, keepdims=True))
        with np.errstate(invalid="ignore", divide="ignore"):
            ranks.append(centred / norm)
    product = ranks[0] * ranks[1]
    if axis == 1:
        product = product[known.sum(axis=1) >= MIN_NAMES]
        out: FloatArray = product.sum(axis=1)
    else:
        out = (product * known.sum(axis=0, keepdims=True))[known.any(axis=1)].mean(axis=1)
    return out[np.isfinite(out)]


def newey_west_t(series: FloatArray, *, horizon_bars: int = 1) -> float:
    r"""Return the t-statistic of a mean, robust to autocorrelation.

    :math:`t = \bar x / \sqrt{S / n}` with
    :math:`S = \gamma_0 + 2 \sum_{j=1}^{L} (1 - j/(L+1)) \gamma_j` [1]_ and
    :math:`L = \max(h - 1, \lfloor 4 (n/100)^{2/9} \rfloor)`, since labels of h bars overlap.

    Parameters
    ----------
    series : ndarray of shape (n,)
        Observations in time order, without NaN.
    horizon_bars : int
        Bars h over which neighbouring observations overlap.

    Returns
    -------
    float
        NaN for fewer than 3 observations or no variance.

    References
    ----------
    .. [1] W. Newey, K. West, "A Simple, Positive Semi-Definite, Heteroskedasticity and
       Autocorrelation Consistent Covariance Matrix", Econometrica 55, 1987, eq. 5.
    """
    n = len(series)
    if n < 3:
        return float("nan")
    lags = min(max(horizon_bars - 1, int(4 * (n / 100) ** (2 / 9))), n - 1)
    centred = series - series.mean()
    variance = float(centred @ centred) / n
    for lag in range(1, lags + 1):
        covariance = float(centred[lag:] @ centred[:-lag]) / n
        variance += 2 * (1 - lag / (lags + 1)) * covariance
    if variance <= 1e-18:
        return float("nan")
    return float(series.mean() / np.sqrt(variance / n))


def forecast_scores(
    mean: FloatArray, value: FloatArray, *, horizon_bars: int = 1
) -> dict[str, float]:
    """Score forecasts of returns.

    Parameters
    ----------
    mean, value : ndarray of shape (n_bars, n_instruments)
        Forecasts and simple returns; NaN where unknown.
    horizon_bars : int
        Bars over which labels overlap.

    Returns
    -------
    dict of str to float
        ``n`` pairs, ``ic`` (mean rank correlation by date), ``ic_t`` (Newey–West), ``hit_rate``
        (share of forecasts with the right sign), ``mse``, ``mse_zero`` (of forecasting zero) and
        ``r2_zero`` (1 − mse / mse_zero). NaN where there is nothing to score.

    Notes
    -----
    Missing data: a pair with a NaN is left out.
    """
    known = np.isfinite(mean) & np.isfinite(value)
    forecast, outcome = mean[known], value[known]
    coefficients = information_coefficients(mean, value)
    moved = (forecast != 0) & (outcome != 0)
    mse = _mean((outcome - forecast) ** 2)
    zero = _mean(outcome**2)
    return {
        "n": float(known.sum()),
        "ic": _mean(coefficients),
        "ic_t": newey_west_t(coefficients, horizon_bars=horizon_bars),
        "hit_rate": _mean((np.sign(forecast) == np.sign(outcome))[moved].astype(np.float64)),
        "mse": mse,
        "mse_zero": zero,
        "r2_zero": 1 - mse / zero if zero > 0 else float("nan"),
    }


def _mean(array: FloatArray) -> float:
    return float(array.mean()) if array.size else float("nan")
