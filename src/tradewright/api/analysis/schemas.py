"""What the API says of the long part of a result."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from tradewright.api.run_schemas import Table
from tradewright.api.schemas import Number


class CostBridge(BaseModel):
    """From gross to net in major units; costs are >= 0 and the difference of the two."""

    gross: float
    spread: float
    slippage: float
    impact: float
    fee: float
    financing: float
    net: float
    notional: float = Field(description="Traded at raw prices")
    bps: Number = Field(description="Cost of trading over what was traded")
    break_even_bps: Number = Field(description="The same at which nothing is left")


class StressStartView(BaseModel):
    """One start of a scenario, beside the same span without it."""

    first_day: str
    last_day: str
    is_cut: bool = Field(description="The data end before the scenario does")
    stressed_return: Number
    normal_return: Number
    drawdown: Number
    market_drawdown: Number
    sessions_to_trough: int
    sessions_to_regain: int | None
    recovered_share: Number
    breach_share: Number
    score: Number = Field(description="Resilience, 0 to 100")
    message: str


class StressScenarioView(BaseModel):
    """A scenario over its starts."""

    name: str
    description: str
    shock: float = Field(description="Of the market, a fraction")
    worst: StressStartView
    median_score: Number
    starts: list[StressStartView]


class StressView(BaseModel):
    """What scenarios did to the strategy."""

    drawdown_limit: float
    scenarios: list[StressScenarioView]
    notes: list[str]


class NamedTable(BaseModel):
    """A table with its title."""

    name: str
    title: str
    note: str
    table: Table


class GuardReport(BaseModel):
    """What a guard said; `ok` is null where it did not run."""

    name: str
    ok: bool | None
    summary: str
    findings: list[dict[str, Any]]


class RunAnalysis(BaseModel):
    """Where a result came from, what it bears and what it rests on."""

    run_id: str
    currency: str
    costs: CostBridge | None = Field(description="Null where no figure may be shown")
    costs_by_instrument: Table | None
    costs_by_window: Table | None
    stress: StressView | None = Field(description="Null where no scenario was run")
    attribution: list[NamedTable]
    luck: list[NamedTable]
    drawdowns: Table | None
    guards: list[GuardReport]
    assumptions: list[str]
