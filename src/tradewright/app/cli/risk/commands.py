"""``tradewright risk``: measures, limits, and the switch that stops trading."""

from __future__ import annotations

import getpass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tradewright.app.cli import frame
from tradewright.app.cli.risk.shown import (
    render_limits,
    render_report,
    render_status,
    told_of,
)

if TYPE_CHECKING:
    from tradewright.services.paper import PaperTrading
    from tradewright.services.workspace import Workspace

app = frame.noun("risk", "Measure risk, look at limits, stop trading and release it.")
_SCOPE = typer.Argument(..., metavar="SCOPE", help="all, account:ID or strategy:NAME.")
_REASON = typer.Option("", "--reason", help="Why; kept on the record.")
_ACTOR = typer.Option("", "--actor", help="Who; the user of this computer by default.")


@app.command()
def status() -> None:
    """Say what is halted and why, and how far the paper account is from its limits."""
    from tradewright.services.risk.account import risk_status

    workspace, paper = _open()
    document = risk_status(workspace, paper)
    frame.emit(document, lambda: render_status(document))


@app.command()
def report(
    run: str = typer.Argument("latest", metavar="[RUN]", help="Run id, latest, or paper."),
    *,
    from_: str = typer.Option("", "--from", metavar="DATE", help="First day."),
    to: str = typer.Option("", "--to", metavar="DATE", help="Last day."),
    format_: str = typer.Option("", "--format", help="Write html, json or csv."),
    out: Path | None = typer.Option(None, "--out", help="File to write."),  # noqa: B008
    level: float = typer.Option(0.95, "--level", help="Confidence, 0.90 to 0.999."),
    horizon: int = typer.Option(1, "--horizon", help="Sessions ahead, 1 to 20."),
    window: int = typer.Option(500, "--window", help="Sessions looked back on."),
) -> None:
    """Report the risk of a stored run or the last paper session: measures, record, stress, limits.

    Nothing is fetched and nothing is traded.
    """
    from tradewright.risk.measures import MeasureSettings
    from tradewright.services.risk.files import write_report
    from tradewright.services.risk.report import risk_report

    settings = MeasureSettings(level=level, horizon=horizon, window=window)
    workspace, paper = _open()
    stored = _run_named(run, workspace, paper)
    document = risk_report(
        workspace, stored, first=from_ or None, last=to or None, settings=settings
    )
    if format_ or out is not None:
        kind = format_ or (out.suffix.lstrip(".") if out is not None else "") or "html"
        target = out or Path(f"tradewright-risk-{stored.run_id}.{kind}")
        path = write_report(document, kind, target)
        frame.emit({"run_id": stored.run_id, "file": str(path)}, lambda: typer.echo(str(path)))
        return
    frame.emit(document, lambda: render_report(document))


@app.command()
def limits(
    set_: list[str] = typer.Option([], "--set", metavar="KEY=VALUE", help="Change a limit; off."),  # noqa: B008
    reason: str = _REASON,
    actor: str = _ACTOR,
    second: str = typer.Option(
        "", "--second", help="Second person who agrees; wanted to loosen under risk.four_eyes."
    ),
) -> None:
    """Show the limits of everything that runs, or change them: a new version from now on."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.services.risk.limits import limits_document, limits_of, parse_settings

    stored = limits_of(open_workspace())
    if set_:
        stored.change(parse_settings(set_), author=_who(actor), reason=reason, second=second)
    document = limits_document(stored)
    frame.emit(document, lambda: render_limits(document))


@app.command()
def alert(
    scope: str = _SCOPE,
    *,
    source: str = typer.Option(..., "--source", help="drift, anomaly or data_quality."),
    action: str = typer.Option(
        "size_down", "--action", help="size_down scales its limits, reduce lets it only shrink."
    ),
    factor: float = typer.Option(0.5, "--factor", help="Of the limits, between 0 and 1."),
    clear: bool = typer.Option(False, "--clear", help="The cause is gone."),
    reason: str = _REASON,
    actor: str = _ACTOR,
) -> None:
    """Make the limits of a scope smaller because of an alert, or end that."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.services.risk.alerts import RiskAlerts

    workspace = open_workspace()
    alerts = RiskAlerts(workspace.journal, workspace.clock)
    if clear:
        made = alerts.clear(scope, source, reason=reason, actor=_who(actor))
    else:
        made = alerts.raise_(
            scope, source, action=action, factor=factor, reason=reason, actor=_who(actor)
        )
    row = {**made.to_json(), "is_active": not clear}
    frame.emit(row, lambda: typer.echo(told_of(row)))


