"""The risk of an account or a run, on one screen."""

from __future__ import annotations

from typing import Any

import typer


def render_status(document: dict[str, Any]) -> None:
    """Print what is halted and the use of each limit."""
    typer.echo(f"RISK  {document['state']}")
    for row in document["scopes"]:
        typer.echo(f"  {row['scope']}: {row['state']}")
        for cause in row["causes"]:
            typer.echo(f"    {cause['rule']}: {cause['reason']} ({cause['actor']}, {cause['at']})")
    for row in document["alerts"]:
        typer.echo(f"  {told_of({**row, 'is_active': True})}")
    paper = document["paper"]
    if paper is None:
        typer.echo("  no paper session was started yet")
        return
    typer.echo(
        f"  paper {paper['state']}  equity {paper['equity']} {paper['currency']}  "
        f"drawdown {paper['drawdown'] + 0.0:.2%}  day loss {max(paper['day_loss'], 0.0):.2%}"
    )
    found = paper["measure"]
    if found["var"] is not None:
        typer.echo(
            f"  VaR 95 % one session {found['var'] + 0.0:.2%}, ES {found['es'] + 0.0:.2%} "
            f"({found['method']}, {found['observations']} sessions"
            f"{', few' if found['low_sample'] else ''})"
        )
    for row in paper["limits"]:
        used = "" if row["fraction"] is None else f"{row['fraction']:.0%} of it"
        typer.echo(
            f"  {row['scope']:<22} {row['limit']:<20} {row['projected']:.4g} "
            f"of {row['allowed']:g}  {used}  {row['name']}".rstrip()
        )
    if not paper["limits"]:
        typer.echo("  no limit is set; see docs/how-to/limit-and-halt.md")


def told_of(row: dict[str, Any]) -> str:
    """Return an alert in one line."""
    does = "limits x " + format(row["factor"], "g") if row["action"] == "size_down" else "only down"
    ended = "" if row["is_active"] else "ended: "
    return f"{ended}{row['scope']}: {does} for {row['source']}: {row['reason']} ({row['actor']})"


def render_limits(document: dict[str, Any]) -> None:
    """Print the stored limits and who changed them last."""
    for name, value in document["limits"].items():
        typer.echo(f"  {name:<32} {value:g}")
    if not document["versions"]:
        typer.echo("  no limit is stored; see docs/how-to/limit-and-halt.md")
        return
    last = document["versions"][-1]
    agreed = f" and {last['second']}" if last["second"] else ""
    typer.echo(f"version {last['version']} by {last['author']}{agreed}: {last['reason']}")


def render_report(document: dict[str, Any]) -> None:
    """Print a risk report on one screen."""
    typer.echo(
        f"Risk of {document['name']}  {document['from'][:10]} to {document['to'][:10]}  "
        f"{document['sessions']} sessions"
    )
    for row in document["measures"]:
        typer.echo(
            f"  {row['basis']:<9} {row['method']:<15} VaR {row['var']:7.2%}  ES {row['es']:7.2%}"
            + ("  few sessions" if row["low_sample"] else "")
        )
    for row in document["record"]:
        verdict = f"FAILS {', '.join(row['fails'])}" if row["fails"] else "holds"
        typer.echo(
            f"  record    {row['method']:<15} {row['exceptions']} losses beyond it, "
            f"{row['expected']:.1f} expected: {verdict}"
        )
    for row in (document["stress"] or {}).get("scenarios", []):
        typer.echo(f"  stress    {row['scenario']:<22} loses {row['loss']:7.2%}")
    for name, why in document["missing"].items():
        typer.echo(f"  not shown: {name}: {why}")
