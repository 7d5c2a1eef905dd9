"""Which instruments and dates of a panel enter an estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import DataError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PanelCut:
    """Returns without gaps, and why instruments were left out.

    Parameters
    ----------
    returns : ndarray of shape (n_periods, n_kept)
        Common rows of the instruments kept.
    symbols : tuple of str
        Those kept.
    rows : ndarray of shape (n_periods,)
        Their rows in the panel given.
    left_out : mapping of str to str
        The others, each with its reason.
    """

    returns: FloatArray
    symbols: tuple[str, ...]
    rows: NDArray[np.intp]
    left_out: Mapping[str, str]


def cut_panel(
    returns: FloatArray, symbols: Sequence[str], *, window: int = 252, min_observations: int = 60
) -> PanelCut:
    """Cut a panel of returns to its common dates.

    Of the last `window` rows, an instrument enters with at least `min_observations` returns.
    While fewer than that many rows are common to all, the one with the most gaps leaves. Rows are
    never dropped for one pair only, so that the covariance stays positive semidefinite.

    Parameters
    ----------
    returns : ndarray of shape (n_periods, n_instruments)
        Simple returns; NaN where none was observed.
    symbols : sequence of str
        One a column.
    window : int
        Newest rows that are looked at.
    min_observations : int
        Fewest returns of an instrument, and fewest common rows.

    Returns
    -------
    PanelCut
        Returns without gaps.

    Raises
    ------
    DataError
        If shapes disagree, a return is infinite, or no instrument is left.

    Notes
    -----
    Timing: uses the rows given; the last one must be known at the decision.
    Missing data: see above.
    """
    panel = np.asarray(returns, dtype=np.float64)
    names = tuple(symbols)
    if panel.ndim != 2 or panel.shape[1] != len(names):
        raise DataError(f"returns have shape {panel.shape}, {len(names)} symbols are named")
    if np.isinf(panel).any():
        row, column = np.argwhere(np.isinf(panel))[0]
        raise DataError(f"return of {names[column]} in row {row} is {panel[row, column]}")
    first = max(len(panel) - window, 0)
    recent = panel[first:]
    seen = np.isfinite(recent)
    counts = seen.sum(axis=0)
    left_out = {
        names[i]: f"{counts[i]} returns in the last {len(recent)} periods, "
        f"{min_observations} are needed"
        for i in np.flatnonzero(counts < min_observations)
    }
    kept = [i for i in range(len(names)) if names[i] not in left_out]
    while kept:
        common = seen[:, kept].all(axis=1)
        if common.sum() >= min_observations:
            break
        worst = min(kept, key=lambda i: (counts[i], -i))
        left_out[names[worst]] = f"without it more than {common.sum()} dates are common to all"
        kept.remove(worst)
    if not kept:
        raise DataError(
            f"no instrument has {min_observations} returns in the last {len(recent)} periods; "
            f"the most of any is {int(counts.max()) if len(counts) else 0}"
        )
    rows = np.flatnonzero(common)
    return PanelCut(recent[rows][:, kept], tuple(names[i] for i in kept), rows + first, left_out)
