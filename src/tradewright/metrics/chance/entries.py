"""The same holdings at other times: is the timing better than chance, does it bear a delay."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import DataError
from tradewright.jit import jit

DRAWS: Final = 1_000
FEWEST_DRAWS: Final = 100
MOST_STEPS: Final = 400_000_000
"""Bars held times draws; above it fewer draws are made, but never fewer than `FEWEST_DRAWS`."""
DELAYS: Final = (1, 2, 3, 4, 5)
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Holdings:
    """Round trips, freed of when they happened.

    Parameters
    ----------
    instrument, entry, bars : ndarray of shape (n_trips,), int64
        Column, bar of the entry, bars from entry to exit.
    weight : ndarray of shape (n_trips,)
        Signed fraction of equity, the mean over the holding.
    cost : ndarray of shape (n_trips,)
        Of both sides, as a fraction of equity at the entry; >= 0.
    """

    instrument: IntArray
    entry: IntArray
    bars: IntArray
    weight: FloatArray
    cost: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class EntryFigures:
    """Figures of the same holdings at given times.

    Parameters
    ----------
    total_return, sharpe, max_drawdown, win_rate : ndarray of shape (n,)
        As in `tradewright.metrics.glossary`; Sharpe annual, NaN without variance.
    """

    total_return: FloatArray
    sharpe: FloatArray
    max_drawdown: FloatArray
    win_rate: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class EntryTest:
    """What entering at random would have made of the same holdings.

    Parameters
    ----------
    observed : EntryFigures
        Of the holdings where they were, priced like the random ones; one value each.
    random : EntryFigures
        Of every draw.
    p_value : float
        ``(1 + draws with at least the observed Sharpe ratio) / (draws + 1)``.
    delayed : EntryFigures
        With every entry and exit 1, 2, 3, 4 and 5 bars later.
    """

    observed: EntryFigures
    random: EntryFigures
    p_value: float
    delayed: EntryFigures


def entry_test(
    holdings: Holdings,
    opens: FloatArray,
    close: FloatArray,
    rng: np.random.Generator,
    *,
    rows: IntArray,
    periods_per_year: float,
    risk_free: float,
    draws: int = DRAWS,
) -> EntryTest:
    """Compare round trips with the same ones entered at random times.

    Each draw keeps every holding's instrument, side, size, length and cost; within an instrument
    their order is shuffled and the time between them is shared out at random, each way of doing
    so being equally likely. Entries and exits are priced at opens, holdings marked at closes, and
    sizes are fixed fractions of equity.

    Parameters
    ----------
    holdings : Holdings
        Round trips that do not overlap within an instrument.
    opens, close : ndarray of shape (n_bars, n_instruments)
        Prices; NaN where no bar traded, the last close is used then.
    rng : numpy.random.Generator
        Source of randomness; the same state gives the same result.
    rows : ndarray of int64
        Last bar of each session, the first row being the start.
    periods_per_year, risk_free : float
        Of the Sharpe ratio.
    draws : int
        Random strategies.

    Returns
    -------
    EntryTest
        If the holdings were placed at random themselves, its p-value is uniform.

    Raises
    ------
    DataError
        If there is no round trip, one reaches beyond the bars, or those of one instrument are
        longer than all bars together.

    References
    ----------
    .. [1] D. Aronson, "Evidence-Based Technical Analysis", Wiley, 2007, chapter 5 (Monte Carlo
       permutation of positions).
    """
    n, k = close.shape
    if not len(holdings.entry):
        raise DataError("random entries: there is no round trip to place")
    if (holdings.entry + holdings.bars >= n).any() or (holdings.entry < 0).any():
        raise DataError(f"random entries: a round trip reaches beyond the {n} bars")
    _check_room(holdings, n - 1 - int(rows[0]))
    order = np.lexsort((holdings.entry, holdings.instrument))
    trips = np.column_stack([holdings.instrument, holdings.bars, holdings.entry])[order]
    sizes = np.column_stack([holdings.weight, holdings.cost])[order]
    prices = _changes(opens, close)
    yearly = (periods_per_year, risk_free)
    held = int(trips[:, 1].sum()) + n
    count = max(min(draws, MOST_STEPS // held), min(draws, FEWEST_DRAWS))
    starts = np.ascontiguousarray(trips[:, 2])[None, :]
    later = [np.minimum(starts + d, n - 1 - trips[:, 1]) for d in DELAYS]
    placed = np.concatenate([starts, *later])
    fixed = _figures(_score(trips, sizes, placed, prices, rows), yearly)
    firsts = np.searchsorted(trips[:, 0], np.arange(k + 1))
    drawn = _figures(_draw(trips, sizes, firsts, prices, (rows, count, rng)), yearly)
    observed = _part(fixed, slice(0, 1))
    own = observed.sharpe[0]
    beaten = int(np.sum(drawn.sharpe >= own)) if math.isfinite(own) else 0
    return EntryTest(
        observed=observed,
        random=drawn,
        p_value=(1 + beaten) / (count + 1) if math.isfinite(own) else math.nan,
        delayed=_part(fixed, slice(1, None)),
    )


def _check_room(holdings: Holdings, room: int) -> None:
    # The compiled draw writes where it places holdings: they must fit one after the other.
    if (holdings.bars < 0).any() or (holdings.instrument < 0).any():
        raise DataError("random entries: a round trip ends before it begins")
    taken = np.bincount(holdings.instrument, weights=holdings.bars)
    if taken.max() > room:
        raise DataError(
            f"random entries: round trips of instrument {int(taken.argmax())} take "
            f"{int(taken.max())} bars, wanted at most {room}; they overlap"
        )


def _part(figures: EntryFigures, chosen: slice) -> EntryFigures:
    names = EntryFigures.__dataclass_fields__
    return EntryFigures(**{name: getattr(figures, name)[chosen] for name in names})


def _changes(opens: FloatArray, close: FloatArray) -> FloatArray:
    """Return open, change since the last close, open to close and last close to open, by column."""
    rows = np.where(np.isnan(close), 0, np.arange(len(close))[:, None])
    filled = np.take_along_axis(close, np.maximum.accumulate(rows, axis=0), axis=0)
    before = np.vstack([filled[:1], filled[:-1]])
    first = np.where(np.isnan(opens), before, opens)
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = (filled / before - 1.0, filled / first - 1.0, first / before - 1.0)
    found = np.stack([first.T, *(np.nan_to_num(part, posinf=0.0, neginf=0.0).T for part in parts)])
    return np.ascontiguousarray(np.nan_to_num(found))


def _figures(raw: FloatArray, yearly: tuple[float, float]) -> EntryFigures:
    total, mean, deviation, fall, wins = raw.T
    periods, risk_free = yearly
    varies = deviation > 1e-12
    ratio = (mean - risk_free / periods) / np.where(varies, deviation, 1.0) * math.sqrt(periods)
    return EntryFigures(total, np.where(varies, ratio, math.nan), fall, wins)


@jit
def _book(changes, trip, size, prices, start):  # type: ignore[no-untyped-def]  # pragma: no cover
    # Adds one holding to the returns per bar; says whether it won.
    column, last = trip[0], start + trip[1]
    weight, cost = size
    if last > start:
        changes[start] += weight * prices[2, column, start]
        for t in range(start + 1, last):
            changes[t] += weight * prices[1, column, t]
        changes[last] += weight * prices[3, column, last]
    changes[start] -= cost / 2.0
    changes[last] -= cost / 2.0
    paid = prices[0, column, start]
    move = prices[0, column, last] / paid - 1.0 if paid > 0.0 else 0.0
    return weight * move - cost > 0.0


@jit
def _measure(changes, rows, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    # Total return, mean and deviation per session, deepest fall over all bars.
    level, top, fall = 1.0, 1.0, 0.0
    before, total, squares = 1.0, 0.0, 0.0
    at = 1
    for t in range(rows[0] + 1, len(changes)):
        level *= max(1.0 + changes[t], 0.0)
        top = max(top, level)
        fall = min(fall, level / top - 1.0)
        if at < len(rows) and t == rows[at]:
            change = level / before - 1.0 if before > 0.0 else 0.0
            total += change
            squares += change * change
            before = level
            at += 1
    n = len(rows) - 1
    mean = total / n if n else np.nan
    out[0], out[1], out[3] = level - 1.0, mean, fall
    out[2] = np.sqrt(max(squares - n * mean * mean, 0.0) / (n - 1)) if n > 1 else 0.0


@jit
def _score(trips, sizes, placed, prices, rows):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.zeros((len(placed), 5))
    changes = np.zeros(prices.shape[2])
    for case in range(len(placed)):
        changes[:] = 0.0
        wins = 0
        for trip in range(len(trips)):
            wins += _book(changes, trips[trip], sizes[trip], prices, placed[case, trip])
        _measure(changes, rows, out[case])
        out[case, 4] = wins / len(trips)
    return out


@jit
def _draw(trips, sizes, firsts, prices, how):  # type: ignore[no-untyped-def]  # pragma: no cover
    rows, count, rng = how
    n = prices.shape[2]
    out = np.zeros((count, 5))
    changes = np.zeros(n)
    for case in range(count):
        changes[:] = 0.0
        wins = 0
        for column in range(len(firsts) - 1):
            first, after = firsts[column], firsts[column + 1]
            m = after - first
            if m == 0:
                continue
            order = rng.permutation(m)
            free = n - 1 - trips[first:after, 1].sum() - rows[0]
            gaps = _spread(free, m, rng)
            start = rows[0]
            for at in range(m):
                trip = first + order[at]
                wins += _book(changes, trips[trip], sizes[trip], prices, start + gaps[at])
                start += trips[trip, 1]
        _measure(changes, rows, out[case])
        out[case, 4] = wins / len(trips)
    return out


@jit
def _spread(free, m, rng):  # type: ignore[no-untyped-def]  # pragma: no cover
    # m places from 0 to `free`, sorted, repeats allowed, every such choice equally likely: choose
    # m of free + m without repeats and take off how many come before.
    size = free + m
    if m * m < size:
        return np.sort(_few(size, m, rng)) - np.arange(m)
    found = np.empty(m, np.int64)
    taken = 0
    for place in range(size):
        if rng.random() * (size - place) < m - taken:
            found[taken] = place - taken
            taken += 1
    return found


@jit
def _few(size, m, rng):  # type: ignore[no-untyped-def]  # pragma: no cover
    # R. W. Floyd's choice of m of `size` without repeats.
    chosen = np.empty(m, np.int64)
    for i in range(m):
        top = size - m + i
        pick = int(rng.random() * (top + 1))
        for j in range(i):
            if chosen[j] == pick:
                pick = top
                break
        chosen[i] = pick
    return chosen
