"""What the API says of a sweep, and what it takes to begin one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tradewright.api.schemas import Moment, Number

Value = str | bool | int | float
"""Of a parameter."""
Symbol = Annotated[str, Field(min_length=1, max_length=32)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
MOST_SETS = 20_000
"""Sets that one request may ask for."""


class SweepRow(BaseModel):
    """One line of the list of sweeps."""

    sweep_id: str
    title: str
    strategy: str
    created_at: Moment
    symbols: list[str]
    first_day: str
    last_day: str
    search: str = Field(description="grid, random:N or optuna:N")
    parameters: list[str]
    sets: int
    best_sharpe: Number
    best_stability: Number = Field(description="Share that its neighbours keep, 0 to 1")
    overfitting: Number = Field(description="Probability of overfitting")


class SweepSet(BaseModel):
    """One set of parameters and what it gave."""

    parameters: dict[str, Value | None]
    total_return: Number
    sharpe: Number
    max_drawdown: Number
    trades: int
    neighbours: int = Field(description="Sets tried one step away in every parameter or fewer")
    neighbour_sharpe: Number
    stability: Number
    plateau: Number = Field(description="Mean Sharpe ratio of the set and its neighbours")


class SweepFailure(BaseModel):
    """A set that has no figures."""

    parameters: dict[str, Value | None]
    cause: str


class SweepDetail(SweepRow):
    """A sweep with its sets, the highest Sharpe ratio first."""

    axes: dict[str, list[Value | None]] = Field(description="Values tried of each parameter")
    rows: list[SweepSet]
    failures: list[SweepFailure]
    counted: int = Field(description="Trials counted in the family so far")
    luck: Number = Field(description="Sharpe ratio that luck alone gives the best of so many")
    spa: Number = Field(description="p-value of Hansen's SPA against buy-and-hold")
    digest: str
    can_run: bool = Field(description="Whether its bars can be opened again to run a set")


class SweepBody(BaseModel):
    """A sweep to run."""

    model_config = ConfigDict(extra="forbid")

    strategy: Name
    grid: Annotated[
        dict[Name, Annotated[list[Value], Field(min_length=1, max_length=1000)]],
        Field(min_length=1, max_length=8, examples=[{"fast": [5, 10], "slow": [40, 60]}]),
    ]
    search: Literal["grid", "random", "optuna"] = "grid"
    trials: Annotated[int, Field(ge=1, le=MOST_SETS, description="Of random and optuna")] = 50
    data: Literal["sample", "store"] = "sample"
    symbols: Annotated[list[Symbol], Field(max_length=1000)] = Field(default_factory=list)
    start: Annotated[str | None, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] = None
    end: Annotated[str | None, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] = None
    cash: Annotated[float, Field(gt=0, le=1e12)] = 100_000.0
    fee_bps: Annotated[float | None, Field(ge=0, lt=10_000)] = None
    slippage_bps: Annotated[float | None, Field(ge=0, lt=10_000)] = None
    resume: bool = Field(default=False, description="Go on where the same sweep was stopped")


class SweepChoice(BaseModel):
    """A set of a sweep."""

    model_config = ConfigDict(extra="forbid")

    parameters: dict[Name, Value]
