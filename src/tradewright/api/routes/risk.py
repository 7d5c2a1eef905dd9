"""Risk: measures and limits to read, and the switch that stops trading."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from tradewright.api.deps import Here, refusals
from tradewright.api.risk_schemas import (
    LimitsBody,
    RiskAlertBody,
    RiskAlertEnd,
    RiskAlertRow,
    RiskChange,
    RiskEventRow,
    RiskOrder,
    RiskRelease,
    RiskReport,
    RiskReportQuery,
    RiskStatus,
    StoredLimitsDocument,
)
from tradewright.api.topics import risk

router = APIRouter(tags=["risk"])
_ACT = refusals(400, 403, 404, 409, 413)


@router.get("/risk", operation_id="getRisk", summary="Halts and limits", responses=refusals())
def get_risk(here: Here) -> RiskStatus:
    """Return what is halted and why, and how far the paper account is from its limits."""
    return risk.status_of(here.workspace, here.paper)


@router.get(
    "/risk/events",
    operation_id="listRiskEvents",
    summary="What stopped trading",
    responses=refusals(),
)
def list_risk_events(here: Here) -> list[RiskEventRow]:
    """Return the halts, reductions and releases on the record, newest first, at most 100.

    Warnings, breaches and denied orders come on the live stream as they happen.
    """
    return risk.events_of(here.workspace)


@router.get(
    "/risk/report",
    operation_id="getRiskReport",
    summary="Risk of a stored run",
    responses=refusals(404),
)
def get_risk_report(here: Here, query: Annotated[RiskReportQuery, Query()]) -> RiskReport:
    """Return measures, their record, contributions, stress, limits and halts."""
    from tradewright.services.risk.report import report_by_id

    document = report_by_id(
        here.workspace, query.run, first=query.from_, last=query.to,
        level=query.level, horizon=query.horizon, window=query.window,
    )  # fmt: skip
    return RiskReport.model_validate(document)


@router.post("/risk/halt", operation_id="haltTrading", summary="Stop a scope", responses=_ACT)
def halt(here: Here, body: RiskOrder) -> RiskChange:
    """Cancel what works and send nothing until the scope is released."""
    return _order(here, "halt", body)


@router.post("/risk/reduce", operation_id="reduceTrading", summary="Exits only", responses=_ACT)
def reduce(here: Here, body: RiskOrder) -> RiskChange:
    """Refuse entries; exits and stops stay."""
    return _order(here, "reduce", body)


@router.post("/risk/flatten", operation_id="flattenTrading", summary="Close all", responses=_ACT)
def flatten(here: Here, body: RiskOrder) -> RiskChange:
    """Close everything the scope holds, then halt it."""
    return _order(here, "flatten", body)


@router.post("/risk/rearm", operation_id="rearmTrading", summary="Release a scope", responses=_ACT)
def rearm(here: Here, body: RiskRelease) -> RiskChange:
    """Release a scope; refused where the books are not clean."""
    from tradewright.services.risk.account import rearm as release

    change = release(
        here.workspace, here.paper, body.scope, actor=body.actor, reason=body.reason,
        reset_high_water=body.reset_high_water,
    )  # fmt: skip
    return RiskChange.model_validate(change.to_json())


@router.get("/risk/limits", operation_id="getLimits", summary="Stored limits", responses=refusals())
def get_limits(here: Here) -> StoredLimitsDocument:
    """Return the limits of everything that runs, with who changed them and why."""
    from tradewright.services.risk.limits import limits_document, limits_of

    return StoredLimitsDocument.model_validate(limits_document(limits_of(here.workspace)))


@router.post("/risk/limits", operation_id="changeLimits", summary="Change limits", responses=_ACT)
def change_limits(here: Here, body: LimitsBody) -> StoredLimitsDocument:
    """Store a new version, in force at once; loosening may need a second person."""
    from tradewright.services.risk.limits import limits_document, limits_of

    stored = limits_of(here.workspace)
    stored.change(body.limits, author=body.actor, reason=body.reason, second=body.second)
    return StoredLimitsDocument.model_validate(limits_document(stored))


@router.post(
    "/risk/alerts", operation_id="raiseRiskAlert", summary="Smaller limits", responses=_ACT
)
def raise_alert(here: Here, body: RiskAlertBody) -> RiskAlertRow:
    """Scale the limits of a scope, or let it only shrink, because of an alert."""
    made = _alerts(here).raise_(
        body.scope, body.source, action=body.action, factor=body.factor, reason=body.reason,
        actor=body.actor,
    )  # fmt: skip
    return RiskAlertRow.model_validate(made.to_json())


@router.post(
    "/risk/alerts/clear", operation_id="clearRiskAlert", summary="End an alert", responses=_ACT
)
def clear_alert(here: Here, body: RiskAlertEnd) -> RiskAlertRow:
    """End an alert; what it reduced is released after 60 s."""
    made = _alerts(here).clear(body.scope, body.source, reason=body.reason, actor=body.actor)
    return RiskAlertRow.model_validate(made.to_json())


def _alerts(here: Here) -> Any:
    from tradewright.services.risk.alerts import RiskAlerts

    return RiskAlerts(here.workspace.journal, here.workspace.clock)


def _order(here: Here, verb: Literal["halt", "reduce", "flatten"], body: RiskOrder) -> RiskChange:
    from tradewright.services.risk.account import order

    change = order(
        here.workspace, here.paper, verb, body.scope, actor=body.actor, reason=body.reason
    )
    return RiskChange.model_validate(change.to_json())
