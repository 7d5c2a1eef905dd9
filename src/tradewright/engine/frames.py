"""Coarser bars beside the tape: what of them is known at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars


class IndicatorValues(Protocol):
    """Values of a feature by row and column: an array, or what makes them as rows become known."""

    def __getitem__(self, place: tuple[int, int], /) -> Any:
        """Return the value at a row and column."""


IndicatorSource = Callable[[str], IndicatorValues]
FrameSource = Callable[[str], tuple[Bars, IndicatorSource] | None]
"""Gives the coarser bars of an interval, and the features on them; None where the tape fills no
whole bar."""


class Frame:
    """The tape in a coarser interval, looked at from a time.

    Parameters
    ----------
    bars : Bars
        Coarser bars, stamped with their close.
    indicators : callable
        Gives the values of a feature by name.

    Notes
    -----
    Timing: a bar is known from its close on, never from its open; the bar that still forms is not
    shown.
    """

    __slots__ = ("_bars", "_indicators", "_known")

    def __init__(self, bars: Bars, indicators: IndicatorSource) -> None:
        self._bars, self._indicators = bars, indicators
        self._known: dict[str, IndicatorValues] = {}

    def end(self, now_ns: int) -> int:
        """Return how many bars are closed at a time."""
        return int(np.searchsorted(self._bars.ts, now_ns, side="right"))

    def history(self, column: int, n: int, field: str, now_ns: int) -> NDArray[np.float64]:
        """Return the last `n` values of a field that are known, newest last."""
        end = self.end(now_ns)
        past: NDArray[np.float64] = getattr(self._bars, field)[max(end - n, 0) : end, column]
        return past

    def indicator(self, name: str, column: int, now_ns: int) -> float:
        """Return a feature at the newest bar that is known; NaN before the first."""
        values = self._known.get(name)
        if values is None:
            values = self._known[name] = self._indicators(name)
        end = self.end(now_ns)
        return float(values[end - 1, column]) if end else math.nan


class EmptyFrame(Frame):
    """A coarser interval of which the tape fills no whole bar."""

    __slots__ = ()

    def __init__(self) -> None:
        pass

    def end(self, now_ns: int) -> int:
        """Return 0."""
        return 0

    def history(self, column: int, n: int, field: str, now_ns: int) -> NDArray[np.float64]:
        """Return nothing."""
        return np.empty(0)

    def indicator(self, name: str, column: int, now_ns: int) -> float:
        """Return NaN."""
        return math.nan
