"""Walk-forward on the command line: a strategy by name, and the table of windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tradewright.app.cli import frame

if TYPE_CHECKING:
    from tradewright.services.study.tuning import Tuned
    from tradewright.services.walking.paths import Paths
    from tradewright.services.walking.walk import Walk
    from tradewright.services.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Wanted:
    """A strategy to walk forward, as it was asked for."""

    strategy: str
    grid: Sequence[str]
    search: str
    symbols: str
    data: str
    start: str
    end: str


def walk_strategy(
    workspace: Workspace,
    wanted: Wanted,
    windows: Mapping[str, Any],
    progress: Callable[[float, str], None],
    *,
    resume: bool = False,
) -> Walk:
    """Walk a strategy of the catalogue forward, count its trials and store the run."""
    from tradewright.services.results.named import DataChoice, open_bars, parse_grid
    from tradewright.services.walking.named import walk_named
    from tradewright.strategies import catalogue

    defaults = dict(catalogue()[wanted.strategy].parameters)
    choice = DataChoice(
        wanted.data, frame.symbol_list(wanted.symbols), wanted.start or None, wanted.end or None
    )
    return walk_named(
        workspace,
        wanted.strategy,
        open_bars(workspace, choice),
        frame.given_once("--grid", (parse_grid(text, defaults) for text in wanted.grid)),
        windows=windows,
        search=wanted.search,
        progress=progress,
        resume=resume,
    )


def render_walk(walk: Walk, path: Path) -> None:
    """Print the windows, the efficiency and the verdict."""
    typer.echo(
        f"{'window':>6}  {'tested':<23}"
        + "".join(f"{name:>10}" for name in walk.parameters)
        + f"{'in sample':>11}{'Sharpe':>8}{'out':>9}{'Sharpe':>8}{'drawdown':>10}{'trades':>8}"
    )
    for row in walk.rows:
        typer.echo(
            f"{row['window']:>6}  {row['test_from']} {row['test_to']}  "
            + "".join(f"{row[name]!s:>10}" for name in walk.parameters)
            + f"{row['in_sample_return']:>11.1%}{row['in_sample_sharpe']:>8.2f}"
            f"{row['annual_return']:>9.1%}{row['sharpe']:>8.2f}"
            f"{row['max_drawdown']:>10.1%}{row['trades']:>8}"
        )
    typer.echo(f"\n{walk.sentence}")
    for name, share in walk.stability.items():
        typer.echo(f"{name}: {share:.0%} of the windows chose what the one before had chosen")
    took = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in walk.seconds.items())
    typer.echo(f"{walk.trials} sets tried; {took}")
    typer.echo(f"\n{walk.run.verdict.word}: {walk.run.verdict.sentence}")
    typer.echo(f"report: {path}")


def render_paths(paths: Paths) -> None:
    """Print what each path earned, and the spread."""
    typer.echo(f"{'path':>6}{'a year':>10}{'Sharpe':>9}{'drawdown':>10}{'trades':>8}")
    for row in paths.rows:
        typer.echo(
            f"{row['path']:>6}{row['annual_return']:>10.1%}{row['sharpe']:>9.2f}"
            f"{row['max_drawdown']:>10.1%}{row['trades']:>8}"
        )
    typer.echo(f"\n{paths.sentence}")
    typer.echo("No path could have been traded: models are also trained on what came later.")


def render_tuned(found: Tuned, path: Path) -> None:
    """Print the best sets that were tried, what was chosen, and the verdict of the run."""
    assert found.run is not None
    names = list(found.best)
    typer.echo("".join(f"{name:>24}" for name in names) + f"{'Sharpe':>9}{'return':>10}")
    table = found.table.sort("sharpe", descending=True, nulls_last=True).head(10)
    for row in table.to_dicts():
        ratio = "–" if row["sharpe"] is None else f"{row['sharpe']:.2f}"
        cells = "".join(f"{row[name]!s:>24}" for name in names)
        typer.echo(f"{cells}{ratio:>9}{row['total_return']:>10.1%}")
    typer.echo(f"\n{found.sentence}")
    typer.echo(
        f"{found.run.n_trials} trials are counted in the verdict of the run over all windows:"
    )
    typer.echo(f"\n{found.run.verdict.word}: {found.run.verdict.sentence}")
    typer.echo(f"report: {path}")
