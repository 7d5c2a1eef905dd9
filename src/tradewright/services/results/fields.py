"""The result of a run under the names that a backtest's result is asked for by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tradewright.domain.money import minor_exponent
from tradewright.domain.time import from_ns
from tradewright.metrics.stability import window_stability
from tradewright.services.results.evidence import window_rows

if TYPE_CHECKING:
    import polars as pl

    from tradewright.domain.bars import Bars
    from tradewright.services.runs import Run


@dataclass(frozen=True, slots=True)
class PeriodResult:
    """One test window of a run.

    Parameters
    ----------
    index : int
        From 1.
    train_first, train_last : datetime or None
        First and last session trained on; None where nothing was trained.
    test_first, test_last : datetime
        First and last session tested.
    model_version : str
        Hash of the fitted model; empty where there is none.
    parameters : mapping
        Chosen in this window.
    metrics : mapping of str to float
        ``total_return, sharpe, max_drawdown, benchmark_return``, fractions.
    trades : int
        Round trips entered in it.
    first_equity, last_equity : float
        Major units.
    """

    index: int
    train_first: datetime | None
    train_last: datetime | None
    test_first: datetime
    test_last: datetime
    model_version: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    trades: int
    first_equity: float
    last_equity: float


class ResultFields:
    """Names of a backtest's result on top of what a run knows; see `Run`."""

    @property
    def _run(self) -> Run:
        return cast("Run", self)

    @cached_property
    def comparable(self) -> Bars:
        """The bars with prices that compare over time: total return where actions are carried."""
        bars = self._run.bars
        if not bars.actions:
            return bars
        from tradewright.marketdata import adjust

        return adjust(bars, mode="total_return")

    @cached_property
    def actions(self) -> pl.DataFrame:
        """What corporate actions did; columns in `markets.action_effects.actions_frame`."""
        from tradewright.services.markets.action_effects import actions_frame

        return actions_frame(self._run)

    @property
    def execution_end(self) -> datetime:
        """When the run was made, by the wall clock, aware UTC."""
        return from_ns(self._run.created_ns)

    @property
    def execution_start(self) -> datetime:
        """When its first stage began: the end less the seconds of the stages that were timed."""
        return self.execution_end - timedelta(seconds=sum(self._run.extras.stage_seconds.values()))

    @property
    def total_periods(self) -> int:
        """Number of test windows; 1 for a run that was not cut into windows."""
        return max(len(self._run.extras.windows), 1)

    @property
    def overall_metrics(self) -> dict[str, float]:
        """Every metric over the measured span; NaN where one is not defined."""
        return dict(self._run.metrics)

    @property
    def period_results(self) -> tuple[PeriodResult, ...]:
        """One row for each test window that has at least two sessions in the run."""
        run = self._run
        ts, levels = run.outcome.ts[run.timeline.rows], run.timeline.levels
        entered = run.outcome.ts[run.trips["entry_bar"]]
        versions = _versions(run.manifest)
        measured = {row.pop("number"): row for row in window_rows(run)}
        per_major, found = 10 ** minor_exponent(run.outcome.currency), []
        for window in run.extras.windows:
            if window.number not in measured:
                continue
            first = int(np.searchsorted(ts, window.test_start_ns))
            last = int(np.searchsorted(ts, window.test_end_ns, side="right")) - 1
            inside = (entered >= window.test_start_ns) & (entered <= window.test_end_ns)
            figures = measured[window.number]
            found.append(
                PeriodResult(
                    index=window.number,
                    train_first=_moment(window.train_start_ns),
                    train_last=_moment(window.train_end_ns),
                    test_first=from_ns(int(ts[first])),
                    test_last=from_ns(int(ts[last])),
                    model_version=versions.get(window.number, ""),
                    parameters=dict(window.parameters),
                    metrics={k: v for k, v in figures.items() if not k.endswith("_ns")},
                    trades=int(inside.sum()),
                    first_equity=float(levels[max(first - 1, 0)]) / per_major,
                    last_equity=float(levels[last]) / per_major,
                )
            )
        return tuple(found)

    @property
    def cumulative_returns(self) -> pl.DataFrame:
        """Return since the start at each session close: ``time, cumulative_return``, a fraction."""
        import polars as pl

        timeline = self._run.timeline
        return pl.DataFrame(
            {
                "time": pl.Series(self._run.outcome.ts[timeline.rows]).cast(
                    pl.Datetime("ns", "UTC")
                ),
                "cumulative_return": timeline.levels / timeline.levels[0] - 1.0,
            }
        )

    @property
    def var_95(self) -> float:
        """Value at risk of a session at 95 %, a positive loss fraction."""
        return self._run.metrics["var_95"]

    @property
    def cvar_95(self) -> float:
        """Expected shortfall of a session at 95 %, a positive loss fraction."""
        return self._run.metrics["cvar_95"]

    @property
    def stability_metrics(self) -> dict[str, float]:
        """How even the test windows were; see `tradewright.metrics.stability`."""
        rows = window_rows(self._run)
        return window_stability(
            [row["total_return"] for row in rows],
            [row["sharpe"] for row in rows],
            self._run.timeline.levels,
        )

    @property
    def performance_consistency(self) -> float:
        """Score of that evenness, 0 to 100; NaN without windows."""
        return self.stability_metrics["performance_consistency"]

    @cached_property
    def path_bounds(self) -> Mapping[str, float]:
        """Final equity if the worse, and if the better, always came first inside a bar."""
        from tradewright.services.results.costing.inside import path_bounds

        return path_bounds(self._run)

    @cached_property
    def cost_sensitivity(self) -> tuple[Mapping[str, Any], ...]:
        """The result at 0, 0.5, 1, 2 and 3 times the costs."""
        from tradewright.services.results.costing.sensitivity import cost_sensitivity

        return cost_sensitivity(self._run)

    @property
    def window_costs(self) -> pl.DataFrame:
        """From gross to net of each test window; columns of `costs` with ``window`` first."""
        from tradewright.services.results.tables import window_costs_frame

        return window_costs_frame(self._run)

    @property
    def stress(self) -> Mapping[str, Any]:
        """What scenarios did to the strategy (`tw.stress`); empty where none was run."""
        return self._run.extras.stress

    @property
    def stress_starts(self) -> pl.DataFrame:
        """One row for each scenario and start of `stress`."""
        from tradewright.services.results.tables import stress_frame

        return stress_frame(self.stress)

    @property
    def round_trips(self) -> pl.DataFrame:
        """The round trips; the same as `trades`."""
        return self._run.trades


def _moment(ts: int) -> datetime | None:
    return from_ns(ts) if ts else None


def _versions(manifest: Mapping[str, Any]) -> dict[int, str]:
    # Hash of each window's model, where a study stored them.
    models = manifest.get("models")
    if not isinstance(models, list | tuple):
        return {}
    return {
        int(model["window"]): str(model["content_hash"])
        for model in models
        if isinstance(model, Mapping) and "window" in model
    }
