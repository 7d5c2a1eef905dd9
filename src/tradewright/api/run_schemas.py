"""What the API says of a finished run."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from tradewright.api.schemas import Amount, BarSeries, Moment, Number


class RunRow(BaseModel):
    """One line of the list of runs."""

    run_id: str
    name: str
    kind: str = Field(description="study, backtest, sweep or paper")
    status: str = Field(description="COMPLETED, CANCELLED or FAILED")
    created_at: Moment
    digest: str
    verdict: str = Field(
        description="supported, weak, no evidence, leak or incomplete; may be empty"
    )
    metrics: dict[str, Number]


class MetricValue(BaseModel):
    """A figure with its meaning."""

    name: str
    label: str
    group: str
    unit: str = Field(
        description="fraction, ratio, count, bars, sessions, money, bps, probability …"
    )
    value: Number
    benchmark: Number = Field(description="The same of the benchmark, where it exists")
    better: int = Field(description="1 if higher is better, -1 if lower is, 0 if neither")
    definition: str
    formula: str
    convention: str


class Check(BaseModel):
    """One test a result had to pass before it may be believed."""

    name: str
    label: str
    state: Literal["pass", "warn", "fail", "not run"]
    value: str = Field(description="The figure, written for people")
    detail: str


class VerdictView(BaseModel):
    """Believe it or not, and why."""

    word: str
    sentence: str
    cautions: list[str]
    may_show_performance: bool
    checks: list[Check]


class Span(BaseModel):
    """A stretch of time."""

    start: Moment
    end: Moment


class Window(BaseModel):
    """One step of the walk-forward validation."""

    number: int
    train_start: Moment | None
    train_end: Moment | None
    test_start: Moment | None
    test_end: Moment | None
    train_rows: int | None
    test_rows: int | None
    scores: dict[str, Number]


class CostPart(BaseModel):
    """What one component of the costs took."""

    name: str
    amount: Amount
    share: Number = Field(description="Of all costs")


class CostView(BaseModel):
    """Where the money went."""

    parts: list[CostPart]
    total: Amount
    of_turnover: Number = Field(description="Costs over traded value")
    of_capital: Number = Field(description="Costs over initial cash")


class Table(BaseModel):
    """Figures in rows; units by column as in a metric."""

    columns: list[str]
    units: list[str]
    rows: list[list[float | str | None]]


class MonthReturn(BaseModel):
    """Return of one calendar month."""

    year: int
    month: int
    value: Number


class RunDetail(RunRow):
    """Everything about a run that is not a long list."""

    currency: str
    initial_cash: Amount
    final_equity: Amount
    start: Moment | None
    end: Moment | None
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
    manifest: dict[str, Any] = Field(description="Config, versions, hashes; open by nature")


class EquitySeries(BaseModel):
    """Equity and what it is compared with, as columns of equal length."""

    currency: str
    benchmark_name: str
    times: list[Moment]
    equity: list[Number]
    drawdown: list[Number] = Field(description="Fraction below the highest equity so far, <= 0")
    exposure: list[Number] = Field(description="Gross position value over equity")
    benchmark: list[Number] = Field(description="Same initial cash in the benchmark")
    benchmark_drawdown: list[Number]


class TradeRow(BaseModel):
    """A round trip, from flat to flat."""

    number: int
    symbol: str
    side: Literal["LONG", "SHORT"]
    is_open: bool
    entry_at: Moment
    exit_at: Moment | None
    quantity: Amount
    entry_price: Number
    exit_price: Number
    profit: Amount = Field(description="After all costs")
    cost: Amount
    return_: Number = Field(alias="return", description="Profit over entry value")
    bars_held: int
    exit_reason: str

    model_config = {"populate_by_name": True}


class FillRow(BaseModel):
    """An execution with every component of its cost."""

    number: int
    order: int
    symbol: str
    side: Literal["BUY", "SELL"]
    at: Moment
    quantity: Amount
    price: Amount
    value: Amount
    fee: Amount
    spread: Amount
    slippage: Amount
    impact: Amount
    reason: str


MarkKind = Literal["entry", "exit", "stop", "target", "buy", "sell"]
LineKind = Literal["entry", "exit", "stop", "target"]


class ChartMark(BaseModel):
    """A point on the candles where the run acted."""

    at: Moment
    kind: MarkKind
    side: Literal["BUY", "SELL"]
    price: Number
    quantity: Amount
    trade: int | None
    text: str


class PriceLine(BaseModel):
    """A level a trade worked with: entry, stop, target or exit."""

    kind: LineKind
    price: float
    start: Moment
    end: Moment


class RunBars(BarSeries):
    """Candles with what the run did on them."""

    marks: list[ChartMark]
    lines: list[PriceLine]
