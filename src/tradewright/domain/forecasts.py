"""A forecast of returns, for every bar and instrument."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ModelError


@dataclass(frozen=True, slots=True, eq=False)
class ForecastPanel:
    """Expected simple returns over a horizon, known at each bar's close.

    Parameters
    ----------
    symbols : tuple of str
        Columns.
    ts_known : ndarray of shape (n_bars,), int64
        UTC nanoseconds at which each row could be acted on.
    mean : ndarray of shape (n_bars, n_instruments)
        Expected simple return over `horizon_bars`; NaN where no forecast exists.
    horizon_bars : int
        Bars the forecast looks ahead.
    model : str
        Name and version.
    sd : ndarray or None
        Standard deviation of the same return, where the model gives it.
    probability_up : ndarray or None
        Probability of a positive return (classifiers), in [0, 1].
    """

    symbols: tuple[str, ...]
    ts_known: NDArray[np.int64]
    mean: NDArray[np.float64]
    horizon_bars: int
    model: str
    sd: NDArray[np.float64] | None = None
    probability_up: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        wanted = (len(self.ts_known), len(self.symbols))
        for name in ("mean", "sd", "probability_up"):
            array = getattr(self, name)
            if array is not None and array.shape != wanted:
                raise ModelError(
                    f"forecast {self.model}: {name} has shape {array.shape}, wanted {wanted}"
                )
        if self.horizon_bars < 1:
            raise ModelError(
                f"forecast {self.model}: horizon is {self.horizon_bars} bars, want >= 1"
            )
