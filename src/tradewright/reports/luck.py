"""The part of a tear sheet on luck and origin: intervals, thresholds, chance, attribution."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from tradewright.metrics import glossary
from tradewright.reports.content import ReportContent
from tradewright.reports.markup import Markup, el
from tradewright.reports.numbers import money, number, percent, signed_cell
from tradewright.reports.sections import section
from tradewright.reports.tables import Column, definition, table

SPLITS: Final = (
    ("instruments", "By instrument"),
    ("sides", "Long and short"),
    ("weekdays", "By weekday"),
    ("hours", "By hour of the close (UTC)"),
    ("regimes", "By market, as known before"),
)
MOST_ROWS: Final = 12
"""Longer tables are folded."""
INTERVALS: Final = ("sharpe", "annual_return", "max_drawdown", "total_return")


def luck_section(content: ReportContent) -> Markup | None:
    """Return intervals, acceptance thresholds and what chance makes of the run."""
    blocks = [_intervals(content), _acceptance(content), _paths(content), _delays(content)]
    shown = [block for block in blocks if block is not None]
    if not shown:
        return None
    return section(
        "Luck", el("div", shown, class_="halves"), id_="luck",
        lead="How sure the figures are, and what chance alone makes of the same sessions and "
        "holdings.",
    )  # fmt: skip


def attribution_section(content: ReportContent) -> Markup | None:
    """Return where the profit came from, None where it could not be split."""
    found = content.attribution
    if not found:
        return None
    shown = partial(_signed, write=partial(percent, digits=2, signed=True))
    columns = [
        Column("group", "", is_number=False),
        Column("profit", f"Profit {content.currency}", partial(_signed, write=_money)),
        Column("contribution", "of total return", shown),
    ]
    blocks, folded = [], []
    for key, title in SPLITS:
        rows = found.get(key) or ()
        if rows:
            total = {
                "group": "Total",
                "profit": sum(float(row["profit"]) for row in rows),
                "contribution": found["total_return"],
            }
            inner = table(columns, [*rows, total])
            if len(rows) > MOST_ROWS:
                folded.append(_folded(title, inner))
            else:
                blocks.append(el("div", el("h3", title), inner))
    return section(
        "Attribution",
        el("div", blocks, class_="halves"),
        folded,
        _sectors(found, shown),
        _factors(found.get("factors") or ()),
        id_="attribution",
        lead="Profit after all costs by origin; each table adds up to the total return.",
    )


def _folded(title: str, inner: Markup) -> Markup:
    return el("details", el("summary", title), inner)


def _intervals(content: ReportContent) -> Markup | None:
    rows = []
    for name in INTERVALS:
        found, closed = content.intervals.get(name), content.closed_form.get(name)
        if found is None:
            continue
        write = percent if glossary.metric(name).unit == "fraction" else number
        value = write(content.figures.get(name, math.nan))
        rows.append(
            {
                "figure": definition(name),
                "value": value,
                "bootstrap": f"{write(found.low_95)} to {write(found.high_95)}",
                "closed": "" if closed is None else f"{write(closed[0])} to {write(closed[1])}",
            }
        )
    if not rows:
        return None
    columns = [
        Column("figure", "95% intervals", _as_is, is_number=False),
        Column("value", "Value", _as_is),
        Column("bootstrap", "Block bootstrap", _as_is),
        Column("closed", "Closed form", _as_is),
    ]
    note = "Closed form: Mertens for the Sharpe ratio, Newey-West for the annual return."
    return el("div", table(columns, rows), el("p", note, class_="muted small-print"))


def _acceptance(content: ReportContent) -> Markup | None:
    entries = content.chance.get("entries") if content.chance else None
    if not content.acceptance:
        return None
    shares = entries["pass_shares"] if entries else {}
    rows = [
        {
            "name": str(row["name"]).replace("_", " "),
            "value": number(row["value"]),
            "limit": number(row["limit"]),
            "ok": "met" if row["ok"] else "missed",
            "share": percent(shares.get(row["name"])) if entries else "",
        }
        for row in content.acceptance
    ]
    columns = [
        Column("name", "Acceptance", is_number=False),
        Column("value", "Found", _as_is),
        Column("limit", "Limit", _as_is),
        Column("ok", "", is_number=False),
        Column("share", "Random entries", _as_is),
    ]
    note = None
    if entries:
        draws = f"{entries['draws']:,}".replace(",", "\u2009")
        note = el(
            "p",
            f"{percent(entries['pass_share'])} of {draws} strategies with the same holdings "
            f"entered at random meet all of them; entries at random do as well as the run's own "
            f"with p = {number(entries['p_value'], digits=3)}.",
            class_="muted small-print",
        )
    return el("div", table(columns, rows), note)


def _paths(content: ReportContent) -> Markup | None:
    kinds = (("paths", "Sessions in other blocks"), ("trades", "Round trips in another order"))
    rows = []
    for key, title in kinds:
        found = content.chance.get(key) if content.chance else None
        if found:
            rows.append(
                {
                    "name": title,
                    "end": f"{percent(found['terminal'][0])} to {percent(found['terminal'][4])}",
                    "fall": percent(found["drawdown"][0]),
                    "loss": percent(found["probability_of_loss"]),
                    "half": percent(found["probability_of_half"]),
                }
            )
    if not rows:
        return None
    columns = [
        Column("name", "Simulated paths", is_number=False, wraps=True),
        Column("end", "Return, 90%", _as_is),
        Column("fall", "Drawdown, 5%", _as_is),
        Column("loss", "Loss", _as_is),
        Column("half", "Half lost", _as_is),
    ]
    return el("div", table(columns, rows))


def _delays(content: ReportContent) -> Markup | None:
    entries = content.chance.get("entries") if content.chance else None
    if not entries:
        return None
    columns = [
        Column("bars", "Bars later", is_number=False),
        Column("total_return", "Return", partial(percent, signed=True)),
        Column("sharpe", "Sharpe", number),
        Column("max_drawdown", "Drawdown", percent),
    ]
    note = (
        "The same holdings with sizes held at their mean, priced at opens: the first row differs "
        "a little from the account."
    )
    return el("div", table(columns, entries["delays"]), el("p", note, class_="muted small-print"))


def _sectors(found: Mapping[str, Any], shown: Any) -> Markup | None:
    rows = found.get("sectors") or ()
    if not rows:
        return None
    keys = ("allocation", "selection", "interaction", "total")
    total = {"sector": "Total", **{key: sum(float(row[key]) for row in rows) for key in keys}}
    columns = [
        Column("sector", "Against the benchmark", is_number=False),
        *(Column(key, key.capitalize(), shown) for key in keys),
    ]
    note = "Brinson-Fachler effects, linked over sessions after Cariño; they add up to the excess."
    inner = el("div", table(columns, [*rows, total]), el("p", note, class_="muted small-print"))
    return _folded(f"Excess return of {percent(found['excess_return'], signed=True)}", inner)


def _factors(rows: Sequence[Mapping[str, Any]]) -> Markup | None:
    if not rows:
        return None
    columns = [
        Column("factor", "Factor", is_number=False),
        Column("loading", "Loading", number),
        Column("t", "t", number),
        Column("p", "p", partial(number, digits=3)),
        Column("contribution", "a year", partial(percent, digits=2, signed=True)),
    ]
    note = (
        "Regression of excess returns with Newey-West errors; the loading of alpha is a year's "
        "return, contributions add up to the mean excess return a year."
    )
    return el(
        "div",
        el("h3", "By factor"),
        table(columns, rows),
        el("p", note, class_="muted small-print"),
    )


def _as_is(value: Any) -> Any:
    return value


def _signed(value: Any, *, write: Any) -> Markup:
    return signed_cell(value, write(value))


def _money(value: Any) -> str:
    return money(value, digits=2, signed=True)
