"""What the API says of risk, and takes to stop and release trading."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tradewright.api.schemas import Body, Moment, Number

RiskState = Literal["NORMAL", "REDUCE_ONLY", "FLATTENING", "HALTED"]
RiskScope = Annotated[
    str, Field(pattern=r"^(all|account:\S{1,64}|strategy:\S{1,64})$", examples=["all"])
]


class RiskCause(BaseModel):
    """Why a scope may not trade as it likes."""

    rule: str = Field(description="Key of a limit, or user")
    actor: str
    reason: str
    at: str


class ScopeState(BaseModel):
    """A scope that is not NORMAL."""

    scope: str
    state: RiskState
    causes: list[RiskCause]


class LimitUse(BaseModel):
    """How far a limit is."""

    limit: str
    scope: str
    name: str = Field(description="Instrument, sector or currency that is nearest")
    used: Number
    projected: Number = Field(description="With every working order at its worst")
    allowed: Number
    fraction: Number = Field(description="Of the limit; null where nothing is allowed")
    action: str


class PaperMeasure(BaseModel):
    """Value at risk of the paper account; null with the reason where there is none."""

    method: str
    var: Number
    es: Number
    level: Number = None
    observations: int | None = None
    low_sample: bool | None = None
    why: str | None = None


class PaperRisk(BaseModel):
    """The paper account beside its limits."""

    session_id: str
    state: str
    equity: str
    currency: str
    profile: str | None
    day_loss: Number
    drawdown: Number
    gross: Number
    measure: PaperMeasure
    limits: list[LimitUse]


AlertSource = Literal["drift", "anomaly", "data_quality"]
AlertAction = Literal["size_down", "reduce"]


class RiskAlertRow(BaseModel):
    """An alert that makes the limits of a scope smaller."""

    scope: str
    source: AlertSource
    action: AlertAction = Field(description="size_down scales limits; reduce lets it only shrink")
    factor: float
    reason: str
    actor: str
    at: str


class RiskAlertBody(Body):
    """An alert to be put in force; a later one of its scope and source takes its place."""

    scope: RiskScope
    source: AlertSource
    action: AlertAction = "size_down"
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    actor: Annotated[str, Field(min_length=1, max_length=64)]


class RiskAlertEnd(Body):
    """An alert whose cause is gone."""

    scope: RiskScope
    source: AlertSource
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    actor: Annotated[str, Field(min_length=1, max_length=64)]


class LimitVersionRow(BaseModel):
    """One version of the stored limits."""

    version: int
    valid_from: str
    author: str
    second: str = Field(description="Who agreed, where two persons were wanted")
    reason: str
    limits: dict[str, float]


class StoredLimitsDocument(BaseModel):
    """The stored limits in force and their versions, oldest first."""

    limits: dict[str, float]
    four_eyes: bool = Field(description="Whether loosening needs a second person")
    versions: list[LimitVersionRow]


class LimitsBody(Body):
    """Changes of the stored limits; null takes a limit away."""

    limits: Annotated[dict[str, float | None], Field(min_length=1, max_length=100)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    actor: Annotated[str, Field(min_length=1, max_length=64)]
    second: Annotated[str, Field(max_length=64)] = ""


class RiskStatus(BaseModel):
    """What is halted and why, and how far the limits are."""

    state: RiskState = Field(description="The strictest of all scopes")
    scopes: list[ScopeState]
    alerts: list[RiskAlertRow]
    is_halted_by_file: bool
    changes: int = Field(description="Entries of the record")
    paper: PaperRisk | None


class RiskEventRow(BaseModel):
    """A warning, breach, denial, halt or release."""

    kind: str = Field(
        description="RiskLimitWarned, RiskLimitBreached, OrderDenied, MarginCall, TradingReduced, "
        "TradingFlattening, TradingHalted or TradingResumed"
    )
    scope: str
    rule: str = Field(description="Key of the limit, user, or what else caused it")
    at: Moment = Field(description="By the clock of the account: market time on a tape")
    value: Number = Field(description="What was found")
    limit: Number = Field(description="What is allowed")
    message: str
    is_critical: bool = Field(description="A person must look at once")


class RiskOrder(Body):
    """An order to the switch."""

    scope: RiskScope
    reason: Annotated[str, Field(min_length=1)] = Field(description="Kept on the record")
    actor: Annotated[str, Field(min_length=1)] = Field(description="Who orders it")


class RiskRelease(RiskOrder):
    """An order to release a scope."""

    reset_high_water: bool = Field(False, description="Forget the high-water mark too")


class RiskChange(BaseModel):
    """What is on the record now."""

    verb: str
    scope: str
    rule: str
    actor: str
    reason: str
    before: RiskState
    after: RiskState
    reset_high_water: bool


class RiskReportQuery(BaseModel):
    """Which report."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    run: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")] = "latest"
    from_: Annotated[str | None, Field(alias="from", pattern=r"^\d{4}-\d\d-\d\d$")] = None
    to: Annotated[str | None, Field(pattern=r"^\d{4}-\d\d-\d\d$")] = None
    level: Annotated[float, Field(ge=0.90, le=0.999)] = 0.95
    horizon: Annotated[int, Field(ge=1, le=20)] = 1
    window: Annotated[int, Field(ge=30, le=5000)] = 500


