"""Workers that do one kind of work on many small units, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Lost:
    """A unit that was given up: what did it died twice.

    Parameters
    ----------
    cause : str
        In words, for the user.
    """

    cause: str


class Crew(Protocol):
    """Processes of this machine, or of a cluster."""

    def run(self, work: Callable[[Any], Any], units: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Do `work` on every unit; yield its number and result as it is finished.

        Parameters
        ----------
        work : callable
            ``work(unit)``; it travels once to each worker, large arrays in it are shared.
        units : iterable
            Small values, taken as workers become free.

        Yields
        ------
        tuple of int and result
            In any order; `Lost` where the worker died on the unit, and again on its one repeat.

        Raises
        ------
        TradewrightError
            What `work` raised; no unit is begun after it.
        """
        ...
