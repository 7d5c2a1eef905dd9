"""A risk report as a page or a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tradewright.domain.errors import ConfigError, nearest
from tradewright.services.results.exports import write_whole

FORMATS: Final = ("html", "json", "csv")


def write_report(document: Mapping[str, Any], kind: str, target: Path) -> Path:
    """Write a report whole or not at all.

    Parameters
    ----------
    document : mapping
        From `risk_report`.
    kind : str
        ``html``, ``json`` or ``csv``.
    target : Path
        File.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        If there is no such kind.
    """
    if kind not in FORMATS:
        raise ConfigError(f"--format {kind!r} is not known; {nearest(kind, FORMATS)}")
    if kind == "html":
        content = report_page(document)
    elif kind == "csv":
        content = report_csv(document)
    else:
        content = json.dumps(document, indent=1, allow_nan=False) + "\n"
    return write_whole(target, content.encode("utf-8"))


def report_csv(document: Mapping[str, Any]) -> str:
    """Return a report as rows of section, name and value."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("section", "name", "value"))
    for name, value in document.items():
        for key, leaf in _leaves(value, ""):
            rows.writerow((name, key, "" if leaf is None else leaf))
    return out.getvalue()


def report_page(document: Mapping[str, Any]) -> str:
    """Return a report as one HTML page that makes no request."""
    from tradewright.reports.markup import el
    from tradewright.reports.page import page
    from tradewright.reports.sections import section
    from tradewright.reports.tables import facts, plain_table

    def shown(title: str, rows: list[dict[str, Any]] | None, lead: str = "") -> Any:
        body = plain_table(_flat(rows)) if rows else el("p", "Nothing to show.")
        return section(title, body, id_=title.lower().replace(" ", "-"), lead=lead)

    settings, stress = document["settings"], document["stress"] or {}
    split = document["contributions"] or {}
    head = el(
        "header",
        el("h1", f"Risk of {document['name']}"),
        el("p", f"{document['from'][:10]} to {document['to'][:10]}, {document['sessions']} "
                f"sessions, {document['currency']}"),
    )  # fmt: skip
    record = document["switch"]
    parts = [
        head,
        shown("Positions", document["positions"]),
        section("Performance", facts(list((document["performance"] or {}).items())), id_="perf"),
        shown("Measures", document["measures"],
              f"Level {settings['level']:.1%}, {settings['horizon']} session ahead, window "
              f"{settings['window']}. Losses are positive fractions of equity."),
        shown("Record of the measures", document["record"],
              "Each forecast of the last 250 sessions beside what happened; p-values below 0.01 "
              "mark a method."),
        shown("Contributions", split.get("by_symbol")),
        shown("Stress", stress.get("scenarios"), "Losses at once, without trading."),
        shown("Reverse stress", stress.get("reverse")),
        section("Liquidity", facts([("days to 95 %", (document["liquidity"] or {}).get(
            "days_to_95"))]), id_="liquidity"),
        section("Concentration", facts(
            [(k, v) for k, v in document["concentration"].items() if not isinstance(v, dict)]
        ), id_="concentration"),
        shown("Limits", document["limits"]["use"]),
        shown("Denied orders", [{"note": note} for note in document["denied"]]),
        shown("Halts and releases", record["entries"],
              f"Chain from {record['head_start'] or 'the beginning'} to {record['head_end']}"),
        shown("Not shown", [{"part": k, "why": v} for k, v in document["missing"].items()]),
    ]  # fmt: skip
    return page(f"Risk of {document['name']}", parts)


def _flat(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: _cell(value) for key, value in row.items()} for row in rows]


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_cell(v)}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return f"{value:.4f}" if isinstance(value, float) else value


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            label = next((item[k] for k in ("symbol", "method", "scenario") if k in item), at) if (
                isinstance(item, Mapping)
            ) else at  # fmt: skip
            yield from _leaves(item, f"{path}.{label}" if path else str(label))
    else:
        yield path, value
