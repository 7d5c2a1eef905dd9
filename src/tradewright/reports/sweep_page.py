"""A sweep on one page: where it is good, how wide the good place is, and what luck explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tradewright.metrics import glossary
from tradewright.reports.charts.heat import heat_section
from tradewright.reports.charts.scales import ticks
from tradewright.reports.markup import Markup, el, join, void
from tradewright.reports.numbers import DASH, anything, number, percent
from tradewright.reports.page import page
from tradewright.reports.sections import section
from tradewright.reports.tables import Column, table

MOST_LINES: Final = 600
BLUE: Final = 60
"""Lines of the best sets, at most."""
MOST_ROWS: Final = 100
WIDTH, HEIGHT, EDGE = 1080.0, 320.0, 44.0
PLATEAU: Final = (
    "Neighbours are the sets tried that differ by at most one step in every parameter. Plateau is "
    "the mean Sharpe ratio of a set and its neighbours; stability is the share of the set's own "
    "ratio that its neighbours reach on average, from 0 (a lone peak) to 1 (a plateau)."
)


@dataclass(frozen=True, slots=True, eq=False)
class SweepContent:
    """What the page of a sweep shows.

    Parameters
    ----------
    title : str
        Of the page.
    subtitle : sequence of str
        Data, dates, search.
    axes : mapping of str to sequence
        Values tried of each parameter, in order.
    rows : sequence of mapping
        Sets, highest Sharpe ratio first: parameters, ``total_return``, ``sharpe``,
        ``max_drawdown``, ``trades``, and ``neighbours``, ``neighbour_sharpe``, ``stability``,
        ``plateau``.
    failures : sequence of mapping
        Parameters and ``cause`` of the sets that failed.
    counted : int or None
        Trials of the family so far.
    luck : float or None
        Annual Sharpe ratio that the best of so many trials reaches without skill.
    overfitting, spa : float or None
        Probability of overfitting, and of Hansen's SPA.
    """

    title: str
    subtitle: Sequence[str]
    axes: Mapping[str, Sequence[Any]]
    rows: Sequence[Mapping[str, Any]]
    failures: Sequence[Mapping[str, Any]] = field(default=())
    counted: int | None = None
    luck: float | None = None
    overfitting: float | None = None
    spa: float | None = None


def render_sweep(content: SweepContent) -> str:
    """Render a sweep as one self-contained HTML page.

    Parameters
    ----------
    content : SweepContent
        One set or more.

    Returns
    -------
    str
        One HTML page that makes no request.
    """
    header = el(
        "header",
        el("p", "tradewright · sweep", class_="brand"),
        el("h1", content.title),
        el("p", [el("span", part) for part in content.subtitle], class_="sub"),
        class_="masthead",
    )
    parts = [
        header,
        _headline(content),
        heat_section(content.axes, content.rows),
        _parallel(content),
        _plateaus(content),
        _table(content),
        _failed(content),
    ]
    return page(content.title, [part for part in parts if part])


def _headline(content: SweepContent) -> Markup:
    best = content.rows[0]
    wide = max(content.rows, key=lambda row: row["plateau"])
    cells = [
        ("Best Sharpe", number(best["sharpe"]), _named(content, best)),
        ("Its stability", _share(best["stability"]), _neighbours(best["neighbours"])),
        ("Highest plateau", number(wide["plateau"]), _named(content, wide)),
        ("Luck alone", number(content.luck), "best Sharpe of so many trials"),
        ("Overfitting", number(content.overfitting), "probability; 0.20 or less wanted"),
        ("Trials", anything(content.counted or len(content.rows)), "counted in the family"),
    ]
    shown = [
        el("div", el("div", what, class_="what"), el("div", value, class_="figure"),
           el("div", below, class_="below"), class_="cell")
        for what, value, below in cells
        if value != DASH
    ]  # fmt: skip
    told = el("p", _sentence(content, best, wide), class_="sentence")
    return section(
        "What was found", told, el("div", shown, class_="headline spaced"), id_="headline"
    )


def _sentence(content: SweepContent, best: Mapping[str, Any], wide: Mapping[str, Any]) -> str:
    if best["sharpe"] is None:
        return "No set has a Sharpe ratio: none of them traded, or nothing moved."
    start = f"The best of {len(content.rows):,} sets has a Sharpe ratio of {number(best['sharpe'])}"
    if best["stability"] is None:
        return f"{start}; it has no neighbours that could confirm it."
    kept = f"its neighbours keep {_share(best['stability'])} of it"
    if wide is best:
        return f"{start}, {kept}, and it stands on the highest plateau."
    return f"{start}, {kept}; the highest plateau lies at {_named(content, wide)}."


def _parallel(content: SweepContent) -> Markup:
    rows = [row for row in content.rows if row["sharpe"] is not None]
    if not rows:
        return Markup("")
    best = min(BLUE, -(-len(rows) // 10))
    shown = rows[:best] + rows[best :: max(1, -(-(len(rows) - best) // (MOST_LINES - best)))]
    low, high = rows[-1]["sharpe"], rows[0]["sharpe"]
    room = high - low or 1.0
    names = [*content.axes, "sharpe"]
    wide = WIDTH - 2 * EDGE
    across = {name: EDGE + wide * at / (len(names) - 1) for at, name in enumerate(names)}
    top, bottom = 34.0, HEIGHT - 16.0
    places = {
        name: {value: at / max(len(values) - 1, 1) for at, value in enumerate(values)}
        for name, values in content.axes.items()
    }

    def up(fraction: float) -> float:
        return bottom - (bottom - top) * fraction

    lines = []
    for rank, row in reversed(list(enumerate(shown))):
        points = [(across[name], up(places[name][row[name]])) for name in content.axes]
        points.append((across["sharpe"], up((row["sharpe"] - low) / room)))
        kind = "best" if rank == 0 else "top" if rank < best else "rest"
        drawn = "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
        title = el("title", f"{_named(content, row)}: Sharpe {number(row['sharpe'])}")
        lines.append(el("path", title, d=f"M{drawn}", class_=f"pc {kind}"))
    axes = []
    for name in content.axes:
        values = content.axes[name]
        marks = [(up(places[name][value]), anything(value)) for value in _few(values)]
        axes.append(_axis(across[name], name, marks, (top, bottom)))
    marks = [(up((value - low) / room), number(value)) for value in ticks(low, high)]
    axes.append(_axis(across["sharpe"], "Sharpe", marks, (top, bottom)))
    chart = el("svg", join(lines), join(axes), viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}", class_="chart",
               role="img", aria_label="Parallel coordinates of the sets")  # fmt: skip
    lead = "Each line is a set: its parameters, then its Sharpe ratio. "
    lead += f"Thick: the best; blue: the best {best}."
    if len(shown) < len(rows):
        lead += f" {len(shown):,} of {len(rows):,} are drawn."
    return section("Parallel coordinates", el("div", chart, class_="plot"), id_="parallel",
                   lead=lead)  # fmt: skip


def _axis(
    x: float, name: str, marks: Sequence[tuple[float, str]], ends: tuple[float, float]
) -> Markup:
    return join(
        [
            void("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=ends[0], y2=ends[1], class_="axis"),
            el("text", name, x=f"{x:.1f}", y=14, class_="middle strong"),
            [
                el("text", text, x=f"{x + 6:.1f}", y=f"{y + 3.5:.1f}", class_="halo")
                for y, text in marks
            ],
        ]
    )


def _plateaus(content: SweepContent) -> Markup:
    rows = sorted(content.rows, key=lambda row: -row["plateau"])[:15]
    columns = [
        *(Column(name, name) for name in content.axes),
        Column("sharpe", "Sharpe", number),
        Column("neighbour_sharpe", "Neighbours' Sharpe", number),
        Column("neighbours", "Neighbours"),
        Column("stability", "Stability", _share),
        Column("plateau", "Plateau", number),
    ]
    return section("Plateaus", table(columns, rows), id_="plateaus", lead=PLATEAU)


def _table(content: SweepContent) -> Markup:
    columns = [
        *(Column(name, name) for name in content.axes),
        Column("sharpe", "Sharpe", number),
        Column("total_return", "Total return", percent),
        Column("max_drawdown", "Max drawdown", percent),
        Column("trades", glossary.BY_NAME["trades"].label),
        Column("stability", "Stability", _share),
    ]
    lead = f"The {min(MOST_ROWS, len(content.rows))} highest Sharpe ratios of {len(content.rows):,}"
    if content.spa is not None:
        lead += f"; better than buy-and-hold after the search: p = {content.spa:.3f} (SPA)"
    shown = table(columns, content.rows[:MOST_ROWS], class_="tall")
    return section("Sets", shown, id_="sets", lead=f"{lead}.")


def _failed(content: SweepContent) -> Markup:
    if not content.failures:
        return Markup("")
    columns = [
        *(Column(name, name) for name in content.axes),
        Column("cause", "Cause", is_number=False, wraps=True),
    ]
    return section(
        "Failed", table(columns, content.failures[:MOST_ROWS]), id_="failed",
        lead=f"{len(content.failures)} sets have no figures; the same sweep with --resume tries "
        "them again.",
    )  # fmt: skip


def _named(content: SweepContent, row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {anything(row[name])}" for name in content.axes)


def _neighbours(count: int) -> str:
    return f"{count} neighbour{'s' * (count != 1)}"


def _share(value: Any) -> str:
    return DASH if value is None else percent(value, digits=0)


def _few(values: Sequence[Any]) -> list[Any]:
    step = max(1, -(-len(values) // 9))
    inner = list(values[:-1:step])
    if len(inner) > 1 and (len(values) - 1) % step not in (0, step - 1):
        inner.pop()  # too near the last
    return [*inner, values[-1]]
