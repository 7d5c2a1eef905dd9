"""The journal's recorder that also tells subscribers of the bus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tradewright.domain.bars import Bars
from tradewright.services.paper import events as e
from tradewright.services.paper.recorder import Event, JournalRecorder
from tradewright.services.paper.state import SessionState
from tradewright.services.workspace import Workspace

QUIET_NS: Final = 50_000_000  # at most 20 notices of equity and positions a second


class PublishingRecorder(JournalRecorder):
    """Publishes what was written: ``paper.status order fill position equity``.

    Parameters
    ----------
    workspace : Workspace
        Journal, bus and clock.
    session_id : str
        The session.
    bars : Bars
        The tape.
    expected, last_mark
        See `JournalRecorder`.

    Notes
    -----
    A notice follows the durable write and is never needed for the truth: every value in it can be
    read from the journal. Payloads are those of `PaperTrading`'s methods.
    """

    def __init__(
        self,
        workspace: Workspace,
        session_id: str,
        bars: Bars,
        *,
        expected: Sequence[tuple[str, Mapping[str, Any]]] = (),
        last_mark: int = -1,
    ) -> None:
        super().__init__(
            workspace.journal,
            f"paper:{session_id}",
            bars,
            workspace.clock,
            expected=expected,
            last_mark=last_mark,
        )
        self._bus = workspace.bus
        self._state = SessionState(session_id)
        for entry in workspace.journal.read(self._stream):
            self._state.apply(entry)
        self._told_ns = 0

    def note(self, *events: Event) -> None:
        """Write, then tell."""
        super().note(*events)
        state = self._state
        fresh = list(self._journal.read(self._stream, after_seq=state.seq))
        for entry in fresh:
            state.apply(entry)
        kinds = {entry.kind for entry in fresh}
        for entry in fresh:
            self._tell_of(entry.kind, entry.payload)
            if entry.kind == e.MARK:
                mark = (entry.ts_event, entry.payload["equity_minor"], entry.payload["cash_minor"])
                self._bus.publish("paper.equity", state.equity_row(mark))
        now = self._clock.now_ns()
        if now - self._told_ns >= QUIET_NS or kinds & {e.STATUS, e.ENDED}:
            self._told_ns = now
            self._bus.publish("paper.status", state.status())
            for position in state.positions():
                self._bus.publish("paper.position", position)

    def _tell_of(self, kind: str, payload: Mapping[str, Any]) -> None:
        state = self._state
        if kind == e.FILL:
            fill = state.fills_by_id[payload["fill"]["execution_id"]]
            self._bus.publish("paper.fill", state.fill_row(fill))
            if not state.ledger.position(fill.symbol):
                self._bus.publish("paper.position", state.closed_row(fill.symbol))
        order_id = _order_of(kind, payload)
        if order_id in state.orders:
            self._bus.publish("paper.order", state.order_row(state.orders[order_id]))


def _order_of(kind: str, payload: Mapping[str, Any]) -> str:
    if kind == e.INTENT:
        return str(payload["order"]["client_order_id"])
    if kind == e.ORDER:
        return str(payload["event"]["client_order_id"])
    return str(payload["fill"]["client_order_id"]) if kind == e.FILL else ""
