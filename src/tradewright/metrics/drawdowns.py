"""Falls from the highest level so far: one compiled pass over every bar."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewright.jit import jit


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One fall from a peak.

    Parameters
    ----------
    depth : float
        Fraction lost from the peak, <= 0.
    peak, trough : int
        Rows of the highest level before and the lowest level within the fall.
    recovery : int
        Row at which the peak was reached again, -1 if it never was.
    """

    depth: float
    peak: int
    trough: int
    recovery: int


@dataclass(frozen=True, slots=True)
class PathRisk:
    """What one pass over equity and positions tells.

    Parameters
    ----------
    worst : Drawdown
        The deepest fall; all rows 0 where equity never fell.
    current : float
        Drawdown at the last bar, <= 0.
    mean : float
        Mean drawdown over all bars, <= 0.
    ulcer_index : float
        Root mean square of the drawdown, >= 0.
    under_water : float
        Share of bars below the former peak.
    longest_start, longest_end : int
        Rows between which equity stayed below a former peak for longest.
    mean_gross, mean_net, max_gross : float
        Long plus short, and long minus short market value, over equity.
    in_market : float
        Share of bars at whose close a position was held.
    mean_equity : float
        Mean of equity over all bars, in its own unit.
    """

    worst: Drawdown
    current: float
    mean: float
    ulcer_index: float
    under_water: float
    longest_start: int
    longest_end: int
    mean_gross: float
    mean_net: float
    max_gross: float
    in_market: float
    mean_equity: float


@jit
def _pass(equity, long_value, short_value):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = len(equity)
    top = float(equity[0])
    inverse = 1.0 / top if top > 0.0 else 0.0
    peak = worst_peak = trough = water_start = water_end = held = under = 0
    recovery = -1
    is_open = False
    worst = fall = falls = squares = gross = net = most = total = 0.0
    for t in range(n):
        level = float(equity[t])
        total += level
        if level >= top:
            if is_open:
                recovery = t
                is_open = False
            if level > top:
                top = level
                inverse = 1.0 / top
            peak = t
            fall = 0.0
        else:
            fall = max(level, 0.0) * inverse - 1.0
            under += 1
            falls += fall
            squares += fall * fall
            if fall < worst:
                worst = fall
                worst_peak = peak
                trough = t
                recovery = -1
                is_open = True
            if t - peak > water_end - water_start:
                water_start = peak
                water_end = t
        long, short = long_value[t], short_value[t]
        if long != 0 or short != 0:
            held += 1
            if level > 0.0:
                share = 1.0 / level
                both = (long - short) * share
                gross += both
                net += (long + short) * share
                most = max(most, both)
    rows = (worst_peak, trough, recovery, water_start, water_end, held, under)
    return rows, (falls, squares, gross, net, most, fall, total)


def path_risk(
    equity: NDArray[np.int64],
    long_value: NDArray[np.int64],
    short_value: NDArray[np.int64],
) -> PathRisk:
    """Measure drawdown and exposure over every bar in one pass.

    Parameters
    ----------
    equity, long_value, short_value : ndarray of shape (n_bars,), int64
        Marked at each close, in minor units; `short_value` is <= 0.

    Returns
    -------
    PathRisk
        Fractions of the peak and of equity.

    Notes
    -----
    Timing: row ``t`` uses rows ``0..t`` for the peak. Levels below zero count as zero.

    References
    ----------
    .. [1] P. G. Martin, B. B. McCann, "The Investor's Guide to Fidelity Funds", 1989 (Ulcer index).

    Examples
    --------
    >>> flat = np.zeros(5, dtype=np.int64)
    >>> path_risk(np.array([100, 120, 90, 120, 110]), flat, flat).worst
    Drawdown(depth=-0.25, peak=1, trough=2, recovery=3)
    """
    n = len(equity)
    rows, sums = _pass(equity, long_value, short_value)
    peak, trough, recovery, water_start, water_end, held, under = rows
    falls, squares, gross, net, most, current, total = sums
    worst = Drawdown(0.0, 0, 0, 0)
    if equity[trough] < equity[peak]:
        depth = max(float(equity[trough]), 0.0) / float(equity[peak]) - 1.0
        worst = Drawdown(depth, int(peak), int(trough), int(recovery))
    return PathRisk(
        worst=worst,
        current=current,
        mean=falls / n,
        ulcer_index=math.sqrt(squares / n),
        under_water=under / n,
        longest_start=int(water_start),
        longest_end=int(water_end),
        mean_gross=gross / n,
        mean_net=net / n,
        max_gross=most,
        in_market=held / n,
        mean_equity=total / n,
    )


def drawdown_series(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fall from the highest level so far at each row.

    Parameters
    ----------
    levels : ndarray of shape (n,)
        Positive at the start; levels below zero count as zero.

    Returns
    -------
    ndarray of shape (n,)
        Fractions <= 0.

    Examples
    --------
    >>> drawdown_series(np.array([100.0, 120.0, 90.0])).tolist()
    [0.0, 0.0, -0.25]
    """
    kept = np.maximum(np.asarray(levels, dtype=np.float64), 0.0)
    return kept / np.maximum.accumulate(kept) - 1.0


def drawdown_table(levels: NDArray[np.float64], *, most: int = 5) -> list[Drawdown]:
    """List the deepest falls that do not overlap, deepest first.

    Parameters
    ----------
    levels : ndarray of shape (n,)
        Equity or index levels.
    most : int
        How many to return at most.

    Returns
    -------
    list of Drawdown
        Each runs from a peak to the row that regains it.

    Examples
    --------
    >>> [round(fall.depth, 3) for fall in drawdown_table(np.array([10.0, 9.0, 11.0, 5.5]))]
    [-0.5, -0.1]
    """
    falls = drawdown_series(levels)
    under = falls < 0
    edges = np.flatnonzero(np.diff(under.astype(np.int8)))
    starts = [int(row) for row in edges if not under[row]]
    found = []
    for start in starts:
        ends = np.flatnonzero(~under[start + 1 :])
        stop = start + 1 + int(ends[0]) if len(ends) else len(levels)
        trough = start + int(np.argmin(falls[start:stop]))
        recovery = stop if len(ends) else -1
        found.append(Drawdown(float(falls[trough]), start, trough, recovery))
    return sorted(found, key=lambda fall: fall.depth)[:most]
