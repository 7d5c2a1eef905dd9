"""How much of a set's result its neighbours keep: a plateau is worth more than a peak."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
MOST_PLACES: Final = 20_000_000
"""Places of the grid that are held at once, 320 MB."""


def neighbour_means(
    places: IntArray, values: FloatArray, sizes: Sequence[int]
) -> tuple[FloatArray, IntArray]:
    r"""Return the mean value of each set's neighbours in the grid, and how many it has.

    Neighbours of a set differ from it by at most one step in every parameter: up to
    :math:`3^k - 1` of them with :math:`k` parameters.

    Parameters
    ----------
    places : ndarray of shape (n_sets, n_parameters), int64
        Position of each set's values on their axes, 0 to size - 1.
    values : ndarray of shape (n_sets,)
        What is compared; a NaN counts as zero: the set earned nothing that could be measured.
    sizes : sequence of int
        Values on each axis.

    Returns
    -------
    tuple of ndarray of shape (n_sets,)
        Mean over the neighbours that were tried, NaN without any; and their number.

    Raises
    ------
    ConfigError
        If the grid has more than 20 million places.

    Examples
    --------
    >>> places = np.array([[0], [1], [2]])
    >>> neighbour_means(places, np.array([1.0, 4.0, 3.0]), [3])
    (array([4., 2., 4.]), array([1, 2, 1]))
    """
    if math.prod(sizes) > MOST_PLACES:
        raise ConfigError(
            f"stability: the grid has {math.prod(sizes):,} places, wanted at most {MOST_PLACES:,}"
        )
    at = tuple(places.T)
    known = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    # A search may try a set twice; both have one result, so that the last stands for all.
    totals, counts = np.zeros(tuple(sizes)), np.zeros(tuple(sizes))
    totals[at], counts[at] = known, 1.0
    for axis in range(len(sizes)):
        totals, counts = _three(totals, axis), _three(counts, axis)
    count = np.rint(counts[at] - 1.0).astype(np.int64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, (totals[at] - known) / count, np.nan)
    return mean, count


def kept_share(values: FloatArray, means: FloatArray) -> FloatArray:
    r"""Return the share of each value that the mean of its neighbours keeps.

    :math:`s = \min(\max(\bar v / v, 0), 1)` for :math:`v > 0`, with :math:`\bar v` of
    `neighbour_means`: 1 on a plateau, 0 where the neighbours earn nothing.

    Parameters
    ----------
    values, means : ndarray of shape (n_sets,)
        Of the sets and of their neighbours.

    Returns
    -------
    ndarray of shape (n_sets,)
        In [0, 1]; NaN where the value is not above zero or there is no neighbour.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.clip(means / values, 0.0, 1.0)
    kept: FloatArray = np.where(np.isfinite(values) & (values > 0.0), share, np.nan)
    return kept


def _three(values: FloatArray, axis: int) -> FloatArray:
    # The sum of each place and the two beside it.
    moved = np.moveaxis(values, axis, 0)
    total = moved.copy()
    total[1:] += moved[:-1]
    total[:-1] += moved[1:]
    return np.moveaxis(total, 0, axis)
