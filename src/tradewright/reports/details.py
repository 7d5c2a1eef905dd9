"""The lower half of a tear sheet: trades, costs, controls, data, assumptions, manifest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from tradewright.reports.charts.candles import chooser, trade_gallery
from tradewright.reports.charts.curves import bar_chart, exposure_chart
from tradewright.reports.content import GuardView, ReportContent
from tradewright.reports.markup import Markup, el
from tradewright.reports.numbers import (
    anything,
    day,
    money,
    number,
    percent,
    score_name,
    signed_cell,
)
from tradewright.reports.sections import section
from tradewright.reports.tables import Column, facts, plain_table, table

MOST_NOTES = 12
MOST_FINDINGS = 20


def candles_section(content: ReportContent) -> Markup | None:
    """Return trades on candles: a chart to choose an instrument, and the largest trades."""
    if not content.candles or not content.trades:
        return None
    gallery = trade_gallery(content.trades, content.candles, content.currency)
    return section(
        "Trades on price",
        chooser(content.trades, content.candles),
        el("h3", "Largest wins and losses"),
        gallery,
        id_="candles-section",
        lead="Triangles up are buys, down are sells; a line joins the average entry and exit price "
        "of a round trip. Point at a triangle, or choose a row of the table, for its trade.",
    )


def trades_section(content: ReportContent) -> Markup:
    """Return the table of round trips."""
    if not content.trades:
        nothing = el("p", "No position was opened.", class_="muted")
        return section("Trades", nothing, id_="trades")
    signed_percent = partial(_signed, write=partial(percent, signed=True))
    columns = [
        Column("symbol", "Symbol", _symbol, is_number=False),
        Column("side", "Side", is_number=False),
        Column("entry_time", "Entry", day, is_number=False),
        Column("exit_time", "Exit", day, is_number=False),
        Column("quantity", "Quantity", number),
        Column("entry_price", "Entry price", number),
        Column("exit_price", "Exit price", number),
        Column("pnl", f"Profit {content.currency}", partial(_signed, write=_profit)),
        Column("return", "Return", signed_percent),
        Column("cost", f"Costs {content.currency}", partial(money, digits=2)),
        Column("bars_held", "Bars"),
        Column("exit_reason", "Exit by", is_number=False),
    ]
    shown, total = len(content.trades), content.n_trades
    lead = f"{total:,} round trips".replace(",", "\u2009")
    if shown < total:
        lead += f"; the {shown} largest by profit or loss are shown, the export has all"
    rows = [_with_open(row) for row in content.trades]
    return section(
        "Trades", table(columns, rows, class_="tall", id="trade-table"), id_="trades",
        lead=lead + ". Profit is after all costs.",
    )  # fmt: skip


def exposure_section(content: ReportContent) -> Markup | None:
    """Return gross and net exposure over time."""
    curve = content.curve
    if curve is None or not len(curve.gross):
        return None
    legend = el(
        "div",
        el("span", el("i", "", class_="key held-key"), "gross"),
        el("span", el("i", "", class_="key s1"), "net"),
        class_="legend",
    )
    return section(
        "Exposure", legend, exposure_chart(curve), id_="exposure",
        lead="Market value of positions over equity at each close.",
    )  # fmt: skip


def sleeves_section(content: ReportContent) -> Markup | None:
    """Return who made what, None where one strategy had the account to itself."""
    if not content.sleeves:
        return None
    return section(
        "Sleeves", plain_table(content.sleeves), id_="sleeves",
        lead=f"Strategies that shared the account, in {content.currency}; profits are after costs, "
        "and the rows add up to the account.",
    )  # fmt: skip


def start_section(content: ReportContent) -> Markup | None:
    """Return the spread of results when the start is moved, None where it was not tried."""
    rows = content.start_sensitivity
    if not rows:
        return None
    key = "offset" if "offset" in rows[0] else next(iter(rows[0]))
    labels = [
        f"{row[key]:+g}" if isinstance(row[key], int | float) else str(row[key]) for row in rows
    ]
    values = [_number(row.get("total_return")) for row in rows]
    known = [value for value in values if math.isfinite(value)]
    spread = f"From {percent(min(known))} to {percent(max(known))}." if known else ""
    return section(
        "Start date", bar_chart(labels, values, marked=0), id_="start",
        lead=f"Total return with the start moved by sessions. {spread}",
    )  # fmt: skip


def controls_section(content: ReportContent) -> Markup:
    """Return control runs and the trials that were counted."""
    luck = content.luck
    trials = f"{luck.get('trials', 1):,.0f}".replace(",", "\u2009")
    dsr = number(luck.get("deflated_sharpe"), digits=3)
    text = (
        f"{trials} configuration{'s were' if luck.get('trials', 1) != 1 else ' was'} tried in "
        f"this family; after them the deflated Sharpe ratio is {dsr} (0.95 supports, below 0.90 "
        "there is no evidence)."
    )
    return section(
        "Controls and trials",
        plain_table(content.controls)
        if content.controls
        else el("p", "No control runs were made.", class_="muted"),
        id_="controls",
        lead=text,
    )


def scores_section(content: ReportContent) -> Markup | None:
    """Return the out-of-sample scores of the models, None where no model was fitted."""
    if not content.scores and not content.features:
        return None
    features = (
        el("p", el("b", f"{len(content.features)} features: "), ", ".join(content.features),
           class_="small-print")
        if content.features
        else None
    )  # fmt: skip
    rows = [
        {key: score_name(str(row[key])) if key == "metric" else row[key] for key in row}
        for row in content.scores
    ]
    return section(
        "Models", plain_table(rows), features, id_="models",
        lead="Scores on test windows only.",
    )  # fmt: skip


def guards_section(content: ReportContent) -> Markup:
    """Return what the leak guard and the data-health gate said."""
    blocks = []
    for name, guard in (("Leak guard", content.leak), ("Data health", content.health)):
        state = {True: "passed", False: "failed", None: "not run"}[guard.ok]
        kind = {True: "up", False: "down", None: "muted"}[guard.ok]
        blocks.append(
            el(
                "div",
                el("h3", name, " ", el("span", state, class_=kind)),
                el("p", guard.summary),
                _findings(guard) if guard.findings else None,
            )
        )
    return section("Data health and leaks", el("div", blocks, class_="halves"), id_="guards")


def assumptions_section(content: ReportContent) -> Markup | None:
    """Return fill rules, cost model and what else a reader must know."""
    lines = [*content.assumptions, *content.notes]
    if not lines:
        return None
    shown, more = lines[:MOST_NOTES], lines[MOST_NOTES:]
    rest = el("details", el("summary", f"{len(more)} more notes"), _list(more)) if more else None
    return section("Assumptions", _list(shown), rest, id_="assumptions")


def manifest_section(content: ReportContent) -> Markup:
    """Return what the run was made from."""
    pairs = [
        (key.replace("_", " "), value)
        for key, value in content.manifest.items()
        if not isinstance(value, Mapping | list | tuple) and key != "message"
    ]
    nested = []
    for key, value in content.manifest.items():
        if isinstance(value, Mapping) and value:
            inner = facts(list(_flat(value)))
            nested.append(el("details", el("summary", key.replace("_", " ")), inner))
        elif isinstance(value, list | tuple) and value:
            inner = _many(value)
            nested.append(el("details", el("summary", key.replace("_", " ")), inner))
    return section("Manifest", facts(pairs), nested, id_="manifest")


def _flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping):
            found += _flat(item, f"{name}.")
        elif isinstance(item, list | tuple):
            found.append((name, ", ".join(anything(part) for part in item)))
        else:
            found.append((name, item))
    return found


def _many(values: Sequence[Any]) -> Markup:
    if all(isinstance(value, Mapping) for value in values):
        return plain_table(values)
    return el("p", ", ".join(anything(value) for value in values))


def _list(lines: Sequence[str]) -> Markup:
    return el("ul", [el("li", line) for line in lines])


def _findings(guard: GuardView) -> Markup:
    """Return the details of a guard: open where it failed, folded where it passed."""
    rows = [facts(list(_flat(row))) for row in guard.findings[:MOST_FINDINGS]]
    left = len(guard.findings) - len(rows)
    more = el("p", f"and {left} more", class_="muted") if left else None
    return el("details", el("summary", "details"), rows, more, open=guard.ok is False)


def _with_open(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**row, "exit_reason": "still open"} if row.get("is_open") else row


def _symbol(value: Any) -> Markup:
    return el("b", anything(value))


def _signed(value: Any, *, write: Any) -> Markup:
    return signed_cell(value, write(value))


def _profit(value: Any) -> str:
    return money(value, digits=2, signed=True)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
