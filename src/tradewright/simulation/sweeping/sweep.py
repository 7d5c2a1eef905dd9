"""The same account over many sets of signals, on all cores, without tables for each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.costs import Costs
from tradewright.domain.actions import ActionSchedule
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Signals, TargetWeights
from tradewright.domain.rules import FillRules
from tradewright.metrics.sessions import periods_per_year, session_rows
from tradewright.simulation.batch import DEFAULT_RULES, decision_fields
from tradewright.simulation.money.proceeds import Settling
from tradewright.simulation.opening import open_books, raise_for_state
from tradewright.simulation.sweeping.scoring import SCORE_DTYPE, SET_DTYPE, YEARLY_DTYPE, run_sets
from tradewright.simulation.tables import Books

CHUNK: Final = 32
"""Sets that one thread takes at a time, at most."""
CHUNK_BYTES: Final = 8_000_000
"""Decisions that one thread takes at a time, at most, unless a single set is larger."""
AHEAD: Final = 2
"""Chunks for each thread that wait or run; what the decisions in flight may need is bounded."""

Decisions = Signals | TargetWeights


@dataclass(frozen=True, slots=True, eq=False)
class SweepResult:
    """Figures of every set of decisions, in the order given.

    Parameters
    ----------
    total_return, sharpe, max_drawdown : ndarray of shape (n_sets,)
        Fractions and the annual ratio, as `tradewright.metrics` defines them.
    trades : ndarray of int64
        Round trips that ended.
    final_equity : ndarray of int64
        Minor units.
    periods_per_year : float
        By which the Sharpe ratio was annualised.
    set_bytes, book_bytes : int
        Memory of one set of decisions (the largest of the first of each chunk), and of the fullest
        books of one thread.
    """

    total_return: NDArray[np.float64]
    sharpe: NDArray[np.float64]
    max_drawdown: NDArray[np.float64]
    trades: NDArray[np.int64]
    final_equity: NDArray[np.int64]
    periods_per_year: float
    set_bytes: int = 0
    book_bytes: int = 0


def sweep_signals(
    bars: Bars,
    sets: Iterable[Decisions],
    *,
    cash_minor: int,
    costs: Costs | None = None,
    rules: FillRules = DEFAULT_RULES,
    currency: str = "USD",
    actions: ActionSchedule | None = None,
    settling: Settling | None = None,
    risk_free: float = 0.02,
    workers: int | None = None,
    on_done: Callable[[int], None] | None = None,
) -> SweepResult:
    """Trade many sets of signals or weights on the same bars.

    Sets are taken from the iterable as they are needed and forgotten when they are scored, so
    that memory does not grow with their number; see `memory_bytes`.

    Parameters
    ----------
    bars : Bars
        The market.
    sets : iterable of Signals or TargetWeights
        Decisions, each of the shape of the bars; a generator will do.
    cash_minor : int
        Cash at the start of each, minor units; > 0.
    costs : Costs or None
        None is no cost.
    rules : FillRules
        How the venue fills.
    currency : str
        Currency of the account and of every instrument.
    actions : ActionSchedule, optional
        Corporate actions of bars that carry some.
    settling : callable, optional
        Says when sales settle, for ``rules.settlement: cash``.
    risk_free : float
        Annual rate that the Sharpe ratio is measured over.
    workers : int or None
        Threads; all cores unless given. The result does not depend on it.
    on_done : callable, optional
        Called with the number of sets that are done.

    Returns
    -------
    SweepResult
        One row per set.

    Raises
    ------
    ConfigError
        If shapes differ or cash is wrong.
    DataError
        If a held instrument is without bars for too long.
    """
    count = workers or os.cpu_count() or 1
    leading = bars.instruments[0]
    periods = periods_per_year(
        interval=bars.interval, calendar=leading.calendar, asset_class=leading.asset_class
    )
    rows = session_rows(bars.ts, interval=bars.interval, calendar=leading.calendar)
    if rows[0] != 0:
        rows = np.concatenate((np.zeros(1, dtype=np.int64), rows))
    yearly: NDArray[np.void] = np.array(
        [(periods, risk_free, rows.ctypes.data, len(rows), cash_minor)], dtype=YEARLY_DTYPE
    )
    shelf: SimpleQueue[Books] = SimpleQueue()
    account: Any = {"cash_minor": cash_minor, "currency": currency, "actions": actions}
    account["settling"] = settling
    for _ in range(count):
        shelf.put(open_books(bars, costs or Costs(), rules, **account))

    largest = [0, 0]

    def work(chunk: list[dict[str, Any]]) -> NDArray[np.void]:
        sets: NDArray[np.void] = np.array(
            [
                tuple(_plain(fields.get(name, 0)) for name in SET_DTYPE.names or ())
                for fields in chunk
            ],
            dtype=SET_DTYPE,
        )
        found: NDArray[np.void] = np.zeros(len(chunk), dtype=SCORE_DTYPE)
        books = shelf.get()
        done = 0
        while done < len(chunk):
            done += run_sets(
                books.address,
                sets.ctypes.data + done * SET_DTYPE.itemsize,
                found.ctypes.data + done * SCORE_DTYPE.itemsize,
                len(chunk) - done,
                yearly.ctypes.data,
            )
            if done < len(chunk):
                raise_for_state(books, bars)
                books.make_room(4 * books.number("room"))
        largest[0] = max(largest[0], fields_bytes(chunk[0]))
        largest[1] = max(largest[1], books.used_bytes)
        shelf.put(books)
        return found

    fields = (decision_fields(bars, decisions) for decisions in sets)
    parts = _in_order(work, fields, count, on_done)
    table = np.concatenate(parts) if parts else np.zeros(0, dtype=SCORE_DTYPE)
    return SweepResult(
        total_return=table["total_return"].copy(),
        sharpe=table["sharpe"].copy(),
        max_drawdown=table["max_drawdown"].copy(),
        trades=table["trades"].copy(),
        final_equity=table["final_equity"].copy(),
        periods_per_year=periods,
        set_bytes=largest[0],
        book_bytes=largest[1],
    )


def memory_bytes(set_bytes: int, book_bytes: int, workers: int) -> int:
    """Return what a sweep of arrays needs beside the bars and what is kept of each set.

    Parameters
    ----------
    set_bytes, book_bytes : int
        Of `SweepResult`: decisions of the largest set, books of one thread.
    workers : int
        Threads.

    Returns
    -------
    int
        Bytes: the decisions in flight, those being made, and the books. Linear in bars times
        instruments and in the threads, whatever the number of sets.

    Examples
    --------
    >>> memory_bytes(1_000, 50_000, 2)
    324000
    """
    chunk = max(set_bytes, min(CHUNK * set_bytes, CHUNK_BYTES))
    return (AHEAD * workers + 3) * chunk + workers * book_bytes


def fields_bytes(fields: dict[str, Any]) -> int:
    """Return the bytes of the arrays of one set of decisions."""
    return sum(value.nbytes for value in fields.values() if isinstance(value, np.ndarray))


def _plain(value: Any) -> Any:
    return value.ctypes.data if isinstance(value, np.ndarray) else value


def _in_order(
    work: Callable[[list[dict[str, Any]]], NDArray[np.void]],
    sets: Iterable[dict[str, Any]],
    count: int,
    on_done: Callable[[int], None] | None,
) -> list[NDArray[np.void]]:
    # Keeps at most a few chunks in flight, and their results in the order of the sets.
    parts: list[NDArray[np.void]] = []
    waiting: list[Future[NDArray[np.void]]] = []
    done = 0

    def take() -> None:
        nonlocal done
        parts.append(waiting.pop(0).result())
        done += len(parts[-1])
        if on_done is not None:
            on_done(done)

    source = iter(sets)
    with ThreadPoolExecutor(count) as pool:
        for chunk in _chunks(source):
            waiting.append(pool.submit(work, chunk))
            if len(waiting) > AHEAD * count:
                take()
        while waiting:
            take()
    return parts


def _chunks(sets: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for first in sets:
        most = max(CHUNK_BYTES // max(fields_bytes(first), 1), 1)
        yield [first, *islice(sets, min(CHUNK, most) - 1)]
