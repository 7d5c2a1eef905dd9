"""The filters of a signal, in order; the first that fails makes it HOLD."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tradewright.domain.signals import Blocked

FILTERS: Final = ("fresh", "horizon", "confidence", "uncertainty", "concentration", "edge")
"""Names in the order in which they are asked."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question asked of a signal.

    Parameters
    ----------
    filter : str
        One of `FILTERS`.
    value, limit : float
        What was found and what is wanted.
    at_least : bool
        Whether the value must reach the limit; otherwise it must not exceed it.
    strictly : bool
        Whether the limit itself fails.
    """

    filter: str
    value: float
    limit: float
    at_least: bool = True
    strictly: bool = False

    @property
    def passes(self) -> bool:
        """Whether the signal passes; a value that is not known does not."""
        if self.strictly:
            return self.value > self.limit if self.at_least else self.value < self.limit
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def first_failed(checks: Iterable[Check]) -> Blocked | None:
    """Return the first check that fails, None where all pass.

    Examples
    --------
    >>> str(first_failed([Check("confidence", 0.55, 0.6)]))
    'filter confidence: 0.55, limit 0.6'
    """
    for check in checks:
        if not check.passes:
            return Blocked(check.filter, float(check.value), float(check.limit))
    return None
