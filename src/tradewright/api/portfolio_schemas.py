"""What the API says of decisions and plans, and takes to rebalance an account."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tradewright.api.pages import PageQuery
from tradewright.api.schemas import Body, Moment, Number


class RebalanceBody(Body):
    """A target allocation."""

    target_allocation: Annotated[dict[str, float], Field(min_length=1, max_length=101)] = Field(
        description="Weights by symbol, with CASH; a sum below 1 is filled up with cash"
    )
    account: Literal["paper"] = "paper"
    dry_run: bool = Field(True, description="Plan only; no order is sent")
    threshold: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Only when a weight drifted by more than this share of its target"
    )


PortfolioName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class RebalanceRules(Body):
    """When a portfolio is rebalanced; what is left out follows the settings."""

    threshold_method: Literal["percentage", "absolute", "volatility", "calendar"] | None = None
    rebalance_threshold: float | None = None
    min_rebalance_interval: Annotated[int, Field(description="Calendar days")] | None = None
    max_rebalance_interval: Annotated[int, Field(description="Calendar days")] | None = None
    transaction_cost_threshold: float | None = None
    consider_tax_implications: bool | None = None
    volatility_threshold: float | None = None
    calendar_period: Literal["monthly", "quarterly"] | None = None
    benefit_multiple: float | None = None
    partial: bool | None = None
    harvest_losses: bool | None = None


class PortfolioBody(Body):
    """A portfolio to be created."""

    symbols: Annotated[list[Annotated[str, Field(max_length=32)]], Field(min_length=1)] = Field(
        description="What it may hold, at most 100"
    )
    initial_balance: float = 100_000.0
    optimization_method: Annotated[str, Field(max_length=32)] = "risk_parity"
    name: PortfolioName | None = None
    window: Annotated[int, Field(ge=20, le=10_000)] = 252
    estimate_bars: Annotated[int, Field(ge=1, le=10_000)] = 21
    max_weight: float | None = None
    lot_method: Literal["fifo", "lifo", "hifo", "average"] = "fifo"
    rebalancing: RebalanceRules | None = None


class PortfolioRunBody(Body):
    """How a portfolio is watched on the replayed tape."""

    replay: Annotated[str | None, Field(max_length=32, description="FROM:TO")] = None
    speed: Annotated[float | None, Field(gt=0, le=1e6, description="Bars a second")] = None


class PortfolioQuery(BaseModel):
    """Of which day a portfolio is shown."""

    model_config = ConfigDict(extra="forbid")

    as_of: Annotated[str | None, Field(pattern=r"^\d{4}-\d\d-\d\d$")] = None


class PortfolioRow(BaseModel):
    """A portfolio and its state."""

    name: str
    state: str = Field(description="CREATED, or that of its session; INTERRUPTED after a crash")
    method: str
    symbols: list[str]
    initial_balance: Number
    session_id: str | None
    equity: str | None
    rebalances: int = Field(description="That were completed")
    created_at: Moment


class PortfolioHolding(BaseModel):
    """One instrument of a portfolio."""

    symbol: str
    quantity: str
    average_cost: Number
    price: Number
    value: str
    unrealised: str
    realised: str
    weight: Number


class PortfolioLot(BaseModel):
    """A trade that is still held, in whole or in part."""

    symbol: str
    quantity: str
    cost: str = Field(description="Without fees, signed like the quantity")
    acquired_at: Moment
    is_long_term: bool = Field(description="Held for 366 days or more")


class PortfolioGains(BaseModel):
    """Realised profit before costs."""

    short_term: str
    long_term: str


class PortfolioAccount(BaseModel):
    """What a portfolio holds and how it did."""

    account: str
    session_id: str
    as_of: Moment | None
    currency: str
    equity: str
    cash: str
    cash_weight: Number
    holdings: list[PortfolioHolding]
    performance: dict[str, Number]
    contributions: dict[str, Number] = Field(description="Fractions of the cash at the start")
    lot_method: str
    lots: list[PortfolioLot]
    realised: PortfolioGains


class PortfolioAlert(BaseModel):
    """What a portfolio told: trigger, plan, deferral, completion, or weights kept."""

    kind: Literal["trigger", "plan", "deferral", "completion", "kept"]
    at: Moment
    reason: str | None = None
    plan_id: str | None = None
    status: str | None = Field(None, description="done, partial or cancelled")
    reasons: list[str] | None = None
    turnover: Number = None
    costs: Number = None
    tax: Number = None


class ProfitRow(BaseModel):
    """What a group earned; contributions sum to the total return."""

    group: str
    profit: Number
    contribution: Number
    count: int


class SectorRow(BaseModel):
    """Brinson-Fachler of one sector; totals sum to the excess return."""

    sector: str
    allocation: Number
    selection: Number
    interaction: Number
    total: Number


class FactorRow(BaseModel):
    """One factor of the regression; contributions a year sum to the mean excess return."""

    factor: str
    loading: Number
    t: Number
    p: Number
    contribution: Number


class PortfolioAttribution(BaseModel):
    """Where the profit came from."""

    total_return: Number
    excess_return: Number
    instruments: list[ProfitRow]
    sides: list[ProfitRow]
    weekdays: list[ProfitRow]
    hours: list[ProfitRow]
    regimes: list[ProfitRow]
    sectors: list[SectorRow]
    factors: list[FactorRow]


class PortfolioDetail(PortfolioRow):
    """A portfolio with its terms, holdings, alerts and attribution."""

    window: int
    estimate_bars: int
    max_weight: Number
    lot_method: str
    rebalancing: dict[str, str | bool | int | float]
    account: PortfolioAccount | None = Field(description="null until it trades")
    alerts: list[PortfolioAlert]
    attribution: PortfolioAttribution | None = Field(description="null until its session has ended")


class RebalanceTrade(BaseModel):
    """One trade of a plan."""

    symbol: str
    side: Literal["BUY", "SELL"]
    qty: Number
    notional: Number
    weight_before: Number
    weight_after: Number
    cost: Number


class RebalanceResult(BaseModel):
    """What brings an account to its allocation."""

    plan_id: str
    status: Literal["planned", "ordered", "deferred", "within"]
    message: str
    target: dict[str, float]
    trades: list[RebalanceTrade] = Field(description="Sells first")
    turnover: Number = Field(description="Half the sum of absolute changes of weights")
    costs: Number = Field(description="Estimated, in the account's currency")
    cost_fraction: Number
    tax: Number
    equity: Number
    drift_before: Number = Field(description="Largest distance of a weight from its target")
    drift_after: Number
    cash_after: Number
    notes: list[str]


class SignalQueryModel(PageQuery):
    """Which signals are wanted."""

    run: Annotated[str, Field(max_length=128, description="Run or study; the newest study")] = (
        "latest"
    )
    symbol: Annotated[str | None, Field(max_length=32)] = None
    action: Annotated[str | None, Field(max_length=4, description="BUY, HOLD or SELL")] = None
    model: Annotated[str | None, Field(max_length=128, description="Name of one source")] = None
    regime: Annotated[str | None, Field(max_length=32)] = None
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.0


class BlockedRow(BaseModel):
    """The filter that made a signal HOLD."""

    filter: str
    value: Number
    limit: Number


class SignalSource(BaseModel):
    """What one source said."""

    name: str
    kind: str
    score: Number
    confidence: Number
    uncertainty: Number
    skill: Number
    weight: Number


class SignalRow(BaseModel):
    """A decision about one instrument, with its reasons."""

    id: str
    symbol: str
    action: Literal["BUY", "HOLD", "SELL"]
    confidence: Number
    uncertainty: Number
    position_size: Number = Field(description="Weight to hold, a fraction of equity")
    price: Number
    target_price: Number
    stop_loss: Number
    timestamp: Moment
    ts_known: int = Field(description="UTC nanoseconds of the newest datum used")
    expires_at: Moment
    model_version: str
    mode: Literal["backtest", "paper", "live"]
    regime: str
    score: Number
    agreement: Number
    reasons: list[str]
    factors: dict[str, Number]
    sizing: dict[str, Number] = Field(description="Steps and limits of the size; null is no limit")
    sources: list[SignalSource]
    risk: dict[str, Number]
    blocked: BlockedRow | None


class SignalPerformanceQuery(BaseModel):
    """How signals are grouped."""

    model_config = ConfigDict(extra="forbid")

    run: Annotated[str, Field(max_length=128)] = "latest"
    by: Literal["model", "regime", "confidence", "action"] = "model"
    days: Annotated[int, Field(ge=1, le=36_500, description="Newest days of the run")] = 30


class SignalPerformanceRow(BaseModel):
    """What became of a group of signals."""

    group: str
    sessions: int
    count: int
    hit_rate: Number
    low: Number = Field(description="Of the 95 % Wilson interval of the hit rate")
    high: Number
    mean_return: Number
