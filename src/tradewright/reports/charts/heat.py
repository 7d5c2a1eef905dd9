"""A figure over two parameters as shaded cells; over one, as bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tradewright.reports.markup import Markup, el, join, void
from tradewright.reports.numbers import anything, number
from tradewright.reports.sections import section

MOST: Final = 32
"""Cells a side; longer axes are joined into groups of neighbouring values."""
WIDTH, LEFT, TOP, CELL = 1080.0, 86.0, 8.0, 30.0
FROM_DIGITS: Final = 38.0
"""Width of a cell from which its figure is written into it."""

MIDDLE: Final = "middle"

Rows = Sequence[Mapping[str, Any]]


def heat_section(axes: Mapping[str, Sequence[Any]], rows: Rows) -> Markup | None:
    """Return the Sharpe ratio over each of the first two parameters, the mean over the others.

    Parameters
    ----------
    axes : mapping of str to sequence
        Values of each parameter, in order.
    rows : sequence of mapping
        Sets with their parameters and ``sharpe``, the best first.
    """
    names = list(axes)[:2]
    if not any(row["sharpe"] is not None for row in rows):
        return None
    if len(names) == 1:
        chart, lead = _bars(axes, names[0], rows), "Blue: where the best set lies."
    else:
        chart = _cells(axes, names[0], names[1], rows)
        lead = f"The Sharpe ratio over {names[0]} and {names[1]}"
        if others := list(axes)[2:]:
            lead += f", the mean over {', '.join(others)}"
        lead += "; green above zero, red below, framed where the best set lies."
        if any(len(axes[name]) > MOST for name in names):
            lead += " Neighbouring values share a cell, named by the first."
    title = "Heat map" if len(names) == 2 else f"Sharpe ratio over {names[0]}"
    return section(title, el("div", chart, class_="plot"), id_="heatmap", lead=lead)


def _cells(axes: Mapping[str, Sequence[Any]], x: str, y: str, rows: Rows) -> Markup:
    across, columns = _grouped(axes[x])
    along, lines = _grouped(axes[y])
    found: dict[tuple[int, int], list[float]] = {}
    for row in rows:
        if row["sharpe"] is not None:
            found.setdefault((across[row[x]], along[row[y]]), []).append(row["sharpe"])
    means = {at: math.fsum(values) / len(values) for at, values in found.items()}
    top = max(abs(value) for value in means.values()) or 1.0
    wide = min((WIDTH - LEFT - 8) / len(columns), 120.0)
    best = (across[rows[0][x]], along[rows[0][y]])
    drawn = []
    for (i, j), value in sorted(means.items(), key=lambda item: item[0] == best):
        left, above = LEFT + i * wide, TOP + (len(lines) - 1 - j) * CELL
        title = el("title", f"{x} {anything(columns[i])}, {y} {anything(lines[j])}: "
                            f"Sharpe {number(value)}")  # fmt: skip
        drawn.append(
            el(
                "rect", title, x=f"{left + 0.5:.1f}", y=f"{above + 0.5:.1f}",
                width=f"{wide - 1:.1f}", height=f"{CELL - 1:.1f}",
                class_=f"{'up' if value > 0 else 'down'}-cell{' framed' * ((i, j) == best)}",
                fill_opacity=f"{0.06 + 0.5 * abs(value) / top:.2f}",
            )
        )  # fmt: skip
        if wide >= FROM_DIGITS:
            middle = {"x": f"{left + wide / 2:.1f}", "y": f"{above + CELL / 2 + 4:.1f}"}
            drawn.append(el("text", number(value), **middle, class_="middle cell-text"))
    high = TOP + len(lines) * CELL
    every = max(1, math.ceil(46 / wide))
    names = [
        el("text", anything(value), x=f"{LEFT + (i + 0.5) * wide:.1f}", y=high + 16, class_=MIDDLE)
        for i, value in enumerate(columns) if i % every == 0
    ]  # fmt: skip
    names += [
        el("text", anything(value), x=LEFT - 8, class_="end",
           y=f"{TOP + (len(lines) - j - 0.5) * CELL + 4:.1f}")
        for j, value in enumerate(lines)
    ]  # fmt: skip
    names += [
        el("text", x, x=f"{LEFT + len(columns) * wide / 2:.1f}", y=high + 36,
           class_="middle strong"),
        el("text", y, x=0, y=TOP + 12, class_="strong"),
    ]  # fmt: skip
    return _chart(f"Sharpe ratio over {x} and {y}", [*drawn, *names], high + 44)


def _bars(axes: Mapping[str, Sequence[Any]], name: str, rows: Rows) -> Markup:
    across, columns = _grouped(axes[name])
    groups: dict[int, list[float]] = {}
    for row in rows:
        if row["sharpe"] is not None:
            groups.setdefault(across[row[name]], []).append(row["sharpe"])
    means = {at: math.fsum(values) / len(values) for at, values in groups.items()}
    high, low = max(0.0, *means.values()), min(0.0, *means.values())
    room, wide = high - low or 1.0, min((WIDTH - LEFT - 8) / len(columns), 100.0)
    tall, zero = 200.0, TOP + 16 + 200.0 * high / room
    drawn = []
    for at, value in means.items():
        size = tall * abs(value) / room
        left = LEFT + at * wide
        title = el("title", f"{name} {anything(columns[at])}: Sharpe {number(value)}")
        marked = " marked" if at == across[rows[0][name]] else ""
        drawn.append(
            el(
                "rect", title, x=f"{left + 2:.1f}", y=f"{zero - size if value > 0 else zero:.1f}",
                width=f"{wide - 4:.1f}", height=f"{size:.1f}", class_=f"bar{marked}",
            )
        )  # fmt: skip
        if wide >= FROM_DIGITS:
            below = zero + size + 13 if value < 0 else zero - size - 5
            drawn.append(el("text", number(value), x=f"{left + wide / 2:.1f}", y=f"{below:.1f}",
                            class_="middle"))  # fmt: skip
    drawn.append(void("line", x1=LEFT, x2=f"{LEFT + len(columns) * wide:.1f}", y1=f"{zero:.1f}",
                      y2=f"{zero:.1f}", class_="axis"))  # fmt: skip
    foot = TOP + 16 + tall + (20 if low < 0 else 0)
    every = max(1, math.ceil(46 / wide))
    drawn += [
        el("text", anything(value), x=f"{LEFT + (i + 0.5) * wide:.1f}", y=foot + 16, class_=MIDDLE)
        for i, value in enumerate(columns) if i % every == 0
    ]  # fmt: skip
    drawn.append(el("text", name, x=0, y=foot + 16, class_="strong"))
    return _chart(f"Sharpe ratio over {name}", drawn, foot + 26)


def _chart(label: str, parts: Sequence[Markup], height: float) -> Markup:
    return el("svg", join(parts), viewBox=f"0 0 {WIDTH:g} {height:g}", class_="chart", role="img",
              aria_label=label)  # fmt: skip


def _grouped(values: Sequence[Any]) -> tuple[dict[Any, int], list[Any]]:
    size = math.ceil(len(values) / MOST)
    places = {value: at // size for at, value in enumerate(values)}
    return places, list(values[::size])
