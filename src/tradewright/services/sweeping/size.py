"""How long a sweep would take, before it takes it."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tradewright.domain.errors import ConfigError

LARGE: Final = 100_000
"""Sets above which a sweep asks first."""
PROBES: Final = 8
BYTES_PER_SET: Final = 1_200
"""Memory that a finished set keeps: its parameters and figures as Python values and in the table,
measured on a million sets of two parameters."""


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
        About, for what is kept of the sets.
    """

    sets: int
    seconds: float
    megabytes: float

    def __str__(self) -> str:
        unit = "hours" if self.seconds >= 5400 else "minutes"
        took = self.seconds / (3600 if unit == "hours" else 60)
        return (
            f"{self.sets:,} sets of parameters would take about {took:,.1f} {unit} and "
            f"{self.megabytes:,.0f} MB"
        )


def count_sets(values: Mapping[str, Sequence[Any]], search: str) -> int:
    """Return how many sets a search evaluates at most."""
    _, _, text = search.partition(":")
    whole = math.prod(len(given) for given in values.values())
    return min(int(text), whole) if text.isdigit() and search.startswith("random") else (
        int(text) if text.isdigit() else whole
    )  # fmt: skip


def measure_size(
    run: Callable[[Iterable[dict[str, Any]]], Any],
    values: Mapping[str, Sequence[Any]],
    search: str,
) -> SweepSize:
    """Estimate a sweep from a few of its sets, spread over the grid.

    Parameters
    ----------
    run : callable
        Evaluates sets and forgets them.
    values : mapping of str to sequence
        Values of each parameter.
    search : str
        See `sweep`.
    """
    probes = [
        {name: given[at * (len(given) - 1) // (PROBES - 1)] for name, given in values.items()}
        for at in range(PROBES)
    ]
    run(itertools.islice(probes, 1))  # warm
    start = time.perf_counter()
    run(probes)
    each = (time.perf_counter() - start) / PROBES
    sets = count_sets(values, search)
    return SweepSize(sets, each * sets, sets * BYTES_PER_SET / 1e6)


def check_size(
    run: Callable[[Iterable[dict[str, Any]]], Any],
    values: Mapping[str, Sequence[Any]],
    search: str,
) -> None:
    """Refuse a sweep of very many sets that nobody confirmed.

    Raises
    ------
    ConfigError
        With the number of sets, and the time and memory they would take.
    """
    if count_sets(values, search) <= LARGE:
        return
    size = measure_size(run, values, search)
    raise ConfigError(
        f"sweep: {size}; say confirm=True to go on, or let search='random:1000' choose"
    )
