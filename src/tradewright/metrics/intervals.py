"""Intervals in closed form, beside those of the bootstrap."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tradewright.metrics.returns import RISK_FREE
from tradewright.metrics.statistics import newey_west_error, sharpe_moments

FloatArray = NDArray[np.float64]


def closed_form_intervals(
    returns: FloatArray,
    *,
    periods_per_year: float,
    risk_free: float = RISK_FREE,
    level: float = 0.95,
) -> dict[str, tuple[float, float]]:
    r"""Return intervals of mean, Sharpe ratio and annual return from large-sample theory.

    - ``mean`` per session: :math:`\bar r \pm z\,s_{NW}` with the Newey-West error;
    - ``sharpe``, annual: :math:`\sqrt{ppy}\,(SR \pm z\sqrt{(1 - \gamma_3 SR +
      \frac{\gamma_4 - 1}{4}SR^2)/(n-1)})` [1]_;
    - ``annual_return``: :math:`e^{ppy(\bar l \pm z\,s_{NW})} - 1` of the log returns l.

    Parameters
    ----------
    returns : ndarray of shape (n,)
        Simple returns per session.
    periods_per_year, risk_free : float
        Of the Sharpe ratio.
    level : float
        In (0, 1).

    Returns
    -------
    dict of str to (low, high)
        NaN where a figure or its error is not defined, for example after a total loss.

    References
    ----------
    .. [1] E. Mertens, "Comments on variance of the IID estimator in Lo (2002)", 2002.

    Examples
    --------
    >>> r = np.random.default_rng(1).normal(0.001, 0.01, 1000)
    >>> low, high = closed_form_intervals(r, periods_per_year=252)["sharpe"]
    >>> round(low, 2), round(high, 2)
    (-0.38, 1.59)
    """
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2.0))
    moments = sharpe_moments(returns, risk_free_per_period=risk_free / periods_per_year)
    year = math.sqrt(periods_per_year)
    centre, error = moments.sharpe, z * moments.standard_error
    logs = np.log1p(returns) if len(returns) and returns.min() > -1.0 else np.empty(0)
    low, high = (math.expm1(min(x * periods_per_year, 700.0)) for x in _of_mean(logs, z))
    return {
        "mean": _of_mean(returns, z),
        "sharpe": (year * (centre - error), year * (centre + error)),
        "annual_return": (low, high),
    }


def _of_mean(values: FloatArray, z: float) -> tuple[float, float]:
    if len(values) < 2:
        return math.nan, math.nan
    mean, error = float(values.mean()), newey_west_error(values)[0]
    return mean - z * error, mean + z * error
