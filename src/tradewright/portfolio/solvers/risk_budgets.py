"""Risk parity and risk budgets, long only, by cyclical coordinate descent."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ModelError
from tradewright.jit import jit

FloatArray = NDArray[np.float64]
_SWEEPS: Final = 20_000


@jit
def _descend(
    matrix: FloatArray, budgets: FloatArray, x: FloatArray, tolerance: float, sweeps: int
) -> int:
    # Each coordinate takes the positive root of its own condition, on unit variances:
    # x_i² + x_i (Cx)_i' − b_i = 0, where (Cx)_i' leaves out its own term.
    n = len(x)
    product = matrix @ x
    for sweep in range(sweeps):
        worst = 0.0
        for i in range(n):
            rest = product[i] - matrix[i, i] * x[i]
            a = matrix[i, i]
            root = (-rest + np.sqrt(rest * rest + 4.0 * a * budgets[i])) / (2.0 * a)
            step = root - x[i]
            if step != 0.0:
                for j in range(n):
                    product[j] += matrix[i, j] * step
                x[i] = root
            move = abs(step) / root
            worst = max(worst, move)
        if worst < tolerance:
            return sweep + 1
    return -1


def budget_weights(
    covariance: FloatArray, budgets: FloatArray | None = None, *, tolerance: float = 1e-12
) -> tuple[FloatArray, int]:
    r"""Return the long-only weights whose risk contributions are in the budgets' proportions.

    The minimum of ½ xᵀΣx − Σ b_i log x_i, scaled to sum 1, has w_i(Σw)_i = b_i·wᵀΣw [1]_; it is
    found by cyclical coordinate descent on the correlations [2]_.

    Parameters
    ----------
    covariance : ndarray of shape (n, n)
        Symmetric, positive semidefinite, positive variances.
    budgets : ndarray of shape (n,), optional
        Positive shares of risk; equal when left out.
    tolerance : float
        Largest relative move of a coordinate in the last sweep.

    Returns
    -------
    weights : ndarray of shape (n,)
        Positive, sum 1.
    sweeps : int
        Passes over all coordinates.

    Raises
    ------
    ModelError
        If a variance or a budget is not positive, or the sweeps do not settle.

    References
    ----------
    .. [1] F. Spinu, "An algorithm for computing risk parity weights", SSRN 2297383, 2013.
    .. [2] T. Griveau-Billion, J.-C. Richard and T. Roncalli, "A fast algorithm for computing
       high-dimensional risk parity portfolios", SSRN 2325255, 2013.

    Examples
    --------
    >>> weights, _ = budget_weights(np.diag([0.01, 0.04]))
    >>> weights.round(6)
    array([0.666667, 0.333333])
    """
    sd = np.sqrt(np.diagonal(covariance))
    n = len(sd)
    if not (sd > 0).all():
        raise ModelError(f"risk parity needs positive variances; column {int(np.argmin(sd))} has 0")
    shares = np.full(n, 1.0 / n) if budgets is None else np.asarray(budgets, dtype=np.float64)
    if shares.shape != (n,) or not (shares > 0).all():
        raise ModelError("risk budgets must be positive, one for each instrument")
    shares = shares / shares.sum()
    correlation = np.ascontiguousarray(covariance / np.outer(sd, sd))
    start = np.sqrt(shares / max(float(correlation.sum(axis=0).mean()), 1e-6))
    sweeps = _descend(correlation, shares, start, tolerance, _SWEEPS)
    if sweeps < 0:
        raise ModelError(f"risk parity did not settle in {_SWEEPS} sweeps")
    weights = start / sd
    return weights / weights.sum(), sweeps
