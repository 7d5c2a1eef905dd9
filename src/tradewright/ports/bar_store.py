"""Where bars are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tradewright.domain.actions import CorporateAction
from tradewright.domain.bars import Bars


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """What is stored of one symbol from one source at one interval."""

    symbol: str
    source: str
    interval: str
    first_ts: int
    last_ts: int
    rows: int
    adjustment: str
    calendar: str = "XNYS"
    sector: str = ""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """Counts of one write: rows in = inserted + revised + unchanged + quarantined."""

    inserted: int
    revised: int
    unchanged: int
    quarantined: int
    dataset_id: str


class BarStore(Protocol):
    """Stored bars: written once, revised by addition, read as of a time."""

    def write(self, bars: Bars, *, ts_known: int, query: str = "") -> WriteResult:
        """Store bars; equal rows are counted as unchanged, different ones become revisions.

        Parameters
        ----------
        bars : Bars
            Valid bars; invalid rows were quarantined before.
        ts_known : int
            UTC nanoseconds at which these values became known.
        query : str
            What was asked of the source, for the dataset record.
        """
        ...

    def read(
        self,
        symbols: Sequence[str],
        *,
        interval: str = "1d",
        start_ns: int | None = None,
        end_ns: int | None = None,
        as_of_ns: int | None = None,
        source: str | None = None,
    ) -> Bars:
        """Return the bars with ``start <= ts < end`` as they were known at `as_of_ns`.

        Raises
        ------
        NoDataError
            Naming the symbols that are not stored, with the nearest known ones.
        """
        ...

    def list_series(self) -> list[SeriesInfo]:
        """Return what is stored, sorted by symbol, source and interval."""
        ...

    def datasets(self) -> list[dict[str, Any]]:
        """Return the record of every data set that changed the store, oldest first."""
        ...

    def write_actions(self, actions: Sequence[CorporateAction]) -> int:
        """Store corporate actions; return how many were new."""
        ...

    def read_actions(
        self, symbols: Sequence[str] | None = None, *, as_of_ns: int | None = None
    ) -> tuple[CorporateAction, ...]:
        """Return the stored actions of some symbols, as known at a time, oldest first."""
        ...
