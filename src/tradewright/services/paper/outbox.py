"""Signals leave through an outbox: stored first, shown after it, never lost in between."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from tradewright.domain.errors import TransientEdgeError
from tradewright.domain.signals import Action, Signal
from tradewright.domain.time import NS_PER_SECOND
from tradewright.ports.clock import Clock
from tradewright.ports.journal import LedgerStore
from tradewright.ports.signal_board import SignalBoard
from tradewright.services.paper import events as e

LOG = logging.getLogger("tradewright.signals")
DELIVERED: Final = "delivered"
FIRST_PAUSE_NS, LONGEST_PAUSE_NS = NS_PER_SECOND, 60 * NS_PER_SECOND
LEAST_TTL_S: Final = 60


def cursor_stream(session_id: str) -> str:
    """Return the journal stream that says how far a session's signals were shown."""
    return f"signals-shown:{session_id}"


class SignalOutbox:
    """Shows the stored signals of a session on a board, in order, each at least once.

    Parameters
    ----------
    journal : LedgerStore
        Holds the signals and how far they were shown.
    session_id : str
        The session.
    board : SignalBoard
        Where they are shown.
    clock : Clock
        Paces the tries while the board does not answer.
    """

    def __init__(
        self, journal: LedgerStore, session_id: str, board: SignalBoard, clock: Clock
    ) -> None:
        self._journal, self._board, self._clock = journal, board, clock
        self._stream, self._cursor = f"paper:{session_id}", cursor_stream(session_id)
        self._shown = 0
        for entry in journal.read(self._cursor):
            self._shown = int(entry.payload["seq"])
        self._pause_ns = 0
        self._next_ns = 0

    @property
    def pending(self) -> int:
        """Signals stored that were not shown yet."""
        rows = self._journal.read(self._stream, after_seq=self._shown)
        return sum(row.kind == e.SIGNAL for row in rows)

    def deliver(self, *, at_once: bool = False) -> int:
        """Show what is stored and was not shown; return how many were.

        Parameters
        ----------
        at_once : bool
            Whether to try although the board did not answer a moment ago.

        Returns
        -------
        int
            0 while the board does not answer: what is stored stays stored, and is tried again.
        """
        now = self._clock.now_ns()
        if now < self._next_ns and not at_once:
            return 0
        count, last = 0, self._shown
        try:
            for row in self._journal.read(self._stream, after_seq=self._shown):
                if row.kind == e.SIGNAL:
                    signal = row.payload["signal"]
                    self._board.put(signal, ttl_s=seconds_of(signal))
                    count, last = count + 1, row.seq
        except TransientEdgeError as error:
            if not self._pause_ns:
                LOG.warning("signals are stored but not shown: %s", error)
            self._pause_ns = min(max(2 * self._pause_ns, FIRST_PAUSE_NS), LONGEST_PAUSE_NS)
            self._next_ns = now + self._pause_ns
        else:
            self._pause_ns = self._next_ns = 0
        if last > self._shown:
            self._journal.append(self._cursor, [(DELIVERED, now, {"seq": last})])
            self._shown = last
        return count


class SignalNews:
    """Which signals of a session are worth storing: orders to act, and what ends them."""

    def __init__(self) -> None:
        self._standing: dict[str, Action] = {}

    def is_news(self, signal: Signal) -> bool:
        """Return whether a signal says to act, or to act no more; repeated HOLDs do not."""
        before = self._standing.get(signal.symbol, Action.HOLD)
        self._standing[signal.symbol] = signal.action
        return signal.action is not Action.HOLD or before is not Action.HOLD


def seconds_of(signal: Mapping[str, Any]) -> int:
    """Return how long a signal holds, from when it was known: a replayed one too."""
    from datetime import datetime

    first = datetime.fromisoformat(signal["timestamp"])
    last = datetime.fromisoformat(signal["expires_at"])
    return max(LEAST_TTL_S, round((last - first).total_seconds()))


def newest_signals(
    journal: LedgerStore, session_id: str | None, *, limit: int = 20
) -> list[dict[str, Any]]:
    """Return the newest stored signals of a session, oldest first."""
    if not session_id:
        return []
    rows = [
        dict(row.payload["signal"])
        for row in journal.read(f"paper:{session_id}")
        if row.kind == e.SIGNAL
    ]
    return rows[-limit:]