class RiskMeasure(BaseModel):
    """Value at risk and expected shortfall by one method."""

    basis: Literal["the run", "holdings"]
    method: str
    var: Number
    es: Number
    level: float
    horizon: int
    observations: int
    low_sample: bool
    notes: list[str]


class RiskRecord(BaseModel):
    """A method on its own record."""

    method: str
    sessions: int
    exceptions: int
    expected: float
    tests: dict[str, Number] = Field(description="p-value by test")
    fails: list[str] = Field(description="Tests failed at 1 %")


class ReportPosition(BaseModel):
    """One holding at the end of the report."""

    symbol: str
    sector: str
    currency: str
    quantity: Number
    price: Number
    value: Number
    weight: Number
    stale: bool = Field(description="Whether its price is older than the last session")


class SymbolRisk(BaseModel):
    """What one holding adds to the value at risk."""

    symbol: str
    component_var: Number
    marginal_var: Number
    share: Number


class RiskContributions(BaseModel):
    """Where the risk of the holdings comes from; parts sum to the whole."""

    volatility: Number
    var: Number
    by_symbol: list[SymbolRisk]
    by_sector: dict[str, Number]
    by_strategy: dict[str, Number]


class RiskCorrelation(BaseModel):
    """How the holdings move together."""

    average: Number
    change: Number = Field(description="Against 60 sessions before")
    clusters: dict[str, list[str]]


class RiskLiquidity(BaseModel):
    """How long it takes to sell."""

    days_to_95: Number = Field(description="Until 95 % of the value is sold")
    days: dict[str, Number] = Field(description="By symbol; null where no volume is known")


class RiskConcentration(BaseModel):
    """How much is in few hands."""

    herfindahl: Number
    effective_positions: Number
    top_1: Number
    top_5: Number
    top_10: Number
    by_sector: dict[str, Number]
    by_currency: dict[str, Number]


class StressRow(BaseModel):
    """What a scenario would cost at once."""

    scenario: str
    loss: Number
    var_after: Number
    notes: list[str]


class ReverseStressRow(BaseModel):
    """The smallest move of the market that breaches a limit."""

    limit: str
    market_move: Number
    meaning: str


class RiskStress(BaseModel):
    """Scenarios, and what breaches each limit."""

    scenarios: list[StressRow]
    reverse: list[ReverseStressRow]


class ReportLimits(BaseModel):
    """Limits of the run and their use at its end."""

    profile: str | None
    values: dict[str, float]
    use: list[LimitUse]


class SwitchEntry(RiskChange):
    """One entry of the record of halts and releases."""

    seq: int
    at: str
    ts: int = Field(description="UTC nanoseconds")
    source: str = Field(description="Session that made it; empty for a person")
    number: int


class SwitchRecord(BaseModel):
    """The whole record, with its chain of hashes."""

    entries: list[SwitchEntry]
    own: list[int] = Field(description="Entries that the run made")
    head_start: str
    head_end: str


class RiskReport(BaseModel):
    """The risk of a stored run; a part that cannot be shown stands in `missing` with the reason."""

    model_config = ConfigDict(populate_by_name=True)

    schema_: int = Field(alias="schema")
    run_id: str
    name: str
    kind: str
    currency: str
    from_: str = Field(alias="from")
    to: str
    sessions: int
    equity: Number
    settings: dict[str, Number]
    positions: list[ReportPosition]
    stale: list[str]
    performance: dict[str, Number] | None
    measures: list[RiskMeasure]
    record: list[RiskRecord]
    contributions: RiskContributions | None
    correlation: RiskCorrelation | None
    liquidity: RiskLiquidity | None
    concentration: RiskConcentration
    stress: RiskStress | None
    limits: ReportLimits
    denied: list[str]
    switch: SwitchRecord
    missing: dict[str, str]
