"""Tables of a report: metrics with their definitions, months, and rows of any kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tradewright.metrics import glossary
from tradewright.metrics.bootstrap import Interval
from tradewright.reports.markup import Markup, el, join
from tradewright.reports.numbers import DASH, anything, percent, score

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: key of the row, header, writer, whether it is a number, whether it may wrap."""

    key: str
    header: str
    write: Callable[[Any], Any] = anything
    is_number: bool = True
    wraps: bool = False


def table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], **kind: str) -> Markup:
    """Make a table, numbers right-aligned, that scrolls sideways on a narrow page.

    Parameters
    ----------
    columns : sequence of Column
        Shown columns.
    rows : sequence of mapping
        One per row; a missing key is a dash.
    **kind : str
        Attributes of the table element.

    Returns
    -------
    Markup
        The table in its frame.
    """
    heads = [el("th", c.header, class_="n" if c.is_number else None, scope="col") for c in columns]
    body = [
        el(
            "tr",
            [el("td", c.write(row.get(c.key)), class_=_kind(c)) for c in columns],
            data_trade=row.get("trade"),
        )
        for row in rows
    ]
    inner = el("table", el("thead", el("tr", heads)), el("tbody", body), **kind)
    return el("div", inner, class_="scroll", tabindex=0, role="region", aria_label="Table")


def plain_table(rows: Sequence[Mapping[str, Any]]) -> Markup:
    """Make a table of rows whose columns are not known ahead."""
    if not rows:
        return Markup("")
    keys = list(rows[0])
    columns = [
        Column(key, _header(key), _writer_of(key), is_number=numeric, wraps=not numeric)
        for key in keys
        for numeric in [all(_is_number(row.get(key)) for row in rows)]
    ]
    return table(columns, rows)


def definition(name: str) -> Markup:
    """Return a metric's label, which shows its definition when pointed at or focused."""
    entry = glossary.metric(name)
    note = f"{entry.definition} {entry.formula}. {entry.convention}"
    return el("span", entry.label, class_="def", tabindex=0, data_note=note)


def metric_groups(
    figures: Mapping[str, float],
    benchmark: Mapping[str, float],
    intervals: Mapping[str, Interval],
    luck: Mapping[str, float],
    *,
    currency: str,
) -> Markup:
    """Make one table per group of metrics: value, benchmark, 90 % interval.

    Parameters
    ----------
    figures, benchmark, luck : mapping of str to float
        Metrics by name, of the run, of its benchmark, and its statistics.
    intervals : mapping of str to Interval
        Bootstrap intervals by metric.
    currency : str
        Of amounts.

    Returns
    -------
    Markup
        Tables that flow into columns.
    """
    known = {**figures, **luck}
    blocks = []
    for group in glossary.GROUPS:
        entries = [e for e in glossary.METRICS if e.group == group and e.name in known]
        if not entries:
            continue
        with_benchmark = any(e.name in benchmark for e in entries)
        with_interval = any(e.name in intervals for e in entries)
        head = [el("th", group, scope="col"), el("th", "Strategy", class_="n", scope="col")]
        if with_benchmark:
            head.append(el("th", "Benchmark", class_="n", scope="col"))
        if with_interval:
            head.append(el("th", "90% interval", class_="n", scope="col"))
        rows = []
        for entry in entries:
            cells = [
                el("th", definition(entry.name), scope="row"),
                el("td", _value(entry.name, known.get(entry.name), currency), class_="n"),
            ]
            if with_benchmark:
                text = _value(entry.name, benchmark.get(entry.name), currency)
                cells.append(el("td", text if entry.name in benchmark else "", class_="n muted"))
            if with_interval:
                cells.append(el("td", _between(entry.name, intervals), class_="n muted"))
            rows.append(el("tr", cells))
        inner = el("table", el("thead", el("tr", head)), el("tbody", rows), class_="metrics")
        blocks.append(el("div", inner, class_="block"))
    return el("div", join(blocks), class_="columns")


def month_table(
    months: Sequence[tuple[int, int, float]], years: Mapping[int, tuple[float, float]]
) -> Markup:
    """Make the heat map of monthly returns with the year and its benchmark at the end.

    Parameters
    ----------
    months : sequence of (year, month, return)
        Compounded returns.
    years : mapping of int to (return, benchmark return)
        By year.

    Returns
    -------
    Markup
        A table whose cells are shaded by size; the sign is written too.
    """
    found = {(year, month): value for year, month, value in months}
    top = max([abs(value) for *_, value in months] + [0.01])
    top = min(top, 3 * _typical([value for *_, value in months]) or top)
    head = [el("th", name, class_="n", scope="col") for name in (*MONTHS, "Year", "Benchmark")]
    rows = []
    for year in sorted({year for year, *_ in months}):
        cells = [el("th", year, scope="row")]
        for month in range(1, 13):
            cells.append(_heat(found.get((year, month)), top))
        total, held = years.get(year, (math.nan, math.nan))
        cells.append(el("td", percent(total, signed=True), class_="n strong"))
        cells.append(el("td", percent(held, signed=True), class_="n muted"))
        rows.append(el("tr", cells))
    inner = el(
        "table", el("thead", el("tr", el("th", "", scope="col"), head)), el("tbody", rows),
        class_="months",
    )  # fmt: skip
    return el("div", inner, class_="scroll", tabindex=0, role="region", aria_label="Months")


def facts(pairs: Sequence[tuple[str, Any]]) -> Markup:
    """Make a list of names and values, as in a manifest."""
    return el(
        "dl", [(el("dt", name), el("dd", anything(value))) for name, value in pairs], class_="facts"
    )


def _heat(value: float | None, top: float) -> Markup:
    if value is None:
        return el("td", "", class_="n")
    strength = min(abs(value) / top, 1.0)
    step = math.ceil(strength * 5) if abs(value) >= 0.0005 else 0
    kind = f"n h{'p' if value > 0 else 'm'}{step}" if step else "n"
    return el("td", percent(value, signed=True), class_=kind)


def _typical(values: Sequence[float]) -> float:
    shown = sorted(abs(value) for value in values if value)
    return shown[len(shown) // 2] if shown else 0.0


def _value(name: str, value: float | None, currency: str) -> str:
    return glossary.format_value(name, value, currency=currency)


def _between(name: str, intervals: Mapping[str, Interval]) -> str:
    found = intervals.get(name)
    if found is None or not math.isfinite(found.low):
        return "" if found is None else DASH
    return f"{_value(name, found.low, '')} to {_value(name, found.high, '')}"


def _header(key: str) -> str:
    entry = glossary.BY_NAME.get(key)
    return entry.label if entry else key.replace("_", " ").capitalize()


def _writer_of(key: str) -> Callable[[Any], str]:
    if key in ("value", "baseline"):
        return score
    if key not in glossary.BY_NAME:
        return anything
    return lambda value: value if isinstance(value, str) else _value(key, value, "")


def _kind(column: Column) -> str | None:
    return "n" if column.is_number else "w" if column.wraps else None


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