@app.command()
def halt(scope: str = _SCOPE, reason: str = _REASON, actor: str = _ACTOR) -> None:
    """Stop a scope: working orders are cancelled, nothing is sent until it is released."""
    _order("halt", scope, reason, actor)


@app.command()
def reduce(scope: str = _SCOPE, reason: str = _REASON, actor: str = _ACTOR) -> None:
    """Let a scope only shrink: entries are refused, exits and stops stay."""
    _order("reduce", scope, reason, actor)


@app.command()
def flatten(scope: str = _SCOPE, reason: str = _REASON, actor: str = _ACTOR) -> None:
    """Close everything a scope holds, then halt it (asks)."""
    _, paper = _open()
    held = paper.status()["positions"]
    if not frame.COMMON.yes and not typer.confirm(
        f"Close {held} positions of {scope} and halt it?", err=True
    ):
        raise typer.Exit(frame.FAILED)
    _order("flatten", scope, reason, actor)


@app.command()
def rearm(
    scope: str = _SCOPE,
    reason: str = _REASON,
    actor: str = _ACTOR,
    reset_high_water: bool = typer.Option(
        False, "--reset-high-water", help="Forget the high-water mark too; it is kept otherwise."
    ),
) -> None:
    """Release a halted or reduced scope; wants a reason and clean books."""
    from tradewright.services.risk.account import rearm as release

    workspace, paper = _open()
    change = release(
        workspace, paper, scope, actor=_who(actor), reason=reason,
        reset_high_water=reset_high_water,
    )  # fmt: skip
    _tell(change.to_json())


@app.command()
def watch(
    after: float = typer.Option(60.0, "--after", help="Seconds of silence before the alarm."),
    cancel_all: bool = typer.Option(
        False, "--cancel-all", help="Halt the paper account then; its orders are cancelled."
    ),
) -> None:
    """Watch the engine from a process of its own until Ctrl-C; one line for each alarm."""
    from dataclasses import asdict

    from tradewright.services.risk.watching import watch as alarms

    workspace, paper = _open()
    for alarm in alarms(workspace, paper, after_s=after, cancel_all=cancel_all):
        word = "is silent" if alarm.is_silent else "is heard again"
        told = f"session {alarm.session_id} {word} ({alarm.silent_s:.1f} s)"
        if alarm.is_halted:
            told += "; account:paper is halted until it is released"
        frame.emit(asdict(alarm), partial(typer.echo, told))


def _order(verb: str, scope: str, reason: str, actor: str) -> None:
    from tradewright.services.risk.account import order

    workspace, paper = _open()
    change = order(workspace, paper, verb, scope, actor=_who(actor), reason=reason)
    _tell(change.to_json())


def _tell(change: dict[str, Any]) -> None:
    name = "all" if change["scope"] == "portfolio" else change["scope"]
    frame.emit(
        change,
        lambda: typer.echo(
            f"{name}: {change['before']} to {change['after']} by {change['actor']}"
            + (f" ({change['reason']})" if change["reason"] else "")
        ),
    )


def _open() -> tuple[Workspace, PaperTrading]:
    from tradewright.app.bootstrap import open_workspace
    from tradewright.services.paper import PaperTrading

    workspace = open_workspace()
    return workspace, PaperTrading(workspace)


def _who(actor: str) -> str:
    return actor.strip() or getpass.getuser()


def _run_named(name: str, workspace: Workspace, paper: PaperTrading) -> Any:
    from tradewright.domain.errors import NoDataError
    from tradewright.services.runs import Run

    if name != "paper":
        return Run.load(name, workspace)
    line = paper.status()
    if not line["session_id"]:
        raise NoDataError("no paper session was started yet")
    if line["state"] not in ("FINISHED", "STOPPED", "FAILED") or line["is_interrupted"]:
        raise NoDataError(
            f"session {line['session_id']} has not ended; its limits stand in: tradewright risk "
            "status"
        )
    return Run.load(line["session_id"], workspace)
