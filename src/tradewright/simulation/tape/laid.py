"""Bars on rows of two lengths: finer ones inside the bars that have them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tradewright.domain.bars import Bars, IntArray


def _none() -> IntArray:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class LaidBars(Bars):
    """A tape that walks through finer bars where a bar has them.

    Parameters
    ----------
    coarse : ndarray of shape (n_bars,), int64
        Row of the bar that each row of the tape lies in.
    ends : ndarray of int64
        Row of the tape at which each bar ends.
    sessions : ndarray of shape (n_bars,), int64
        Number of the session of each row.
    opens : ndarray of shape (n_bars,), int64
        UTC nanoseconds at which each row opened.
    read : int
        Bars that were replaced by finer ones.
    unlike : int
        Bars whose finer ones do not add up to them, and were left out.
    of : int
        Bars, counted by instrument.
    """

    coarse: IntArray = field(default_factory=_none)
    ends: IntArray = field(default_factory=_none)
    sessions: IntArray = field(default_factory=_none)
    opens: IntArray = field(default_factory=_none)
    read: int = 0
    unlike: int = 0
    of: int = 0
