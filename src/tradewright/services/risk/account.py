"""The paper account beside its limits, and what must be clean before it is released."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tradewright.domain.errors import DataError
from tradewright.domain.instruments import Instrument
from tradewright.domain.money import QTY_UNIT
from tradewright.domain.time import from_ns, to_ns
from tradewright.risk.control import Change, Layer, LimitTable, State, distances
from tradewright.services.risk.control import RiskControl
from tradewright.services.risk.limits import StoredLimits

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
        JSON-ready: ``scopes, is_halted_by_file, changes, paper``; figures that are not known are
        None.
    """
    control = control_of(workspace)
    switch = control.switch()
    scopes = [
        {
            "scope": "all" if name == "portfolio" else name,
            "state": state.name,
            "causes": [
                {
                    "rule": cause.rule,
                    "actor": cause.actor,
                    "reason": cause.reason,
                    "at": from_ns(cause.ts).isoformat(),
                }
                for cause in switch.causes(name)
            ],
        }
        for name, state in switch.scopes().items()
    ]
    return {
        "state": max(switch.scopes().values(), default=State.NORMAL).name,
        "scopes": scopes,
        "is_halted_by_file": control.is_halted_by_file,
        "changes": sum(1 for _ in control.entries()),
        "paper": _paper(workspace, paper),
    }


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
        return control.flattened(scope) or change  # nothing runs, nothing is there to close
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
    return control_of(workspace).rearm(
        scope,
        actor=actor,
        reason=reason,
        differences=differences_of(paper),
        reset_high_water=reset_high_water,
    )


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
    account = scopes[1]
    rows = [row.to_json() for s in scopes for row in distances(layer, s) if row.key != "var_95"]
    return {
        "session_id": line["session_id"],
        "state": line["state"],
        "equity": line["equity"],
        "currency": line["currency"],
        "profile": made["profile"],
        "day_loss": account.losses.daily,
        "drawdown": -account.losses.drawdown,
        "gross": account.book.gross / account.equity if account.equity > 0 else None,
        "measure": _measured([float(row["equity"]) for row in curve]),
        "limits": rows,
    }


def _measured(equity: list[float]) -> dict[str, Any]:
    from tradewright.metrics.returns import returns_of
    from tradewright.risk.measures import measure

    try:
        found = measure(returns_of(equity)) if len(equity) > 1 else None
    except DataError as error:
        return {"method": "historical", "var": None, "es": None, "why": str(error)}
    if found is None or not math.isfinite(found.var):
        return {"method": "historical", "var": None, "es": None, "why": "no bar was marked yet"}
    return {
        "method": found.method,
        "var": found.var,
        "es": found.es,
        "level": found.level,
        "observations": found.n_observations,
        "low_sample": found.low_sample,
    }
