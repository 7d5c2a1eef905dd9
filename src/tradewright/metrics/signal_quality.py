"""How good dated signals were, apart from how they were traded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import DataError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ConfidenceBand:
    """Signals of like confidence.

    Parameters
    ----------
    confidence : float
        Mean confidence.
    hit_rate : float
        Share that was right.
    mean_return : float
        Mean return in the direction of the signal, a fraction.
    count : int
        Signals.
    """

    confidence: float
    hit_rate: float
    mean_return: float
    count: int


@dataclass(frozen=True, slots=True)
class SignalQuality:
    """What signals foretold.

    Parameters
    ----------
    count : int
        Directional signals whose outcome is known.
    hit_rate : float
        Share with a return above 0 in their direction.
    mean_return : float
        Mean return in their direction.
    information_coefficient : float
        Spearman rank correlation of signed confidence (1 where none is given) and return.
    calibration_error : float
        Mean distance of confidence and hit rate over the bands, weighted by their counts; NaN
        without confidences.
    bands : tuple of ConfidenceBand
        Tenths of the signals by confidence, lowest first; empty without confidences.
    coverage : float
        Share of instrument-sessions on which a signal was given.
    turnover : float
        Share of an instrument's directional signals that reverse the one before.
    """

    count: int
    hit_rate: float
    mean_return: float
    information_coefficient: float
    calibration_error: float
    bands: tuple[ConfidenceBand, ...]
    coverage: float
    turnover: float


def signal_quality(
    direction: FloatArray,
    confidence: FloatArray,
    returns: FloatArray,
    *,
    instrument: NDArray[np.int64],
    instrument_sessions: int,
) -> SignalQuality:
    """Measure directional signals against what followed.

    Parameters
    ----------
    direction : ndarray of shape (n,)
        +1 buy, -1 sell, 0 hold; in order of time.
    confidence : ndarray of shape (n,)
        In [0, 1]; NaN where none was given.
    returns : ndarray of shape (n,)
        Simple return of the instrument over the horizon; NaN where it is not known.
    instrument : ndarray of shape (n,), int64
        Which instrument.
    instrument_sessions : int
        Sessions times instruments on which a signal could have been given.

    Returns
    -------
    SignalQuality
        NaN where nothing can be said.

    Raises
    ------
    DataError
        If the arrays differ in length.

    Examples
    --------
    >>> up = signal_quality(np.array([1.0, -1.0]), np.array([0.9, 0.8]), np.array([0.1, 0.05]),
    ...                     instrument=np.array([0, 0]), instrument_sessions=10)
    >>> up.hit_rate, up.coverage, up.turnover
    (0.5, 0.2, 1.0)
    """
    sizes = {len(direction), len(confidence), len(returns), len(instrument)}
    if len(sizes) != 1:
        raise DataError(f"signals: arrays of different lengths {sorted(sizes)}")
    known = (direction != 0) & ~np.isnan(returns)
    side, sure, gained = direction[known], confidence[known], (direction * returns)[known]
    return SignalQuality(
        count=int(known.sum()),
        hit_rate=_mean(gained > 0),
        mean_return=_mean(gained),
        information_coefficient=_rank_correlation(
            side * np.nan_to_num(sure, nan=1.0), returns[known]
        ),
        calibration_error=_calibration(bands := _bands(sure, gained)),
        bands=bands,
        coverage=len(direction) / instrument_sessions if instrument_sessions else math.nan,
        turnover=_turnover(direction, instrument),
    )


def _mean(values: NDArray[Any]) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _rank_correlation(left: FloatArray, right: FloatArray) -> float:
    from scipy.stats import rankdata

    if len(left) < 2:
        return math.nan
    a, b = rankdata(left), rankdata(right)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return math.nan
    return float(np.corrcoef(a, b)[0, 1])


def _bands(sure: FloatArray, gained: FloatArray) -> tuple[ConfidenceBand, ...]:
    told = ~np.isnan(sure)
    if not told.any():
        return ()
    order = np.argsort(sure[told], kind="stable")
    parts = np.array_split(order, min(10, len(order)))
    return tuple(
        ConfidenceBand(
            confidence=float(sure[told][part].mean()),
            hit_rate=float((gained[told][part] > 0).mean()),
            mean_return=float(gained[told][part].mean()),
            count=len(part),
        )
        for part in parts
    )


def _calibration(bands: tuple[ConfidenceBand, ...]) -> float:
    total = sum(band.count for band in bands)
    if not total:
        return math.nan
    return sum(abs(band.confidence - band.hit_rate) * band.count for band in bands) / total


def _turnover(direction: FloatArray, instrument: NDArray[np.int64]) -> float:
    turned, pairs = 0, 0
    for column in np.unique(instrument):
        sides = direction[(instrument == column) & (direction != 0)]
        turned += int((sides[1:] != sides[:-1]).sum())
        pairs += max(len(sides) - 1, 0)
    return turned / pairs if pairs else math.nan
