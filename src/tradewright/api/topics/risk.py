"""Risk on the live stream: the status as a gauge, every warning, breach and halt as an event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tradewright.api.risk_schemas import RiskEventRow, RiskStatus
from tradewright.api.schemas import moment
from tradewright.services.paper import PaperTrading
from tradewright.services.risk.telling import EVENT, STATUS, shown_scope
from tradewright.services.workspace import Workspace


def snapshots(workspace: Workspace, paper: PaperTrading) -> dict[str, Callable[[], Any]]:
    """Return for each topic of risk what REST would answer now."""
    return {
        STATUS: lambda: status_of(workspace, paper).model_dump(mode="json"),
        EVENT: lambda: [row.model_dump(mode="json") for row in events_of(workspace)],
    }


def status_of(workspace: Workspace, paper: PaperTrading) -> RiskStatus:
    """Return what is halted and why, and how far the limits are."""
    from tradewright.services.risk.account import risk_status

    return RiskStatus.model_validate(risk_status(workspace, paper))


def events_of(workspace: Workspace) -> list[RiskEventRow]:
    """Return the halts, reductions and releases on the record, newest first."""
    from tradewright.services.risk.account import risk_events

    return [_row(event) for event in risk_events(workspace)]


def message_of(topic: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a notice of risk in the form REST gives the same thing."""
    found = RiskStatus.model_validate(payload) if topic == STATUS else _row(payload)
    return found.model_dump(mode="json")


def _row(event: Mapping[str, Any]) -> RiskEventRow:
    return RiskEventRow(
        kind=event["kind"],
        scope=shown_scope(event["scope"]),
        rule=event["rule"],
        at=moment(int(event["ts"])),
        value=event["value"],
        limit=event["limit"],
        message=event["message"],
        is_critical=event["is_critical"],
    )
