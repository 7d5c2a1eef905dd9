"""The upper half of a tear sheet: verdict, headline, growth, metrics, windows, months."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from tradewright.metrics import glossary
from tradewright.metrics.verdict import LEAK, NO_EVIDENCE, SUPPORTED, WEAK
from tradewright.reports.charts.curves import SERIES, drawdown_chart, growth_chart
from tradewright.reports.charts.scales import thin
from tradewright.reports.content import Check, ReportContent
from tradewright.reports.markup import Markup, data_script, el, join
from tradewright.reports.numbers import day, number, percent, score, score_name
from tradewright.reports.tables import Column, definition, metric_groups, month_table, table

HEADLINE = (
    "total_return", "annual_return", "sharpe", "max_drawdown", "annual_volatility", "cost_drag",
)  # fmt: skip
_TONES = {LEAK: "bad", NO_EVIDENCE: "bad", WEAK: "warn", SUPPORTED: "good"}
_HEADED = re.compile(r'<section id="([\w-]+)"><h2>([^<]*)</h2>')
_SIGNS = {"pass": "✓", "warn": "▲", "fail": "✕", "not run": "○"}


def section(title: str, *body: Any, id_: str, lead: str = "") -> Markup:
    """Make a section with a heading and a line that says what to see in it."""
    said = el("p", lead, class_="lead") if lead else None
    return el("section", el("h2", title), said, body, id=id_)


def masthead(content: ReportContent) -> Markup:
    """Return the top of the page: what this is, of what, when."""
    return el(
        "header",
        el("p", f"tradewright · {content.kind} report", class_="brand"),
        el("h1", content.title),
        el("p", join(el("span", part) for part in content.subtitle), class_="sub"),
        el("p", f"Run {content.run_id} · {content.status} · made {content.created}", class_="run"),
        class_="masthead",
    )


def navigation(parts: Sequence[Markup]) -> Markup:
    """Return links to the sections of a page that have a heading."""
    found = [_HEADED.match(part) for part in parts]
    links = [el("a", Markup(hit[2]), href=f"#{hit[1]}") for hit in found if hit]
    return el("nav", links, aria_label="Sections")


def verdict_section(content: ReportContent) -> Markup:
    """Return the verdict: the word, the sentence, what it rests on, what to be careful about."""
    verdict = content.verdict
    tone = _TONES.get(verdict.word, "warn")
    cautions = [el("li", text) for text in verdict.cautions]
    return el(
        "section",
        el(
            "div",
            el("p", el("span", verdict.word, class_="word"), class_="word-line"),
            el("p", verdict.sentence, class_="sentence"),
            el("ul", cautions, class_="cautions") if cautions else None,
            class_=f"verdict {tone}",
        ),
        el("ul", [_check(check) for check in content.checks], class_="checks"),
        id="verdict",
        aria_label="Verdict",
    )


def headline_section(content: ReportContent) -> Markup:
    """Return the six figures everybody asks for, each with its benchmark or interval."""
    cells = []
    for name in HEADLINE:
        value = content.figures.get(name, math.nan)
        below = []
        if name in content.benchmark_figures:
            held = glossary.format_value(name, content.benchmark_figures[name])
            below.append(f"benchmark {held.replace(' %', '%')}")
        interval = content.intervals.get(name)
        if interval is not None and math.isfinite(interval.low_95) and name == "sharpe":
            low, high = number(interval.low_95), number(interval.high_95)
            below.append(f"95% interval {low} to {high}")
        if name == "cost_drag":
            below.append("of mean equity")
        text = glossary.format_value(name, value)
        cells.append(
            el(
                "div",
                el("p", definition(name), class_="what"),
                el("p", text, class_="figure"),
                [el("p", line, class_="below") for line in below],
                class_="cell",
            )
        )
    return el("section", el("div", cells, class_="headline"), id="headline", aria_label="Headline")


def growth_section(content: ReportContent) -> Markup:
    """Return growth and drawdown beside the benchmark, out-of-sample windows shaded."""
    curve = content.curve
    assert curve is not None
    names = ["Strategy", *curve.benchmarks]
    legend = [
        el("span", el("i", "", class_=f"key {SERIES[i % 8]}"), name) for i, name in enumerate(names)
    ]
    if curve.spans:
        legend.append(el("span", el("i", "", class_="key span-key"), "out-of-sample window"))
    rows = thin(len(curve.ts), curve.strategy, most=700)
    series = [curve.strategy, *curve.benchmarks.values()]
    data = {
        "t": (curve.ts[rows] // 1_000_000_000).tolist(),
        "names": names,
        "v": [[round(float(value), 4) for value in line[rows]] for line in series],
    }
    toggle = el(
        "span",
        el("button", "Linear", type="button", data_scale="linear", aria_pressed="true"),
        el("button", "Log", type="button", data_scale="log", aria_pressed="false"),
        class_="spans needs-script",
    )
    return section(
        "Growth of 1",
        el("div", el("div", legend, class_="legend"), toggle, class_="controls"),
        el("div", growth_chart(curve), id="growth-chart", class_="hover-chart"),
        el("h3", "Drawdown"),
        drawdown_chart(curve),
        data_script("growth-data", data),
        id_="growth",
        lead="Net of all costs, measured out of sample." if curve.spans else "Net of all costs.",
    )


def metrics_section(content: ReportContent) -> Markup:
    """Return every metric with its definition, benchmark and interval."""
    groups = metric_groups(
        content.figures,
        content.benchmark_figures,
        content.intervals,
        content.luck,
        currency=content.currency,
    )
    return section("Metrics", groups, id_="metrics", lead=" ".join(content.conventions))


def windows_section(content: ReportContent) -> Markup | None:
    """Return the table of walk-forward windows, None where there are none."""
    if not content.windows:
        return None
    signed = partial(percent, signed=True)
    columns = [
        Column("number", "Window", is_number=False),
        Column("train_start_ns", "Trained from", day, is_number=False),
        Column("train_end_ns", "to", day, is_number=False),
        Column("test_start_ns", "Tested from", day, is_number=False),
        Column("test_end_ns", "to", day, is_number=False),
        Column("total_return", "Return", signed),
        Column("benchmark_return", "Benchmark", signed),
        Column("sharpe", "Sharpe", number),
        Column("max_drawdown", "Drawdown", percent),
    ]
    scores = [key for key in content.windows[0] if str(key).startswith("score ")]
    scores.sort(key=_after_what_was_kept)
    columns += [
        Column(
            key,
            score_name(key.removeprefix("score ")),
            signed if key.endswith("in_sample_return") else score,
        )
        for key in scores
    ]
    chosen = [key for key in content.windows[0] if str(key).startswith("chosen ")]
    columns += [Column(key, f"Chosen: {key.removeprefix('chosen ')}", str) for key in chosen]
    return section(
        "Walk-forward windows",
        table(columns, content.windows),
        id_="windows",
        lead=f"Each window is traded by a model that saw only the span before it.{_kept(content)}",
    )


def _after_what_was_kept(key: str) -> bool:
    # What was earned in sample stands beside what was earned out of it.
    return not key.startswith("score in_sample")


def _kept(content: ReportContent) -> str:
    """Return what was kept out of sample of what was earned in sample, where both are known."""
    inside = [row.get("score in_sample_return") for row in content.windows]
    known = [float(value) for value in inside if isinstance(value, int | float)]
    outside = content.figures.get("annual_return", math.nan)
    if len(known) < len(inside) or not math.isfinite(outside):
        return ""
    earned = sum(known) / len(known)
    shown = f" {percent(earned)} a year in sample, {percent(outside)} out of sample"
    return f"{shown}: efficiency {number(outside / earned)}." if earned > 0 else f"{shown}."


def months_section(content: ReportContent) -> Markup:
    """Return the heat map of months and the deepest drawdowns."""
    columns = [
        Column("depth", "Depth", percent),
        Column("peak", "Peak", day, is_number=False),
        Column("trough", "Trough", day, is_number=False),
        Column("recovery", "Regained", day, is_number=False),
        Column("sessions", "Sessions"),
    ]
    falls = (el("h3", "Deepest drawdowns"), table(columns, content.drawdowns))
    return section(
        "Monthly returns",
        month_table(content.monthly, content.yearly),
        falls if content.drawdowns else None,
        id_="months",
    )


def _check(check: Check) -> Markup:
    state = check.state.replace(" ", "-")
    return el(
        "li",
        el("span", _SIGNS.get(check.state, "○"), class_=f"state {state}", aria_hidden="true"),
        el(
            "span",
            el("b", check.label),
            el("span", check.value, class_="value"),
            el("span", f" ({check.state})", class_="sr"),
            el("span", check.detail, class_="detail") if check.detail else None,
        ),
    )
