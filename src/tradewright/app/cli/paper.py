"""``tradewright paper``: trade a study on paper, and steer it from any terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tradewright.app.cli import frame
from tradewright.domain.errors import ConfigError, EdgeError

if TYPE_CHECKING:
    from tradewright.services.paper import PaperTrading

app = frame.noun("paper", "Trade a study on paper.")
_REASON = typer.Option("", "--reason", help="Why; kept on the record.")
_START_TIMEOUT_S = 60.0


@app.command()
def start(
    source: str = typer.Argument(
        ...,
        metavar="STUDY|RUN|STRATEGY",
        help="Page or name of a study, id of a run, latest, "
        "or a reference strategy such as sma_cross.",
    ),
    *,
    cash: float = typer.Option(100_000.0, "--cash", help="Cash at the start."),
    speed: str = typer.Option("5", "--speed", help="Bars a second, or max."),
    replay: str = typer.Option("", "--replay", metavar="FROM:TO", help="Dates to replay."),
    broker: str = typer.Option("simulator", "--broker", help="Only the simulator for paper."),
    symbols: str = typer.Option(
        "", "--symbols", metavar="A,B", help="Instruments of a reference strategy."
    ),
    detach: bool = typer.Option(False, "--detach", help="Run in the background."),
) -> None:
    """Replay the tape and trade it with simulated money until it ends or is stopped.

    Ctrl-C ends the session in order. After a crash `tradewright paper resume` goes on.
    """
    if broker != "simulator":
        raise ConfigError(f"broker {broker!r} is not known; known: simulator")
    account = _account()
    if detach:
        detached(account, ["paper", "start", source, "--cash", str(cash), "--speed", speed,
                           "--replay", replay, "--symbols", symbols])  # fmt: skip
    else:
        chosen = list(frame.symbol_list(symbols)) or None
        account.start(
            source, cash=cash, speed=speed_of(speed), replay=replay or None, symbols=chosen
        )
        follow(account)
    emit_status(account)


@app.command()
def status() -> None:
    """Say what the paper account does."""
    emit_status(_account())


@app.command()
def positions() -> None:
    """List what is held."""
    rows = _account().positions()
    columns = ("symbol", "quantity", "average_cost", "price", "value", "unrealised")
    frame.emit(rows, lambda: _table(rows, columns, "nothing is held"))


@app.command()
def orders(
    status: str = typer.Option("", "--status", help="Only orders in this state."),
) -> None:
    """List the orders, newest first."""
    rows = _account().orders(status or None)
    columns = ("decided_at", "symbol", "side", "quantity", "filled", "type", "status", "reason")
    frame.emit(rows, lambda: _table(rows, columns, "no order was sent"))


@app.command()
def pause(reason: str = _REASON) -> None:
    """Switch entries off; the tape goes on and positions may shrink."""
    account = _engine("pause")
    account.pause(reason)
    emit_status(account, wait_for=("PAUSED",))


@app.command()
def resume(reason: str = _REASON) -> None:
    """Switch entries on again, or go on with a session whose process ended."""
    account = _engine("resume", also_interrupted=True)
    was_interrupted = account.status()["is_interrupted"]
    account.resume(reason)
    if was_interrupted:
        follow(account)
        emit_status(account)
    else:
        emit_status(account, wait_for=("RUNNING",))


@app.command()
def flatten(reason: str = _REASON) -> None:
    """Cancel what works, close what is held at the next open, leave entries off (asks)."""
    account = _engine("flatten")
    frame.confirm(f"Close {account.status()['positions']} paper positions?")
    account.flatten(reason)
    emit_status(account, wait_for=("PAUSED",))


@app.command()
def parity(
    session: str = typer.Argument("latest", metavar="[SESSION]", help="A session, or latest."),
    most: int = typer.Option(10, "--most", min=1, help="Differences to print."),
) -> None:
    """Replay a session's window through the engine; each difference has one cause.

    Exit 1 if a difference has no cause.
    """
    from tradewright.app.bootstrap import open_workspace
    from tradewright.services.paper.parity import as_document
    from tradewright.services.paper.parity import parity as lay_beside
    from tradewright.services.results.documents import plain

    found = lay_beside(session, open_workspace())
    document = plain(as_document(found))
    frame.emit(document, lambda: _render_parity(document, most))
    if found.unexplained:
        raise typer.Exit(frame.FAILED)


def _render_parity(line: dict[str, Any], most: int) -> None:
    typer.echo(f"PARITY  {line['session_id']}")
    typer.echo(
        f"  fills {line['fills_traded']} traded, {line['fills_replayed']} replayed, "
        f"{line['matched_share']:.1%} matched"
    )
    typer.echo(f"  profit gap {line['profit_gap']}")
    for cause, gap in line["gap_by_cause"].items():
        typer.echo(f"    {cause:<18}{gap:>14}")
    if line["mean_gap_bps"] is not None:
        typer.echo(
            f"  price gap {line['mean_gap_bps']:.2f} bps on average, 95% below "
            f"{line['p95_gap_bps']:.2f}\n  slippage {line['slippage_modelled_bps']:.2f} bps "
            f"modelled, {line['slippage_realised_bps']:.2f} realised"
        )
    if abs((line["slippage_realised_bps"] or 0.0) - line["slippage_modelled_bps"]) >= 0.5:
        typer.echo(f"  suggested: slippage_bps: {line['slippage_realised_bps']:.1f}")
    for found in line["differences"][:most]:
        typer.echo(f"  {found['decided_at'] or '':<22}{found['symbol']:<8}{found['cause']:<12}"
                   f"{found['gap']:>12}  {found['what']}")  # fmt: skip
    left = len(line["differences"]) - most
    if left > 0:
        typer.echo(f"  and {left} more (--most)")


@app.command()
def stop(reason: str = _REASON) -> None:
    """End the session in order; its record and its run stay."""
    account = _engine("stop")
    account.stop(reason)
    emit_status(account, wait_for=("STOPPED", "FINISHED", "FAILED"))


def _account() -> PaperTrading:
    from tradewright.app.bootstrap import open_workspace
    from tradewright.services.paper import PaperTrading

    return PaperTrading(open_workspace())


def _engine(verb: str, *, also_interrupted: bool = False) -> PaperTrading:
    """Return the account, or end the command where nothing runs that could be steered."""
    account = _account()
    line = account.status()
    if line["is_interrupted"] and not also_interrupted:
        frame.fail(f"paper {verb}: session {line['session_id']}: {line['message']}", frame.FAILED)
    if line["state"] in ("IDLE", "STOPPED", "FINISHED", "FAILED") and not line["is_interrupted"]:
        frame.fail(f"paper {verb}: no session runs", frame.FAILED)
    return account


def speed_of(text: str) -> float | None:
    """Return bars a second; None for ``max``."""
    if text == "max":
        return None
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"--speed is {text!r}, wanted bars a second, or max") from None


def follow(account: PaperTrading) -> None:
    """Show progress until the session of this process ends; Ctrl-C and SIGTERM end it in order."""

    def ask_to_stop(*_: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, ask_to_stop)
    with frame.progress_bar("paper") as report:
        try:
            while not account.wait(0.25):
                line = account.status()
                report(line["progress"], f"{line['state'].lower()} {(line['tape_at'] or '')[:4]}")
        except KeyboardInterrupt:
            frame.say("ending the session")
            account.close("Ctrl-C")
            account.wait()


def detached(account: PaperTrading, arguments: list[str]) -> None:
    """Run a command that starts a session in a process of its own; return when it has begun."""
    from tradewright.app.bootstrap import open_workspace

    folder = open_workspace().data_dir
    log = folder / "logs" / "paper.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    before = account.sessions()
    code = "from tradewright.app.cli.main import main; main()"
    command = [sys.executable, "-c", code, *arguments, "--quiet"]
    with log.open("ab") as out:
        size = out.tell()
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            env={**os.environ, "TRADEWRIGHT_PATHS__DATA_DIR": str(folder)},
        )
    deadline = time.monotonic() + _START_TIMEOUT_S
    while account.sessions() == before and time.monotonic() < deadline:
        if child.poll() is not None:
            raise EdgeError(f"the session did not start: {_tail(log, size)} (see {log})")
        time.sleep(0.1)


def _tail(log: Path, start: int) -> str:
    text = log.read_bytes()[start:].decode(errors="replace").strip()
    return text.splitlines()[-1] if text else "no message"


def emit_status(account: PaperTrading, wait_for: tuple[str, ...] = ()) -> None:
    """Print what the account does, once it is in one of some states or has ended."""
    line = account.status()
    deadline = time.monotonic() + 5.0
    while wait_for and line["state"] not in wait_for and time.monotonic() < deadline:
        if line["state"] in ("STOPPED", "FINISHED", "FAILED"):
            break
        time.sleep(0.05)
        line = account.status()
    frame.emit(line, lambda: _render_status(line))
    _tell_halt()
    if line["state"] == "FAILED":
        raise typer.Exit(frame.FAILED)


def _tell_halt() -> None:
    from tradewright.app.bootstrap import open_workspace
    from tradewright.services.risk.account import control_of

    state = control_of(open_workspace()).switch().state("portfolio").name
    if state != "NORMAL":
        frame.say(
            f"trading is {state}: orders that would add to a position are denied; "
            "'tradewright risk status' says why"
        )


def _render_status(line: dict[str, Any]) -> None:
    shown = "INTERRUPTED" if line["is_interrupted"] else line["state"]
    typer.echo(f"PAPER  {shown}  {line['name']}  {line['session_id'] or ''}".rstrip())
    if line["session_id"]:
        gain = line["return"]
        typer.echo(
            f"  equity {line['equity']} {line['currency']}"
            + (f"  ({gain:+.2%})" if gain is not None else "")
            + f"  cash {line['cash']}{_bound(line)}  positions {line['positions']}"
            f"  open orders {line['open_orders']}  fills {line['fills']}"
        )
        typer.echo(f"  tape {line['tape_at'] or '-'}  {line['bars_done']} of {line['bars']} bars")
    if line["message"]:
        typer.echo(f"  {line['message']}")


def _bound(line: dict[str, Any]) -> str:
    # Cash that buys nothing now: what orders may cost, and sales that have not settled.
    told = [f"{name} {line[name]}" for name in ("reserved", "unsettled") if float(line[name])]
    return f" ({', '.join(told)})" if told else ""


def _table(rows: list[dict[str, Any]], columns: tuple[str, ...], empty: str) -> None:
    if not rows:
        typer.echo(empty)
        return
    cells = [columns, *(tuple(_cell(row[name]) for name in columns) for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for line in cells:
        typer.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)))


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return "" if value is None else str(value)
