"""Expected returns of a panel: shrunk by default, because a sample mean is mostly noise."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, nearest

FloatArray = NDArray[np.float64]
MEANS: Final = ("james_stein", "sample")


def estimate_mean(
    returns: FloatArray, method: str = "james_stein", *, periods_per_year: float = 252.0
) -> tuple[FloatArray, tuple[str, ...]]:
    r"""Estimate annualised expected returns.

    ``james_stein`` moves the sample means :math:`\hat\mu` towards their grand mean
    :math:`\bar\mu` by

    .. math:: \alpha = \frac{1}{T}\,\frac{\sum_i \lambda_i - 2 \lambda_{max}}
              {\lVert \hat\mu - \bar\mu \rVert^2},

    held within [0, 1], with :math:`\lambda` the eigenvalues of the sample covariance [1]_.
    ``sample`` leaves them as they are, with a warning of their standard error.

    Parameters
    ----------
    returns : ndarray of shape (n_periods, n_instruments)
        Simple returns without gaps.
    method : str
        ``james_stein`` or ``sample``.
    periods_per_year : float
        For annualising.

    Returns
    -------
    mean : ndarray of shape (n_instruments,)
        Expected simple return a year.
    warnings : tuple of str
        Sentences for the result.

    Raises
    ------
    ConfigError
        If the method is unknown.

    Notes
    -----
    Timing: uses all rows given.
    Missing data: none is allowed, see `cut_panel`.

    References
    ----------
    .. [1] A. Meucci, "Risk and Asset Allocation", Springer, 2005, eq. 4.138.
    """
    if method not in MEANS:
        raise ConfigError(f"expected returns {method!r} are not known; {nearest(method, MEANS)}")
    sample = returns.mean(axis=0)
    n = len(returns)
    if method == "sample":
        error = float(np.median(returns.std(axis=0, ddof=1))) / np.sqrt(n) * periods_per_year
        return sample * periods_per_year, (
            f"expected returns are sample means of {n} periods; their median standard error is "
            f"{error:.1%} a year",
        )
    target = float(sample.mean())
    spread = float(((sample - target) ** 2).sum())
    values = np.linalg.eigvalsh(np.atleast_2d(np.cov(returns, rowvar=False)))
    alpha = 1.0
    if spread > 0:
        alpha = min(max(float(values.sum() - 2.0 * values[-1]) / spread / n, 0.0), 1.0)
    mean: FloatArray = ((1.0 - alpha) * sample + alpha * target) * periods_per_year
    return mean, ()
