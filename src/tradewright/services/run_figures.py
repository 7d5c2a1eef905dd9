"""A run as the web page shows it: figures with their meaning, checks, months, cost parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from tradewright.domain.time import from_ns
from tradewright.metrics.glossary import METRICS, Metric
from tradewright.metrics.returns import performance
from tradewright.metrics.verdict import LEAST_ALPHA_T, MOST_OVERFIT

if TYPE_CHECKING:
    from tradewright.services.runs import Run

State = Literal["pass", "warn", "fail", "not run"]
GOOD: Final = "pass"
WARN: Final = "warn"
BAD: Final = "fail"
NOT_RUN: Final = "not run"
SUPPORTED_FROM: Final = 0.95
WEAK_FROM: Final = 0.90


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A metric with its value, and the benchmark's where it has one."""

    metric: Metric
    value: float
    benchmark: float


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One test of a result: its state, the figure in words, and what it means."""

    name: str
    label: str
    state: State
    value: str
    detail: str


def figures_of(run: Run) -> list[FigureRow]:
    """Return every figure of a run in the order of the glossary; empty where none may be shown.

    Parameters
    ----------
    run : Run
        A finished run.

    Returns
    -------
    list of FigureRow
        NaN where a figure is not defined.
    """
    if not run.may_show_performance:
        return []
    held = _benchmark_figures(run)
    values = {**dict(run.metrics), **dict(run.statistics)}
    return [
        FigureRow(metric, values.get(metric.name, math.nan), held.get(metric.name, math.nan))
        for metric in METRICS
        if metric.name in values
    ]


def _benchmark_figures(run: Run) -> dict[str, float]:
    found = performance(
        run.benchmarks[0].returns,
        periods_per_year=run.timeline.periods_per_year,
        risk_free=run.risk_free,
    )
    levels = run.benchmarks[0].levels
    fall = float(np.nanmin(levels / np.fmax.accumulate(levels) - 1.0))
    found["max_drawdown"] = fall
    found["calmar"] = found["annual_return"] / -fall if fall < 0 else math.nan
    return found


def checks_of(run: Run) -> list[CheckRow]:
    """Return what a result had to pass before it may be believed.

    Parameters
    ----------
    run : Run
        A finished run.

    Returns
    -------
    list of CheckRow
        Leak guard and data health always; the tests of luck only where figures may be shown.
    """
    rows = [
        _guard("leak", "Leak guard", run.extras.leak.ok, run.extras.leak.summary),
        _guard("health", "Data health", run.extras.health.ok, run.extras.health.summary),
    ]
    if run.may_show_performance:
        makers: tuple[Callable[[Run], Iterator[CheckRow]], ...] = (
            _luck, _interval, _overfitting, _alpha, _benchmark, _double_costs, _starts, _controls,
        )  # fmt: skip
        rows += [row for make in makers for row in make(run)]
    return rows


def _guard(name: str, label: str, ok: bool | None, summary: str) -> CheckRow:
    if ok is None:
        return CheckRow(name, label, NOT_RUN, "not run", summary or "It was not asked for")
    return CheckRow(name, label, GOOD if ok else BAD, "passed" if ok else "failed", summary)


def _luck(run: Run) -> Iterator[CheckRow]:
    value = run.statistics.get("deflated_sharpe", math.nan)
    state: State = GOOD if value >= SUPPORTED_FROM else WARN if value >= WEAK_FROM else BAD
    trials = f"{run.n_trials} trial{'s' if run.n_trials != 1 else ''} counted"
    detail = f"probability that skill made it; {trials}, wanted {SUPPORTED_FROM}"
    yield CheckRow("luck", "Deflated Sharpe", state, _plain(value), detail)


def _interval(run: Run) -> Iterator[CheckRow]:
    found = run.statistics.interval("sharpe")
    if found is None:
        return
    low, high = found.low_95, found.high_95
    text = f"{_plain(low)} to {_plain(high)}"
    detail = "95 % block-bootstrap interval of the Sharpe ratio; wanted above 0"
    yield CheckRow("interval", "Sharpe interval", GOOD if low > 0 else BAD, text, detail)


def _overfitting(run: Run) -> Iterator[CheckRow]:
    value = run.statistics.get("overfitting", math.nan)
    if math.isfinite(value):
        detail = f"chance that the choice in its sweep was luck; wanted up to {MOST_OVERFIT}"
        state: State = GOOD if value <= MOST_OVERFIT else WARN
        yield CheckRow("overfitting", "Overfitting", state, _plain(value), detail)


def _alpha(run: Run) -> Iterator[CheckRow]:
    value = run.statistics.get("t_alpha", math.nan)
    if math.isfinite(value):
        held = run.benchmarks[0].name
        detail = f"t of what holding {held} does not explain; wanted from {LEAST_ALPHA_T}"
        state: State = GOOD if value >= LEAST_ALPHA_T else WARN
        yield CheckRow("alpha", "Alpha", state, f"t = {_plain(value)}", detail)


def _benchmark(run: Run) -> Iterator[CheckRow]:
    excess = run.metrics["excess_return"]
    if not math.isfinite(excess):
        return
    text = f"{_signed(excess * 100, 1)} points"
    detail = f"total return over buy-and-hold of {run.benchmarks[0].name}"
    yield CheckRow("benchmark", "Benchmark", GOOD if excess > 0 else WARN, text, detail)


def _double_costs(run: Run) -> Iterator[CheckRow]:
    for row in run.cost_sensitivity:
        if row.get("multiple") == 2.0:
            value = float(row["total_return"])
            state: State = GOOD if value > 0 else BAD
            text = f"{_signed(value * 100, 1)} %"
            yield CheckRow("costs", "Double costs", state, text, "total return if all cost twice")


def _starts(run: Run) -> Iterator[CheckRow]:
    returns = [float(row["total_return"]) for row in run.extras.start_sensitivity]
    if not returns:
        return
    text = f"{_signed(min(returns) * 100, 1)} to {_signed(max(returns) * 100, 1)} %"
    detail = f"total return over {len(returns)} start dates"
    yield CheckRow("starts", "Start dates", GOOD if min(returns) > 0 else WARN, text, detail)


def _controls(run: Run) -> Iterator[CheckRow]:
    values = [row.get("p_value") for row in run.controls]
    known = [float(value) for value in values if value is not None and math.isfinite(value)]
    if known:
        worst = max(known)
        detail = "against models trained on shuffled labels; wanted up to 0.10"
        state: State = GOOD if worst <= 0.10 else BAD
        yield CheckRow("controls", "Shuffled labels", state, f"p = {_plain(worst)}", detail)


def monthly_of(run: Run) -> list[tuple[int, int, float]]:
    """Return ``(year, month, return)`` of each calendar month of the measured span.

    Returns
    -------
    list of tuple
        In order; a month's return runs from the last session close before it to its own last.
    """
    if not run.may_show_performance:
        return []
    timeline = run.timeline
    closes: dict[tuple[int, int], float] = {}
    for ts, level in zip(run.outcome.ts[timeline.rows], timeline.levels, strict=True):
        when = from_ns(int(ts))
        closes[(when.year, when.month)] = float(level)
    before, found = float(timeline.levels[0]), []
    for (year, month), level in closes.items():
        found.append((year, month, level / before - 1.0 if before > 0 else math.nan))
        before = level
    return found


def cost_parts(run: Run) -> dict[str, int]:
    """Return what each component cost over the whole run, in minor units."""
    fills, outcome = run.outcome.fills, run.outcome
    parts = {name: int(fills[name].sum()) for name in ("fee", "spread", "slippage", "impact")}
    return {**parts, "financing": int(outcome.financing.sum())}


def chart_levels(run: Run) -> dict[str, Any]:
    """Return equity, drawdown, exposure and benchmark at the session closes of the measured span.

    Returns
    -------
    dict of str to ndarray
        ``ts`` (UTC nanoseconds), ``equity`` and ``benchmark`` (minor units), ``drawdown`` and
        ``benchmark_drawdown`` (fractions <= 0), ``exposure`` (gross, fraction of equity).
    """
    timeline, outcome = run.timeline, run.outcome
    rows, levels = timeline.rows, timeline.levels
    held = run.benchmarks[0].levels * levels[0]
    gross = (outcome.long_value - outcome.short_value)[rows].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "ts": outcome.ts[rows],
            "equity": levels,
            "drawdown": levels / np.maximum.accumulate(levels) - 1.0,
            "exposure": np.where(levels > 0, gross / levels, np.nan),
            "benchmark": held,
            "benchmark_drawdown": held / np.fmax.accumulate(held) - 1.0,
        }


def _plain(value: float) -> str:
    return "–" if not math.isfinite(value) else f"{value:.2f}".replace("-", "−")


def _signed(value: float, digits: int) -> str:
    return f"{value:+,.{digits}f}".replace("-", "−").replace(",", " ")
