"""``tradewright model``: list and show registered models."""

from __future__ import annotations

from typing import Any

import typer

from tradewright.app.cli import frame

app = frame.noun("model", "List and show trained models.")


@app.command("list")
def list_() -> None:
    """List every registered version, newest first."""
    from tradewright.app.bootstrap import open_workspace

    versions = list(open_workspace().models.list_models())

    def render() -> None:
        if not versions:
            typer.echo("no model is registered yet; 'tradewright study run' registers one")
        for row in versions:
            score = row.metrics.get("oos_ic")
            shown = "" if score is None else f"  IC {score:+.3f}"
            typer.echo(
                f"{row.name:<20} v{row.version:<4} {row.stage:<10} {row.model_type:<18} "
                f"{row.content_hash[:12]}  {_when(row)}{shown}"
            )

    frame.emit([_document(row) for row in versions], render)


@app.command()
def show(
    name: str = typer.Argument(help="Name of a model."),
    version: str = typer.Option("", "--version", help="The newest if not given."),
) -> None:
    """Show one version: scores, settings, features, files; its files are checked."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.forecasts import load_model

    registry = open_workspace().models
    folder = registry.load(name, version or None)
    described = load_model(folder).describe()
    own = [row for row in registry.list_models() if row.name == name]
    row = next(r for r in own if not version or r.version == version)
    document = {**_document(row), "parameters": dict(row.parameters), "model": described}
    document["folder"] = str(folder)

    def render() -> None:
        typer.echo(f"{row.name} v{row.version}  {row.stage}  {row.model_type}  {_when(row)}")
        typer.echo(f"  study run  {row.run_id}")
        typer.echo(f"  content    {row.content_hash}")
        typer.echo(f"  files      {folder}")
        typer.echo(f"  rows       {described['n_rows']} in the newest training window")
        typer.echo(f"  features   {', '.join(described['features'])}")
        typer.echo(f"  settings   {described['settings']}")
        typer.echo("  scores, out of sample")
        for key in sorted(row.metrics):
            if key.startswith("oos_"):
                typer.echo(f"    {key.removeprefix('oos_'):<20} {row.metrics[key]:.6g}")

    frame.emit(document, render)


def _when(row: Any) -> str:
    from tradewright.domain.time import from_ns

    return from_ns(row.created_ns).strftime("%Y-%m-%d %H:%M")


def _document(row: Any) -> dict[str, Any]:
    from tradewright.domain.time import from_ns

    return {
        "name": row.name,
        "version": row.version,
        "stage": row.stage,
        "type": row.model_type,
        "content_hash": row.content_hash,
        "created_at": from_ns(row.created_ns).isoformat(),
        "run_id": row.run_id,
        "metrics": dict(row.metrics),
    }
