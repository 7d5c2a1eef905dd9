"""Checks of what measures of a portfolio are given: weights and a panel of returns."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tradewright.domain.errors import DataError
from tradewright.risk.measures.estimates import LEAST, FloatArray


def check_panel(returns: ArrayLike, *, window: int | None, name: str = "returns") -> FloatArray:
    """Return the newest `window` rows of a panel, or refuse them.

    Parameters
    ----------
    returns : array_like of shape (n, n_instruments)
        Simple returns, oldest first.
    window : int or None
        Rows to keep.
    name : str
        For messages.

    Returns
    -------
    ndarray of shape (min(n, window), n_instruments)
        Finite numbers.

    Raises
    ------
    DataError
        If it is not a panel, a value is not finite, or there are fewer than 30 rows.
    """
    panel = np.asarray(returns, dtype=np.float64)
    if panel.ndim != 2 or panel.shape[1] == 0:
        raise DataError(f"{name}: shape {panel.shape}, wanted (sessions, instruments)")
    if window is not None:
        panel = panel[-window:]
    bad = ~np.isfinite(panel)
    if bad.any():
        row, column = np.argwhere(bad)[0].tolist()
        raise DataError(
            f"{name}: row {row} of the last {len(panel)}, column {column} is not a finite number"
        )
    if len(panel) < LEAST:
        raise DataError(f"{name}: {len(panel)} observations, wanted at least {LEAST}")
    return panel


def check_weights(weights: ArrayLike, n_instruments: int) -> FloatArray:
    """Return weights as an array, or refuse them.

    Raises
    ------
    DataError
        If their number is not that of the instruments, or one is not finite.
    """
    held = np.asarray(weights, dtype=np.float64)
    if held.shape != (n_instruments,):
        raise DataError(f"weights: shape {held.shape}, wanted ({n_instruments},)")
    if not np.isfinite(held).all():
        column = int(np.argmin(np.isfinite(held)))
        raise DataError(f"weights: column {column} is {held[column]}, wanted a finite number")
    return held


def covariance(returns: ArrayLike, *, window: int | None = None) -> FloatArray:
    """Return the sample covariance (ddof 1) of the newest rows of a panel.

    Parameters
    ----------
    returns : array_like of shape (n, n_instruments)
        Simple returns.
    window : int or None
        Rows to use.

    Returns
    -------
    ndarray of shape (n_instruments, n_instruments)
        Positive semi-definite.

    Raises
    ------
    DataError
        See `check_panel`.
    """
    panel = check_panel(returns, window=window)
    centred = panel - panel.mean(axis=0)
    out: FloatArray = centred.T @ centred / (len(panel) - 1)
    return out
