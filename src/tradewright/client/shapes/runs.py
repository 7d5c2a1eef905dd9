"""Types of runs; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class ChartMark(TypedDict):
    """A point on the candles where the run acted."""

    at: str
    kind: Literal["entry", "exit", "stop", "target", "buy", "sell"]
    side: Literal["BUY", "SELL"]
    price: float | None
    quantity: str
    trade: int | None
    text: str


class Check(TypedDict):
    """One test a result had to pass before it may be believed."""

    name: str
    label: str
    state: Literal["pass", "warn", "fail", "not run"]
    value: str
    detail: str


class CostBridge(TypedDict):
    """From gross to net in major units; costs are >= 0 and the difference of the two."""

    gross: float
    spread: float
    slippage: float
    impact: float
    fee: float
    financing: float
    net: float
    notional: float
    bps: float | None
    break_even_bps: float | None


class CostPart(TypedDict):
    """What one component of the costs took."""

    name: str
    amount: str
    share: float | None


class CostView(TypedDict):
    """Where the money went."""

    parts: list[CostPart]
    total: str
    of_turnover: float | None
    of_capital: float | None


class EquitySeries(TypedDict):
    """Equity and what it is compared with, as columns of equal length."""

    currency: str
    benchmark_name: str
    times: list[str]
    equity: list[float | None]
    drawdown: list[float | None]
    exposure: list[float | None]
    benchmark: list[float | None]
    benchmark_drawdown: list[float | None]


class FillRow(TypedDict):
    """An execution with every component of its cost."""

    number: int
    order: int
    symbol: str
    side: Literal["BUY", "SELL"]
    at: str
    quantity: str
    price: str
    value: str
    fee: str
    spread: str
    slippage: str
    impact: str
    reason: str


class GuardReport(TypedDict):
    """What a guard said; `ok` is null where it did not run."""

    name: str
    ok: bool | None
    summary: str
    findings: list[dict[str, Any]]


class MetricValue(TypedDict):
    """A figure with its meaning."""

    name: str
    label: str
    group: str
    unit: str
    value: float | None
    benchmark: float | None
    better: int
    definition: str
    formula: str
    convention: str


class MonthReturn(TypedDict):
    """Return of one calendar month."""

    year: int
    month: int
    value: float | None


class NamedTable(TypedDict):
    """A table with its title."""

    name: str
    title: str
    note: str
    table: Table


class PageFillRow(TypedDict):
    """Page[FillRow]."""

    items: list[FillRow]
    next_cursor: NotRequired[str | None]


class PageRunRow(TypedDict):
    """Page[RunRow]."""

    items: list[RunRow]
    next_cursor: NotRequired[str | None]


class PageTradeRow(TypedDict):
    """Page[TradeRow]."""

    items: list[TradeRow]
    next_cursor: NotRequired[str | None]


class PriceLine(TypedDict):
    """A level a trade worked with: entry, stop, target or exit."""

    kind: Literal["entry", "exit", "stop", "target"]
    price: float
    start: str
    end: str


class RunAnalysis(TypedDict):
    """Where a result came from, what it bears and what it rests on."""

    run_id: str
    currency: str
    costs: CostBridge | None
    costs_by_instrument: Table | None
    costs_by_window: Table | None
    stress: StressView | None
    attribution: list[NamedTable]
    luck: list[NamedTable]
    drawdowns: Table | None
    guards: list[GuardReport]
    assumptions: list[str]


class RunBars(TypedDict):
    """Candles with what the run did on them."""

    symbol: str
    interval: str
    source: str
    adjustment: str
    times: list[str]
    open: list[float | None]
    high: list[float | None]
    low: list[float | None]
    close: list[float | None]
    volume: list[float | None]
    truncated: NotRequired[bool]
    marks: list[ChartMark]
    lines: list[PriceLine]


class RunDetail(TypedDict):
    """Everything about a run that is not a long list."""

    run_id: str
    name: str
    kind: str
    status: str
    created_at: str
    digest: str
    verdict: str
    metrics: dict[str, float | None]
    currency: str
    initial_cash: str
    final_equity: str
    start: str | None
    end: str | None
    bars: int
    symbols: list[str]
    benchmark_name: str
    judgement: VerdictView
    figures: list[MetricValue]
    windows: list[Window]
    out_of_sample: list[Span]
    cost: CostView
    cost_sensitivity: Table | None
    start_sensitivity: Table | None
    controls: Table | None
    scores: Table | None
    monthly: list[MonthReturn]
    features: list[str]
    notes: list[str]
    n_trades: int
    n_orders: int
    n_fills: int
    can_trade_on_paper: bool
    manifest: dict[str, Any]


class RunRow(TypedDict):
    """One line of the list of runs."""

    run_id: str
    name: str
    kind: str
    status: str
    created_at: str
    digest: str
    verdict: str
    metrics: dict[str, float | None]


class Span(TypedDict):
    """A stretch of time."""

    start: str
    end: str


class StressScenarioView(TypedDict):
    """A scenario over its starts."""

    name: str
    description: str
    shock: float
    worst: StressStartView
    median_score: float | None
    starts: list[StressStartView]


class StressStartView(TypedDict):
    """One start of a scenario, beside the same span without it."""

    first_day: str
    last_day: str
    is_cut: bool
    stressed_return: float | None
    normal_return: float | None
    drawdown: float | None
    market_drawdown: float | None
    sessions_to_trough: int
    sessions_to_regain: int | None
    recovered_share: float | None
    breach_share: float | None
    score: float | None
    message: str


class StressView(TypedDict):
    """What scenarios did to the strategy."""

    drawdown_limit: float
    scenarios: list[StressScenarioView]
    notes: list[str]


class Table(TypedDict):
    """Figures in rows; units by column as in a metric."""

    columns: list[str]
    units: list[str]
    rows: list[list[float | str | None]]


# A round trip, from flat to flat.
TradeRow = TypedDict(
    "TradeRow",
    {
        "number": int,
        "symbol": str,
        "side": Literal["LONG", "SHORT"],
        "is_open": bool,
        "entry_at": str,
        "exit_at": str | None,
        "quantity": str,
        "entry_price": float | None,
        "exit_price": float | None,
        "profit": str,
        "cost": str,
        "return": float | None,
        "bars_held": int,
        "exit_reason": str,
    },
)


class VerdictView(TypedDict):
    """Believe it or not, and why."""

    word: str
    sentence: str
    cautions: list[str]
    may_show_performance: bool
    checks: list[Check]


class Window(TypedDict):
    """One step of the walk-forward validation."""

    number: int
    train_start: str | None
    train_end: str | None
    test_start: str | None
    test_end: str | None
    train_rows: int | None
    test_rows: int | None
    scores: dict[str, float | None]
