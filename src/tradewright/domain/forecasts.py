"""A forecast of returns: of one instrument, or for every bar and instrument."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What one model or agent expects of one instrument.

    Parameters
    ----------
    symbol : str
        Instrument.
    model : str
        Name of what made it.
    ts_known : int
        UTC nanoseconds from which it may be acted on.
    horizon_ns : int
        Span it looks ahead, nanoseconds.
    version : str
        Version of the model.
    mean : float or None
        Expected simple return over the horizon.
    sd : float or None
        Standard deviation of that return.
    probabilities : tuple of float or None
        Calibrated probabilities of down, unchanged and up; they sum to 1.
    quantiles : mapping of float to float
        Quantiles of the return by level in (0, 1), increasing.
    exposure : float or None
        Exposure in [-1, 1] that an agent recommends; such a forecast is an agent's.
    confidence : float or None
        Confidence in [0, 1] that an agent states of its exposure.
    spread : float or None
        Disagreement of ensemble members or Monte Carlo passes, in [0, 1].

    Raises
    ------
    ModelError
        If it has no horizon, says nothing, or a value is out of its range.

    Examples
    --------
    >>> Forecast(symbol="AAPL", model="ridge", ts_known=1, horizon_ns=1, mean=0.01).is_agent
    False
    """

    symbol: str
    model: str
    ts_known: int
    horizon_ns: int
    version: str = ""
    mean: float | None = None
    sd: float | None = None
    probabilities: tuple[float, float, float] | None = None
    quantiles: Mapping[float, float] = field(default_factory=dict)
    exposure: float | None = None
    confidence: float | None = None
    spread: float | None = None

    def __post_init__(self) -> None:
        if self.horizon_ns <= 0:
            self._refuse(f"horizon is {self.horizon_ns} ns, wanted above 0")
        if self.mean is None and self.probabilities is None and self.exposure is None:
            self._refuse("it gives neither mean, probabilities nor exposure")
        if self.mean is not None and not math.isfinite(self.mean):
            self._refuse(f"mean is {self.mean}, wanted a finite return")
        if self.sd is not None and not 0 <= self.sd < math.inf:
            self._refuse(f"sd is {self.sd}, wanted finite and >= 0")
        for name, low in (("exposure", -1.0), ("confidence", 0.0), ("spread", 0.0)):
            value = getattr(self, name)
            if value is not None and not low <= value <= 1:
                self._refuse(f"{name} is {value}, wanted {low:g} to 1")
        if self.probabilities is not None and (
            min(self.probabilities) < 0 or abs(sum(self.probabilities) - 1.0) > 1e-6
        ):
            self._refuse(f"probabilities are {self.probabilities}, wanted >= 0 with sum 1")
        levels = sorted(self.quantiles)
        values = [self.quantiles[level] for level in levels]
        if any(not 0 < level < 1 for level in levels) or values != sorted(values):
            self._refuse(f"quantiles are {dict(self.quantiles)}, wanted increasing, 0 < level < 1")

    @property
    def is_agent(self) -> bool:
        """Whether an agent made it: it recommends an exposure."""
        return self.exposure is not None

    @property
    def name(self) -> str:
        """Model and version, as signals show it."""
        return f"{self.model}/{self.version}" if self.version else self.model

    def _refuse(self, why: str) -> None:
        raise ModelError(f"forecast {self.name} of {self.symbol}: {why}")
