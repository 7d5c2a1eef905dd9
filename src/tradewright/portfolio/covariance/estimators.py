"""Covariance of a panel of returns, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, DataError, MissingExtraError, nearest

FloatArray = NDArray[np.float64]


def estimate_covariance(
    returns: FloatArray,
    method: str = "ledoit_wolf",
    *,
    periods_per_year: float = 252.0,
    halflife_periods: float = 63.0,
) -> FloatArray:
    r"""Estimate the annualised covariance of returns.

    ``sample``
        The unbiased sample covariance.
    ``ledoit_wolf``
        Shrunk towards :math:`\bar\sigma^2 I` by the intensity of [1]_.
    ``oas``
        The same target with the oracle approximating shrinkage of [2]_.
    ``exponential``
        Weighted by :math:`2^{-k/h}` for the k-th newest row, mean removed with the same weights.
    ``factor``
        Principal factors whose eigenvalues lie above the edge of Marchenko and Pastur, less the
        mean of the others [4]_, plus the variances that they leave.
    ``denoised``, ``gerber``
        Of skfolio [3]_ (extra ``portfolio``).

    Parameters
    ----------
    returns : ndarray of shape (n_periods, n_instruments)
        Simple returns without gaps.
    method : str
        One of the names above.
    periods_per_year : float
        For annualising.
    halflife_periods : float
        Of ``exponential``.

    Returns
    -------
    ndarray of shape (n_instruments, n_instruments)
        Symmetric, per year.

    Raises
    ------
    ConfigError
        If the method is unknown or needs an extra that is not installed.
    DataError
        If fewer than two rows are given or one of them has a gap.

    Notes
    -----
    Timing: uses all rows given.
    Missing data: none is allowed, see `cut_panel`.

    References
    ----------
    .. [1] O. Ledoit and M. Wolf, "A well-conditioned estimator for large-dimensional covariance
       matrices", Journal of Multivariate Analysis 88, 2004.
    .. [2] Y. Chen, A. Wiesel, Y. Eldar and A. Hero, "Shrinkage algorithms for MMSE covariance
       estimation", IEEE Transactions on Signal Processing 58, 2010, eq. 23.
    .. [3] https://skfolio.org, `DenoiseCovariance` and `GerberCovariance`.
    .. [4] M. Tipping and C. Bishop, "Probabilistic principal component analysis", Journal of the
       Royal Statistical Society B 61, 1999, eq. 8.
    """
    known: dict[str, Callable[[FloatArray], FloatArray]] = {
        **COVARIANCES,
        "exponential": lambda rows: _exponential(rows, halflife_periods),
    }
    if method not in known:
        raise ConfigError(f"covariance {method!r} is not known; {nearest(method, known)}")
    panel = np.asarray(returns, dtype=np.float64)
    if panel.ndim != 2 or len(panel) < 2:
        raise DataError(f"returns have shape {panel.shape}, wanted two rows or more by instrument")
    if not np.isfinite(panel).all():
        row, column = np.argwhere(~np.isfinite(panel))[0]
        raise DataError(f"return of column {column} in row {row} is {panel[row, column]}")
    found = known[method](panel) * periods_per_year
    return (found + found.T) / 2.0


def _sample(returns: FloatArray) -> FloatArray:
    return np.atleast_2d(np.cov(returns, rowvar=False))


def _moments(returns: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    centred = returns - returns.mean(axis=0)
    covariance = centred.T @ centred / len(returns)
    return centred, covariance, float(np.trace(covariance)) / len(covariance)


def _shrunk(covariance: FloatArray, target: float, intensity: float) -> FloatArray:
    out = (1.0 - intensity) * covariance
    out[np.diag_indices_from(out)] += intensity * target
    return out


def _ledoit_wolf(returns: FloatArray) -> FloatArray:
    centred, covariance, target = _moments(returns)
    n, width = centred.shape
    distance = float((covariance**2).sum()) / width - target**2
    squares = centred**2
    noise = (float((squares.T @ squares).sum()) / n - float((covariance**2).sum())) / (width * n)
    intensity = min(noise / distance, 1.0) if distance > 0 else 1.0
    return _shrunk(covariance, target, max(intensity, 0.0))


def _oracle_approximating(returns: FloatArray) -> FloatArray:
    centred, covariance, target = _moments(returns)
    n, width = centred.shape
    mean_square = float((covariance**2).mean())
    spread = (n + 1.0) * (mean_square - target**2 / width)
    intensity = 1.0 if spread <= 0 else min((mean_square + target**2) / spread, 1.0)
    return _shrunk(covariance, target, intensity)


def _exponential(returns: FloatArray, halflife: float) -> FloatArray:
    if not halflife > 0:
        raise ConfigError(f"halflife_periods is {halflife}, wanted above 0")
    weights = 0.5 ** (np.arange(len(returns))[::-1] / halflife)
    return np.atleast_2d(np.cov(returns, rowvar=False, aweights=weights))


def _factor(returns: FloatArray) -> FloatArray:
    # Correlations above the edge are common movement, the rest is each instrument's own.
    n, width = returns.shape
    covariance = _sample(returns)
    sd = np.sqrt(np.maximum(np.diagonal(covariance), 1e-300))
    values, vectors = np.linalg.eigh(covariance / np.outer(sd, sd))
    edge = (1.0 + np.sqrt(width / n)) ** 2
    kept = values > edge
    # What an eigenvalue has of each instrument's own noise is the mean of those left out.
    noise = float(values[~kept].mean()) if (~kept).any() else 0.0
    strength = values[kept] - noise
    common: FloatArray = (vectors[:, kept] * strength) @ vectors[:, kept].T * np.outer(sd, sd)
    common[np.diag_indices_from(common)] = np.diagonal(covariance)
    return common


def _of_skfolio(name: str) -> Callable[[FloatArray], FloatArray]:
    def estimate(returns: FloatArray) -> FloatArray:
        try:
            from skfolio import moments
        except ImportError as error:
            raise MissingExtraError("skfolio", "portfolio") from error
        fitted = getattr(moments, name)().fit(returns)
        return np.array(fitted.covariance_, dtype=np.float64)

    return estimate


COVARIANCES: Final[dict[str, Callable[[FloatArray], FloatArray]]] = {
    "sample": _sample,
    "ledoit_wolf": _ledoit_wolf,
    "oas": _oracle_approximating,
    "exponential": lambda rows: _exponential(rows, 63.0),
    "factor": _factor,
    "denoised": _of_skfolio("DenoiseCovariance"),
    "gerber": _of_skfolio("GerberCovariance"),
}
"""Estimators of one period's covariance, by name."""
