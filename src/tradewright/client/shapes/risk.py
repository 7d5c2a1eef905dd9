"""Types of risk; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class LimitUse(TypedDict):
    """How far a limit is."""

    limit: str
    scope: str
    name: str
    used: float | None
    projected: float | None
    allowed: float | None
    fraction: float | None
    action: str


class LimitVersionRow(TypedDict):
    """One version of the stored limits."""

    version: int
    valid_from: str
    author: str
    second: str
    reason: str
    limits: dict[str, float]


class LimitsBody(TypedDict):
    """Changes of the stored limits; null takes a limit away."""

    limits: dict[str, float | None]
    reason: str
    actor: str
    second: NotRequired[str]


class PaperMeasure(TypedDict):
    """Value at risk of the paper account; null with the reason where there is none."""

    method: str
    var: float | None
    es: float | None
    level: NotRequired[float | None]
    observations: NotRequired[int | None]
    low_sample: NotRequired[bool | None]
    why: NotRequired[str | None]


class PaperRisk(TypedDict):
    """The paper account beside its limits."""

    session_id: str
    state: str
    equity: str
    currency: str
    profile: str | None
    day_loss: float | None
    drawdown: float | None
    gross: float | None
    measure: PaperMeasure
    limits: list[LimitUse]


class RiskAlertBody(TypedDict):
    """An alert to be put in force; a later one of its scope and source takes its place."""

    scope: str
    source: Literal["drift", "anomaly", "data_quality"]
    action: NotRequired[Literal["size_down", "reduce"]]
    factor: NotRequired[float]
    reason: str
    actor: str


class RiskAlertEnd(TypedDict):
    """An alert whose cause is gone."""

    scope: str
    source: Literal["drift", "anomaly", "data_quality"]
    reason: str
    actor: str


class RiskAlertRow(TypedDict):
    """An alert that makes the limits of a scope smaller."""

    scope: str
    source: Literal["drift", "anomaly", "data_quality"]
    action: Literal["size_down", "reduce"]
    factor: float
    reason: str
    actor: str
    at: str


class RiskCause(TypedDict):
    """Why a scope may not trade as it likes."""

    rule: str
    actor: str
    reason: str
    at: str


class RiskChange(TypedDict):
    """What is on the record now."""

    verb: str
    scope: str
    rule: str
    actor: str
    reason: str
    before: Literal["NORMAL", "REDUCE_ONLY", "FLATTENING", "HALTED"]
    after: Literal["NORMAL", "REDUCE_ONLY", "FLATTENING", "HALTED"]
    reset_high_water: bool


class RiskEventRow(TypedDict):
    """A warning, breach, denial, halt or release."""

    kind: str
    scope: str
    rule: str
    at: str
    value: float | None
    limit: float | None
    message: str
    is_critical: bool


class RiskMeasure(TypedDict):
    """Value at risk and expected shortfall by one method."""

    basis: Literal["the run", "holdings"]
    method: str
    var: float | None
    es: float | None
    level: float
    horizon: int
    observations: int
    low_sample: bool
    notes: list[str]


class RiskOrder(TypedDict):
    """An order to the switch."""

    scope: str
    reason: str
    actor: str


class RiskRecord(TypedDict):
    """A method on its own record."""

    method: str
    sessions: int
    exceptions: int
    expected: float
    tests: dict[str, float | None]
    fails: list[str]


class RiskRelease(TypedDict):
    """An order to release a scope."""

    scope: str
    reason: str
    actor: str
    reset_high_water: NotRequired[bool]


# The risk of a stored run; a part that cannot be shown stands in `missing` with the reason.
RiskReport = TypedDict(
    "RiskReport",
    {
        "schema": int,
        "run_id": str,
        "name": str,
        "kind": str,
        "currency": str,
        "from": str,
        "to": str,
        "sessions": int,
        "equity": float | None,
        "settings": dict[str, float | None],
        "positions": list[dict[str, Any]],
        "stale": list[str],
        "performance": dict[str, float | None] | None,
        "measures": "list[RiskMeasure]",
        "record": "list[RiskRecord]",
        "contributions": dict[str, Any] | None,
        "correlation": dict[str, Any] | None,
        "liquidity": dict[str, Any] | None,
        "concentration": dict[str, Any],
        "stress": dict[str, Any] | None,
        "limits": dict[str, Any],
        "denied": list[str],
        "switch": dict[str, Any],
        "missing": dict[str, str],
    },
)


class RiskStatus(TypedDict):
    """What is halted and why, and how far the limits are."""

    state: Literal["NORMAL", "REDUCE_ONLY", "FLATTENING", "HALTED"]
    scopes: list[ScopeState]
    alerts: list[RiskAlertRow]
    is_halted_by_file: bool
    changes: int
    paper: PaperRisk | None


class ScopeState(TypedDict):
    """A scope that is not NORMAL."""

    scope: str
    state: Literal["NORMAL", "REDUCE_ONLY", "FLATTENING", "HALTED"]
    causes: list[RiskCause]


class StoredLimitsDocument(TypedDict):
    """The stored limits in force and their versions, oldest first."""

    limits: dict[str, float]
    four_eyes: bool
    versions: list[LimitVersionRow]
