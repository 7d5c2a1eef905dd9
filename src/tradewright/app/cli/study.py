"""``tradewright study``: check, run, list and repeat studies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from tradewright.app.cli import frame
from tradewright.app.cli.stress.commands import (
    MODELS,
    SCENARIO_FILE,
    SCENARIOS,
    STARTS,
    scenarios_named,
    stress_and_tell,
)

app = frame.noun("study", "Check, run, list and repeat studies: one YAML page each.")

STUDY = typer.Argument(help="Name of a study, or a YAML file.")
SET = typer.Option(None, "--set", help="KEY=VALUE instead of the page's, e.g. decision.top_k=5.")
SEED = typer.Option(None, "--seed", min=0, help="Seed instead of the page's.")
WORKERS = typer.Option(None, "--workers", min=1, help="Fits side by side; all cores if not given.")
RESUME = typer.Option(False, "--resume", help="Go on where the same study was stopped or killed.")


@app.command()
def run(
    study: str = STUDY,
    *,
    set_: list[str] = SET,
    seed: int | None = SEED,
    allow_unhealthy: bool = typer.Option(
        False, "--allow-unhealthy", help="Go on with data that fail the health gate; it is noted."
    ),
    require_acceptance: bool = typer.Option(
        False, "--require-acceptance", help="Exit 3 unless every acceptance threshold is met."
    ),
    workers: int | None = WORKERS,
    resume: bool = RESUME,
) -> None:
    """Run the whole chain to a verdict and a report; exit 3 when a gate or guard refuses."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.app.cli.summary import render_summary, summary_document
    from tradewright.services.studies import Study

    page = Study.load(study).with_settings(_changes(set_), seed=seed)
    workspace = open_workspace()
    with frame.progress_bar(page.name) as report:
        done = page.run(
            workspace,
            progress=report,
            allow_unhealthy=allow_unhealthy,
            workers=workers,
            resume=resume,
        )
    path = workspace.data_dir / "runs" / done.run_id / "report.html"
    checks = done.acceptance if done.may_show_performance else ()

    def render() -> None:
        render_summary(done, report_path=path)
        if require_acceptance:
            for check in checks:
                word = "met" if check.ok else "NOT met"
                typer.echo(f"  {check.name} {check.limit:g}: {word} ({check.value:.3f})")

    accepted = bool(checks) and all(check.ok for check in checks)
    frame.emit({**summary_document(done), "report": str(path), "accepted": accepted}, render)
    if not done.is_complete:
        raise typer.Exit(frame.FAILED)
    if require_acceptance and not accepted:
        frame.fail("the acceptance thresholds are not met", frame.REFUSED)


