"""``tradewright demo``: the main job, from market bars to an honest result in the browser."""

from __future__ import annotations

import shutil
from pathlib import Path

import typer

from tradewright.app.cli import frame

app = frame.noun(
    "demo", "Run the shipped study on the embedded sample, report, and serve the page.", acts=True
)


@app.callback(invoke_without_command=True)
def demo(
    no_serve: bool = typer.Option(False, "--no-serve", help="Stop after the report."),
    port: int | None = typer.Option(
        None, "--port", min=1, max=65535, help="Port of the page; api.port if not given."
    ),
    seed: int | None = typer.Option(None, "--seed", min=0, help="Seed instead of the study's."),
    reset: bool = typer.Option(False, "--reset", help="Delete earlier results first (asks)."),
) -> None:
    """Run the shipped study on the embedded sample, report, and serve the page.

    No account, key or network is needed. The report is written to data/runs/RUN/report.html;
    the page is served on http://127.0.0.1:8000 until Ctrl-C.
    """
    from tradewright.app.bootstrap import data_directory, open_workspace, settings
    from tradewright.app.cli.summary import render_summary, summary_document
    from tradewright.services.studies import Study

    values = settings().values
    if reset:
        _reset(data_directory(values))
    workspace = open_workspace()
    study = Study.load("demo")
    with frame.progress_bar("demo") as report:
        run = study.run(workspace, progress=report, seed=seed)
    report_path = workspace.data_dir / "runs" / run.run_id / "report.html"
    frame.emit(
        {**summary_document(run), "report": str(report_path)},
        lambda: render_summary(run, report_path=report_path),
    )
    if no_serve:
        return
    from tradewright.app.cli.serve import serve_page

    serve_page(workspace, host=values.api.host, port=port or values.api.port, open_browser=False)


def _reset(data_dir: Path) -> None:
    runs = sorted((data_dir / "runs").glob("*/manifest.json"))
    frame.confirm(f"Delete {len(runs)} stored runs and the database in {data_dir}?")
    shutil.rmtree(data_dir / "runs", ignore_errors=True)
    for file in data_dir.glob("tradewright.db*"):
        file.unlink()
