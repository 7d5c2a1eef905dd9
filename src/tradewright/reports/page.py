"""The tear sheet as one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from tradewright.reports import costs, details, luck, sections, stress
from tradewright.reports.content import ReportContent, check_content
from tradewright.reports.markup import Markup, el, void

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""The page may show itself and reach nothing."""


def render_report(content: ReportContent) -> str:
    """Render a tear sheet.

    Parameters
    ----------
    content : ReportContent
        Everything it shows.

    Returns
    -------
    str
        One HTML page with its style and script inside; it makes no request.

    Raises
    ------
    ConfigError
        If benchmark, costs, deflated Sharpe ratio, bootstrap interval or leak verdict is missing,
        or figures were given for a run that may not show them.
    """
    check_content(content)
    parts: list[Markup | None] = [
        sections.masthead(content),
        sections.verdict_section(content),
    ]
    if content.verdict.may_show_performance:
        parts += [
            sections.headline_section(content),
            sections.growth_section(content),
            sections.months_section(content),
            sections.metrics_section(content),
            luck.luck_section(content),
            sections.windows_section(content),
            details.candles_section(content),
            details.trades_section(content),
            details.exposure_section(content),
            costs.costs_section(content),
            details.start_section(content),
            stress.stress_section(content),
            luck.attribution_section(content),
            details.sleeves_section(content),
            details.scores_section(content),
            details.controls_section(content),
        ]
    parts += [
        details.guards_section(content),
        details.assumptions_section(content),
        details.manifest_section(content),
    ]
    at = 3 if content.verdict.may_show_performance else 2
    parts.insert(at, sections.navigation([part for part in parts if part]))
    return page(f"{content.title} · {content.verdict.word}", [part for part in parts if part])


def page(title: str, parts: Sequence[Markup]) -> str:
    """Put parts into a page with the house style and script inside.

    Parameters
    ----------
    title : str
        Of the browser's tab.
    parts : sequence of Markup
        From top to bottom.

    Returns
    -------
    str
        A whole HTML document.
    """
    assets = files("tradewright.reports").joinpath("assets")
    style = assets.joinpath("page.css").read_text("utf-8")
    script = assets.joinpath("page.js").read_text("utf-8")
    head = el(
        "head",
        void("meta", charset="utf-8"),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"/>'),
        void("meta", name="color-scheme", content="light dark"),
        el("title", title),
        el("style", Markup(style)),
    )
    foot = el(
        "footer",
        el("p", "Past and simulated results say little about future ones. Fractions are shown as "
           "percent; times are UTC; every metric is defined where it stands and in "
           "docs/reference/metrics.md."),
    )  # fmt: skip
    tip = el("div", "", id="note", role="tooltip", hidden=True)
    body = el("body", el("main", parts, foot), tip, el("script", Markup(script)))
    return f"<!doctype html>\n{el('html', head, body, lang='en')}\n"
