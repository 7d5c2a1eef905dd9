"""The paper account beside its limits, and what must be clean before it is released."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from tradewright.domain.instruments import Instrument
from tradewright.domain.money import QTY_UNIT
from tradewright.domain.time import to_ns
from tradewright.risk.control import Change, Layer, LimitTable
from tradewright.services.risk.control import RiskControl
from tradewright.services.risk.limits import StoredLimits
from tradewright.services.risk.telling import (
    EVENT,
    STATUS,
    recent_events,
    standing,
    switch_status,
)

if TYPE_CHECKING:
    from tradewright.services.paper import PaperTrading
    from tradewright.services.workspace import Workspace

RUNNING = ("STARTING", "RUNNING", "PAUSED")


def control_of(workspace: Workspace) -> RiskControl:
    """Return the durable switch of a data directory."""
    return RiskControl(workspace.journal, workspace.data_dir, workspace.clock)


def risk_status(workspace: Workspace, paper: PaperTrading) -> dict[str, Any]:
    """Return what is halted and why, and how far the paper account is from its limits.

    Parameters
    ----------
    workspace : Workspace
        Its record of risk.
    paper : PaperTrading
        The paper account.

    Returns
    -------
    dict
        JSON-ready: ``scopes, alerts, is_halted_by_file, changes, paper``; figures that are not
        known are None.
    """
    return {**switch_status(control_of(workspace)), "paper": _paper(workspace, paper)}


def risk_events(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the halts, reductions and releases on the record, newest first."""
    return recent_events(control_of(workspace))


def order(
    workspace: Workspace, paper: PaperTrading, verb: str, scope: str, *, actor: str, reason: str
) -> Change:
    """Reduce, halt or flatten a scope; also without a running session.

    Parameters
    ----------
    workspace, paper
        As in `risk_status`.
    verb : str
        ``reduce``, ``halt`` or ``flatten``.
    scope, actor, reason : str
        See `RiskControl.order`.

    Returns
    -------
    Change
        What is on the record now.
    """
    control = control_of(workspace)
    change = control.order(verb, scope, actor=actor, reason=reason)
    if verb == "flatten" and paper.status()["state"] not in RUNNING:
        change = control.flattened(scope) or change  # nothing runs, nothing is there to close
    _tell(workspace, paper)
    return change


def rearm(
    workspace: Workspace,
    paper: PaperTrading,
    scope: str,
    *,
    actor: str,
    reason: str,
    reset_high_water: bool = False,
) -> Change:
    """Release a scope after a check of the books; see `RiskControl.rearm`."""
    change = control_of(workspace).rearm(
        scope,
        actor=actor,
        reason=reason,
        differences=differences_of(paper),
        reset_high_water=reset_high_water,
    )
    _tell(workspace, paper)
    return change


def differences_of(paper: PaperTrading) -> list[str]:
    """Return what keeps the paper account from being clean; empty where all is well."""
    line = paper.status()
    if line.get("is_interrupted"):
        return [f"session {line['session_id']} was interrupted; resume or stop it first"]
    held = {row["symbol"]: row["quantity"] for row in paper.positions()}
    booked: dict[str, float] = {}
    for fill in paper.fills():
        sign = 1.0 if fill["side"] == "BUY" else -1.0
        booked[fill["symbol"]] = booked.get(fill["symbol"], 0.0) + sign * float(fill["quantity"])
    return [
        f"{symbol}: the book has {held.get(symbol, '0')}, its fills {booked.get(symbol, 0.0):g}"
        for symbol in sorted({*held, *booked})
        if abs(float(held.get(symbol, 0.0)) - booked.get(symbol, 0.0)) > 0.5 / QTY_UNIT
    ]


def _paper(workspace: Workspace, paper: PaperTrading) -> dict[str, Any] | None:
    line = paper.status()
    if not line["session_id"]:
        return None
    begun = next(iter(workspace.journal.read(f"paper:{line['session_id']}"))).payload
    made = begun.get("risk") or {"profile": None, "limits": {}, "strategy": "", "instruments": {}}
    stored = StoredLimits(workspace.journal, workspace.clock).current()
    table = LimitTable.of(made["limits"]).merged(stored.table)
    instruments = {
        symbol: Instrument(symbol, sector=sector, currency=currency)
        for symbol, (sector, currency) in made["instruments"].items()
    }
    layer = Layer(table, instruments, currency=line["currency"])
    layer.size_down = _factors(workspace)
    scopes = [
        layer.scope(name) for name in (f"strategy:{made['strategy']}", "account:paper", "portfolio")
    ]
    curve = paper.equity()
    for scope in scopes:
        for row in curve:
            moment = to_ns(datetime.fromisoformat(row["at"].replace("Z", "+00:00")))
            scope.losses.mark(moment, round(float(row["equity"]) * 10**layer.exponent))
        scope.equity = float(line["equity"])
        for row in paper.positions():
            layer.prices[row["symbol"]] = row["price"]
            scope.book.place(row["symbol"], round(float(row["quantity"]) * QTY_UNIT))
    equity = [float(row["equity"]) for row in curve]
    return standing(layer, made["strategy"], line, made["profile"], equity)


def _tell(workspace: Workspace, paper: PaperTrading) -> None:
    # What a person ordered, and where everything stands after it.
    workspace.bus.publish(EVENT, risk_events(workspace)[0])
    workspace.bus.publish(STATUS, risk_status(workspace, paper))


def _factors(workspace: Workspace) -> dict[str, float]:
    # What alerts scale the limits of each scope by now.
    out: dict[str, float] = {}
    for alert in control_of(workspace).alerts.active():
        if alert.action == "size_down":
            out[alert.scope] = min(alert.factor, out.get(alert.scope, 1.0))
    return out
