"""From values to places on paper: ticks, paths, thinning."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.time import NS_PER_DAY

FloatArray = NDArray[np.float64]
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120)


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear or logarithmic map from values to places.

    Parameters
    ----------
    low, high : float
        Values at `start` and `end`; low < high, both > 0 for a logarithmic scale.
    start, end : float
        Places, for example pixels; `end` above `start` on paper for a rising axis.
    is_log : bool
        Whether equal ratios take equal room.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def __call__(self, values: FloatArray | float) -> FloatArray:
        """Return the places of values."""
        shown = np.asarray(values, dtype=np.float64)
        low, high = self.low, self.high
        if self.is_log:
            shown, low, high = np.log(np.maximum(shown, 1e-9)), math.log(low), math.log(high)
        span = (high - low) or 1.0  # a single moment has no length
        placed: FloatArray = self.start + (shown - low) / span * (self.end - self.start)
        return placed


def ticks(low: float, high: float, *, about: int = 5) -> list[float]:
    """Return round values inside a range.

    Examples
    --------
    >>> ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> ticks(-0.37, 0.0, about=4)
    [-0.3, -0.2, -0.1, 0.0]
    """
    if not high > low:
        return [low]
    raw = (high - low) / about
    size = 10 ** math.floor(math.log10(raw))
    step = min((k * size for k in (1, 2, 2.5, 5, 10)), key=lambda s: abs(s - raw))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(k * step, 12) + 0.0 for k in range(first, last + 1)]


def log_ticks(low: float, high: float, *, about: int = 5) -> list[float]:
    """Return round values inside a range of positive values, for a logarithmic axis.

    Examples
    --------
    >>> log_ticks(0.8, 9.0)
    [1.0, 2.0, 5.0]
    """
    chosen: list[float] = []
    for marks in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        chosen = [m * 10.0**p for p in powers for m in marks if low <= m * 10.0**p <= high]
        if len(chosen) >= min(about, 3):
            return chosen
    return ticks(low, high, about=about) if len(chosen) < 3 else chosen


def time_ticks(first_ns: int, last_ns: int, *, about: int = 8) -> list[tuple[int, str]]:
    """Return round dates inside a range with their labels.

    Returns
    -------
    list of (int, str)
        UTC nanoseconds and ``2014``, ``2014-07`` or ``07-21``.
    """
    days = (last_ns - first_ns) / NS_PER_DAY
    if days < 45:
        step = max(1, round(days / about))
        start = -(-first_ns // NS_PER_DAY)
        shown = range(start, int(last_ns // NS_PER_DAY) + 1, step)
        return [(d * NS_PER_DAY, str(np.datetime64(d, "D"))[5:]) for d in shown]
    months = days / 30.44
    step = next((s for s in _MONTH_STEPS if months / s <= about * 1.3), _MONTH_STEPS[-1])
    first = int(np.datetime64(first_ns, "ns").astype("datetime64[M]").astype(int))
    last = int(np.datetime64(last_ns, "ns").astype("datetime64[M]").astype(int))
    start = first + (-first) % step
    found = []
    for month in range(start, last + 1, step):
        at = int(np.datetime64(month, "M").astype("datetime64[ns]").astype("i8"))
        if at >= first_ns:
            text = str(np.datetime64(month, "M"))
            found.append((at, text[:4] if step >= 12 else text))
    return found


def thin(n: int, *values: FloatArray, most: int = 900) -> NDArray[np.int64]:
    """Choose rows to draw: all if few, otherwise the extremes of every stretch.

    Parameters
    ----------
    n : int
        Rows there are.
    *values : ndarray of shape (n,)
        Series whose highs and lows must survive.
    most : int
        Stretches to cut into.

    Returns
    -------
    ndarray of int64
        Increasing rows, the first and last among them.
    """
    if n <= most * 2:
        return np.arange(n, dtype=np.int64)
    edges = np.linspace(0, n, most + 1).astype(np.int64)
    kept = {0, n - 1}
    for first, last in pairwise(edges.tolist()):
        for series in values:
            part = series[first:last]
            kept.add(first + int(np.argmin(part)))
            kept.add(first + int(np.argmax(part)))
    return np.array(sorted(kept), dtype=np.int64)


def path(x: FloatArray, y: FloatArray) -> str:
    """Return the SVG path through points, to a tenth of a pixel.

    Examples
    --------
    >>> path(np.array([0.0, 1.25]), np.array([2.0, 3.0]))
    'M0,2L1.2,3'
    """
    pairs = [f"{_short(a)},{_short(b)}" for a, b in zip(x, y, strict=True)]
    return "M" + "L".join(pairs) if pairs else ""


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
