"""Replay the window of a paper session through the engine and say where it went otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.domain.currencies.worth import WORTH_UNIT, worth_of
from tradewright.domain.errors import ConfigError, RefusedError, nearest
from tradewright.domain.money import from_minor
from tradewright.domain.orders import DenyReason, Fill, Order, OrderEvent
from tradewright.engine import run_loop
from tradewright.ledger import LedgerEntry
from tradewright.ports.broker import AccountState
from tradewright.services.backtest import TapeFeed, loop_setup, open_venue
from tradewright.services.backtest_plan import BacktestPlan
from tradewright.services.beside.parity import ParityReport, TradeRecord, compare_records
from tradewright.services.paper import events as e
from tradewright.services.paper.feed import REBALANCE
from tradewright.services.paper.session import plan_session, session_stream, tell_limits
from tradewright.services.paper.sources import PaperSource, resolve_source
from tradewright.services.paper.state import SessionState
from tradewright.services.risk.following import PREFIX
from tradewright.services.risk.guarding import PAPER, guard_for
from tradewright.services.workspace import Workspace, current_workspace


def parity(session_id: str = "latest", workspace: Workspace | None = None) -> ParityReport:
    """Lay a paper session beside a backtest of the same window.

    Parameters
    ----------
    session_id : str
        A session, or ``latest``.
    workspace : Workspace, optional
        The default one unless given.

    Returns
    -------
    ParityReport
        Each difference with its cause, the profit gap by cause.

    Raises
    ------
    ConfigError
        If there is no such session.
    RefusedError
        If it has not seen a bar yet.
    """
    space = workspace if workspace is not None else current_workspace()
    state, manual_row = _read(space, _chosen(space, session_id))
    if state.row < 0:
        raise RefusedError(f"paper session {state.session_id} has not seen a bar yet")
    source, plan = _plan(space, state)
    traded = _traded(state, plan.bars)
    return compare_records(
        state.session_id,
        traded,
        _replayed(plan, source.bars.data_version),
        manual_from_ns=None if manual_row is None else int(plan.bars.ts[manual_row]),
    )


def _chosen(workspace: Workspace, session_id: str) -> str:
    streams = workspace.journal.streams()
    known = [name.removeprefix("paper:") for name in streams if name.startswith("paper:")]
    if not known:
        raise ConfigError(
            "no paper session was started yet; start one with: tradewright paper start"
        )
    if session_id == "latest":
        return known[-1]
    if session_id not in known:
        raise ConfigError(
            f"paper session {session_id!r} is not known; {nearest(session_id, known)}"
        )
    return session_id


def _read(workspace: Workspace, session_id: str) -> tuple[SessionState, int | None]:
    # The session so far, and the first row at which a person interfered.
    state, manual_row = SessionState(session_id), None
    for entry in workspace.journal.read(session_stream(session_id)):
        state.apply(entry)
        if entry.kind == e.COMMAND and manual_row is None and _interferes(entry.payload["name"]):
            manual_row = int(entry.payload["row"])
    return state, manual_row


def _interferes(command: str) -> bool:
    return command in ("pause", "flatten") or command.startswith((PREFIX, REBALANCE))


def _plan(workspace: Workspace, state: SessionState) -> tuple[PaperSource, BacktestPlan]:
    # The session's plan again, cut behind the last bar it saw.
    begun = state.started
    spec = begun["spec"]
    given = spec if spec["kind"] == "strategy" else {}
    source = resolve_source(
        workspace,
        spec.get("run_id", spec["source"]),
        symbols=given.get("symbols"),
        parameters=given.get("parameters"),
    )
    plan = plan_session(
        source,
        session_id=state.session_id,
        cash=float(from_minor(begun["cash_minor"], begun["currency"])),
        first=_day(begun["start_date"]),
        last=_day(begun["end_date"]),
    )
    seen = min(state.row + 1, plan.bars.n_bars)
    return source, replace(plan, bars=plan.bars.rows(0, seen))


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _traded(state: SessionState, bars: Bars) -> TradeRecord:
    return TradeRecord(
        orders=[tracked.order for tracked in state.orders.values()],
        refused=dict(state.reasons),
        fills=list(state.fills),
        initial_minor=int(state.started["cash_minor"]),
        cash_minor=state.cash_minor,
        equity_minor=state.equity_minor,
        marks={
            **_closes(bars, state.currency),
            **{s: state.prices[s] * state.worths.get(s, 1.0) for s in _held(state)},
        },
        data_version=state.started["data_version"],
        currency=state.currency,
    )


def _held(state: SessionState) -> list[str]:
    holdings = state.ledger.holdings.items()
    return [symbol for symbol, held in holdings if held.qty and symbol in state.prices]


def _closes(bars: Bars, currency: str) -> dict[str, float]:
    # What the last close that each instrument has is worth.
    found, worth = {}, worth_of(bars, currency)
    line = np.ones(bars.n_instruments) if worth is None else worth.at(bars.n_bars - 1) / WORTH_UNIT
    for column, symbol in enumerate(bars.symbols):
        known = bars.close[:, column][bars.close[:, column] == bars.close[:, column]]
        if known.size:
            found[symbol] = float(known[-1] * line[column])
    return found


def _replayed(plan: BacktestPlan, data_version: str) -> TradeRecord:
    venue, kept = open_venue(plan), _Kept()
    feed, guard = TapeFeed(plan.bars.n_bars), guard_for(plan, account=PAPER)
    tell_limits(plan.what, guard)
    run_loop(loop_setup(plan, venue, feed, recorder=kept, guard=guard))
    account = kept.account or venue.account()
    return TradeRecord(
        orders=kept.orders,
        refused=kept.refused,
        fills=kept.fills,
        initial_minor=plan.cash_minor,
        cash_minor=account.cash_minor,
        equity_minor=account.equity_minor,
        marks=_closes(plan.bars, plan.config.currency),
        data_version=data_version,
        currency=plan.config.currency,
    )


class _Kept:
    """A recorder that only remembers."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        self.refused: dict[str, str] = {}
        self.account: AccountState | None = None

    def intents(self, row: int, orders: Sequence[Order]) -> None:
        """Keep what was sent."""
        self.orders += orders

    def results(
        self,
        row: int,
        fills: Sequence[Fill],
        events: Sequence[OrderEvent],
        entries: Sequence[LedgerEntry],
    ) -> None:
        """Keep what was filled and refused."""
        self.fills += fills
        for event in events:
            if event.reason is not DenyReason.NONE:
                self.refused[event.client_order_id] = event.reason.name

    def restated(self, row: int, orders: Sequence[Order]) -> None:
        """Keep orders as the session's record does: as a corporate action left them."""
        now = {order.client_order_id: order for order in orders}
        self.orders = [now.get(order.client_order_id, order) for order in self.orders]

    def bar_done(self, row: int, account: AccountState) -> None:
        """Keep the account; the last one counts."""
        self.account = account


def as_document(report: ParityReport) -> dict[str, Any]:
    """Return a report as plain values; gaps as decimal text, times as RFC 3339 UTC."""
    from tradewright.services.paper.state import moment

    def money(minor: int) -> str:
        return str(from_minor(minor, report.currency))

    return {
        "session_id": report.name,
        "profit_gap": money(report.gap_minor),
        "gap_by_cause": {cause.value: money(gap) for cause, gap in report.gaps.items()},
        "fills_traded": report.fills_traded,
        "fills_replayed": report.fills_replayed,
        "matched_share": report.matched_share,
        "mean_gap_bps": report.mean_gap_bps,
        "p95_gap_bps": report.p95_gap_bps,
        "slippage_modelled_bps": report.slippage_modelled_bps,
        "slippage_realised_bps": report.slippage_realised_bps,
        "unexplained": report.unexplained,
        "differences": [
            {
                "cause": found.cause.value,
                "symbol": found.symbol,
                "decided_at": moment(found.decided_ns) if found.decided_ns else None,
                "what": found.what,
                "gap": money(round(found.gap)),
            }
            for found in report.differences
        ],
    }
