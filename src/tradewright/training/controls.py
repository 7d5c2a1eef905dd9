"""Controls: the same fit on labels that cannot be learned."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


def shuffled_cells(
    n_rows: int, n_instruments: int, *, block: int, random: Generator
) -> tuple[IntArray, IntArray]:
    """Return, for each cell of a training window, the cell whose label it gets.

    Blocks of dates change places, and inside each block the instruments do. So each date keeps
    a real cross-section of labels and neighbouring dates stay alike, but nothing links a label to
    its features any more.

    Parameters
    ----------
    n_rows, n_instruments : int
        Size of the window.
    block : int
        Dates of a block; at least the label's horizon. Shortened so that there are 4 blocks.
    random : Generator
        Source of the permutations.

    Returns
    -------
    tuple of two ndarray of shape (n_rows, n_instruments), int64
        Row and column of the label that each cell gets; together a permutation of the window.

    Examples
    --------
    >>> rows, columns = shuffled_cells(6, 2, block=2, random=np.random.default_rng(1))
    >>> sorted(zip(rows.ravel().tolist(), columns.ravel().tolist())) == [
    ...     (row, column) for row in range(6) for column in range(2)
    ... ]
    True
    """
    block = max(1, min(block, n_rows // 4))
    starts = range(0, n_rows, block)
    sources = [np.arange(first, min(first + block, n_rows)) for first in starts]
    rows = np.empty((n_rows, n_instruments), dtype=np.int64)
    columns = np.empty_like(rows)
    at = 0
    for position in random.permutation(len(sources)):
        source = sources[position]
        rows[at : at + len(source)] = source[:, None]
        columns[at : at + len(source)] = random.permutation(n_instruments)[None, :]
        at += len(source)
    return rows, columns


def control_p_value(score: float, shuffled: NDArray[np.float64]) -> float:
    r"""Return :math:`(1 + \#\{s_k \ge s\}) / (K + 1)`, NaN without controls.

    Parameters
    ----------
    score : float
        The real fit's score.
    shuffled : ndarray of shape (K,)
        Scores of the control fits.

    Examples
    --------
    >>> control_p_value(2.0, np.array([1.0, 0.5, 3.0]))
    0.5
    """
    usable = shuffled[np.isfinite(shuffled)]
    if not len(usable) or not np.isfinite(score):
        return float("nan")
    return float(1 + (usable >= score).sum()) / (len(usable) + 1)
