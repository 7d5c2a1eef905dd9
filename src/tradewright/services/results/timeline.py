"""The sessions of a run and the benchmark beside it, measured once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.errors import DataError
from tradewright.domain.outcome import Outcome
from tradewright.metrics.benchmark import buy_and_hold
from tradewright.metrics.returns import returns_of
from tradewright.metrics.sessions import periods_per_year, session_rows

MARKET: Final = "SPY"
"""Shown as a second benchmark where it is in the data."""


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """Equity at session closes over the measured span.

    Parameters
    ----------
    first : int
        First bar that counts: 0, or the first bar of the first test window.
    rows : ndarray of shape (n,), int64
        Bars of the levels; the first is the start, the others close a session.
    levels : ndarray of shape (n,), float64
        Equity there, in minor units.
    returns : ndarray of shape (n - 1,)
        Simple returns between them.
    periods_per_year : float
        Sessions per year.
    interval, calendar : str
        Of the bars.
    """

    first: int
    rows: NDArray[np.int64]
    levels: NDArray[np.float64]
    returns: NDArray[np.float64]
    periods_per_year: float
    interval: str
    calendar: str

    @property
    def years(self) -> float:
        """Length of the measured span in years of sessions."""
        return len(self.returns) / self.periods_per_year


def measure(outcome: Outcome, *, interval: str, first_ns: int | None) -> Timeline:
    """Cut the equity of a run into sessions.

    Parameters
    ----------
    outcome : Outcome
        With at least one bar.
    interval : str
        Interval of the bars.
    first_ns : int or None
        Close of the first bar that counts; None counts all.

    Returns
    -------
    Timeline
        Bars shorter than a day are joined to sessions.

    Raises
    ------
    DataError
        If the run has no bar in the measured span.
    """
    first = 0 if first_ns is None else int(np.searchsorted(outcome.ts, first_ns))
    if first >= len(outcome.ts):
        raise DataError("run: it has no bar, or ended before its first test window")
    leading = outcome.instruments[0]
    rows = session_rows(outcome.ts[first:], interval=interval, calendar=leading.calendar)
    if first:
        rows = rows + first
    if rows[0] != first:
        rows = np.concatenate((np.array([first], dtype=np.int64), rows))
    levels = outcome.equity[rows].astype(np.float64)
    ppy = periods_per_year(
        interval=interval, calendar=leading.calendar, asset_class=leading.asset_class
    )
    returns = returns_of(levels)
    return Timeline(first, rows, levels, returns, ppy, interval, leading.calendar)


@dataclass(frozen=True, slots=True, eq=False)
class Benchmark:
    """What the run is compared with: buy and hold, without costs.

    Parameters
    ----------
    name : str
        For people, for example ``32 instruments, equal weight``.
    levels : ndarray of shape (n,)
        On the rows of the timeline, 1 at the start; NaN where nothing can be held.
    returns : ndarray of shape (n - 1,)
        Simple returns between them.
    """

    name: str
    levels: NDArray[np.float64]
    returns: NDArray[np.float64]


def benchmarks(
    bars: Bars, timeline: Timeline, *, symbol: str | None, reference: Sequence[str] = ()
) -> tuple[Benchmark, ...]:
    """Return the benchmark, and the market index as a second one where it is in the data.

    Parameters
    ----------
    bars : Bars
        On the rows of the run.
    timeline : Timeline
        The measured sessions.
    symbol : str or None
        Instrument to hold; the whole universe at equal weight unless given.
    reference : sequence of str
        Instruments that are there for comparison only; not part of the universe.

    Returns
    -------
    tuple of Benchmark
        At least one.

    Raises
    ------
    NoDataError
        If `symbol` is not in the bars.
    """
    close = bars.close[timeline.rows]
    if symbol is None:
        symbols = bars.symbols
        columns = [at for at, name in enumerate(symbols) if name not in reference]
        columns = columns or list(range(len(symbols)))
        found = [_held(_universe_name([symbols[at] for at in columns]), close[:, columns])]
    else:
        found = [_held(symbol, close[:, [bars.column(symbol)]])]
    if MARKET in bars.symbols and symbol != MARKET and bars.n_instruments > 1:
        found.append(_held(MARKET, close[:, [bars.column(MARKET)]]))
    return tuple(found)


def _universe_name(symbols: Sequence[str]) -> str:
    if len(symbols) == 1:
        return symbols[0]
    return f"the {len(symbols)} instruments at equal weight"


def _held(name: str, close: NDArray[np.float64]) -> Benchmark:
    if np.isnan(close[0]).all():  # bought at the first close there is, cash before it
        alive = ~np.isnan(close).all(axis=1)
        start = int(np.argmax(alive)) if alive.any() else len(close)
        held = buy_and_hold(close[start:]) if start < len(close) else np.empty(0)
        levels = np.concatenate((np.ones(len(close) - len(held)), held))
        return Benchmark(f"{name} (cash before its first bar)", levels, returns_of(levels))
    levels = buy_and_hold(close)
    if not math.isfinite(levels[-1]):
        raise DataError(f"benchmark {name}: a close is missing or infinite")
    return Benchmark(name, levels, returns_of(levels))
