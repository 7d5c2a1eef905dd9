"""``tradewright data features``: the catalogue."""

from __future__ import annotations

import typer

from tradewright.app.cli import frame

FAMILY = typer.Option(
    None, "--family", help="Only price, volume, momentum, volatility, time or transform."
)


def features_command(family: str | None = FAMILY) -> None:
    """List every feature with its formula, warm-up and unit."""
    from tradewright.features import catalogue

    rows = catalogue(family).to_dicts()

    def render() -> None:
        shown = ""
        for row in rows:
            if row["family"] != shown:
                shown = row["family"]
                typer.echo(f"\n{shown}")
            settled = "never" if row["settle_rows"] is None else row["settle_rows"]
            typer.echo(f"  {row['usage']}")
            typer.echo(f"      {row['description']}")
            typer.echo(f"      {row['formula']}")
            typer.echo(
                f"      unit {row['unit']}, {row['role']}, first value after {row['min_rows']} "
                f"bars, settled after {settled}"
            )
        typer.echo(f"\n{len(rows)} features")

    frame.emit(rows, render)
