"""The part of a tear sheet on costs: from gross to net, by origin, and what more would do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from tradewright.reports.charts.curves import bar_chart
from tradewright.reports.content import Costs, ReportContent, Rows
from tradewright.reports.markup import Markup, el
from tradewright.reports.numbers import DASH, money, number, percent, signed_cell
from tradewright.reports.sections import section
from tradewright.reports.tables import Column, table

STEPS: Final = {
    "spread": "Spread",
    "slippage": "Slippage",
    "impact": "Market impact",
    "fee": "Fees",
    "financing": "Financing",
    "funding": "Funding",
}


def costs_section(content: ReportContent) -> Markup:
    """Return where the money went, by instrument and window, and how the result bears other costs.

    Every table adds up to the minor unit.
    """
    costs = content.costs
    assert costs is not None
    total = costs.total
    free = None
    if not any(float(total[name]) for name in _steps_of(total)):
        free = el("p", "No costs were charged.", class_="down strong")
    multiples = [float(row["multiple"]) for row in costs.sensitivity]
    chart = bar_chart(
        [f"{multiple:g}×" for multiple in multiples],
        [_number(row.get("total_return")) for row in costs.sensitivity],
        marked=multiples.index(1.0) if 1.0 in multiples else -1,
    )
    return section(
        "Costs and sensitivity",
        free,
        el(
            "div",
            el("div", _steps(total, content.currency), _break_even(costs)),
            el("figure", el("figcaption", "Total return at other costs"), chart,
               _multiples(costs.sensitivity, content.currency),
               el("p", costs.sensitivity_note, class_="muted small-print")),
            class_="halves",
        ),
        _folded("From gross to net by instrument", "Instrument", costs.by_instrument),
        _folded("From gross to net by window", "Window", costs.by_window),
        *_corporate_actions(costs, content.currency),
        id_="costs",
    )  # fmt: skip


def _steps_of(total: Mapping[str, Any]) -> dict[str, str]:
    # Funding is shown where a perpetual paid or earned some.
    return {name: STEPS[name] for name in STEPS if name != "funding" or total.get(name)}


def _steps(total: Mapping[str, Any], currency: str) -> Markup:
    rows: list[Mapping[str, Any]] = [{"name": "Gross profit", "amount": total["gross"]}]
    rows += [
        {"name": label, "amount": -float(total[name])} for name, label in _steps_of(total).items()
    ]
    rows.append({"name": "Net profit", "amount": total["net"]})
    columns = [
        Column("name", "From gross to net", is_number=False),
        Column("amount", currency, _signed_cents),
    ]
    return table(columns, rows, class_="steps")


def _corporate_actions(costs: Costs, currency: str) -> tuple[Markup, ...]:
    if not costs.actions:
        return ()
    amounts = ", ".join(
        f"{name.lower()} {money(value, digits=2, signed=True)}"
        for name, value in costs.income.items()
    )
    columns = [
        Column("time", "Day", is_number=False),
        Column("symbol", "Instrument", is_number=False),
        Column("effect", "Effect", is_number=False),
        *(Column(name, label, number) for name, label in (("quantity", "Held before"),
                                                           ("change", "Change"))),
        Column("other", "Given", is_number=False),
        *(Column(name, name.capitalize(), partial(money, digits=2))
          for name in ("cash", "accrued", "withheld")),
    ]  # fmt: skip
    return (
        el("p", f"Part of the gross profit, in {currency}: {amounts}."),
        el("details", el("summary", "Corporate actions"), table(columns, costs.actions)),
    )


def _break_even(costs: Costs) -> Markup | None:
    bps, charged = float(costs.total["break_even_bps"]), float(costs.total["bps"])
    if not math.isfinite(bps):
        return None
    said = f"Break-even: {number(bps, digits=1)} bps of what is traded"
    if charged > 0 and bps > 0:
        said += f", {number(bps / charged, digits=1)} times the {number(charged, digits=1)} charged"
    elif bps <= 0:
        said = "Break-even: none; nothing was earned even before costs"
    return el("p", f"{said}.", class_="small-print")


def _multiples(rows: Rows, currency: str) -> Markup:
    columns = [
        Column("costs", "Costs", is_number=False),
        Column("final_equity", f"Equity {currency}", partial(money, digits=2)),
        Column("total_return", "Return", partial(percent, signed=True)),
        Column("sharpe", "Sharpe", number),
    ]
    shown = [{**row, "costs": f"{float(row['multiple']):g}×"} for row in rows]
    return table(columns, shown)


def _folded(title: str, what: str, rows: Sequence[Mapping[str, Any]]) -> Markup | None:
    if not rows:
        return None
    write = partial(money, digits=2)
    columns = [
        Column("label", what, is_number=False),
        Column("fills", "Fills"),
        Column("notional", "Traded", write),
        Column("gross", "Gross", _signed_cents),
        *(Column(name, label, write) for name, label in _steps_of(rows[-1]).items()),
        Column("net", "Net", _signed_cents),
        Column("bps", "bps", _bps),
        Column("break_even_bps", "Break-even", _bps),
    ]
    return el("details", el("summary", title), table(columns, rows, class_="sums"))


def _bps(value: Any) -> str:
    return number(value, digits=1) if math.isfinite(_number(value)) else DASH


def _signed_cents(value: Any) -> Markup:
    return signed_cell(value, money(value, digits=2, signed=True))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
