"""What the commands that stress share: their flags, the run they keep it with, what they print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tradewright.app.cli import frame

if TYPE_CHECKING:
    from tradewright.risk.scenarios import StressTestScenario
    from tradewright.services.stressing.measured import StressReport
    from tradewright.services.workspace import Workspace

SCENARIOS = typer.Option("", "--scenarios", help="Comma-separated, or all; the usual six if empty.")
SCENARIO_FILE = typer.Option(None, "--scenario-file", help="YAML with scenarios of your own.")
STARTS = typer.Option(5, "--starts", min=1, help="Onsets of each scenario.")
MODELS = typer.Option(
    "frozen",
    "--models",
    help="Of a study: frozen keeps the model in force, refit learns from the shocked bars.",
)


def scenarios_named(names: str, page: Path | None) -> tuple[StressTestScenario, ...]:
    """Return the scenarios that flags ask for."""
    from tradewright.services.stress import scenarios_of

    chosen = tuple(part.strip() for part in names.split(",") if part.strip())
    return scenarios_of(chosen or None, page)


def stress_and_tell(
    workspace: Workspace,
    run_id: str,
    scenarios: Sequence[StressTestScenario],
    *,
    starts: int,
    models: str,
) -> None:
    """Say what it takes, stress a stored run, keep the result with it, and print it."""
    from tradewright.services.runs import Run
    from tradewright.services.stressing.kept import stress_cost, stress_stored

    stored = Run.load(run_id, workspace)
    if stored.is_complete:
        frame.say(f"  {stress_cost(stored, scenarios, starts=starts, models=models)}")
    with frame.progress_bar(f"stress {stored.name}") as report:
        run, found = stress_stored(
            stored.run_id, workspace, scenarios, starts=starts, models=models, progress=report
        )
    path = workspace.data_dir / "runs" / run.run_id / "report.html"

    def render() -> None:
        render_stress(found)
        typer.echo(f"\nkept with run {run.run_id}; report: {path}")

    document = {"run_id": run.run_id, "report": str(path), **found.as_document()}
    frame.emit(document, render)


def render_stress(found: StressReport) -> None:
    """Print the worst start of each scenario, and what a reader must know."""
    limit = found.limits["max_drawdown_limit"]
    typer.echo(f"{found.name} under stress; the start that ends worst of each scenario\n")
    typer.echo(
        f"{'scenario':<19}{'from':<12}{'return':>9}{'normal':>9}{'drawdown':>10}"
        f"{'market':>9}{'regained':>10}{'score':>7}{'median':>8}"
    )
    for result in found.results:
        worst = result.worst
        back = worst.sessions_to_regain
        typer.echo(
            f"{result.scenario.name:<19}{worst.first_day:<12}"
            f"{worst.stressed_metrics['total_return']:>9.1%}"
            f"{worst.normal_metrics['total_return']:>9.1%}"
            f"{worst.stressed_metrics['max_drawdown']:>10.1%}{worst.benchmark_drawdown:>9.1%}"
            f"{'never' if back is None else back:>10}"
            f"{worst.stress_resilience_score:>7.0f}{result.median.stress_resilience_score:>8.0f}"
        )
    typer.echo(
        "\nreturn and normal: the same span with and without the scenario; market: the deepest "
        f"fall of the\ninstruments held equally; regained: sessions; score 0 to 100, with "
        f"drawdowns beyond {limit:.0%} as breaches."
    )
    for note in found.notes:
        typer.echo(f"note: {note}")