@app.command()
def walkforward(
    study: str = typer.Argument(help="Name of a study, a YAML file, or the name of a strategy."),
    *,
    training_days: int = typer.Option(0, "--training-days", min=0, help="Of each window."),
    testing_days: int = typer.Option(0, "--testing-days", min=0, help="Of each window."),
    period_type: str = typer.Option(
        "", "--period-type", help="rolling, expanding, fixed or combinatorial."
    ),
    overlap_days: int = typer.Option(-1, "--overlap-days", help="Shared by neighbouring tests."),
    embargo_days: int = typer.Option(-1, "--embargo-days", help="Left free before each test."),
    keep_tail: bool = typer.Option(False, "--keep-tail", help="Keep a last, shorter window."),
    set_: list[str] = SET,
    grid: list[str] = typer.Option(  # noqa: B008
        [], "--grid", metavar="NAME=A:B:STEP", help="Of a strategy: values to choose among."
    ),
    search: str = typer.Option("grid", "--search", help="Of a strategy: grid, random:N, optuna:N."),
    symbols: str = typer.Option("", "--symbols", help="Of a strategy: all of the data if empty."),
    data: str = typer.Option("sample", "--data", help="Of a strategy: sample, store or a file."),
    start: str = typer.Option("", "--from", metavar="DATE", help="Of a strategy: first day."),
    end: str = typer.Option("", "--to", metavar="DATE", help="Of a strategy: last day."),
    resume: bool = RESUME,
) -> None:
    """Choose on the past of each window, trade its future, and tell what was kept of it."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.app.cli.walking import Wanted, render_paths, render_walk, walk_strategy
    from tradewright.services.studies import Study
    from tradewright.strategies import catalogue

    given = {
        "training_days": training_days or None,
        "testing_days": testing_days or None,
        "scheme": period_type or None,
        "overlap_days": overlap_days if overlap_days >= 0 else None,
        "embargo_days": embargo_days if embargo_days >= 0 else None,
        "keep_tail": keep_tail or None,
    }
    chosen = {key: value for key, value in given.items() if value is not None}
    workspace = open_workspace()
    with frame.progress_bar(f"walk-forward {study}") as report:
        if study in catalogue():
            wanted = Wanted(study, grid, search, symbols, data, start, end)
            walk = walk_strategy(workspace, wanted, chosen, report, resume=resume)
        else:
            if period_type == "combinatorial":
                del chosen["scheme"]
            changes = {f"validation.{key}": value for key, value in chosen.items()}
            page = Study.load(study).with_settings({**_changes(set_), **changes})
            if period_type == "combinatorial":
                paths = page.paths(workspace, progress=report)
                frame.emit(paths.as_document(), lambda: render_paths(paths))
                return
            walk = page.walkforward(workspace, progress=report, resume=resume)
    path = workspace.data_dir / "runs" / walk.run.run_id / "report.html"
    frame.emit({**walk.as_document(), "report": str(path)}, lambda: render_walk(walk, path))
    if not walk.run.is_complete:
        raise typer.Exit(frame.FAILED)


@app.command()
def stress(
    study: str = typer.Argument(help="A stored run or latest, the name of a study, or a page."),
    *,
    scenarios: str = SCENARIOS,
    scenario_file: Path | None = SCENARIO_FILE,
    starts: int = STARTS,
    models: str = MODELS,
    set_: list[str] = SET,
) -> None:
    """Let crashes happen to a study: features, forecasts, decisions and costs on shocked bars.

    A page is run and stored first. The result is kept with the run and shown in its report.
    """
    from tradewright.app.bootstrap import open_workspace
    from tradewright.domain.errors import NoDataError
    from tradewright.services.runs import Run
    from tradewright.services.studies import Study

    happening = scenarios_named(scenarios, scenario_file)
    workspace = open_workspace()
    try:
        run_id = Run.load(study, workspace).run_id
    except NoDataError:
        page = Study.load(study).with_settings(_changes(set_))
        with frame.progress_bar(page.name) as report:
            run_id = page.run(workspace, progress=report).run_id
    stress_and_tell(workspace, run_id, happening, starts=starts, models=models)


@app.command()
def tune(
    study: str = STUDY,
    *,
    space: list[str] = typer.Option(  # noqa: B008
        ..., "--space", metavar="KEY=A:B:STEP", help="Values of a setting; may be repeated."
    ),
    search: str = typer.Option("optuna", "--search", help="optuna, random or grid."),
    trials: int = typer.Option(20, "--trials", min=1, help="Sets to try; all of a grid."),
    set_: list[str] = SET,
    seed: int | None = SEED,
    allow_unhealthy: bool = typer.Option(
        False, "--allow-unhealthy", help="Go on with data that fail the health gate; it is noted."
    ),
    workers: int | None = WORKERS,
    resume: bool = RESUME,
) -> None:
    """Choose settings inside the first training window, then run the study with them."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.app.cli.walking import render_tuned
    from tradewright.services.results.named import parse_grid
    from tradewright.services.studies import Study

    page = Study.load(study).with_settings(_changes(set_), seed=seed)
    workspace = open_workspace()
    with frame.progress_bar(f"tune {page.name}") as report:
        found = page.tune(
            dict(parse_grid(text, {}) for text in space),
            search=search if search == "grid" else f"{search}:{trials}",
            workspace=workspace,
            progress=report,
            allow_unhealthy=allow_unhealthy,
            workers=workers,
            resume=resume,
        )
    assert found.run is not None
    path = workspace.data_dir / "runs" / found.run.run_id / "report.html"
    frame.emit({**found.as_document(), "report": str(path)}, lambda: render_tuned(found, path))
    if not found.run.is_complete:
        raise typer.Exit(frame.FAILED)


