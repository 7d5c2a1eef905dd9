"""The part of a tear sheet on stress: what scenarios do to the strategy, beside the market."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from tradewright.metrics import glossary
from tradewright.reports.charts.curves import pair_chart
from tradewright.reports.content import ReportContent
from tradewright.reports.markup import Markup, el
from tradewright.reports.numbers import number, percent
from tradewright.reports.sections import section
from tradewright.reports.tables import Column, definition, table

SCORE: Final = (
    "Stress resilience score, 0 to 100: 50 for a drawdown that is small beside the market's, 30 "
    "for the share of the loss made good by the end, 20 for sessions within the limits."
)
_SIGNED: Final = partial(percent, signed=True)


def stress_section(content: ReportContent) -> Markup:
    """Return what each scenario did, or how to find out where none was run."""
    found = content.stress
    if not found:
        how = f"tradewright backtest stress --run {content.run_id}"
        said = el(
            "p", "No scenario was run on this strategy. ", el("code", how),
            " lets crashes happen to it and keeps the result here.", class_="muted",
        )  # fmt: skip
        return section("Stress", said, id_="stress")
    scenarios = found["scenarios"]
    limit = float(found["limits"]["max_drawdown_limit"])
    starts = max(len(row["starts"]) for row in scenarios)
    notes = [el("li", note) for note in found.get("notes", ())]
    return section(
        "Stress",
        _chart(scenarios),
        _worst(scenarios),
        el("p", SCORE, f" Beyond {percent(limit, digits=0)} below its highest value the account "
           "is outside its limit.", class_="muted small-print"),
        el("details", el("summary", "Every start"), _starts(scenarios)),
        el("details", el("summary", "Figures of the worst starts"), _figures(scenarios)),
        el("ul", notes, class_="muted small-print") if notes else None,
        id_="stress",
        lead=f"The same engine on bars that a scenario changed, from {starts} days on: the start "
        "that ended worst, beside the same span without the scenario and the shocked market held.",
    )  # fmt: skip


def _chart(scenarios: Sequence[Mapping[str, Any]]) -> Markup:
    legend = el(
        "div",
        el("span", el("i", "", class_="key s1"), "drawdown of the strategy"),
        el("span", el("i", "", class_="key s2"), "of the market"),
        class_="legend",
    )
    worst = [row["worst"] for row in scenarios]
    chart = pair_chart(
        [str(row["name"]) for row in scenarios],
        [_number(start["stressed_metrics"]["max_drawdown"]) for start in worst],
        [_number(start["benchmark_drawdown"]) for start in worst],
    )
    return el("div", legend, chart)


def _worst(scenarios: Sequence[Mapping[str, Any]]) -> Markup:
    columns = [
        Column("scenario", "Scenario", _as_is, is_number=False),
        Column("shock", "Market", _SIGNED),
        Column("first_day", "From", is_number=False),
        Column("stressed", "Return", _SIGNED),
        Column("normal", "Without", _SIGNED),
        Column("drawdown", "Drawdown", percent),
        Column("market", "Market's", percent),
        Column("trough", "To trough"),
        Column("regained", "Regained"),
        Column("recovered", "Made good", partial(percent, digits=0)),
        Column("score", "Score", partial(number, digits=0)),
        Column("median", "Median", partial(number, digits=0)),
    ]
    rows = [
        {
            **_row(row["worst"]),
            "scenario": _named(row),
            "shock": row["market_shock_magnitude"],
            "median": row["median"]["stress_resilience_score"],
        }
        for row in scenarios
    ]
    return table(columns, rows)


def _starts(scenarios: Sequence[Mapping[str, Any]]) -> Markup:
    columns = [
        Column("scenario", "Scenario", is_number=False),
        Column("first_day", "From", is_number=False),
        Column("last_day", "To", is_number=False),
        Column("stressed", "Return", _SIGNED),
        Column("normal", "Without", _SIGNED),
        Column("drawdown", "Drawdown", percent),
        Column("market", "Market's", percent),
        Column("regained", "Regained"),
        Column("recovered", "Made good", partial(percent, digits=0)),
        Column("breaches", "Beyond limit", partial(percent, digits=0)),
        Column("score", "Score", partial(number, digits=0)),
        Column("message", "", is_number=False, wraps=True),
    ]
    rows = [
        {**_row(start), "scenario": row["name"]} for row in scenarios for start in row["starts"]
    ]
    if not any(row["message"] for row in rows):
        columns = columns[:-1]
    return table(columns, rows)


def _figures(scenarios: Sequence[Mapping[str, Any]]) -> Markup:
    rows = []
    for row in scenarios:
        worst = row["worst"]
        for name in worst["normal_metrics"]:
            fraction = glossary.metric(name).unit == "fraction"
            write = percent if fraction else number
            rows.append(
                {
                    "scenario": row["name"],
                    "figure": definition(name),
                    "normal": write(worst["normal_metrics"][name]),
                    "stressed": write(worst["stressed_metrics"][name]),
                    "worse": worst["performance_degradation"][name],
                }
            )
    columns = [
        Column("scenario", "Scenario", is_number=False),
        Column("figure", "Figure", _as_is, is_number=False),
        Column("normal", "Without", _as_is),
        Column("stressed", "Under stress", _as_is),
        Column("worse", "Worse by, of its size", partial(percent, digits=0, signed=True)),
    ]
    return table(columns, rows)


def _row(start: Mapping[str, Any]) -> dict[str, Any]:
    back = start["sessions_to_regain"]
    return {
        "first_day": start["first_day"],
        "last_day": f"{start['last_day']}{' (data end)' if start['is_cut'] else ''}",
        "stressed": start["stressed_metrics"]["total_return"],
        "normal": start["normal_metrics"]["total_return"],
        "drawdown": start["stressed_metrics"]["max_drawdown"],
        "market": start["benchmark_drawdown"],
        "trough": start["sessions_to_trough"],
        "regained": "never" if back is None else back,
        "recovered": start["recovered_share"],
        "breaches": start["breach_share"],
        "score": start["stress_resilience_score"],
        "message": start["message"],
    }


def _named(scenario: Mapping[str, Any]) -> Markup:
    correlation = float(scenario["correlation_increase"])
    note = (
        f"{scenario['description']}: the market {percent(scenario['market_shock_magnitude'])} in "
        f"{scenario['shock_duration_days']} sessions, recovery over "
        f"{scenario['recovery_duration_days']}, volatility times "
        f"{number(scenario['volatility_multiplier'], digits=1)}, correlations up by "
        f"{number(correlation, digits=1)}."
    )
    return el("span", scenario["name"], class_="def", tabindex=0, data_note=note)


def _as_is(value: Any) -> Any:
    return value


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
