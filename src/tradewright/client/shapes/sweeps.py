"""Types of sweeps; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class PageSweepRow(TypedDict):
    """Page[SweepRow]."""

    items: list[SweepRow]
    next_cursor: NotRequired[str | None]


class SweepBody(TypedDict):
    """A sweep to run."""

    strategy: str
    grid: dict[str, Any]
    search: NotRequired[Literal["grid", "random", "optuna"]]
    trials: NotRequired[int]
    data: NotRequired[Literal["sample", "store"]]
    symbols: NotRequired[list[str]]
    start: NotRequired[str | None]
    end: NotRequired[str | None]
    cash: NotRequired[float]
    fee_bps: NotRequired[float | None]
    slippage_bps: NotRequired[float | None]
    resume: NotRequired[bool]


class SweepChoice(TypedDict):
    """A set of a sweep."""

    parameters: dict[str, Any]


class SweepDetail(TypedDict):
    """A sweep with its sets, the highest Sharpe ratio first."""

    sweep_id: str
    title: str
    strategy: str
    created_at: str
    symbols: list[str]
    first_day: str
    last_day: str
    search: str
    parameters: list[str]
    sets: int
    best_sharpe: float | None
    best_stability: float | None
    overfitting: float | None
    axes: dict[str, list[str | bool | int | float | None]]
    rows: list[SweepSet]
    failures: list[SweepFailure]
    counted: int
    luck: float | None
    spa: float | None
    digest: str
    can_run: bool


class SweepFailure(TypedDict):
    """A set that has no figures."""

    parameters: dict[str, str | bool | int | float | None]
    cause: str


class SweepRow(TypedDict):
    """One line of the list of sweeps."""

    sweep_id: str
    title: str
    strategy: str
    created_at: str
    symbols: list[str]
    first_day: str
    last_day: str
    search: str
    parameters: list[str]
    sets: int
    best_sharpe: float | None
    best_stability: float | None
    overfitting: float | None


class SweepSet(TypedDict):
    """One set of parameters and what it gave."""

    parameters: dict[str, str | bool | int | float | None]
    total_return: float | None
    sharpe: float | None
    max_drawdown: float | None
    trades: int
    neighbours: int
    neighbour_sharpe: float | None
    stability: float | None
    plateau: float | None