@app.command()
def check(
    study: str = STUDY,
    set_: list[str] = SET,
    quick: bool = typer.Option(False, "--quick", help="Sample the dates of the leak guard."),
) -> None:
    """Check page, data, features and windows, and estimate time and memory; runs nothing."""
    from dataclasses import asdict

    from tradewright.app.bootstrap import open_workspace
    from tradewright.services.studies import Study

    page = Study.load(study).with_settings(_changes(set_))
    with frame.progress_bar(f"check {page.name}") as report:
        found = page.check(open_workspace(), quick=quick, progress=report)

    def render() -> None:
        typer.echo(f"{page.name}: the page is valid ({page.where})")
        typer.echo(f"  data         {found.n_bars} bars of {found.n_instruments} instruments")
        typer.echo(f"  data health  {_word(found.health.ok)}  {found.health.summary}")
        typer.echo(f"  leak guard   {_word(found.leak.ok)}  {found.leak.summary}")
        typer.echo(f"  warm-up      {found.warm_up_bars} bars")
        typer.echo(f"  windows      {found.windows}, {found.fits} fits with the controls")
        typer.echo(f"  estimate     about {found.seconds:.0f} s and {found.memory_mb:.0f} MB")
        for note in found.notes:
            typer.echo(f"  note         {note}")

    frame.emit({"name": page.name, "ok": found.ok, **asdict(found)}, render)
    if not found.ok:
        raise typer.Exit(frame.REFUSED)


@app.command()
def show(
    study: str = typer.Argument(help="Name of a study, or a YAML file; with --symbol also a RUN."),
    set_: list[str] = SET,
    symbol: str = typer.Option("", "--symbol", help="Explain the decision about one instrument."),
    date: str = typer.Option("", "--date", help="Day of that decision; the last one if not given."),
) -> None:
    """Print the page with every default filled in, and its stored runs; or explain a decision."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.services.studies import Study

    if symbol or date:
        _explain(study, symbol, date)
        return
    page = Study.load(study).with_settings(_changes(set_))
    runs = [
        row
        for row in open_workspace().runs.list_runs(kind="study", limit=1000)
        if row.name == page.name
    ]

    def render() -> None:
        import yaml

        typer.echo(yaml.safe_dump(page.resolved, sort_keys=False, allow_unicode=True), nl=False)
        typer.echo(f"\n# hash {page.page.config_hash[:16]}; {len(runs)} stored runs")
        for row in runs[:20]:
            typer.echo(f"# {_run_line(row)}")

    document = {
        "resolved": page.resolved,
        "config_hash": page.page.config_hash,
        "runs": [_run_document(row) for row in runs],
    }
    frame.emit(document, render)


@app.command("list")
def list_() -> None:
    """List the study pages that can be named, and the newest stored runs."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.services.studies import list_studies

    pages = list_studies()
    runs = list(open_workspace().runs.list_runs(kind="study", limit=20))

    def render() -> None:
        for row in pages:
            typer.echo(f"{row['name']:<20} {row['origin']:<9} {row['path']}")
        if runs:
            typer.echo("\nnewest runs")
        for run_ in runs:
            typer.echo(f"  {_run_line(run_)}")

    frame.emit({"studies": pages, "runs": [_run_document(row) for row in runs]}, render)


