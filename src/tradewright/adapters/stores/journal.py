"""The durable record of paper and live accounts, and its twin in memory."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from tradewright.adapters.stores.database import journal, writing
from tradewright.domain.errors import LedgerError
from tradewright.ports.journal import JournalEntry

Event = tuple[str, int, Mapping[str, Any]]

_GUARDS: Final = {
    f"journal_no_{verb.lower()}": (
        f"CREATE TRIGGER IF NOT EXISTS journal_no_{verb.lower()} BEFORE {verb} ON journal "
        "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
    )
    for verb in ("UPDATE", "DELETE")
}
_PAGE: Final = 5_000


class SqliteJournal:
    """Events in the journal table: one transaction for each append, nothing ever changed.

    Parameters
    ----------
    engine : Engine
        From `tradewright.adapters.stores.database.open_database`.

    Notes
    -----
    An append takes the write lock before it reads the last number of the stream, so that two
    writers, also in two processes, never make a gap or the same number. When `append` returns,
    the events are on the disk. Triggers refuse UPDATE and DELETE.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_guarded = False

    def append(self, stream: str, events: Sequence[Event]) -> int:
        """Append ``(kind, ts_event, payload)`` rows in one transaction.

        Parameters
        ----------
        stream : str
            Name of the account or session.
        events : sequence of (str, int, mapping)
            Kind, UTC nanoseconds, and values that JSON can hold.

        Returns
        -------
        int
            Number of the last event of the stream, from 1 without gaps.

        Raises
        ------
        LedgerError
            If a payload is not JSON; nothing was written.
        EdgeError
            If the disk is full or the database stays locked.
        """
        for kind, _, payload in events:
            _check_json(stream, kind, payload)
        with writing(self._engine) as connection:
            self._guard(connection)
            last = connection.execute(
                sa.select(sa.func.max(journal.c.stream_seq)).where(journal.c.stream == stream)
            ).scalar()
            number = int(last or 0)
            rows = [
                {
                    "stream": stream,
                    "stream_seq": number + offset,
                    "kind": kind,
                    "ts_event": int(ts_event),
                    "payload": dict(payload),
                }
                for offset, (kind, ts_event, payload) in enumerate(events, start=1)
            ]
            if rows:
                connection.execute(sa.insert(journal), rows)
        return number + len(rows)

    def read(self, stream: str, *, after_seq: int = 0) -> Iterator[JournalEntry]:
        """Yield the events of a stream in order, from number ``after_seq + 1`` on."""
        while True:
            query = (
                sa.select(
                    journal.c.stream_seq, journal.c.kind, journal.c.ts_event, journal.c.payload
                )
                .where(journal.c.stream == stream, journal.c.stream_seq > after_seq)
                .order_by(journal.c.stream_seq)
                .limit(_PAGE)
            )
            with self._engine.connect() as connection:
                rows = connection.execute(query).all()
            for number, kind, ts_event, payload in rows:
                yield JournalEntry(number, stream, kind, ts_event, payload)
            if len(rows) < _PAGE:
                return
            after_seq = rows[-1][0]

    def streams(self) -> Sequence[str]:
        """Return the names of all streams, in order of their first event."""
        query = (
            sa.select(journal.c.stream)
            .group_by(journal.c.stream)
            .order_by(sa.func.min(journal.c.seq))
        )
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def _guard(self, connection: sa.Connection) -> None:
        if not self._is_guarded and connection.dialect.name == "sqlite":
            for statement in _GUARDS.values():
                connection.exec_driver_sql(statement)
        self._is_guarded = True


class MemoryJournal:
    """The same contract without a disk; for tests and for runs that are exported at the end."""

    def __init__(self) -> None:
        self._streams: dict[str, list[JournalEntry]] = {}
        self._lock = Lock()

    def append(self, stream: str, events: Sequence[Event]) -> int:
        """Append events; see `SqliteJournal.append`."""
        for kind, _, payload in events:
            _check_json(stream, kind, payload)
        with self._lock:
            known = self._streams.get(stream, [])
            made = [
                JournalEntry(len(known) + i, stream, kind, int(ts), copy.deepcopy(dict(payload)))
                for i, (kind, ts, payload) in enumerate(events, start=1)
            ]
            if made:
                self._streams[stream] = [*known, *made]
            return len(known) + len(made)

    def read(self, stream: str, *, after_seq: int = 0) -> Iterator[JournalEntry]:
        """Yield the events of a stream in order, from number ``after_seq + 1`` on."""
        yield from self._streams.get(stream, [])[after_seq:]

    def streams(self) -> Sequence[str]:
        """Return the names of all streams, in order of their first event."""
        return list(self._streams)


def _check_json(stream: str, kind: str, payload: Mapping[str, Any]) -> None:
    try:
        json.dumps(payload, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise LedgerError(f"journal {stream}: payload of {kind} is not JSON: {error}") from error
