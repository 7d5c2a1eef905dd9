"""``tradewright config``: the settings in force."""

from __future__ import annotations

import typer

from tradewright.app.cli import frame

app = frame.noun("config", "Show the settings in force.", acts=True)


@app.callback(invoke_without_command=True)
def config(ctx: typer.Context) -> None:
    """Show the settings in force."""
    if ctx.invoked_subcommand is None:
        show(source=False)


@app.command()
def show(
    source: bool = typer.Option(False, "--source", help="Say where each value came from."),
) -> None:
    """Print every setting with its value."""
    from tradewright.app.bootstrap import settings
    from tradewright.app.settings import known_keys

    loaded = settings()
    rows = []
    for key in known_keys():
        value: object = loaded.values
        for part in key.split("."):
            value = getattr(value, part)
        rows.append((key, value, loaded.sources.get(key, "default")))

    def render() -> None:
        width = max(len(key) for key, _, _ in rows)
        for key, value, origin in rows:
            shown = "not set" if value is None else value
            typer.echo(f"{key:<{width}}  {shown}" + (f"    ({origin})" if source else ""))

    emitted = {
        key: {
            "value": value
            if isinstance(value, int | float | bool) or value is None
            else str(value),
            **({"source": origin} if source else {}),
        }
        for key, value, origin in rows
    }
    frame.emit(emitted, render)