@app.command()
def rerun(
    run_id: str = typer.Argument("latest", metavar="RUN", help="Stored run, or latest."),
    workers: int | None = WORKERS,
) -> None:
    """Repeat a stored run from its page and data, and compare digests; exit 1 if they differ."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.services.beside.repeating import rerun as repeat

    with frame.progress_bar(f"rerun {run_id}") as report:
        found = repeat(run_id, open_workspace(), progress=report, workers=workers)
    document = {
        "run_id": found.run_id,
        "equal": found.equal,
        "digest_before": found.digest_before,
        "digest_after": found.digest_after,
        "differences": list(found.differences),
        "first_difference": found.first_difference,
    }
    frame.emit(document, lambda: typer.echo(str(found)))
    if not found.equal:
        raise typer.Exit(frame.FAILED)


@app.command()
def trials(
    run_id: str = typer.Argument("latest", metavar="RUN", help="Stored run, or latest."),
    *,
    reset: bool = typer.Option(False, "--reset", help="Count its family from 0 again."),
    reason: str = typer.Option("", "--reason", help="Why; every later result says it."),
    actor: str = typer.Option("", "--actor", help="Who; the user of this computer by default."),
) -> None:
    """Say how many configurations were tried with what a run was made of; reset on the record."""
    import getpass
    import json

    from tradewright.app.bootstrap import open_workspace
    from tradewright.domain.errors import ConfigError
    from tradewright.services.luck import trial_counts as counts

    workspace = open_workspace()
    manifest = json.loads(workspace.runs.load(run_id, "manifest.json"))
    family = str(manifest["trials"]["family"])
    if not family:
        raise ConfigError(f"run {run_id} counts no trials: it is of no family")
    if reset:
        counts.reset_trials(workspace, family, actor=actor or getpass.getuser(), reason=reason)
    counted = len(counts.counted_trials(workspace, family))
    notes = counts.reset_notes(workspace, family)

    def render() -> None:
        typer.echo(f"family {family}: {counted} trials counted")
        for note in notes:
            typer.echo(f"  {note}")

    frame.emit({"family": family, "counted": counted, "resets": list(notes)}, render)


def _explain(run: str, symbol: str, date: str) -> None:
    from tradewright.app.bootstrap import open_workspace
    from tradewright.domain.errors import ConfigError
    from tradewright.portfolio.decision import explain
    from tradewright.services.decisions import explain_decision

    if not symbol:
        raise ConfigError("--date explains a decision: name its instrument with --symbol")
    signal = explain_decision(run, symbol, date or None, workspace=open_workspace())
    frame.emit(signal.to_dict(), lambda: typer.echo(explain(signal)))


def _changes(given: list[str] | None) -> dict[str, Any]:
    from tradewright.domain.errors import ConfigError
    from tradewright.services.study.safe_yaml import read_value

    def read(text: str) -> tuple[str, Any]:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise ConfigError(f"--set {text!r}: wanted KEY=VALUE, for example decision.top_k=5")
        return key.strip(), read_value(value, f"--set {key.strip()}")

    return frame.given_once("--set", map(read, given or []))


def _word(ok: bool | None) -> str:
    if ok is None:
        return "not checked"
    return "pass" if ok else "FAIL"


def _run_line(row: Any) -> str:
    from tradewright.domain.time import from_ns

    sharpe = row.metrics.get("sharpe")
    shown = "" if sharpe is None else f"  Sharpe {sharpe:.2f}"
    when = from_ns(row.created_ns).strftime("%Y-%m-%d %H:%M")
    return f"{row.run_id}  {when}  {row.name:<16} {row.status:<9}  {row.verdict}{shown}"


def _run_document(row: Any) -> dict[str, Any]:
    from tradewright.domain.time import from_ns

    return {
        "run_id": row.run_id,
        "name": row.name,
        "status": row.status,
        "created_at": from_ns(row.created_ns).isoformat(),
        "digest": row.digest,
        "verdict": row.verdict,
        "sharpe": row.metrics.get("sharpe"),
    }
