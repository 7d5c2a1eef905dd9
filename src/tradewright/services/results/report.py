"""From a run to what its report shows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.money import minor_exponent
from tradewright.domain.time import from_ns
from tradewright.metrics.drawdowns import drawdown_series, drawdown_table
from tradewright.metrics.returns import performance
from tradewright.metrics.sessions import monthly_returns, yearly_returns
from tradewright.metrics.verdict import LEAK, LEAST_ALPHA_T, MOST_OVERFIT
from tradewright.reports.compare_page import ComparisonContent
from tradewright.reports.content import (
    CandleSeries,
    Check,
    Costs,
    Curve,
    GuardView,
    ReportContent,
)
from tradewright.reports.numbers import number, percent
from tradewright.services.markets.action_effects import action_rows, income_of
from tradewright.services.results.costing.assumed import assumptions_in_words
from tradewright.services.results.costing.bridge import (
    TOTAL,
    bridge_rows,
    instrument_bridges,
    summed,
    whole_bridge,
    window_bridges,
)
from tradewright.services.results.costing.inside import path_in_words
from tradewright.services.results.evidence import window_rows
from tradewright.services.results.extras import Guard

if TYPE_CHECKING:
    from tradewright.services.beside.comparison import Comparison
    from tradewright.services.runs import Run

MOST_TRADES: Final = 400
MOST_INSTRUMENTS: Final = 20
NO_GUARD: Final = (
    "Not run: the decisions were made by the user, the guard had nothing to recompute."
)
NO_GATE: Final = "Not run: the bars were taken as given."


def report_of(run: Run) -> ReportContent:
    """Gather what the tear sheet of a run shows.

    Parameters
    ----------
    run : Run
        Complete or not; one that may not show performance gives its verdict and manifest only.

    Returns
    -------
    ReportContent
        Plain values.
    """
    about: dict[str, Any] = {
        "title": run.name,
        "kind": run.kind,
        "run_id": run.run_id,
        "status": str(run.status).lower(),
        "created": from_ns(run.created_ns).strftime("%Y-%m-%d %H:%M UTC"),
        "subtitle": _subtitle(run),
        "currency": run.outcome.currency,
        "verdict": run.verdict,
        "leak": _guard(run.extras.leak, NO_GUARD),
        "health": _guard(run.extras.health, NO_GATE),
        "manifest": run.manifest,
        "assumptions": run.extras.assumptions or assumptions_in_words(run.config),
        "features": run.extras.features,
        "notes": tuple(dict.fromkeys((*run.extras.notes, *run.bars.notes, *run.outcome.notes))),
    }
    if not run.may_show_performance:
        return ReportContent(**about, checks=_guard_checks(run))
    about["assumptions"] = (*about["assumptions"], *path_in_words(run))
    trades = _trade_rows(run)
    return ReportContent(
        **about,
        checks=checks_of(run),
        curve=_curve(run),
        costs=_costs(run),
        stress=run.extras.stress,
        figures=dict(run.metrics),
        benchmark_figures=_benchmark_figures(run),
        intervals=run.statistics.bootstrap.intervals,
        closed_form=run.statistics.closed_form,
        acceptance=[asdict(check) for check in run.acceptance],
        chance=run.chance.as_document(),
        attribution=run.attribution.as_document() if run.attribution else {},
        luck=dict(run.statistics),
        conventions=_conventions(run),
        windows=_windows(run),
        drawdowns=_drawdowns(run),
        trades=trades,
        n_trades=len(run.trips),
        controls=run.extras.controls,
        scores=run.extras.scores,
        start_sensitivity=run.extras.start_sensitivity,
        sleeves=run.extras.sleeves,
        monthly=monthly_returns(run.outcome.ts[run.timeline.rows], run.timeline.levels),
        yearly=_yearly(run),
        candles=_candles(run, trades),
    )


def checks_of(run: Run) -> tuple[Check, ...]:
    """Return what the verdict of a run rests on, each passed, failed, doubtful or not run.

    Parameters
    ----------
    run : Run
        One that may show performance.

    Returns
    -------
    tuple of Check
        Guards, deflated Sharpe ratio, interval, benchmark, costs, thresholds.
    """
    statistics, metrics = run.statistics, run.metrics
    dsr, trials = statistics["deflated_sharpe"], int(statistics["trials"])
    found = statistics.interval("sharpe")
    low, high = (found.low_95, found.high_95) if found else (math.nan, math.nan)
    excess, beaten = metrics["excess_return"], metrics["excess_return"] > 0
    doubled = [row["total_return"] for row in run.cost_sensitivity if row.get("multiple") == 2.0]
    missed = [check.name for check in run.acceptance if not check.ok]
    strength = "pass" if dsr >= 0.95 else "warn" if dsr >= 0.90 else "fail"
    many = f"after {trials} trial{'s' if trials != 1 else ''}"
    rows = [
        Check("Deflated Sharpe ratio", strength, number(dsr, digits=3), many),
        Check(
            "Sharpe ratio, 95% interval",
            "pass" if low > 0 else "fail",
            f"{number(low)} to {number(high)}",
            "block bootstrap",
        ),
        Check(
            "Against the benchmark",
            "pass" if beaten else "fail",
            f"{percent(excess, signed=True)} points".replace("%", ""),
            run.benchmarks[0].name,
        ),
    ]
    overfit, alpha = statistics.get("overfitting", math.nan), statistics.get("t_alpha", math.nan)
    if math.isfinite(overfit):
        state = "pass" if overfit <= MOST_OVERFIT else "warn"
        rows.append(Check("Overfitting", state, number(overfit), "of the sweep it was chosen in"))
    if math.isfinite(alpha):
        state = "pass" if alpha >= LEAST_ALPHA_T else "warn"
        rows.append(Check("Alpha", state, f"t = {number(alpha)}", "not explained by holding"))
    if doubled:
        state = "pass" if doubled[0] > 0 else "warn"
        rows.append(Check("At twice the costs", state, percent(doubled[0], signed=True), "return"))
    rows.append(
        Check(
            "Acceptance thresholds",
            "warn" if missed else "pass",
            f"{len(run.acceptance) - len(missed)} of {len(run.acceptance)} met",
            ", ".join(missed).replace("_", " "),
        )
    )
    controls = [row for row in run.extras.controls if row.get("p_value") is not None]
    if controls:
        p = max(float(row["p_value"]) for row in controls)
        state = "pass" if p <= 0.05 else "warn" if p <= 0.10 else "fail"
        rows.append(Check("Shuffled labels", state, f"p = {number(p, digits=3)}", "control runs"))
    return (*_guard_checks(run), *rows)


def comparison_content(comparison: Comparison) -> ComparisonContent:
    """Gather what the page of a comparison shows."""
    first, last = (from_ns(int(comparison.ts[row])) for row in (0, -1))
    return ComparisonContent(
        labels=comparison.labels,
        run_ids=[run.run_id for run in comparison.runs],
        verdicts=[run.verdict.word for run in comparison.runs],
        ts=comparison.ts,
        levels=comparison.levels,
        metrics=comparison.metrics,
        sharpe_differences=[
            found.intervals["sharpe_difference"] if found else None
            for found in comparison.differences
        ],
        differences=comparison.config_differences,
        subtitle=(f"{first:%Y-%m-%d} to {last:%Y-%m-%d}", f"{len(comparison.ts)} shared sessions"),
        data_equal=comparison.data_equal,
    )


def _subtitle(run: Run) -> list[str]:
    bars, ts = run.bars, run.outcome.ts
    symbols = bars.symbols
    universe = ", ".join(symbols) if len(symbols) <= 6 else f"{len(symbols)} instruments"
    lines = [universe, f"{run.traded_interval} bars from {bars.source}"]
    if len(ts):
        first = ts[run.timeline.first] if run.may_show_performance else ts[0]
        lines.insert(0, f"{from_ns(int(first)):%Y-%m-%d} to {from_ns(int(ts[-1])):%Y-%m-%d}")
    if bars.adjustment != "none":
        lines.append(f"prices {bars.adjustment.replace('_', ' ')}")
    return lines


def _guard(guard: Guard, absent: str) -> GuardView:
    default = absent if guard.ok is None else ("Passed." if guard.ok else "Failed.")
    return GuardView(guard.ok, guard.summary or default, guard.findings)


def _guard_checks(run: Run) -> tuple[Check, ...]:
    rows = []
    for label, guard, bad in (
        ("Leak guard", run.extras.leak, "fail"),
        ("Data health", run.extras.health, "fail"),
    ):
        state = {True: "pass", False: bad, None: "not run"}[guard.ok]
        value = {True: "passed", False: "failed", None: "not run"}[guard.ok]
        detail = guard.summary if guard.ok is False or run.verdict.word == LEAK else ""
        if label == "Leak guard" and guard.ok is None:
            detail = guard.summary or "arrays decided by the user"
        rows.append(Check(label, state, value, detail[:120]))
    return tuple(rows)


def _curve(run: Run) -> Curve:
    timeline, outcome = run.timeline, run.outcome
    rows = timeline.rows
    equity = outcome.equity[rows].astype(np.float64)
    base = np.where(equity > 0, equity, np.nan)
    long, short = outcome.long_value[rows] / base, outcome.short_value[rows] / base
    return Curve(
        ts=outcome.ts[rows],
        strategy=timeline.levels / timeline.levels[0],
        benchmarks={held.name: held.levels for held in run.benchmarks},
        spans=[(window.test_start_ns, window.test_end_ns) for window in run.extras.windows],
        gross=long - short,
        net=long + short,
    )


def _benchmark_figures(run: Run) -> dict[str, float]:
    held, timeline = run.benchmarks[0], run.timeline
    found = performance(
        held.returns, periods_per_year=timeline.periods_per_year, risk_free=run.risk_free
    )
    falls = drawdown_series(held.levels)
    found["max_drawdown"] = float(falls.min())
    found["average_drawdown"] = float(falls.mean())
    found["current_drawdown"] = float(falls[-1])
    found["ulcer_index"] = float(np.sqrt(np.mean(falls**2)))
    found["under_water"] = float(np.mean(falls < 0))
    depth = -found["max_drawdown"]
    found["calmar"] = found["annual_return"] / depth if depth > 0 else math.nan
    return found


def _costs(run: Run) -> Costs:
    own = bool(run.extras.cost_sensitivity)
    note = (
        "Each figure is a run of its own at that multiple of the costs."
        if own
        else "The same fills charged more or less; money saved is not invested again."
    )
    whole = whole_bridge(run)
    windows = window_bridges(run)
    return Costs(
        total=bridge_rows(run, [whole])[0],
        by_instrument=bridge_rows(run, (*instrument_bridges(run), whole)),
        by_window=bridge_rows(run, (*windows, summed(TOTAL, windows))) if windows else (),
        sensitivity=run.cost_sensitivity,
        sensitivity_note=note,
        income=_income(run),
        actions=action_rows(run),
    )


def _income(run: Run) -> dict[str, float]:
    if not len(run.outcome.effects):
        return {}
    found = income_of(run.outcome, run.timeline.first)
    major = 10 ** minor_exponent(run.outcome.currency)
    return {
        "Dividends": found["dividends"] / major,
        "Tax withheld": -found["withheld"] / major,
        "Cash for fractions and exchanges": found["cash_in_lieu"] / major,
    }


def _conventions(run: Run) -> tuple[str, ...]:
    timeline, bootstrap = run.timeline, run.statistics.bootstrap
    joined = (
        f"Bars of {run.traded_interval} are joined to sessions before annualising."
        if timeline.interval not in ("1d", "1wk", "1mo")
        else ""
    )
    return (
        f"{timeline.periods_per_year:g} periods a year, risk-free rate {percent(run.risk_free)}.",
        joined,
        f"Intervals: stationary bootstrap, {bootstrap.resamples:,} resamples, mean block "
        f"{bootstrap.block_length:.1f} sessions.".replace(",0", "\u20090"),
        "Point at a name for its definition.",
    )


def _windows(run: Run) -> list[Mapping[str, Any]]:
    measured = {row["number"]: row for row in window_rows(run)}
    rows: list[Mapping[str, Any]] = []
    for window in run.extras.windows:
        scores = {f"score {name}": value for name, value in window.scores.items()}
        scores |= {f"chosen {name}": value for name, value in window.parameters.items()}
        rows.append(
            {
                "number": window.number,
                "train_start_ns": window.train_start_ns or None,
                "train_end_ns": window.train_end_ns or None,
                "test_start_ns": window.test_start_ns,
                "test_end_ns": window.test_end_ns,
                **measured.get(window.number, {}),
                **scores,
            }
        )
    return rows


def _drawdowns(run: Run) -> list[Mapping[str, Any]]:
    timeline = run.timeline
    ts = run.outcome.ts[timeline.rows]
    return [
        {
            "depth": fall.depth,
            "peak": int(ts[fall.peak]),
            "trough": int(ts[fall.trough]),
            "recovery": int(ts[fall.recovery]) if fall.recovery >= 0 else None,
            "sessions": (fall.recovery if fall.recovery >= 0 else len(ts) - 1) - fall.peak,
        }
        for fall in drawdown_table(timeline.levels)
    ]


def _yearly(run: Run) -> dict[int, tuple[float, float]]:
    ts = run.outcome.ts[run.timeline.rows]
    ours = dict(yearly_returns(ts, run.timeline.levels))
    theirs = dict(yearly_returns(ts, run.benchmarks[0].levels))
    return {year: (value, theirs[year]) for year, value in ours.items()}


def _trade_rows(run: Run) -> list[Mapping[str, Any]]:
    frame = run.trades
    if len(frame) > MOST_TRADES:
        frame = frame.sort(frame["pnl"].abs(), descending=True).head(MOST_TRADES).sort("entry_time")
    return list(frame.to_dicts())


def _candles(run: Run, trades: Sequence[Mapping[str, Any]]) -> list[CandleSeries]:
    weight: dict[str, float] = {}
    for trade in trades:
        weight[trade["symbol"]] = weight.get(trade["symbol"], 0.0) + abs(float(trade["pnl"]))
    chosen = sorted(weight, key=lambda symbol: (-weight[symbol], symbol))[:MOST_INSTRUMENTS]
    bars = run.bars
    found = []
    for symbol in chosen:
        column = bars.column(symbol)
        prices = {name: getattr(bars, name)[:, column] for name in ("open", "high", "low", "close")}
        exists = ~np.isnan(np.column_stack(list(prices.values()))).any(axis=1)
        cut = {name: values[exists] for name, values in prices.items()}
        found.append(CandleSeries(symbol, bars.ts[exists], **cut))
    return found
