"""Where bars come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tradewright.domain.actions import CorporateAction
from tradewright.domain.bars import Bars


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What to ask a source for."""

    symbols: tuple[str, ...]
    interval: str = "1h"
    period: str | None = "1y"
    start_ns: int | None = None
    end_ns: int | None = None


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What a source answered: bars of the symbols that worked, a reason for each that did not.

    `stamp` says what the source puts on a bar (``close``, ``open`` or ``session_date``, midnight
    UTC of the date); the use case that asked turns it into the close. `actions` are the splits
    and dividends of the span, dividends as they were paid.
    """

    bars: Bars | None
    failures: Mapping[str, str]
    notes: tuple[str, ...] = ()
    actions: tuple[CorporateAction, ...] = ()
    stamp: str = "close"


@dataclass(frozen=True, slots=True)
class FeedInfo:
    """What a source offers, for people: intervals and how far back each goes, limits, keys."""

    name: str
    summary: str
    intervals: Mapping[str, str]
    periods: tuple[str, ...] = ()
    limits: str = ""
    needs: str = ""
    ready: bool = True


class HistoryFeed(Protocol):
    """A source of past bars."""

    name: str

    def fetch_bars(self, request: FetchRequest) -> FetchResult:
        """Return bars; a symbol without data is a failure with its reason, never an empty frame."""
        ...

    def describe(self) -> FeedInfo:
        """Return what the source offers; calls nothing."""
        ...


class BarFeed(Protocol):
    """Bars one after the other, as the engine sees them."""

    def rows(self) -> Iterator[int]:
        """Yield the row of each bar of `bars` when it is known; ends when the tape or run ends."""
        ...

    @property
    def bars(self) -> Bars:
        """The tape; rows after the last one yielded must not be looked at."""
        ...


Symbols = Sequence[str]
