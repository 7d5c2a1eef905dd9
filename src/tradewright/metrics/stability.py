"""How evenly a result is spread over its test windows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def window_stability(
    window_returns: Sequence[float],
    window_sharpes: Sequence[float],
    levels: NDArray[np.float64],
) -> dict[str, float]:
    r"""Measure how evenly the result is spread over test windows.

    ``performance_consistency`` is :math:`100[0.4 p^+ + 0.3 R^2 1(slope>0) + 0.3/(1+cv)]` with the
    share :math:`p^+` of windows above zero, :math:`R^2` of log equity on time, and
    :math:`cv = sd(SR_k)/\max(|mean(SR_k)|, 0.1)` (ddof 1).

    Parameters
    ----------
    window_returns, window_sharpes : sequence of float, length K
        Return and Sharpe ratio of each test window; NaN ratios are left out.
    levels : ndarray of shape (n,)
        Equity over all windows, in time order.

    Returns
    -------
    dict of str to float
        ``positive_windows, trend_r2, trend_slope_sign, sharpe_variation,
        performance_consistency``; NaN without a window.

    Examples
    --------
    >>> steady = window_stability([0.1, 0.1], [1.0, 1.0], np.exp(np.arange(5) / 10))
    >>> steady["performance_consistency"]
    100.0
    """
    if not window_returns:
        names = "positive_windows trend_r2 trend_slope_sign sharpe_variation"
        return dict.fromkeys([*names.split(), "performance_consistency"], math.nan)
    positive = float(np.mean(np.asarray(window_returns) > 0))
    r2, sign = _trend(levels)
    ratios = np.array([value for value in window_sharpes if math.isfinite(value)])
    spread = float(ratios.std(ddof=1)) if len(ratios) > 1 else 0.0
    centre = abs(float(ratios.mean())) if len(ratios) else 0.0
    variation = spread / max(centre, 0.1)
    score = 0.4 * positive + 0.3 * (r2 if sign > 0 else 0.0) + 0.3 / (1.0 + variation)
    return {
        "positive_windows": positive,
        "trend_r2": r2,
        "trend_slope_sign": sign,
        "sharpe_variation": variation,
        "performance_consistency": round(100.0 * score, 10),
    }


def _trend(levels: NDArray[np.float64]) -> tuple[float, float]:
    if len(levels) < 3 or (levels <= 0).any():
        return 0.0, 0.0
    y = np.log(levels)
    x = np.arange(len(y), dtype=np.float64)
    centred_x, centred_y = x - x.mean(), y - y.mean()
    total = float(centred_y @ centred_y)
    if total <= 1e-24:
        return 0.0, 0.0
    covariance = float(centred_x @ centred_y)
    r2 = covariance**2 / (float(centred_x @ centred_x) * total)
    return min(r2, 1.0), math.copysign(1.0, covariance)
