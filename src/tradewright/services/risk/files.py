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
    split, liquidity = document["contributions"] or {}, document["liquidity"] or {}
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
        section("Performance", facts(_pairs(document["performance"] or {})), id_="perf"),
        shown("Measures", document["measures"],
              f"Level {settings['level']:.1%}, {settings['horizon']} session ahead, window "
              f"{settings['window']}. Losses are positive, in percent of equity."),
        shown("Record of the measures", document["record"],
              "Each forecast of the last 250 sessions beside what happened; p-values below 0.01 "
              "mark a method."),
        shown("Contributions", split.get("by_symbol")),
        shown("Stress", stress.get("scenarios"), "Losses at once, without trading."),
        shown("Reverse stress", stress.get("reverse")),
        section(
            "Liquidity",
            facts([("sessions to sell 95 %", _cell("days", liquidity.get("days_to_95")))]),
            id_="liquidity", lead="At a tenth of each instrument's mean volume.",
        ),
        section(
            "Concentration", facts(_pairs(document["concentration"])), id_="concentration"
        ),
        shown("Limits", document["limits"]["use"]),
        shown("Denied orders", [{"note": note} for note in document["denied"]]),
        shown("Halts and releases", record["entries"],
              f"Chain from {record['head_start'] or 'the beginning'} to {record['head_end']}"),
        shown("Not shown", [{"part": k, "why": v} for k, v in document["missing"].items()]),
    ]  # fmt: skip
    return page(f"Risk of {document['name']}", parts)


_PERCENT: Final = frozenset(
    {
        *("weight", "var", "es", "loss", "var_after", "component_var", "marginal_var", "share"),
        *("market_move", "max_drawdown", "annual_volatility", "tracking_error"),
        *("top_1", "top_5", "top_10"),
    }
)
_HALT_COLUMNS: Final = ("at", "verb", "scope", "rule", "actor", "reason", "before", "after")


def _flat(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    # Tests become columns of their own; the record of halts shows what a reader looks for.
    wide = []
    for row in rows:
        chosen = {k: row[k] for k in _HALT_COLUMNS} if "verb" in row else dict(row)
        chosen |= {f"p {name}": value for name, value in (chosen.pop("tests", None) or {}).items()}
        wide.append({key: _cell(key, value) for key, value in chosen.items() if key != "level"})
    return wide


def _pairs(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [
        (key.replace("_", " "), _cell(key, value))
        for key, value in values.items()
        if not isinstance(value, dict)
    ]


def _cell(key: str, value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, bool) or not isinstance(value, float):
        return value
    if key in _PERCENT:
        return f"{value:.2%}"
    return f"{value:,.2f}" if key in {"value", "price", "quantity"} else f"{value:.4g}"


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
