"""``tradewright portfolio create``, ``run``, ``list`` and ``stop``: portfolios on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from tradewright.app.cli import frame
from tradewright.app.cli.paper import detached, emit_status, follow, speed_of
from tradewright.app.cli.portfolio.frame import app, words
from tradewright.domain.errors import ConfigError, RefusedError

if TYPE_CHECKING:
    from tradewright.services.paper import PaperTrading
    from tradewright.services.workspace import Workspace

_NAME = typer.Argument("latest", metavar="[NAME]", help="A portfolio, or latest.")
_SPEED = typer.Option("max", "--speed", help="Bars a second, or max.")
_REPLAY = typer.Option("", "--replay", metavar="FROM:TO", help="Dates to replay.")


@app.command()
def create(
    name: str = typer.Argument("", metavar="[NAME]", help="portfolio-1 and so on if empty."),
    *,
    symbols: str = typer.Option(..., "--symbols", metavar="A,B", help="What it may hold."),
    cash: float = typer.Option(100_000.0, "--cash", help="Cash at the start."),
    method: str = typer.Option("risk_parity", "--method", help="One of the twelve methods."),
    window: int = typer.Option(252, "--window", help="Past returns behind the weights."),
    estimate: int = typer.Option(21, "--estimate", help="Bars between two estimates of weights."),
    max_weight: float | None = typer.Option(
        None, "--max-weight", help="Largest weight; the account's limit unless given."
    ),
    lots: str = typer.Option("fifo", "--lots", help="Tax lots sold first: fifo, lifo, hifo …"),
    rule: list[str] = typer.Option(  # noqa: B008
        [],
        "--rule",
        metavar="KEY=VALUE",
        help="Rebalancing: rebalance_threshold=0.1, threshold_method=calendar, "
        "min_rebalance_interval=5; may be repeated.",
    ),
) -> None:
    """Create a portfolio; `tradewright portfolio run` trades it on paper."""
    from tradewright.services.portfolio.managed import create_portfolio

    workspace, _ = _open()
    made = create_portfolio(
        workspace,
        words(symbols, upper=True),
        cash,
        method,
        name=name,
        rebalancing=_rules(rule),
        max_weight=max_weight,
        window=window,
        estimate_bars=estimate,
        lot_method=lots,
    )
    frame.emit(
        made.to_json(),
        lambda: typer.echo(
            f"portfolio {made.name}: {made.optimization_method} of {len(made.symbols)} instruments"
            f", {made.initial_balance:,.2f} of cash\n"
            f"trade it: tradewright portfolio run {made.name}"
        ),
    )


@app.command()
def run(
    name: str = _NAME,
    *,
    speed: str = _SPEED,
    replay: str = _REPLAY,
    detach: bool = typer.Option(False, "--detach", help="Run in the background."),
) -> None:
    """Watch a portfolio on the replayed tape and rebalance it by its rules.

    Ctrl-C ends it in order. After a crash the same command goes on where it was.
    """
    from tradewright.services.portfolio.managed import monitor_and_rebalance, show_managed

    workspace, paper = _open()
    if detach:
        detached(
            paper,
            ["portfolio", "run", name, "--speed", speed, "--replay", replay],
        )
    else:
        monitor_and_rebalance(workspace, paper, name, replay=replay or None, speed=speed_of(speed))
        follow(paper)
    document = show_managed(workspace, paper, name)
    frame.emit(document, lambda: render_managed(document))
    if document["state"] == "FAILED":
        raise typer.Exit(frame.FAILED)


@app.command(name="list")
def list_() -> None:
    """List the portfolios with their state."""
    from tradewright.services.portfolio.managed import list_portfolios

    workspace, paper = _open()
    rows = list_portfolios(workspace, paper)

    def render() -> None:
        for row in rows:
            typer.echo(
                f"{row['name']:<20}{row['state']:<13}{row['method']:<22}"
                f"{row['equity'] or row['initial_balance']!s:>16}  "
                f"{row['rebalances']} rebalances  {','.join(row['symbols'])}"
            )
        if not rows:
            typer.echo("no portfolio was created yet")

    frame.emit(rows, render)


@app.command()
def stop(
    name: str = _NAME,
    reason: str = typer.Option("", "--reason", help="Why; kept on the record."),
) -> None:
    """End a portfolio's session; what it holds stays on the record."""
    from tradewright.services.portfolio.managed import stop_portfolio

    workspace, paper = _open()
    try:
        stop_portfolio(workspace, paper, name, reason=reason)
    except RefusedError as error:  # as for `paper stop`, no gate refused it
        frame.fail(str(error), frame.FAILED)
    emit_status(paper, wait_for=("STOPPED", "FINISHED", "FAILED"))


def render_managed(document: dict[str, Any]) -> None:
    """Print a portfolio on one screen."""
    from tradewright.app.cli.portfolio.commands import render_holdings

    rules = document["rebalancing"]
    typer.echo(
        f"PORTFOLIO  {document['name']}  {document['state']}  {document['method']}  "
        f"{len(document['symbols'])} instruments, at most {document['max_weight']:.0%} each"
    )
    typer.echo(
        f"  rebalanced by {rules['threshold_method']} {rules['rebalance_threshold']:g}, after "
        f"{rules['min_rebalance_interval']} to {rules['max_rebalance_interval']} days, "
        f"{document['rebalances']} times so far"
    )
    if document["account"] is None:
        typer.echo(f"  not traded yet: tradewright portfolio run {document['name']}")
        return
    render_holdings(document["account"])
    for alert in document["alerts"][-5:]:
        text = alert.get("reason") or alert.get("status") or alert.get("plan_id", "")
        typer.echo(f"  {alert['at'][:10]}  {alert['kind']:<11}{text}")


def _rules(given: list[str]) -> dict[str, Any]:
    import yaml

    found: dict[str, Any] = {}
    for word in given:
        key, has_value, value = word.partition("=")
        if not has_value or not value.strip():
            raise ConfigError(f"--rule {word!r}: wanted KEY=VALUE, such as rebalance_threshold=0.1")
        try:
            found[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ConfigError(f"--rule {word!r}: {value!r} cannot be read") from None
    return found


def _open() -> tuple[Workspace, PaperTrading]:
    from tradewright.app.bootstrap import open_workspace
    from tradewright.services.paper import PaperTrading

    workspace = open_workspace()
    return workspace, PaperTrading(workspace)
