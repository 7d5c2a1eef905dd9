"""Forecasts of models as views, as sure as the models have been."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ModelError
from tradewright.portfolio.views.black_litterman import View

FloatArray = NDArray[np.float64]


def forecast_views(
    symbols: Sequence[str],
    mean: FloatArray,
    sd: FloatArray,
    *,
    horizon_periods: float,
    periods_per_year: float = 252.0,
    calibration_error: float = 1.0,
    risk_free_rate: float = 0.0,
) -> tuple[View, ...]:
    r"""Return one absolute view for each forecast.

    A forecast of mean m and standard deviation s over h periods says m·p/h a year, with p the
    periods of a year; its variance is :math:`(s\,p/h)^2 k`, with k the calibration error. A
    forecast that is no surer than the return itself is vague in these units, so that a weak model
    hardly moves a posterior.

    Parameters
    ----------
    symbols : sequence of str
        Instruments.
    mean, sd : ndarray of shape (n,)
        Of the simple return over the horizon; a NaN forecast gives no view.
    horizon_periods : float
        Periods the forecasts look ahead; > 0.
    periods_per_year : float
        Periods of a year.
    calibration_error : float
        Mean of the squared past errors over the variances stated for them: 1 for an honest
        model, above 1 for one that is surer than it should be. At least 1 enters.
    risk_free_rate : float
        Subtracted, views are of excess returns.

    Returns
    -------
    tuple of View
        In the order of the symbols.

    Raises
    ------
    ModelError
        If the horizon is not positive, or a forecast is infinite or has no positive deviation.

    Notes
    -----
    Timing: the forecasts must be known at the decision.
    Missing data: NaN means no view.
    """
    if not horizon_periods > 0:
        raise ModelError(f"horizon of the forecasts is {horizon_periods}, wanted above 0")
    scale = periods_per_year / horizon_periods
    views = []
    for name, expected, spread in zip(symbols, mean.tolist(), sd.tolist(), strict=True):
        if np.isnan(expected):
            continue
        if not (np.isfinite(expected) and spread > 0 and np.isfinite(spread)):
            raise ModelError(f"forecast of {name} is {expected} with deviation {spread}")
        variance = (spread * scale) ** 2 * max(calibration_error, 1.0)
        views.append(
            View(
                portfolio={name: 1.0},
                value=expected * scale - risk_free_rate,
                variance=variance,
            )
        )
    return tuple(views)
