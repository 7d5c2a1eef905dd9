"""``tradewright doctor``: what is missing, and how to mend it."""

from __future__ import annotations

import typer

from tradewright.app.cli import frame

app = frame.noun("doctor", "Check this installation and say how to mend it.", acts=True)
MARKS = {"ok": "ok", "optional": "--", "failed": "FAILED"}


@app.callback(invoke_without_command=True)
def doctor(
    symbol: str = typer.Option("", "--symbol", help="Also look for stored bars of this symbol."),
) -> None:
    """Check this installation and say how to mend it."""
    from tradewright.app.bootstrap import settings
    from tradewright.app.doctor import examine

    checks = list(examine(settings().values, symbol=symbol or None))
    failed = [check for check in checks if check.state == "failed"]

    def render() -> None:
        for number, check in enumerate(checks, 1):
            typer.echo(f"{number:2}  {MARKS[check.state]:<6}  {check.name:<16}  {check.found}")
            if check.fix:
                typer.echo(f"{'':12}fix: {check.fix}")
        typer.echo("ready" if not failed else f"{len(failed)} of {len(checks)} checks failed")

    document = {
        "ok": not failed,
        "checks": [
            {"name": check.name, "state": check.state, "found": check.found, "fix": check.fix}
            for check in checks
        ],
    }
    frame.emit(document, render)
    if failed:
        raise typer.Exit(frame.FAILED)
