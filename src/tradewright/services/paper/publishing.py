"""The journal's recorder that also tells subscribers of the bus."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tradewright.domain.bars import Bars
from tradewright.domain.money import minor_exponent
from tradewright.services.paper import events as e
from tradewright.services.paper.feed import REBALANCE
from tradewright.services.paper.outbox import SignalOutbox
from tradewright.services.paper.recorder import Event, JournalRecorder
from tradewright.services.paper.state import SessionState, moment
from tradewright.services.workspace import Workspace

QUIET_NS: Final = 50_000_000  # at most 20 notices of equity and positions a second


@dataclass(slots=True)
class _Rebalance:
    # A rebalance that was ordered, until its orders are done.
    row: int
    reason: str
    symbols: set[str]
    orders: set[str] = field(default_factory=set)
    is_reached: bool = False


class PublishingRecorder(JournalRecorder):
    """Publishes what was written: ``paper.status order fill position equity``, ``signals``.

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
        currency: str = "USD",
    ) -> None:
        super().__init__(
            workspace.journal,
            f"paper:{session_id}",
            bars,
            workspace.clock,
            expected=expected,
            last_mark=last_mark,
            currency=currency,
        )
        self._bus = workspace.bus
        self._state = SessionState(session_id)
        for entry in workspace.journal.read(self._stream):
            self._state.apply(entry)
        board = workspace.board
        self._outbox = (
            SignalOutbox(workspace.journal, session_id, board, workspace.clock) if board else None
        )
        self._told_ns = 0
        self._rebalance: _Rebalance | None = None

    def about(self) -> tuple[dict[str, Any], list[float]]:
        """Return the status line of the session and its equity at each bar, major units."""
        state = self._state
        per_major = 10 ** minor_exponent(state.currency)
        return state.status(), [equity / per_major for _, equity, _ in state.marks]

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
            self._follow_rebalance(entry.kind, entry.payload)
            if entry.kind == e.MARK:
                mark = (entry.ts_event, entry.payload["equity_minor"], entry.payload["cash_minor"])
                self._bus.publish("paper.equity", state.equity_row(mark))
        if self._outbox is not None:
            self._outbox.deliver(at_once=e.ENDED in kinds)
        now = self._clock.now_ns()
        if now - self._told_ns >= QUIET_NS or kinds & {e.STATUS, e.ENDED}:
            self._told_ns = now
            self._bus.publish("paper.status", state.status())
            for position in state.positions():
                self._bus.publish("paper.position", position)

    def _follow_rebalance(self, kind: str, payload: Mapping[str, Any]) -> None:
        # A rebalance by command is complete when the orders it became are done.
        if kind == e.COMMAND and str(payload["name"]).startswith(REBALANCE):
            wanted = json.loads(str(payload["name"]).removeprefix(REBALANCE))
            self._rebalance = _Rebalance(
                int(payload["row"]), str(payload.get("reason", "")), set(wanted)
            )
            return
        followed, orders = self._rebalance, self._state.orders
        if followed is None:
            return
        if kind == e.INTENT and payload["order"]["symbol"] in followed.symbols:
            followed.orders.add(str(payload["order"]["client_order_id"]))
        followed.is_reached |= kind == e.MARK and int(payload["row"]) > followed.row
        if followed.is_reached and all(not orders[name].leaves_qty for name in followed.orders):
            self._rebalance = None
            told = {"kind": "completion", "account": "paper", "message": followed.reason}
            self._bus.publish("portfolio.rebalance", {**told, "orders": len(followed.orders)})

    def _tell_of(self, kind: str, payload: Mapping[str, Any]) -> None:
        state = self._state
        if kind == e.FILL:
            fill = state.fills_by_id[payload["fill"]["execution_id"]]
            self._bus.publish("paper.fill", state.fill_row(fill))
            if not state.ledger.position(fill.symbol):
                self._bus.publish("paper.position", state.closed_row(fill.symbol))
        if kind == e.SIGNAL:
            self._bus.publish("signals", payload["signal"])
            return
        if kind == e.ALERT:
            told = {k: v for k, v in payload.items() if k != "row"}
            told["at"] = moment(int(self._bars.ts[payload["row"]]))
            self._bus.publish("portfolio.rebalance", {"account": "paper", **told})
            return
        order_id = _order_of(kind, payload)
        if order_id in state.orders:
            self._bus.publish("paper.order", state.order_row(state.orders[order_id]))


def _order_of(kind: str, payload: Mapping[str, Any]) -> str:
    if kind == e.INTENT:
        return str(payload["order"]["client_order_id"])
    if kind == e.ORDER:
        return str(payload["event"]["client_order_id"])
    return str(payload["fill"]["client_order_id"]) if kind == e.FILL else ""
