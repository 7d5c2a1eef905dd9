"""Quadratic programmes over nonnegative variables, by an active set."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ModelError
from tradewright.jit import jit
from tradewright.portfolio.solvers.threads import one_thread

FloatArray = NDArray[np.float64]
_PATIENCE: Final = 5
_TOLERANCE: Final = 1e-12
_SWEEPS: Final = 20


@jit
def _guess(matrix: FloatArray, linear: FloatArray, sweeps: int) -> FloatArray:
    n = len(linear)
    x = np.zeros(n)
    slack = -linear
    for _ in range(sweeps):
        for i in range(n):
            step = max(x[i] - slack[i] / matrix[i, i], 0.0) - x[i]
            if step != 0.0:
                x[i] += step
                for j in range(n):
                    slack[j] += matrix[i, j] * step
    return x


def nonnegative_quadratic(covariance: FloatArray, gain: FloatArray) -> tuple[FloatArray, int]:
    r"""Return the minimum of ½ xᵀΣx − gᵀx over x ≥ 0.

    Scaled to sum 1, `x` is the long-only portfolio of minimum variance for g = 1, of maximum
    Sharpe ratio for g = μ − r_f and of maximum diversification for g = σ: their conditions of
    optimality are those of this problem, up to the scale.

    The set of positive variables is exchanged in blocks: those that turned negative leave, those
    with a negative multiplier enter [1]_. Where a block exchange does not bring the count of
    offenders down for five rounds, the offender of the largest index alone is exchanged, which
    ends after finitely many steps for a positive definite matrix.

    Parameters
    ----------
    covariance : ndarray of shape (n, n)
        Symmetric, positive definite.
    gain : ndarray of shape (n,)
        Linear term.

    Returns
    -------
    x : ndarray of shape (n,)
        The minimum, exact up to rounding; zeros where no gain is positive.
    rounds : int
        Linear systems solved.

    Raises
    ------
    ModelError
        If the matrix is not positive definite.

    References
    ----------
    .. [1] L. F. Portugal, J. J. Júdice and L. N. Vicente, "A comparison of block pivoting and
       interior-point algorithms for linear least squares problems with nonnegative variables",
       Mathematics of Computation 63, 1994.

    Examples
    --------
    >>> x, _ = nonnegative_quadratic(np.diag([1.0, 2.0, 4.0]), np.array([1.0, 1.0, -1.0]))
    >>> x
    array([1. , 0.5, 0. ])
    """
    width = len(gain)
    # Unit variances: multipliers of all variables are then of one size.
    scale = 1.0 / np.sqrt(np.maximum(np.diagonal(covariance), 1e-300))
    matrix, linear = covariance * np.outer(scale, scale), gain * scale
    size = float(np.abs(linear).max()) or 1.0
    # A few sweeps over the coordinates guess the set: large portfolios hold few of many names.
    inside = _guess(np.ascontiguousarray(matrix), linear, _SWEEPS) > 0
    fewest, patience = width + 1, _PATIENCE
    x = np.zeros(width)
    for rounds in range(1, 50 * width + 1):
        with one_thread():
            x, slack = _stationary(matrix, linear, inside)
        wrong = (inside & (x < -_TOLERANCE * size)) | (~inside & (slack < -_TOLERANCE * size))
        count = int(wrong.sum())
        if not count:
            return np.maximum(x, 0.0) * scale, rounds
        if count < fewest:
            fewest, patience = count, _PATIENCE
        elif patience:
            patience -= 1
        else:
            last = int(np.flatnonzero(wrong)[-1])
            wrong = np.zeros(width, dtype=np.bool_)
            wrong[last] = True
        inside = inside ^ wrong
    raise ModelError(f"the active set did not settle in {50 * width} rounds")


def _stationary(
    matrix: FloatArray, linear: FloatArray, inside: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    # x with zero gradient on the set, and the multipliers outside of it.
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    x = np.zeros(len(linear))
    if inside.any():
        columns = np.flatnonzero(inside)
        block = matrix[np.ix_(columns, columns)]
        try:
            x[columns] = cho_solve(
                cho_factor(block, overwrite_a=True, check_finite=False),
                linear[columns],
                check_finite=False,
            )
        except LinAlgError:
            raise ModelError("the covariance is not positive definite") from None
    slack = matrix @ x - linear
    return x, slack
