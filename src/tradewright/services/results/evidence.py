"""Statistics and verdict of a run: skill, luck, leak or nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.outcome import RunStatus
from tradewright.metrics.acceptance import AcceptanceCheck, AcceptanceLimits, accept
from tradewright.metrics.attribution.factors import factor_regression
from tradewright.metrics.bootstrap import BootstrapResult, Interval, stationary_bootstrap
from tradewright.metrics.intervals import closed_form_intervals
from tradewright.metrics.returns import returns_of, sharpe, total_return
from tradewright.metrics.stability import window_stability
from tradewright.metrics.statistics import (
    deflated_sharpe,
    mean_test,
    minimum_track_record,
    newey_west_test,
    probabilistic_sharpe,
    sharpe_moments,
)
from tradewright.metrics.verdict import Evidence, Verdict, judge, replayed
from tradewright.services.results.costing.inside import path_gap

if TYPE_CHECKING:
    from tradewright.services.runs import Run

LEAST: Final = 10
"""Sessions from which the regression on the benchmark is made."""


@dataclass(frozen=True, slots=True)
class RunStatistics(Mapping[str, float]):
    """Tests of luck by name, and bootstrap intervals.

    Parameters
    ----------
    values : mapping of str to float
        The group "Luck" of docs/reference/metrics.md.
    bootstrap : BootstrapResult
        Intervals of mean, Sharpe ratio, annual and total return, drawdown, and of the differences
        to the benchmark.
    closed_form : mapping of str to (low, high)
        95 % intervals of mean, Sharpe ratio (Mertens) and annual return in closed form.
    """

    values_by_name: Mapping[str, float]
    bootstrap: BootstrapResult
    closed_form: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)

    def interval(self, name: str) -> Interval | None:
        """Return the bootstrap interval of a metric, None where there is none."""
        return self.bootstrap.intervals.get(name)

    def as_document(self) -> dict[str, Any]:
        """Return the same as plain mappings, ready for JSON."""
        intervals = {
            name: {key: getattr(found, key) for key in Interval.__dataclass_fields__}
            for name, found in self.bootstrap.intervals.items()
        }
        return {
            "values": dict(self.values_by_name),
            "intervals": intervals,
            "closed_form": {name: list(found) for name, found in self.closed_form.items()},
            "block_length": self.bootstrap.block_length,
            "resamples": self.bootstrap.resamples,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RunStatistics:
        """Read what `as_document` wrote."""
        intervals = {
            name: Interval(**{key: _number(value) for key, value in found.items()})
            for name, found in document["intervals"].items()
        }
        bootstrap = BootstrapResult(intervals, document["block_length"], document["resamples"])
        closed = {
            name: (_number(low), _number(high))
            for name, (low, high) in document.get("closed_form", {}).items()
        }
        return cls({name: _number(v) for name, v in document["values"].items()}, bootstrap, closed)


def statistics_of(run: Run) -> RunStatistics:
    """Test a run: mean, Sharpe ratio after its trials, bootstrap, windows.

    Parameters
    ----------
    run : Run
        Measured on its test windows where it has any.

    Returns
    -------
    RunStatistics
        Seeded by the run's seed, so that it repeats.
    """
    timeline, extras = run.timeline, run.extras
    returns = timeline.returns
    moments = sharpe_moments(
        returns, risk_free_per_period=run.risk_free / timeline.periods_per_year
    )
    n_trials = max(1, len(extras.trials), extras.n_trials or 0)
    t, p = mean_test(returns)
    t_robust, p_robust, _ = newey_west_test(returns)
    windows = window_rows(run)
    even = window_stability(
        [row["total_return"] for row in windows],
        [row["sharpe"] for row in windows],
        timeline.levels,
    )
    record = minimum_track_record(moments)
    values = {
        "t_statistic": t,
        "p_value": p,
        "t_newey_west": t_robust,
        "p_newey_west": p_robust,
        "probabilistic_sharpe": probabilistic_sharpe(moments),
        "deflated_sharpe": deflated_sharpe(moments, extras.trials, n_trials=n_trials),
        "trials": float(n_trials),
        "minimum_track_record": record if math.isfinite(record) else math.nan,
        "overfitting": math.nan if extras.overfitting is None else extras.overfitting,
        **_beyond_benchmark(run),
        "positive_windows": even["positive_windows"],
        "performance_consistency": even["performance_consistency"],
    }
    if len(returns) < 2:
        unknown = Interval(*([math.nan] * 5))
        return RunStatistics(values, BootstrapResult({"sharpe": unknown}, 1.0, 0))
    bootstrap = stationary_bootstrap(
        returns,
        np.random.default_rng(run.seed),
        periods_per_year=timeline.periods_per_year,
        benchmark=run.benchmarks[0].returns,
        risk_free=run.risk_free,
    )
    closed = closed_form_intervals(
        returns, periods_per_year=timeline.periods_per_year, risk_free=run.risk_free
    )
    return RunStatistics(values, bootstrap, closed)


def _beyond_benchmark(run: Run) -> dict[str, float]:
    """Test what holding the benchmark does not explain."""
    timeline, held = run.timeline, run.benchmarks[0].returns
    free = run.risk_free / timeline.periods_per_year
    varies = min(np.ptp(held), np.ptp(timeline.returns)) > 1e-12 if len(held) > LEAST else False
    if not varies or not np.isfinite(held).all():
        return {"t_alpha": math.nan, "p_alpha": math.nan}
    fit = factor_regression(timeline.returns - free, held[:, None] - free, ["benchmark"])
    return {"t_alpha": float(fit.t[0]), "p_alpha": float(fit.p[0])}


def window_rows(run: Run) -> list[dict[str, Any]]:
    """Measure each test window on its own.

    Returns
    -------
    list of dict
        ``number, test_start_ns, test_end_ns, total_return, sharpe, max_drawdown,
        benchmark_return`` per window that has at least two sessions in the run.
    """
    timeline, benchmark = run.timeline, run.benchmarks[0]
    ts = run.outcome.ts[timeline.rows]
    found = []
    for window in run.extras.windows:
        first = int(np.searchsorted(ts, window.test_start_ns))
        last = int(np.searchsorted(ts, window.test_end_ns, side="right"))
        levels = timeline.levels[max(first - 1, 0) : last]
        if len(levels) < 2:
            continue
        returns = returns_of(levels)
        peak = np.maximum.accumulate(levels)
        held = benchmark.levels[max(first - 1, 0) : last]
        found.append(
            {
                "number": window.number,
                "test_start_ns": window.test_start_ns,
                "test_end_ns": window.test_end_ns,
                "total_return": total_return(returns),
                "sharpe": sharpe(
                    returns,
                    periods_per_year=timeline.periods_per_year,
                    risk_free=run.risk_free,
                ),
                "max_drawdown": float((levels / peak - 1.0).min()) if peak[0] > 0 else -1.0,
                "benchmark_return": float(held[-1] / held[0] - 1.0),
            }
        )
    return found


def acceptance_of(run: Run, limits: AcceptanceLimits | None = None) -> tuple[AcceptanceCheck, ...]:
    """Compare the run with the acceptance thresholds (Sharpe, drawdown, win rate)."""
    return accept(run.metrics, limits)


def verdict_of(run: Run) -> Verdict:
    """Judge a run; figures are computed only where the run may be judged at all."""
    completed = run.outcome.status == RunStatus.COMPLETED
    leak, health = run.extras.leak, run.extras.health
    if not completed or leak.ok is False:
        return judge(
            Evidence(
                math.nan, 1, math.nan, math.nan, math.nan, "",
                leak_ok=leak.ok, leak_summary=leak.summary, completed=completed,
                stop_reason=run.outcome.message or str(run.outcome.status).lower(),
            )
        )  # fmt: skip
    if run.kind == "paper":
        return replayed(_survivors(run.bars.notes))
    statistics, metrics = run.statistics, run.metrics
    interval = statistics.interval("sharpe") or Interval(*([math.nan] * 5))
    doubled = [row for row in run.cost_sensitivity if row.get("multiple") == 2.0]
    controls = [row.get("p_value") for row in run.extras.controls]
    p_values = [float(p) for p in controls if p is not None and math.isfinite(float(p))]
    fills = len(run.outcome.fills)
    return judge(
        Evidence(
            deflated_sharpe=statistics["deflated_sharpe"],
            n_trials=int(statistics["trials"]),
            sharpe_low=interval.low_95,
            sharpe_high=interval.high_95,
            excess_return=metrics["excess_return"],
            benchmark=run.benchmarks[0].name,
            leak_ok=leak.ok,
            leak_summary=leak.summary,
            health_ok=health.ok,
            costs_charged=fills == 0 or metrics["total_costs"] != 0,
            double_cost_return=float(doubled[0]["total_return"]) if doubled else math.nan,
            accepted=all(check.ok for check in run.acceptance),
            control_p=max(p_values) if p_values else math.nan,
            backtest_overfit=statistics.get("overfitting", math.nan),
            alpha_t=statistics.get("t_alpha", math.nan),
            sessions=len(run.timeline.returns),
            data_notes=_survivors(run.bars.notes),
            path_gap=path_gap(run),
            path_dependent_share=run.outcome.path_dependent_fills / fills if fills else 0.0,
        )
    )


def _survivors(notes: tuple[str, ...]) -> tuple[str, ...]:
    """Choose the notes that make a result look better than it is."""
    return tuple(
        f"{note[0].upper()}{note[1:]}." for note in notes if note.startswith("survivorship")
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
