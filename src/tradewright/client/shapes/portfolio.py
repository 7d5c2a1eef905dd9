"""Types of portfolio; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class BlockedRow(TypedDict):
    """The filter that made a signal HOLD."""

    filter: str
    value: float | None
    limit: float | None


class Diagnostics(TypedDict):
    """How the weights were found."""

    solver: str
    solve_ms: float | None
    binding_constraints: list[str]
    risk_contributions: dict[str, float]
    effective_n: float | None
    largest_weight: float | None
    warnings: list[str]
    as_of: str
    periods: int
    data_version: str


class FactorRow(TypedDict):
    """One factor of the regression; contributions a year sum to the mean excess return."""

    factor: str
    loading: float | None
    t: float | None
    p: float | None
    contribution: float | None


class FrontierPointBody(TypedDict):
    """One portfolio of the plane."""

    volatility: float | None
    expected_return: float | None
    weights: dict[str, float]


class FrontierReply(TypedDict):
    """The frontier, what is marked on it, and each instrument alone."""

    points: list[FrontierPointBody]
    marks: dict[str, FrontierPointBody]
    assets: dict[str, FrontierPointBody]


class OptimizeBody(TypedDict):
    """What is asked of the optimiser."""

    optimization_method: NotRequired[str]
    risk_tolerance: NotRequired[float]
    symbols: NotRequired[list[str]]
    constraints: NotRequired[list[str]]
    views: NotRequired[list[str]]
    current_weights: NotRequired[dict[str, float] | None]
    market_weights: NotRequired[dict[str, float] | None]
    risk_free_rate: NotRequired[float]


class OptimizeReply(TypedDict):
    """Target weights with what they promise."""

    weights: dict[str, float]
    cash: float | None
    expected_return: float | None
    volatility: float | None
    sharpe_ratio: float | None
    optimization_method: str
    success: bool
    message: str
    transaction_costs: float | None
    turnover: float | None
    fallbacks_used: list[str]
    diagnostics: Diagnostics


class PageSignalRow(TypedDict):
    """Page[SignalRow]."""

    items: list[SignalRow]
    next_cursor: NotRequired[str | None]


class PortfolioAccount(TypedDict):
    """What a portfolio holds and how it did."""

    account: str
    session_id: str
    as_of: str | None
    currency: str
    equity: str
    cash: str
    cash_weight: float | None
    holdings: list[PortfolioHolding]
    performance: dict[str, float | None]
    contributions: dict[str, float | None]
    lot_method: str
    lots: list[PortfolioLot]
    realised: PortfolioGains


class PortfolioAlert(TypedDict):
    """What a portfolio told: trigger, plan, deferral, completion, or weights kept."""

    kind: Literal["trigger", "plan", "deferral", "completion", "kept"]
    at: str
    reason: NotRequired[str | None]
    plan_id: NotRequired[str | None]
    status: NotRequired[str | None]
    reasons: NotRequired[list[str] | None]
    turnover: NotRequired[float | None]
    costs: NotRequired[float | None]
    tax: NotRequired[float | None]


class PortfolioAttribution(TypedDict):
    """Where the profit came from."""

    total_return: float | None
    excess_return: float | None
    instruments: list[ProfitRow]
    sides: list[ProfitRow]
    weekdays: list[ProfitRow]
    hours: list[ProfitRow]
    regimes: list[ProfitRow]
    sectors: list[SectorRow]
    factors: list[FactorRow]


class PortfolioBody(TypedDict):
    """A portfolio to be created."""

    symbols: list[str]
    initial_balance: NotRequired[float]
    optimization_method: NotRequired[str]
    name: NotRequired[str | None]
    window: NotRequired[int]
    estimate_bars: NotRequired[int]
    max_weight: NotRequired[float | None]
    lot_method: NotRequired[Literal["fifo", "lifo", "hifo", "average"]]
    rebalancing: NotRequired[RebalanceRules | None]


class PortfolioDetail(TypedDict):
    """A portfolio with its terms, holdings, alerts and attribution."""

    name: str
    state: str
    method: str
    symbols: list[str]
    initial_balance: float | None
    session_id: str | None
    equity: str | None
    rebalances: int
    created_at: str
    window: int
    estimate_bars: int
    max_weight: float | None
    lot_method: str
    rebalancing: dict[str, str | bool | int | float]
    account: PortfolioAccount | None
    alerts: list[PortfolioAlert]
    attribution: PortfolioAttribution | None


class PortfolioGains(TypedDict):
    """Realised profit before costs."""

    short_term: str
    long_term: str


class PortfolioHolding(TypedDict):
    """One instrument of a portfolio."""

    symbol: str
    quantity: str
    average_cost: float | None
    price: float | None
    value: str
    unrealised: str
    realised: str
    weight: float | None


class PortfolioLot(TypedDict):
    """A trade that is still held, in whole or in part."""

    symbol: str
    quantity: str
    cost: str
    acquired_at: str
    is_long_term: bool


class PortfolioRow(TypedDict):
    """A portfolio and its state."""

    name: str
    state: str
    method: str
    symbols: list[str]
    initial_balance: float | None
    session_id: str | None
    equity: str | None
    rebalances: int
    created_at: str


class PortfolioRunBody(TypedDict):
    """How a portfolio is watched on the replayed tape."""

    replay: NotRequired[str | None]
    speed: NotRequired[float | None]


class ProfitRow(TypedDict):
    """What a group earned; contributions sum to the total return."""

    group: str
    profit: float | None
    contribution: float | None
    count: int


class RebalanceBody(TypedDict):
    """A target allocation."""

    target_allocation: dict[str, float]
    account: NotRequired[Literal["paper"]]
    dry_run: NotRequired[bool]
    threshold: NotRequired[float | None]


class RebalanceResult(TypedDict):
    """What brings an account to its allocation."""

    plan_id: str
    status: Literal["planned", "ordered", "deferred", "within"]
    message: str
    target: dict[str, float]
    trades: list[RebalanceTrade]
    turnover: float | None
    costs: float | None
    cost_fraction: float | None
    tax: float | None
    equity: float | None
    drift_before: float | None
    drift_after: float | None
    cash_after: float | None
    notes: list[str]


class RebalanceRules(TypedDict):
    """When a portfolio is rebalanced; what is left out follows the settings."""

    threshold_method: NotRequired[
        Literal["percentage", "absolute", "volatility", "calendar"] | None
    ]
    rebalance_threshold: NotRequired[float | None]
    min_rebalance_interval: NotRequired[int | None]
    max_rebalance_interval: NotRequired[int | None]
    transaction_cost_threshold: NotRequired[float | None]
    consider_tax_implications: NotRequired[bool | None]
    volatility_threshold: NotRequired[float | None]
    calendar_period: NotRequired[Literal["monthly", "quarterly"] | None]
    benefit_multiple: NotRequired[float | None]
    partial: NotRequired[bool | None]
    harvest_losses: NotRequired[bool | None]


class RebalanceTrade(TypedDict):
    """One trade of a plan."""

    symbol: str
    side: Literal["BUY", "SELL"]
    qty: float | None
    notional: float | None
    weight_before: float | None
    weight_after: float | None
    cost: float | None


class SectorRow(TypedDict):
    """Brinson-Fachler of one sector; totals sum to the excess return."""

    sector: str
    allocation: float | None
    selection: float | None
    interaction: float | None
    total: float | None


class SignalPerformanceRow(TypedDict):
    """What became of a group of signals."""

    group: str
    sessions: int
    count: int
    hit_rate: float | None
    low: float | None
    high: float | None
    mean_return: float | None


class SignalRow(TypedDict):
    """A decision about one instrument, with its reasons."""

    id: str
    symbol: str
    action: Literal["BUY", "HOLD", "SELL"]
    confidence: float | None
    uncertainty: float | None
    position_size: float | None
    price: float | None
    target_price: float | None
    stop_loss: float | None
    timestamp: str
    ts_known: int
    expires_at: str
    model_version: str
    mode: Literal["backtest", "paper", "live"]
    regime: str
    score: float | None
    agreement: float | None
    reasons: list[str]
    factors: dict[str, float | None]
    sizing: dict[str, float | None]
    sources: list[SignalSource]
    risk: dict[str, float | None]
    blocked: BlockedRow | None


class SignalSource(TypedDict):
    """What one source said."""

    name: str
    kind: str
    score: float | None
    confidence: float | None
    uncertainty: float | None
    skill: float | None
    weight: float | None
