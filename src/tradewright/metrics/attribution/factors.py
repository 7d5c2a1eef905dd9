"""How much of a return is explained by factors, with errors that allow for autocorrelation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tradewright.domain.errors import DataError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FactorFit:
    """A regression of returns on factors.

    Parameters
    ----------
    names : tuple of str
        ``alpha`` and the factors.
    coefficients, errors, t, p : ndarray of shape (1 + n_factors,)
        Alpha per session and the loadings, with Newey-West errors; p two-sided normal.
    contributions : ndarray of shape (1 + n_factors,)
        Of each to the mean return per session; they sum to it.
    r_squared : float
        Share of the variance that is explained.
    lags, n : int
        Lags of the errors, sessions.
    """

    names: tuple[str, ...]
    coefficients: FloatArray
    errors: FloatArray
    t: FloatArray
    p: FloatArray
    contributions: FloatArray
    r_squared: float
    lags: int
    n: int


def factor_regression(
    returns: ArrayLike, factors: ArrayLike, names: Sequence[str], *, lags: int | None = None
) -> FactorFit:
    r"""Regress returns on factor returns by least squares with Newey-West errors.

    :math:`r_t = \alpha + \sum_f \beta_f f_t + e_t`; the covariance of the coefficients is
    :math:`(X'X)^{-1} S (X'X)^{-1}` with
    :math:`S = \Gamma_0 + \sum_{l=1}^{L}(1 - \frac{l}{L+1})(\Gamma_l + \Gamma_l')` and
    :math:`\Gamma_l = \sum_t x_t e_t e_{t-l} x_{t-l}'`.

    Parameters
    ----------
    returns : array_like of shape (n,)
        Simple returns, less the risk-free rate where the factors are excess returns.
    factors : array_like of shape (n, n_factors)
        Returns of the factors in the same sessions.
    names : sequence of str
        Of the factors.
    lags : int, optional
        L; ``floor(4 (n / 100)^(2/9))`` unless given.

    Returns
    -------
    FactorFit
        Alpha first.

    Raises
    ------
    DataError
        If shapes differ, values are not finite, there are too few sessions, or the factors are
        collinear.

    References
    ----------
    .. [1] W. K. Newey, K. D. West, "A Simple, Positive Semi-Definite, Heteroskedasticity and
       Autocorrelation Consistent Covariance Matrix", Econometrica, 1987.

    Examples
    --------
    >>> market = np.array([0.01, -0.02, 0.015, 0.0, 0.03, -0.01])
    >>> fit = factor_regression(0.001 + 0.5 * market, market[:, None], ["market"])
    >>> fit.coefficients.round(6).tolist()
    [0.001, 0.5]
    """
    from scipy.special import ndtr

    y, x = np.asarray(returns, dtype=np.float64), np.asarray(factors, dtype=np.float64)
    _check(y, x, names)
    n = len(y)
    used = math.floor(4 * (n / 100) ** (2 / 9)) if lags is None else lags
    used = max(0, min(used, n - 1))
    design = np.column_stack([np.ones(n), x])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise DataError(f"factors: {', '.join(names)} are collinear or do not vary")
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ (design.T @ y)
    errors_of_fit = y - design @ coefficients
    scores = design * errors_of_fit[:, None]
    middle = scores.T @ scores
    for lag in range(1, used + 1):
        gamma = scores[lag:].T @ scores[:-lag]
        middle += (1.0 - lag / (used + 1)) * (gamma + gamma.T)
    variances = np.maximum(np.diag(inverse @ middle @ inverse), 0.0)
    errors = np.sqrt(variances)
    known = errors > 1e-15
    t = np.where(known, coefficients / np.where(known, errors, 1.0), math.nan)
    spread = float(np.sum((y - y.mean()) ** 2))
    return FactorFit(
        names=("alpha", *names),
        coefficients=coefficients,
        errors=errors,
        t=t,
        p=2.0 * ndtr(-np.abs(t)),
        contributions=coefficients * design.mean(axis=0),
        r_squared=1.0 - float(errors_of_fit @ errors_of_fit) / spread if spread > 0 else math.nan,
        lags=used,
        n=n,
    )


def _check(y: FloatArray, x: FloatArray, names: Sequence[str]) -> None:
    if y.ndim != 1 or x.ndim != 2 or len(x) != len(y) or x.shape[1] != len(names):
        raise DataError(
            f"factors: returns of shape {y.shape}, factors of shape {x.shape} with "
            f"{len(names)} names, wanted (n,) and (n, n_factors)"
        )
    if len(y) < x.shape[1] + 3:
        raise DataError(f"factors: {len(y)} sessions for {x.shape[1]} factors, wanted more")
    if not (np.isfinite(y).all() and np.isfinite(x).all()):
        raise DataError("factors: a return is not a finite number")
