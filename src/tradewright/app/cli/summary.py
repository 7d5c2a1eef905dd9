"""A finished run on one screen: figures beside the benchmark, luck, guards, one sentence."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from tradewright.app.cli import frame

if TYPE_CHECKING:
    from tradewright.services.runs import Run

ROWS: Final = (
    ("Total return", "total_return", "benchmark_return"),
    ("Return a year", "annual_return", "benchmark_annual_return"),
    ("Sharpe ratio", "sharpe", "benchmark_sharpe"),
    ("Largest drawdown", "max_drawdown", "benchmark_max_drawdown"),
    ("Volatility a year", "annual_volatility", ""),
    ("Costs", "total_costs", ""),
    ("Turnover a year", "turnover", ""),
    ("Round trips", "trades", ""),
)
COLOURS: Final = {"supported": "green", "weak": "yellow", "replayed": "yellow"}


def summary_document(run: Run) -> dict[str, Any]:
    """Return the summary as values that JSON can hold; fractions stay fractions.

    Parameters
    ----------
    run : Run
        Finished or not.

    Returns
    -------
    dict
        ``run_id, name, kind, status, digest, verdict, metrics, statistics, intervals, acceptance,
        chance, attribution, guards, controls, scores, trials``; what measures performance is null
        where it may not be shown.
    """
    from tradewright.services.results.documents import plain

    verdict, extras = run.verdict, run.extras
    shown = run.may_show_performance
    return {
        "run_id": run.run_id,
        "name": run.name,
        "kind": run.kind,
        "status": str(run.status),
        "message": run.outcome.message,
        "digest": run.digest,
        "verdict": {
            "word": verdict.word,
            "sentence": verdict.sentence,
            "cautions": list(verdict.cautions),
        },
        "metrics": {k: _finite(v) for k, v in run.metrics.items()} if shown else None,
        "statistics": {k: _finite(v) for k, v in run.statistics.items()} if shown else None,
        "intervals": plain(run.statistics.as_document()["intervals"]) if shown else None,
        "acceptance": plain([asdict(check) for check in run.acceptance]) if shown else [],
        "chance": plain(run.chance.as_document()) if shown else None,
        "attribution": plain(run.attribution.as_document()) if shown and run.attribution else None,
        "benchmark": run.benchmarks[0].name if shown else None,
        "guards": {
            "leak": {"ok": extras.leak.ok, "summary": extras.leak.summary},
            "data_health": {"ok": extras.health.ok, "summary": extras.health.summary},
        },
        "controls": [dict(row) for row in extras.controls] if shown else [],
        "scores": [dict(row) for row in extras.scores] if shown else [],
        "trials": run.n_trials,
        "stage_seconds": dict(extras.stage_seconds),
    }


def render_summary(run: Run, *, report_path: Path | None = None) -> None:
    """Print the summary of a run for people.

    Parameters
    ----------
    run : Run
        Finished or not.
    report_path : Path, optional
        The HTML report, named at the end.
    """
    out = typer.echo
    out(f"\n{_bold(run.name)}  {run.kind} {run.run_id}  {_span(run)}")
    if run.may_show_performance:
        for line in (*_table(run), *_luck(run)):
            out(line)
    else:
        out(f"  {run.status}: {run.outcome.message or 'no figures are shown'}")
    for line in _guards(run):
        out(line)
    verdict = run.verdict
    colour = COLOURS.get(verdict.word, "red")
    out("")
    out(f"  {_style(verdict.word.upper(), colour)}: {verdict.sentence}")
    for caution in verdict.cautions:
        out(f"    · {caution}")
    if report_path is not None:
        out(f"\n  report  {report_path}")


def _table(run: Run) -> list[str]:
    from tradewright.metrics import glossary

    lines = [f"  {'':<20}{'this run':>16}{'benchmark':>16}   ({run.benchmarks[0].name})"]
    for label, name, beside in ROWS:
        own = glossary.format_value(name, run.metrics[name], currency=run.outcome.currency)
        other = glossary.format_value(beside, run.metrics[beside]) if beside else ""
        lines.append(f"  {label:<20}{own:>16}{other:>16}".rstrip())
    for extra in run.benchmarks[1:]:
        total = glossary.format_value("benchmark_return", float(extra.levels[-1]) - 1.0)
        lines.append(f"  {'Total return of':<20}{'':>16}{total:>16}   ({extra.name})")
    return lines


def _luck(run: Run) -> list[str]:
    lines = [""]
    interval = run.statistics.interval("sharpe")
    if interval is not None and math.isfinite(interval.low_95):
        lines.append(
            f"  Sharpe ratio, 95 % bootstrap interval  {interval.low_95:+.2f} to "
            f"{interval.high_95:+.2f}"
        )
    deflated = run.statistics["deflated_sharpe"]
    trials = f"{run.n_trials} trial{'s' if run.n_trials != 1 else ''} counted"
    shown = "not defined" if not math.isfinite(deflated) else f"{deflated:.2f}"
    lines.append(f"  Deflated Sharpe probability  {shown}  ({trials}; 0.95 would be convincing)")
    lines += _chance(run)
    for row in run.extras.scores:
        if row["metric"] in {"ic", "accuracy"} and row["value"] is not None:
            name = {"ic": "Rank correlation (IC)", "accuracy": "Accuracy"}[str(row["metric"])]
            beside = "" if row["baseline"] is None else f"  (control {float(row['baseline']):.3f})"
            lines.append(f"  {name}, out of sample  {float(row['value']):.3f}{beside}")
    for row in run.extras.controls:
        if row.get("p_value") is not None:
            lines.append(f"  Against {row['control']}  p = {float(row['p_value']):.2f}")
    doubled = [row for row in run.cost_sensitivity if row.get("multiple") == 2.0]
    if doubled and math.isfinite(doubled[0]["total_return"]):
        lines.append(f"  Total return at twice the costs  {doubled[0]['total_return']:+.1%}")
    return lines


def _chance(run: Run) -> list[str]:
    lines = []
    overfit = run.statistics.get("overfitting", math.nan)
    if math.isfinite(overfit):
        lines.append(f"  Probability of overfitting in its sweep  {overfit:.2f}  (0.20 or less)")
    alpha = run.statistics.get("t_alpha", math.nan)
    if math.isfinite(alpha):
        lines.append(f"  t of what the benchmark does not explain  {alpha:+.2f}  (1.645 or more)")
    entries = run.chance.entries
    if entries is not None and math.isfinite(entries.p_value):
        lines.append(
            f"  Same holdings entered at random do as well  p = {entries.p_value:.3f}; "
            f"{entries.pass_share:.0%} of them pass the acceptance thresholds"
        )
    return lines


def _guards(run: Run) -> list[str]:
    lines = [""]
    for name, guard in (("Leak guard", run.extras.leak), ("Data health", run.extras.health)):
        if guard.ok is None and run.kind != "study":
            continue
        word = "not checked"
        if guard.ok is not None:
            word = _style("pass", "green") if guard.ok else _style("FAIL", "red")
        lines.append(f"  {name:<12} {word}  {guard.summary}".rstrip())
    return lines if len(lines) > 1 else []


def _span(run: Run) -> str:
    ts = run.outcome.ts
    if not len(ts):
        return ""
    from tradewright.domain.time import from_ns

    windows = run.extras.windows
    first = windows[0].test_start_ns if windows else int(ts[0])
    what = f", out of sample, {len(windows)} windows" if windows else ""
    return f"{from_ns(first).date()} to {from_ns(int(ts[-1])).date()}{what}"


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _style(text: str, colour: str) -> str:
    return typer.style(text, fg=colour, bold=True) if frame.on_terminal() else text


def _bold(text: str) -> str:
    return typer.style(text, bold=True) if frame.on_terminal() else text
