"""The rolling skill of a source: how its scores ranked with what came after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tradewright.domain.errors import DataError

WINDOW: Final = 60
FEWEST: Final = 30


def skill_of(scores: ArrayLike, outcomes: ArrayLike) -> float:
    r"""Return :math:`\mathrm{clip}(1 + 5\,IC, 0.5, 1.5)` over the last 60 known decisions.

    Parameters
    ----------
    scores : array_like of shape (n,)
        What the source said, oldest first.
    outcomes : array_like of shape (n,)
        Returns that followed; NaN where not yet known.

    Returns
    -------
    float
        1 while fewer than 30 outcomes are known.

    Raises
    ------
    DataError
        If the lengths differ.

    Notes
    -----
    Timing: an outcome may be given only once its horizon has passed.

    Examples
    --------
    >>> skill_of(range(30), range(30)), skill_of(range(29), range(29))
    (1.5, 1.0)
    """
    said, came = np.asarray(scores, dtype=np.float64), np.asarray(outcomes, dtype=np.float64)
    if said.shape != came.shape:
        raise DataError(f"skill: {said.shape} scores beside {came.shape} outcomes")
    known = np.isfinite(said) & np.isfinite(came)
    said, came = said[known][-WINDOW:], came[known][-WINDOW:]
    if len(said) < FEWEST:
        return 1.0
    return float(min(1.5, max(0.5, 1.0 + 5.0 * information_coefficient(said, came))))


def information_coefficient(scores: NDArray[np.float64], outcomes: NDArray[np.float64]) -> float:
    """Return the rank correlation of scores and outcomes; 0 where one of them never changes.

    Examples
    --------
    >>> information_coefficient(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0]))
    -1.0
    """
    a, b = _ranks(scores), _ranks(outcomes)
    a, b = a - a.mean(), b - b.mean()
    spread = math.sqrt(float((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / spread if spread > 0 else 0.0


def _ranks(values: NDArray[np.float64] | Sequence[float]) -> NDArray[np.float64]:
    # Ties share the mean of their ranks.
    _, at, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray(((last - count + 1 + last) / 2.0)[at], dtype=np.float64)
