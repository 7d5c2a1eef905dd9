"""How long a sweep would take and what memory, before it takes it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tradewright.domain.decisions import Signals, TargetWeights
from tradewright.domain.errors import ConfigError
from tradewright.services.sweeping.crews import cores
from tradewright.services.sweeping.units import SetWork
from tradewright.simulation.sweeping.sweep import memory_bytes

LARGE: Final = 100_000
"""Sets above which a sweep asks first."""
LONG_CELLS: Final = 200_000_000
"""Sets times bars times instruments from which a sweep says first what it will take."""
PROBES: Final = 8
PROBE_S: Final = 6.0
"""Seconds after which no more sets are tried to learn how long one takes."""
BYTES_PER_SET: Final = 1_200
"""Memory that a finished set keeps: its parameters and figures as Python values and in the table,
measured on a million sets of two parameters."""
PROCESS_MB: Final = 160.0
"""Memory of one worker process beside the bars, which all of them share; measured."""


@dataclass(frozen=True, slots=True)
class SweepSize:
    """What a sweep would cost.

    Parameters
    ----------
    sets : int
        To evaluate.
    seconds : float
        About, on this machine.
    megabytes : float
        About, beside the bars: decisions in flight and books of the threads, or the processes,
        and what is kept of the sets.
    """

    sets: int
    seconds: float
    megabytes: float

    def __str__(self) -> str:
        if self.seconds < 90:
            took = f"{self.seconds:.1f} s"
        elif self.seconds < 5400:
            took = f"{self.seconds / 60:,.1f} minutes"
        else:
            took = f"{self.seconds / 3600:,.1f} hours"
        return (
            f"{self.sets:,} sets of parameters would take about {took} and {self.megabytes:,.0f} MB"
        )


def count_sets(values: Mapping[str, Sequence[Any]], search: str) -> int:
    """Return how many sets a search evaluates at most."""
    _, _, text = search.partition(":")
    whole = math.prod(len(given) for given in values.values())
    return min(int(text), whole) if text.isdigit() and search.startswith("random") else (
        int(text) if text.isdigit() else whole
    )  # fmt: skip


def measure_size(
    work: SetWork,
    values: Mapping[str, Sequence[Any]],
    search: str,
    workers: int | None = None,
) -> SweepSize:
    """Estimate a sweep from a few of its sets, spread over the grid.

    Parameters
    ----------
    work : SetWork
        What is done to a set.
    values : mapping of str to sequence
        Values of each parameter.
    search : str
        See `sweep`.
    workers : int, optional
        Threads or processes; all cores unless given.
    """
    sets = count_sets(values, search)
    probes = [
        {name: given[at * (len(given) - 1) // (PROBES - 1)] for name, given in values.items()}
        for at in range(PROBES)
    ]
    hands = workers or cores()
    first = work.make(**probes[0])
    work.score(first)  # compiles, reads
    if isinstance(first, Signals | TargetWeights):
        each, memory = _of_arrays(work, probes, hands)
    else:
        each, memory = _of_strategies(work, probes, hands)
    return SweepSize(sets, each * sets, memory + sets * BYTES_PER_SET / 1e6)


def _of_arrays(
    work: SetWork, probes: Sequence[Mapping[str, Any]], hands: int
) -> tuple[float, float]:
    start = time.perf_counter()
    made = [what for chosen in probes if (what := work.make(**chosen)) is not None]
    making = time.perf_counter() - start
    found = work.swept(made)
    total = time.perf_counter() - start
    # Arrays are made by one thread and traded by all.
    each = max(making, total / min(hands, cores())) / len(probes)
    return each, memory_bytes(found.set_bytes, found.book_bytes, hands) / 1e6


def _of_strategies(
    work: SetWork, probes: Sequence[Mapping[str, Any]], hands: int
) -> tuple[float, float]:
    start, spent, tried = time.perf_counter(), 0.0, 0
    for chosen in probes:
        work(dict(chosen))
        tried, spent = tried + 1, time.perf_counter() - start
        if spent > PROBE_S:
            break
    return spent / tried / min(hands, cores()), PROCESS_MB * hands if hands > 1 else 0.0


def is_long(work: SetWork, values: Mapping[str, Sequence[Any]], search: str) -> bool:
    """Return whether a sweep is long enough to say first what it will take."""
    return count_sets(values, search) * work.bars.close.size >= LONG_CELLS


def check_size(
    work: SetWork, values: Mapping[str, Sequence[Any]], search: str, workers: int | None = None
) -> None:
    """Refuse a sweep of very many sets that nobody confirmed.

    Raises
    ------
    ConfigError
        With the number of sets, and the time and memory they would take.
    """
    if count_sets(values, search) <= LARGE:
        return
    size = measure_size(work, values, search, workers)
    raise ConfigError(
        f"sweep: {size}; say confirm=True to go on, or let search='random:1000' choose"
    )
