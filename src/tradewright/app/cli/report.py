"""``tradewright report``: show, compare and tell apart stored runs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tradewright.app.cli import frame

if TYPE_CHECKING:
    from tradewright.services.beside.comparison import Comparison
    from tradewright.services.beside.differences import RunDiff
    from tradewright.services.runs import Run

app = frame.noun("report", "Show, compare and tell apart stored runs.")

FORMATS = ("html", "json", "csv", "parquet")
SHOWN = ("total_return", "sharpe", "max_drawdown", "deflated_sharpe")


@app.command()
def show(
    run: str = typer.Argument("", metavar="[RUN]", help="Run id or 'latest'; lists runs if empty."),
    format_: str = typer.Option("", "--format", help="Write html, json, csv or parquet."),
    out: Path | None = typer.Option(None, "--out", help="File, or folder for csv and parquet."),  # noqa: B008
    open_: bool = typer.Option(False, "--open", help="Open the page in the browser."),
    limit: int = typer.Option(20, "--limit", min=1, help="Runs to list."),
) -> None:
    """Show a stored run as summary, page or files; list the runs if none is named.

    Nothing is fetched and the strategy need not exist any more.
    """
    from tradewright.app.bootstrap import open_workspace
    from tradewright.domain.errors import ConfigError, nearest
    from tradewright.services.runs import Run

    workspace = open_workspace()
    if not run:
        _list(workspace.runs.list_runs(limit=limit))
        return
    if format_ and format_ not in FORMATS:
        raise ConfigError(f"--format {format_!r} is not known; {nearest(format_, FORMATS)}")
    kind = format_ or ("html" if out or open_ else "")
    stored = Run.load(run, workspace)
    if not kind:
        _summary(stored)
        return
    paths = _write(stored, kind, out or Path(_default_name(stored, kind)))
    frame.emit(
        {"run_id": stored.run_id, "files": [str(path) for path in paths]},
        lambda: typer.echo("\n".join(str(path) for path in paths)),
    )
    if open_ and kind == "html":
        typer.launch(str(paths[0]))


@app.command()
def compare(
    runs: list[str] = typer.Argument(..., metavar="RUN RUN …", help="Two run ids or more."),  # noqa: B008
    out: Path | None = typer.Option(None, "--out", help="Write the page here."),  # noqa: B008
    allow_different_data: bool = typer.Option(
        False, "--allow-different-data", help="Put runs on different data side by side."
    ),
) -> None:
    """Compare stored runs over the sessions they share: curves, metrics, luck, settings."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.services.runs import Run
    from tradewright.services.runs import compare as compare_runs

    workspace = open_workspace()
    found = compare_runs(
        *(Run.load(run, workspace) for run in runs), allow_different_data=allow_different_data
    )
    emit_comparison(found, out)


@app.command()
def diff(
    before: str = typer.Argument(..., metavar="RUN", help="Run id or 'latest'."),
    after: str = typer.Argument(..., metavar="RUN", help="The other one."),
    most: int = typer.Option(10, "--most", min=1, help="Orders to print of each run."),
) -> None:
    """Say what differs between two runs: data, code, settings, seed, environment, then results."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.services.beside.differences import diff_runs
    from tradewright.services.results.documents import plain
    from tradewright.services.runs import Run

    workspace = open_workspace()
    found = diff_runs(Run.load(before, workspace), Run.load(after, workspace), most=most)
    frame.emit(plain(asdict(found)), lambda: _render_diff(found))


def emit_comparison(found: Comparison, out: Path | None) -> None:
    """Print runs side by side, and write their page if a place is given."""
    from tradewright.metrics.glossary import format_value
    from tradewright.services.results.documents import plain

    document = plain(found.as_document())
    if out is not None:
        document["page"] = str(found.to_html(out))

    def render() -> None:
        width = max(len(label) for label in found.labels)
        names = ("total_return", "annual_return", "sharpe", "max_drawdown")
        typer.echo(f"{'':<{width}}  " + "  ".join(f"{name:>14}" for name in names))
        for row in found.table.to_dicts():
            cells = "  ".join(f"{format_value(name, row[name]):>14}" for name in names)
            low, high = row["sharpe_difference_low"], row["sharpe_difference_high"]
            luck = "" if low is None else f"  Sharpe difference {low:+.2f} to {high:+.2f} (95%)"
            typer.echo(f"{row['run']:<{width}}  {cells}{luck}")
        for difference in found.config_differences:
            values = [str(difference[label]) for label in found.labels]
            typer.echo(f"  {difference['key']}: {' | '.join(values)}")
        if out is not None:
            typer.echo(f"\npage: {out}")

    frame.emit(document, render)


def _render_diff(found: RunDiff) -> None:
    from tradewright.metrics.glossary import format_value

    if found.equal and not found.made_from:
        typer.echo(f"runs {found.run_ids[0]} and {found.run_ids[1]} are the same")
        return
    group = ""
    for change in found.made_from:
        if change.group != group:
            group = change.group
            typer.echo(group)
        typer.echo(f"  {change.key}: {_short(change.before)} -> {_short(change.after)}")
    if found.equal:
        typer.echo("orders, fills and equity are the same")
        return
    shared, gone, new = found.orders
    typer.echo(f"orders\n  {shared} in both, {gone} in the first only, {new} in the second only")
    for sign, rows in (("-", found.only_before), ("+", found.only_after)):
        for row in rows:
            typer.echo(f"  {sign} {row}")
    typer.echo(f"  first difference: {found.first}")
    typer.echo("metrics")
    for change in found.metrics:
        old, now = (format_value(change.key, value) for value in (change.before, change.after))
        typer.echo(f"  {change.key:<24}{old:>16} -> {now}")


def _short(value: Any) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:56]} …"


def _list(rows: Any) -> None:
    from tradewright.domain.time import from_ns
    from tradewright.metrics.glossary import format_value
    from tradewright.services.results.documents import plain

    document = [
        {
            "run_id": row.run_id,
            "name": row.name,
            "kind": row.kind,
            "status": row.status,
            "created_at": from_ns(row.created_ns).isoformat(),
            "verdict": row.verdict,
            "metrics": dict(row.metrics),
        }
        for row in rows
    ]

    def render() -> None:
        if not rows:
            typer.echo("no run is stored yet; make one with: tradewright demo")
            return
        head = f"{'run':<16}  {'made (UTC)':<16}  {'kind':<8}  {'verdict':<11}  "
        typer.echo(head + "  ".join(f"{name:>15}" for name in SHOWN) + "  name")
        for row in rows:
            when = from_ns(row.created_ns).strftime("%Y-%m-%d %H:%M")
            cells = "  ".join(f"{format_value(n, row.metrics.get(n)):>15}" for n in SHOWN)
            state = row.verdict if row.status == "COMPLETED" else row.status.lower()
            typer.echo(
                f"{row.run_id:<16}  {when:<16}  {row.kind:<8}  {state:<11}  {cells}  {row.name}"
            )

    frame.emit(plain(document), render)


def _summary(run: Run) -> None:
    from tradewright.app.cli.summary import render_summary, summary_document

    frame.emit(summary_document(run), lambda: render_summary(run))


def _default_name(run: Run, kind: str) -> str:
    stem = f"tradewright-{run.run_id}"
    return f"{stem}.{kind}" if kind in ("html", "json") else stem


def _write(run: Run, kind: str, target: Path) -> list[Path]:
    if kind == "html":
        return [run.to_html(target)]
    if kind == "json":
        return [Path(run.to_json(target))]
    return run.to_csv(target) if kind == "csv" else run.to_parquet(target)
