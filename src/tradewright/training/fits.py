"""What one fit of a walk-forward gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tradewright.forecasts import Model

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """One window or control, fitted and forecast.

    Parameters
    ----------
    model : Model or None
        As fitted; None for a control that was read back, whose model nobody asks for.
    rows : slice
        Test rows.
    mean, sd : ndarray of shape (n_test_rows, n_instruments)
        Forecasts.
    probability_up : ndarray or None
        The same shape, of classifiers.
    train_last_row, n_train : int
        Last training row that was used, and decisions fitted on.
    features : tuple of str
        Features used.
    scores : dict of str to float
        Out of sample; empty for controls.
    seconds : float
        Time of the fit.
    """

    model: Model | None
    rows: slice
    mean: FloatArray
    sd: FloatArray
    probability_up: FloatArray | None
    train_last_row: int
    n_train: int
    features: tuple[str, ...]
    scores: dict[str, float]
    seconds: float


class FitKeeper(Protocol):
    """Where finished fits are kept until the walk-forward is done."""

    def load(self, window: int, control: int) -> Fit | None:
        """Return a fit that was finished before."""
        ...

    def keep(self, window: int, control: int, fit: Fit) -> None:
        """Keep a finished fit."""
        ...
