"""Writes a session down before the next step depends on it, and checks a recovery against it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tradewright.domain.bars import Bars
from tradewright.domain.currencies.worth import WORTH_UNIT, worth_of
from tradewright.domain.errors import LedgerError
from tradewright.domain.orders import Fill, Order, OrderEvent
from tradewright.domain.signals import Signal
from tradewright.ledger import LedgerEntry
from tradewright.ledger.entries import fill_to_json
from tradewright.ports.broker import AccountState
from tradewright.ports.clock import Clock
from tradewright.ports.journal import LedgerStore
from tradewright.services.paper import events as e
from tradewright.services.paper.outbox import SignalNews

FLUSH_NS: Final = 200_000_000
FLUSH_ROWS: Final = 400
Event = tuple[str, int, Mapping[str, Any]]


class JournalRecorder:
    """The engine's recorder over a journal.

    Parameters
    ----------
    journal : LedgerStore
        Where events become durable.
    stream : str
        Stream of the session.
    bars : Bars
        The tape.
    clock : Clock
        Paces the writing of marks.
    expected : sequence of (str, mapping)
        Durable events of an earlier life of the session, in order. The run is deterministic, so
        it must produce each of them again; they are compared, not written twice.
    last_mark : int
        Last row whose mark is written already.
    currency : str
        Of the account.

    Notes
    -----
    Intents and results are one transaction each and durable when the method returns. Marks
    (the account after a bar) follow from them and are written in groups.
    """

    def __init__(
        self,
        journal: LedgerStore,
        stream: str,
        bars: Bars,
        clock: Clock,
        *,
        expected: Sequence[tuple[str, Mapping[str, Any]]] = (),
        last_mark: int = -1,
        currency: str = "USD",
    ) -> None:
        self._journal, self._stream, self._bars, self._clock = journal, stream, bars, clock
        self._worth = worth_of(bars, currency)
        self._expected = deque(expected)
        self._last_mark = last_mark
        self._marks: list[Event] = []
        self._ordered: set[str] = set()
        self.signals: list[Signal] = []
        """What the strategy decided since the last bar; stored before anything comes of it."""
        self._news = SignalNews()
        self._flushed_ns = clock.now_ns()

    @property
    def is_recovering(self) -> bool:
        """Whether events of the earlier life are still to come."""
        return bool(self._expected)

    def intents(self, row: int, orders: Sequence[Order]) -> None:
        """Make intents durable, after their signals; see `tradewright.engine.Recorder`."""
        self._store_signals(row)
        ts = int(self._bars.ts[row])
        self._ordered.update(order.symbol for order in orders)
        self._write([(e.INTENT, ts, {"row": row, "order": e.order_to_json(o)}) for o in orders])

    def results(
        self,
        row: int,
        fills: Sequence[Fill],
        events: Sequence[OrderEvent],
        entries: Sequence[LedgerEntry],
    ) -> None:
        """Make what the venue reported and what was booked durable, in one transaction."""
        ts = int(self._bars.ts[row])
        rows: list[Event] = [
            (e.FILL, ts, {"row": row, "fill": fill_to_json(fill)}) for fill in fills
        ]
        rows += [(e.ORDER, ts, {"row": row, "event": e.event_to_json(event)}) for event in events]
        rows += [(e.POSTING, ts, {"row": row, "entry": entry.to_json()}) for entry in entries]
        self._write(rows)

    def alert(self, ts: int, kind: str, details: Mapping[str, Any]) -> None:
        """Make durable what a strategy tells: a trigger, a plan, a deferral, a completion."""
        row = int(self._bars.ts.searchsorted(ts))
        self._write([(e.ALERT, ts, {"row": row, "kind": kind, **details})])

    def restated(self, row: int, orders: Sequence[Order]) -> None:
        """Make durable how a corporate action left orders that rest."""
        ts = int(self._bars.ts[row])
        self._write([(e.RESTATED, ts, {"row": row, "order": e.order_to_json(o)}) for o in orders])

    def bar_done(self, row: int, account: AccountState) -> None:
        """Keep the account after a bar; written within a fraction of a second."""
        self._store_signals(row)
        if row > self._last_mark:
            prices = {
                symbol: float(self._bars.close[row, self._bars.column(symbol)])
                for symbol, qty in account.positions.items()
                if qty
            }
            prices |= self._asked(row)
            payload = {
                "row": row,
                "cash_minor": int(account.cash_minor),
                "equity_minor": int(account.equity_minor),
                "unsettled_minor": int(account.unsettled_minor),
                "prices": {s: px for s, px in prices.items() if px == px},  # noqa: PLR0124
            }
            if self._worth is not None:
                line = self._worth.at(row) / WORTH_UNIT
                payload["worths"] = {s: float(line[self._bars.column(s)]) for s in prices}
            self._marks.append((e.MARK, int(self._bars.ts[row]), payload))
            self._last_mark = row
        late = self._clock.now_ns() - self._flushed_ns >= FLUSH_NS
        if self._marks and (late or len(self._marks) >= FLUSH_ROWS):
            self.note()

    def _asked(self, row: int) -> dict[str, float]:
        # What orders of this bar may cost is known at its closes.
        found = {s: float(self._bars.close[row, self._bars.column(s)]) for s in self._ordered}
        self._ordered.clear()
        return found

    def note(self, *events: Event) -> None:
        """Write what is waiting, and these events after it, in one transaction."""
        rows, self._marks = [*self._marks, *events], []
        if rows:
            self._journal.append(self._stream, rows)
        self._flushed_ns = self._clock.now_ns()

    def _store_signals(self, row: int) -> None:
        if self.signals:
            ts = int(self._bars.ts[row])
            fresh = [s.to_dict() for s in self.signals if self._news.is_news(s)]
            self.signals.clear()
            self._write([(e.SIGNAL, ts, {"row": row, "signal": signal}) for signal in fresh])

    def _write(self, rows: list[Event]) -> None:
        while rows and self._expected:
            kind, ts, payload = rows.pop(0)
            known_kind, known = self._expected.popleft()
            if (kind, payload) != (known_kind, known):
                raise LedgerError(
                    f"journal {self._stream}: the recovery made {kind} {payload}, "
                    f"but the record of {ts} says {known_kind} {dict(known)}"
                )
        if rows:
            self.note(*rows)
