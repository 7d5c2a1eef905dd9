"""Several runs on one page: curves from one day, metrics, what differs and whether it is luck."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tradewright.domain.errors import ConfigError
from tradewright.metrics.bootstrap import Interval
from tradewright.reports.charts.curves import SERIES, line_chart
from tradewright.reports.charts.scales import thin
from tradewright.reports.content import FloatArray, IntArray
from tradewright.reports.markup import Markup, data_script, el
from tradewright.reports.numbers import anything, number, percent
from tradewright.reports.page import page
from tradewright.reports.sections import section
from tradewright.reports.tables import definition

METRICS = (
    "total_return", "annual_return", "annual_volatility", "sharpe", "sortino", "max_drawdown",
    "var_95", "cvar_95", "skew", "positive_sessions",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ComparisonContent:
    """What a comparison shows.

    Parameters
    ----------
    labels, run_ids, verdicts : sequence of str
        Of each run.
    ts : ndarray of shape (n,), int64
        Shared session closes, UTC nanoseconds.
    levels : ndarray of shape (n, n_runs)
        Rebased to 1.
    metrics : sequence of mapping
        Per run, over the shared sessions.
    sharpe_differences : sequence of Interval or None
        Paired bootstrap interval of the difference to the first run.
    differences : sequence of mapping
        ``{"key", label …}`` of every setting that is not equal.
    subtitle : sequence of str
        Period and sessions, in words.
    data_equal : bool
        Whether all ran on the same data.
    """

    labels: Sequence[str]
    run_ids: Sequence[str]
    verdicts: Sequence[str]
    ts: IntArray
    levels: FloatArray
    metrics: Sequence[Mapping[str, float]]
    sharpe_differences: Sequence[Interval | None]
    differences: Sequence[Mapping[str, Any]]
    subtitle: Sequence[str]
    data_equal: bool


def render_comparison(content: ComparisonContent) -> str:
    """Render a comparison as one self-contained HTML page.

    Parameters
    ----------
    content : ComparisonContent
        Two runs or more.

    Returns
    -------
    str
        One HTML page that makes no request.

    Raises
    ------
    ConfigError
        If fewer than two runs are given.
    """
    if len(content.labels) < 2:
        raise ConfigError(f"comparison: {len(content.labels)} runs, wanted two or more")
    header = el(
        "header",
        el("p", "tradewright · comparison", class_="brand"),
        el("h1", " against ".join(content.labels)),
        el("p", [el("span", part) for part in content.subtitle], class_="sub"),
        class_="masthead",
    )
    warning = el(
        "p", "These runs used different data: their figures do not rank the strategies.",
        class_="down strong",
    )  # fmt: skip
    parts = [
        header,
        _curves(content),
        section(
            "Metrics", None if content.data_equal else warning, _metrics(content), id_="metrics",
            lead="Over the sessions all runs share.",
        ),
        _difference_section(content),
    ]  # fmt: skip
    return page(" against ".join(content.labels), parts)


def _curves(content: ComparisonContent) -> Markup:
    lines = {label: content.levels[:, i] for i, label in enumerate(content.labels)}
    legend = [
        el("span", el("i", "", class_=f"key {SERIES[i % 8]}"), label)
        for i, label in enumerate(content.labels)
    ]
    rows = thin(len(content.ts), *lines.values(), most=500)
    data = {
        "t": (content.ts[rows] // 1_000_000_000).tolist(),
        "names": list(content.labels),
        "v": [[round(float(v), 4) for v in line[rows]] for line in lines.values()],
    }
    chart = el("div", line_chart(content.ts, lines, height=360.0), id="growth-chart",
               class_="hover-chart")  # fmt: skip
    return section(
        "Growth of 1", el("div", legend, class_="legend"), chart, data_script("growth-data", data),
        id_="growth", lead="Rebased at the first shared close, net of costs.",
    )  # fmt: skip


def _metrics(content: ComparisonContent) -> Markup:
    head = [el("th", "", scope="col")]
    head += [el("th", label, class_="n", scope="col") for label in content.labels]
    body = [_text_row("Verdict", content.verdicts), _text_row("Run", content.run_ids)]
    for name in METRICS:
        write = _writer(name)
        values = [float(metrics.get(name, math.nan)) for metrics in content.metrics]
        cells = [el("td", write(value), class_="n") for value in values]
        body.append(el("tr", el("th", definition(name), scope="row"), cells))
    texts = []
    for found in content.sharpe_differences:
        if found is None:
            texts.append("reference")
            continue
        sure = found.low_95 > 0 or found.high_95 < 0
        between = f"{number(found.low_95, signed=True)} to {number(found.high_95, signed=True)}"
        texts.append(f"{between} ({'differs' if sure else 'may be luck'})")
    body.append(_text_row("Sharpe difference, 95%", texts))
    inner = el("table", el("thead", el("tr", head)), el("tbody", body))
    return el("div", inner, class_="scroll", tabindex=0, role="region", aria_label="Metrics")


def _difference_section(content: ComparisonContent) -> Markup:
    head = [el("th", "Setting", scope="col")]
    head += [el("th", label, scope="col") for label in content.labels]
    rows = [
        el(
            "tr",
            el("th", str(row["key"]), scope="row"),
            [el("td", anything(row.get(label))) for label in content.labels],
        )
        for row in content.differences
    ]
    body: Markup = el("div", el("table", el("thead", el("tr", head)), el("tbody", rows)),
                      class_="scroll", tabindex=0)  # fmt: skip
    if not rows:
        body = el("p", "Configuration, data and seed are equal.", class_="muted")
    return section("What differs", body, id_="differences")


def _text_row(title: str, values: Sequence[str]) -> Markup:
    return el("tr", el("th", title, scope="row"), [el("td", value, class_="n") for value in values])


def _writer(name: str) -> Any:
    if name in ("sharpe", "sortino", "skew"):
        return number
    return partial(percent, digits=2)
