"""How instruments move together: correlation, its clusters and its change, beta."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tradewright.domain.errors import ConfigError, DataError, nearest
from tradewright.risk.measures.estimates import LEAST, FloatArray

KINDS: Final = ("pearson", "spearman", "ewma")
CHANGE_SESSIONS: Final = 60
LINKED: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Correlations:
    """A correlation matrix and what it says.

    Parameters
    ----------
    kind : str
        ``pearson``, ``spearman`` or ``ewma``.
    matrix : ndarray of shape (n_instruments, n_instruments)
        Symmetric, ones on the diagonal, positive semi-definite.
    average : float
        Mean of the pairs; NaN for one instrument.
    clusters : tuple of int
        Group of each instrument; those of one group are linked by an average correlation of at
        least 0.5.
    change : float
        Average now less that of the window 60 sessions before; NaN where that is too short.
    n_observations : int
        Sessions on which every instrument has a return.
    left_out : int
        Sessions of the window left out because one has none.
    """

    kind: str
    matrix: FloatArray
    average: float
    clusters: tuple[int, ...]
    change: float
    n_observations: int
    left_out: int


def correlations(
    returns: ArrayLike, kind: str = "pearson", *, window: int = 250, decay: float = 0.97
) -> Correlations:
    """Measure how instruments move together.

    Parameters
    ----------
    returns : array_like of shape (n, n_instruments)
        Simple returns, oldest first; NaN where an instrument has none.
    kind : str
        ``pearson``, ``spearman`` (of ranks) or ``ewma`` (exponentially weighted).
    window : int
        Sessions looked back on.
    decay : float
        Weight of a session against the one after it, for ``ewma``.

    Returns
    -------
    Correlations
        Matrix, average, clusters and change.

    Raises
    ------
    ConfigError
        If there is no such kind.
    DataError
        If fewer than 30 sessions have a return of every instrument; names the poorest column.

    Notes
    -----
    Missing data: a session on which any instrument has no return is left out for all, which
    keeps the matrix positive semi-definite. An instrument that does not vary has correlation 0.
    """
    if kind not in KINDS:
        raise ConfigError(f"correlation {kind!r} is not known; {nearest(kind, KINDS)}")
    panel = np.asarray(returns, dtype=np.float64)
    if panel.ndim != 2:
        raise DataError(f"returns: shape {panel.shape}, wanted (sessions, instruments)")
    recent = panel[-window:]
    rows = _complete(recent)
    matrix = _matrix(rows, kind, decay)
    average = _average(matrix)
    change = math.nan
    before = panel[:-CHANGE_SESSIONS][-window:]
    if int(np.isfinite(before).all(axis=1).sum()) >= LEAST and panel.shape[1] > 1:
        change = average - _average(_matrix(_complete(before), kind, decay))
    return Correlations(
        kind, matrix, average, clusters_of(matrix), change, len(rows), len(recent) - len(rows)
    )


def clusters_of(matrix: FloatArray, *, linked: float = LINKED) -> tuple[int, ...]:
    """Group instruments by average linkage of their correlations.

    Parameters
    ----------
    matrix : ndarray of shape (n_instruments, n_instruments)
        Correlations.
    linked : float
        Average correlation from which two groups are one.

    Returns
    -------
    tuple of int
        Group of each column, numbered from 0 in the order of the columns.
    """
    if len(matrix) == 1:
        return (0,)
    from scipy.cluster.hierarchy import fcluster, linkage

    upper = np.triu_indices(len(matrix), 1)
    tree = linkage(1.0 - matrix[upper], method="average")
    labels = fcluster(tree, 1.0 - linked, criterion="distance").tolist()
    numbers: dict[int, int] = {}
    return tuple(numbers.setdefault(label, len(numbers)) for label in labels)


def betas(returns: ArrayLike, market: ArrayLike) -> FloatArray:
    """Return the slope of each instrument's returns on the market's.

    Parameters
    ----------
    returns : array_like of shape (n, n_instruments)
        Simple returns; NaN where an instrument has none.
    market : array_like of shape (n,)
        Of the same sessions.

    Returns
    -------
    ndarray of shape (n_instruments,)
        Over the sessions both have; NaN with fewer than 30 of them or a market that stands still.

    Raises
    ------
    DataError
        If the numbers of sessions differ.
    """
    panel, level = np.asarray(returns, dtype=np.float64), np.asarray(market, dtype=np.float64)
    if panel.ndim != 2 or level.shape != (len(panel),):
        raise DataError(f"returns have shape {panel.shape}, the market {level.shape}")
    out = np.full(panel.shape[1], np.nan)
    for column in range(panel.shape[1]):
        both = np.isfinite(panel[:, column]) & np.isfinite(level)
        centred = level[both] - level[both].mean() if both.any() else level[:0]
        square = float(centred @ centred)
        if len(centred) >= LEAST and square > 0:
            out[column] = float(centred @ panel[both, column]) / square
    return out


def nearest_correlation(matrix: FloatArray) -> FloatArray:
    """Return a matrix as a correlation matrix: symmetric, ones, no negative eigenvalue.

    Rounding can leave an eigenvalue a little below zero; it is lifted to zero and the diagonal
    scaled back to one. A matrix that is one already comes back unchanged.
    """
    sane = np.atleast_2d(np.where(np.isfinite(matrix), matrix, 0.0))
    sane = np.clip((sane + sane.T) / 2.0, -1.0, 1.0)
    np.fill_diagonal(sane, 1.0)
    values, vectors = np.linalg.eigh(sane)
    if values[0] >= 0:
        return np.asarray(sane, dtype=np.float64)
    lifted = (vectors * np.maximum(values, 0.0)) @ vectors.T
    scale = 1.0 / np.sqrt(np.maximum(np.diag(lifted), 1e-300))
    out: FloatArray = lifted * scale * scale[:, None]
    np.fill_diagonal(out, 1.0)
    return (out + out.T) / 2.0


def raised(matrix: FloatArray, increase: float, *, most: float = 0.95) -> FloatArray:
    """Return correlations moved towards one, so that their average rises by `increase`.

    The matrix is mixed with that of ones, which keeps it positive semi-definite; the average
    never passes `most`.
    """
    average = _average(matrix)
    if not math.isfinite(average) or average >= most or increase <= 0:
        return matrix
    share = min((min(average + increase, most) - average) / (1.0 - average), 1.0)
    out: FloatArray = (1.0 - share) * matrix + share * np.ones_like(matrix)
    return out


def largest_pairs(
    matrix: FloatArray, symbols: Sequence[str], *, count: int = 5
) -> list[tuple[str, str, float]]:
    """Return the pairs with the greatest correlation, in absolute value."""
    rows, columns = np.triu_indices(len(matrix), 1)
    order = np.argsort(-np.abs(matrix[rows, columns]), kind="stable")[:count]
    return [
        (symbols[rows[i]], symbols[columns[i]], float(matrix[rows[i], columns[i]])) for i in order
    ]


def _complete(panel: FloatArray) -> FloatArray:
    whole: NDArray[np.bool_] = np.asarray(np.isfinite(panel).all(axis=1))
    if int(whole.sum()) < LEAST:
        missing = (~np.isfinite(panel)).sum(axis=0)
        raise DataError(
            f"returns: {int(whole.sum())} sessions have a return of every instrument, wanted at "
            f"least {LEAST}; column {int(np.argmax(missing))} lacks {int(missing.max())}"
        )
    return panel[whole]


def _matrix(rows: FloatArray, kind: str, decay: float) -> FloatArray:
    values = rows
    weights = np.full(len(rows), 1.0 / len(rows))
    if kind == "spearman":
        from scipy.stats import rankdata

        values = rankdata(rows, axis=0)
    elif kind == "ewma":
        weights = decay ** np.arange(len(rows) - 1, -1, -1.0)
        weights /= weights.sum()
    centred = (values - weights @ values) * np.sqrt(weights)[:, None]
    norms = np.sqrt((centred * centred).sum(axis=0))
    flat = norms <= 1e-14 * np.maximum(np.abs(values).max(axis=0), 1e-300)
    centred = np.where(flat, 0.0, centred / np.where(flat, 1.0, norms))
    return nearest_correlation(centred.T @ centred)


def _average(matrix: FloatArray) -> float:
    n = len(matrix)
    return float((matrix.sum() - n) / (n * (n - 1))) if n > 1 else math.nan
