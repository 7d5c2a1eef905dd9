"""The append-only record of a paper or live account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One event: what happened, when, in which stream."""

    seq: int
    stream: str
    kind: str
    ts_event: int
    payload: Mapping[str, Any]


class LedgerStore(Protocol):
    """Events in order; state is their fold."""

    def append(self, stream: str, events: Sequence[tuple[str, int, Mapping[str, Any]]]) -> int:
        """Append ``(kind, ts_event, payload)`` rows in one transaction; return the last seq."""
        ...

    def read(self, stream: str, *, after_seq: int = 0) -> Iterator[JournalEntry]:
        """Yield the events of a stream in order."""
        ...

    def streams(self) -> Sequence[str]:
        """Return the names of all streams."""
        ...
