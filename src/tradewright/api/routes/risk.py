"""Risk: measures and limits to read, and the switch that stops trading."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from tradewright.api.deps import Here, refusals
from tradewright.api.risk_schemas import (
    RiskChange,
    RiskEventRow,
    RiskOrder,
    RiskRelease,
    RiskReport,
    RiskReportQuery,
    RiskStatus,
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


def _order(here: Here, verb: Literal["halt", "reduce", "flatten"], body: RiskOrder) -> RiskChange:
    from tradewright.services.risk.account import order

    change = order(
        here.workspace, here.paper, verb, body.scope, actor=body.actor, reason=body.reason
    )
    return RiskChange.model_validate(change.to_json())
