"""What the JSON document of a run holds, as a schema that other programs can check against.

``python -m tradewright.services.results.schema docs/reference/run.schema.json`` writes it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Figure = float | None
"""A number, or null where it is not defined."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class VerdictPart(_Strict):
    """The judgement of the result."""

    word: str = Field(description="leak, no evidence, weak, supported, incomplete or replayed")
    sentence: str = Field(description="whether to believe it, and why")
    cautions: list[str] = Field(description="what else a reader must know")


class AcceptancePart(_Strict):
    """One acceptance threshold."""

    name: str
    value: Figure
    limit: float
    ok: bool


class PeriodPart(_Strict):
    """One test window."""

    index: int = Field(ge=1)
    train_first: AwareDatetime | None = Field(description="close of the first session trained on")
    train_last: AwareDatetime | None
    test_first: AwareDatetime
    test_last: AwareDatetime
    model_version: str = Field(description="hash of the fitted model, empty without one")
    parameters: dict[str, Any] = Field(description="chosen in this window")
    metrics: dict[str, Figure] = Field(description="fractions; Sharpe ratios are annual")
    trades: int = Field(ge=0, description="round trips entered in it")
    first_equity: float = Field(description="major units")
    last_equity: float = Field(description="major units")


class EquityPart(BaseModel):
    """Growth of 1 at session closes: the run and what it is compared with."""

    model_config = ConfigDict(extra="allow")

    time: list[AwareDatetime]


class RunDocument(_Strict):
    """The result of one run; figures are null or absent where they may not be shown."""

    manifest: dict[str, Any] = Field(description="what the run was made from, and its digest")
    execution_start: AwareDatetime = Field(description="wall clock, UTC")
    execution_end: AwareDatetime = Field(description="wall clock, UTC")
    total_periods: int = Field(ge=1, description="test windows; 1 without any")
    verdict: VerdictPart
    metrics: dict[str, Figure] | None = Field(description="see the metrics page for units")
    statistics: dict[str, Any] | None = Field(description="tests and bootstrap intervals")
    acceptance: list[AcceptancePart]
    chance: dict[str, Any] | None = Field(description="the run beside strategies without skill")
    attribution: dict[str, Any] | None = Field(description="where the return came from, fractions")
    benchmarks: list[str]
    periods_per_year: float | None = Field(description="sessions")
    risk_free: float = Field(description="annual rate, a fraction")
    windows: list[dict[str, Any]] = Field(default=[], description="test windows, times in ns")
    period_results: list[PeriodPart] = []
    stability_metrics: dict[str, Figure] = {}
    cost_sensitivity: list[dict[str, Figure]] = Field(
        default=[], description="the same decisions at other multiples of their costs"
    )
    path_bounds: dict[str, Figure] = Field(
        default={},
        description="fills that depend on the order of prices inside a bar, and final equity if "
        "the worse (pessimistic) or the better (optimistic) always came first, major units",
    )
    costs: dict[str, list[dict[str, Any]]] = Field(
        default={}, description="from gross to net by instruments and windows, major units"
    )
    stress: dict[str, Any] | None = Field(default=None, description="what scenarios did to it")
    controls: list[dict[str, Any]] = []
    trades: list[dict[str, Any]] = Field(default=[], description="round trips, major units")
    actions: list[dict[str, Any]] = Field(
        default=[], description="what corporate actions did to the account, major units"
    )
    equity: EquityPart | None = None


def schema_text() -> str:
    """Return the JSON schema of `RunDocument`."""
    return json.dumps(RunDocument.model_json_schema(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_text(), encoding="utf-8")
