"""A covariance matrix is checked before it is used, and repaired only with a warning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import DataError

FloatArray = NDArray[np.float64]
SYMMETRY: Final = 1e-10
_NEGATIVE: Final = 1e-10
_ROUNDS: Final = 200


def check_covariance(
    covariance: FloatArray, symbols: Sequence[str] | None = None
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return a covariance that can be used, with what was done to it.

    Parameters
    ----------
    covariance : ndarray of shape (n_instruments, n_instruments)
        Covariance of returns, any one unit.
    symbols : sequence of str, optional
        Names for the messages; columns are numbered without them.

    Returns
    -------
    covariance : ndarray of shape (n_instruments, n_instruments)
        The matrix itself, or the nearest positive semidefinite one.
    warnings : tuple of str
        One sentence if it was repaired, none otherwise.

    Raises
    ------
    DataError
        If the matrix is not square, a cell is NaN or infinite, two mirrored cells differ by more
        than 1e-10 of the largest (at least 1e-10), or a variance is negative; with the first cell.

    Notes
    -----
    Missing data: none is allowed.
    """
    matrix = np.asarray(covariance, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise DataError(f"covariance has shape {matrix.shape}, wanted a square matrix")
    names = [str(i) for i in range(len(matrix))] if symbols is None else list(symbols)
    if len(names) != len(matrix):
        raise DataError(f"covariance is of {len(matrix)} instruments, {len(names)} are named")
    bad = ~np.isfinite(matrix)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise DataError(
            f"covariance of {names[row]} and {names[column]} is {matrix[row, column]}, "
            "wanted a finite number"
        )
    gap = np.abs(matrix - matrix.T)
    if gap.max() > SYMMETRY * max(1.0, float(np.abs(matrix).max())):
        row, column = np.unravel_index(int(gap.argmax()), gap.shape)
        raise DataError(
            f"covariance is not symmetric: {names[row]}, {names[column]} is "
            f"{matrix[row, column]:g}, {names[column]}, {names[row]} is {matrix[column, row]:g}"
        )
    variances = np.diagonal(matrix)
    if (variances < 0).any():
        at = int(np.argmax(variances < 0))
        raise DataError(f"variance of {names[at]} is {variances[at]:g}, wanted at least 0")
    symmetric = (matrix + matrix.T) / 2.0
    if _factorises(symmetric):
        return symmetric, ()
    values = np.linalg.eigvalsh(symmetric)
    if values[0] >= -_NEGATIVE * max(float(values[-1]), 1e-300):
        return symmetric, ()
    repaired = nearest_covariance(symmetric)
    moved = float(np.abs(repaired - symmetric).max())
    return repaired, (
        f"covariance was not positive semidefinite (smallest eigenvalue {values[0]:.3g}) and was "
        f"replaced by the nearest one that is; the largest change of a cell is {moved:.3g}",
    )


def nearest_covariance(covariance: FloatArray) -> FloatArray:
    r"""Return the nearest positive semidefinite covariance with the same variances.

    The matrix is scaled to correlations; alternating projections with Dykstra's correction go to
    the nearest correlation matrix in the Frobenius norm [1]_, which is scaled back.

    Parameters
    ----------
    covariance : ndarray of shape (n_instruments, n_instruments)
        Symmetric and finite, variances at least 0.

    Returns
    -------
    ndarray of shape (n_instruments, n_instruments)
        Symmetric, positive semidefinite, with the diagonal of `covariance`.

    References
    ----------
    .. [1] N. J. Higham, "Computing the nearest correlation matrix: a problem from finance",
       IMA Journal of Numerical Analysis 22, 2002, algorithm 3.3.

    Examples
    --------
    >>> broken = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    >>> nearest_covariance(broken).round(3)
    array([[1.   , 0.761, 0.157],
           [0.761, 1.   , 0.761],
           [0.157, 0.761, 1.   ]])
    """
    sd = np.sqrt(np.diagonal(covariance))
    scale = np.where(sd > 0, sd, 1.0)
    held = covariance / np.outer(scale, scale)
    correction = np.zeros_like(held)
    for _ in range(_ROUNDS):
        wanted = held - correction
        projected = _positive_part(wanted)
        correction = projected - wanted
        previous, held = held, projected.copy()
        np.fill_diagonal(held, 1.0)
        if np.abs(held - previous).max() < 1e-12:
            break
    # The last step is a projection on the cone; scaling back to ones keeps it there.
    cone = _positive_part(held)
    root = np.sqrt(np.maximum(np.diagonal(cone), 1e-300))
    correlation = cone / np.outer(root, root)
    out: FloatArray = correlation * np.outer(sd, sd)
    return (out + out.T) / 2.0


def _factorises(matrix: FloatArray) -> bool:
    # A Cholesky factor is much quicker than eigenvalues, and exists for nearly every input.
    lifted = matrix.copy()
    lifted[np.diag_indices_from(lifted)] += _NEGATIVE * float(np.diagonal(matrix).max())
    try:
        np.linalg.cholesky(lifted)
    except np.linalg.LinAlgError:
        return False
    return True


def _positive_part(matrix: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(matrix)
    kept: FloatArray = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return kept
