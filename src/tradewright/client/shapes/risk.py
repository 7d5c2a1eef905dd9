"""Types of risk; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


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


class ReportLimits(TypedDict):
    """Limits of the run and their use at its end."""

    profile: str | None
    values: dict[str, float]
    use: list[LimitUse]


class ReportPosition(TypedDict):
    """One holding at the end of the report."""

    symbol: str
    sector: str
    currency: str
    quantity: float | None
    price: float | None
    value: float | None
    weight: float | None
    stale: bool


class ReverseStressRow(TypedDict):
    """The smallest move of the market that breaches a limit."""

    limit: str
    market_move: float | None
    meaning: str


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


class RiskConcentration(TypedDict):
    """How much is in few hands."""

    herfindahl: float | None
    effective_positions: float | None
    top_1: float | None
    top_5: float | None
    top_10: float | None
    by_sector: dict[str, float | None]
    by_currency: dict[str, float | None]


class RiskContributions(TypedDict):
    """Where the risk of the holdings comes from; parts sum to the whole."""

    volatility: float | None
    var: float | None
    by_symbol: list[SymbolRisk]
    by_sector: dict[str, float | None]
    by_strategy: dict[str, float | None]


class RiskCorrelation(TypedDict):
    """How the holdings move together."""

    average: float | None
    change: float | None
    clusters: dict[str, list[str]]


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


class RiskLiquidity(TypedDict):
    """How long it takes to sell."""

    days_to_95: float | None
    days: dict[str, float | None]


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
        "positions": "list[ReportPosition]",
        "stale": list[str],
        "performance": dict[str, float | None] | None,
        "measures": "list[RiskMeasure]",
        "record": "list[RiskRecord]",
        "contributions": "RiskContributions | None",
        "correlation": "RiskCorrelation | None",
        "liquidity": "RiskLiquidity | None",
        "concentration": "RiskConcentration",
        "stress": "RiskStress | None",
        "limits": "ReportLimits",
        "denied": list[str],
        "switch": "SwitchRecord",
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


class RiskStress(TypedDict):
    """Scenarios, and what breaches each limit."""

    scenarios: list[StressRow]
    reverse: list[ReverseStressRow]


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


class StressRow(TypedDict):
    """What a scenario would cost at once."""

    scenario: str
    loss: float | None
    var_after: float | None
    notes: list[str]


class SwitchEntry(TypedDict):
    """One entry of the record of halts and releases."""

    verb: str
    scope: str
    rule: str
    actor: str
    reason: str
    before: Literal["NORMAL", "REDUCE_ONLY", "FLATTENING", "HALTED"]
    after: Literal["NORMAL", "REDUCE_ONLY", "FLATTENING", "HALTED"]
    reset_high_water: bool
    seq: int
    at: str
    ts: int
    source: str
    number: int


class SwitchRecord(TypedDict):
    """The whole record, with its chain of hashes."""

    entries: list[SwitchEntry]
    own: list[int]
    head_start: str
    head_end: str


class SymbolRisk(TypedDict):
    """What one holding adds to the value at risk."""

    symbol: str
    component_var: float | None
    marginal_var: float | None
    share: float | None
