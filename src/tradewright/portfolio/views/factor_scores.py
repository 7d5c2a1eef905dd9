"""Scores of momentum and steadiness, and the returns they stand for."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import DataError

FloatArray = NDArray[np.float64]
YEAR: Final = 252
MONTH: Final = 21
HALF_YEAR: Final = 126
CUT: Final = 3.0


def factor_scores(returns: FloatArray) -> FloatArray:
    """Return ½·z(12-1 month momentum) + ½·z(126-period mean over volatility), cut at ±3.

    Parameters
    ----------
    returns : ndarray of shape (n_periods, n_instruments)
        Simple daily returns, oldest first; at least 252 rows.

    Returns
    -------
    ndarray of shape (n_instruments,)
        Each z is winsorised at 3 and so is the score; 0 for all where they do not differ.

    Raises
    ------
    DataError
        If there are fewer than 252 rows or a return is missing.

    Notes
    -----
    Timing: momentum leaves out the last 21 rows; the last row must be known at the decision.
    Missing data: none is allowed in the last 252 rows.
    """
    panel = np.asarray(returns, dtype=np.float64)
    if panel.ndim != 2 or len(panel) < YEAR:
        raise DataError(f"factor scores need {YEAR} periods of returns, found {len(panel)}")
    year = panel[-YEAR:]
    if not np.isfinite(year).all():
        row, column = np.argwhere(~np.isfinite(year))[0]
        raise DataError(f"return of column {column} is {year[row, column]}, {YEAR - row} rows ago")
    momentum = np.prod(1.0 + year[:-MONTH], axis=0) - 1.0
    half = year[-HALF_YEAR:]
    spread = half.std(axis=0, ddof=1)
    steady = np.divide(half.mean(axis=0), spread, out=np.zeros(len(spread)), where=spread > 0)
    return np.clip(0.5 * _z(momentum) + 0.5 * _z(steady), -CUT, CUT)


def factor_returns(
    scores: FloatArray, volatilities: FloatArray, *, information_coefficient: float = 0.05
) -> FloatArray:
    """Return the expected yearly excess returns IC·σ·z of scores [1]_.

    References
    ----------
    .. [1] R. Grinold and R. Kahn, "Active Portfolio Management", 2nd ed., McGraw-Hill, 1999,
       eq. 10.1.
    """
    return information_coefficient * volatilities * scores


def _z(values: FloatArray) -> FloatArray:
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    if not spread > 0:
        return np.zeros(len(values))
    cut: FloatArray = np.clip((values - values.mean()) / spread, -CUT, CUT)
    return cut
