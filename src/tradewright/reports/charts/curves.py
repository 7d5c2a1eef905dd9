"""Charts over time as inline SVG: growth, drawdown, exposure; bars for sensitivity."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from tradewright.metrics.drawdowns import drawdown_series
from tradewright.reports.charts.scales import Scale, log_ticks, path, thin, ticks, time_ticks
from tradewright.reports.content import Curve, FloatArray, IntArray
from tradewright.reports.markup import Markup, el, join, void
from tradewright.reports.numbers import number, percent

WIDTH, LEFT, RIGHT = 1080.0, 8.0, 58.0
SERIES = ("s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8")


def growth_chart(curve: Curve, *, label: str = "strategy") -> Markup:
    """Draw the growth of 1, linear and logarithmic, with out-of-sample windows shaded.

    Parameters
    ----------
    curve : Curve
        Levels of the strategy and its benchmarks.
    label : str
        Name of the strategy's line.

    Returns
    -------
    Markup
        Two SVG charts, of which the page shows one; a script adds the cross hair.
    """
    lines = {label: curve.strategy, **curve.benchmarks}
    charts = [
        el(
            "div",
            line_chart(curve.ts, lines, height=330.0, is_log=is_log, spans=curve.spans),
            class_=f"scale-{'log' if is_log else 'linear'}",
        )
        for is_log in (False, True)
    ]
    return el("div", join(charts), class_="growth")


def line_chart(
    ts: IntArray,
    lines: Mapping[str, FloatArray],
    *,
    height: float,
    is_log: bool = False,
    spans: Sequence[tuple[int, int]] = (),
) -> Markup:
    """Draw lines that start at 1.

    Parameters
    ----------
    ts : ndarray of shape (n,), int64
        UTC nanoseconds.
    lines : mapping of str to ndarray of shape (n,)
        First the one that matters most.
    height : float
        Pixels.
    is_log : bool
        Whether the value axis is logarithmic.
    spans : sequence of (int, int)
        Stretches to shade, UTC nanoseconds.

    Returns
    -------
    Markup
        The SVG element, with the places of both axes for the script.
    """
    values = list(lines.values())
    low = min(float(np.min(line)) for line in values)
    high = max(float(np.max(line)) for line in values)
    if is_log:
        low = max(low, high / 1e4)
    room = (high - low) * 0.05 or 0.05
    low, high = (low / 1.04, high * 1.04) if is_log else (low - room, high + room)
    y = Scale(low, high, height - 24, 8, is_log)
    x = Scale(float(ts[0]), float(ts[-1]), LEFT, WIDTH - RIGHT)
    marks = log_ticks(low, high) if is_log else ticks(low, high, about=6)
    tags = _end_places(lines, y, height)
    grid = [
        _grid_line(at, "" if any(abs(at - tag) < 14 for tag, _ in tags) else number(value))
        for value in marks
        for at in [float(y(value))]
    ]
    base = void("line", class_="one", x1=LEFT, x2=WIDTH - RIGHT, y1=_px(y(1.0)), y2=_px(y(1.0)))
    drawn = []
    for index, (_name, line) in reversed(list(enumerate(lines.items()))):
        rows = thin(len(ts), line)
        shape = path(x(ts[rows].astype(float)), y(line[rows]))
        drawn.append(void("path", d=shape, class_=f"line {SERIES[index % 8]}"))
    ends = _end_labels(lines, tags)
    return _svg(
        height,
        _shading(spans, x, height - 24),
        grid,
        _time_axis(ts, x, height),
        base if low < 1 < high else None,
        drawn,
        ends,
        data_kind="growth",
        data_low=f"{low:.6g}",
        data_high=f"{high:.6g}",
        data_log=int(is_log),
        role="img",
        aria_label=f"Growth of 1: {', '.join(lines)}",
    )


def drawdown_chart(curve: Curve) -> Markup:
    """Draw the fall from the highest level so far, strategy over benchmark."""
    height = 150.0
    ours = drawdown_series(curve.strategy)
    theirs = drawdown_series(next(iter(curve.benchmarks.values())))
    low = min(float(ours.min()), float(theirs.min()), -0.01) * 1.05
    y = Scale(low, 0.0, height - 24, 6)
    x = Scale(float(curve.ts[0]), float(curve.ts[-1]), LEFT, WIDTH - RIGHT)
    grid = [_grid_line(float(y(v)), percent(v, digits=0)) for v in ticks(low, 0.0, about=4)]
    rows = thin(len(curve.ts), ours, theirs)
    places = x(curve.ts[rows].astype(float))
    area = path(
        np.concatenate((places[:1], places, places[-1:])),
        np.concatenate(([float(y(0.0))], y(ours[rows]), [float(y(0.0))])),
    )
    return _svg(
        height,
        _shading(curve.spans, x, height - 24),
        grid,
        _time_axis(curve.ts, x, height),
        void("path", d=area + "Z", class_="water"),
        void("path", d=path(places, y(theirs[rows])), class_="line s2 fine"),
        void("path", d=path(places, y(ours[rows])), class_="line s1 fine"),
        role="img",
        aria_label="Drawdown of the strategy and of the benchmark",
    )


def exposure_chart(curve: Curve) -> Markup:
    """Draw gross exposure as an area and net exposure as a line, fractions of equity."""
    height = 150.0
    gross, net = np.nan_to_num(curve.gross), np.nan_to_num(curve.net)
    high = max(float(gross.max()), 0.1) * 1.08
    low = min(float(net.min()), 0.0) * 1.08
    y = Scale(low, high, height - 24, 6)
    x = Scale(float(curve.ts[0]), float(curve.ts[-1]), LEFT, WIDTH - RIGHT)
    grid = [_grid_line(float(y(v)), percent(v, digits=0)) for v in ticks(low, high, about=4)]
    rows = thin(len(curve.ts), gross, net)
    places = x(curve.ts[rows].astype(float))
    zero = float(y(0.0))
    area = path(
        np.concatenate((places[:1], places, places[-1:])),
        np.concatenate(([zero], y(gross[rows]), [zero])),
    )
    return _svg(
        height,
        grid,
        _time_axis(curve.ts, x, height),
        void("path", d=area + "Z", class_="held"),
        void("path", d=path(places, y(net[rows])), class_="line s1 fine"),
        role="img",
        aria_label="Gross and net exposure",
    )


def bar_chart(labels: Sequence[str], values: Sequence[float], *, marked: int = -1) -> Markup:
    """Draw one bar per value as percent, for sensitivity tables.

    Parameters
    ----------
    labels : sequence of str
        Under the bars.
    values : sequence of float
        Fractions; NaN draws nothing.
    marked : int
        Bar of the result itself, drawn in full colour.

    Returns
    -------
    Markup
        The SVG element, half a page wide.
    """
    width, height = 520.0, 190.0
    known = [value for value in values if math.isfinite(value)]
    low, high = min([0.0, *known]), max([0.0, *known])
    room = (high - low) * 0.14 or 0.1
    y = Scale(low - (room if low < 0 else 0), high + room, height - 22, 6)
    slot = width / max(len(labels), 1)
    zero = float(y(0.0))
    parts: list[Markup] = []
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        centre = slot * (index + 0.5)
        name = el("text", label, x=_px(centre), y=height - 6, class_="tick middle")
        parts.append(name)
        if not math.isfinite(value):
            continue
        top, bottom = sorted((float(y(value)), zero))
        kind = "bar marked" if index == marked else "bar"
        broad = min(slot * 0.56, 56.0)
        parts.append(
            void(
                "rect", x=_px(centre - broad / 2), y=_px(top), width=_px(broad),
                height=_px(max(bottom - top, 0.8)), class_=f"{kind} {'neg' if value < 0 else ''}",
            )
        )  # fmt: skip
        above = top - 5 if value >= 0 else bottom + 13
        text = percent(value, digits=1)
        parts.append(el("text", text, x=_px(centre), y=_px(above), class_="tick middle strong"))
    parts.append(void("line", x1=0, x2=width, y1=_px(zero), y2=_px(zero), class_="one"))
    return el(
        "svg", join(parts), viewBox=f"0 0 {width:g} {height:g}", class_="chart half", role="img",
        aria_label=f"Result by {', '.join(labels)}",
    )  # fmt: skip


def pair_chart(labels: Sequence[str], ours: Sequence[float], theirs: Sequence[float]) -> Markup:
    """Draw two bars per label as percent, ours in full colour beside theirs.

    Parameters
    ----------
    labels : sequence of str
        Under the bars.
    ours, theirs : sequence of float
        Fractions; NaN draws nothing.

    Returns
    -------
    Markup
        The SVG element over the width of the page.
    """
    height, base = 220.0, 22.0
    known = [value for value in (*ours, *theirs) if math.isfinite(value)]
    low, high = min([0.0, *known]), max([0.0, *known])
    y = Scale(low * 1.16 or -0.1, high * 1.16, height - 4, base)
    slot, zero = WIDTH / max(len(labels), 1), float(y(0.0))
    broad = min(slot * 0.3, 46.0)
    parts: list[Markup] = []
    for index, label in enumerate(labels):
        centre = slot * (index + 0.5)
        parts.append(el("text", label, x=_px(centre), y=12, class_="tick middle"))
        for value, left, kind in (
            (ours[index], centre - broad - 1, "bar marked"),
            (theirs[index], centre + 1, "bar"),
        ):
            if math.isfinite(value):
                parts += _bar(value, left, broad, (y, zero), kind)
    parts.append(void("line", x1=0, x2=WIDTH, y1=_px(zero), y2=_px(zero), class_="one"))
    return _svg(height, parts, role="img", aria_label=f"Drawdown by {', '.join(labels)}")


def _bar(
    value: float, left: float, broad: float, axis: tuple[Scale, float], kind: str
) -> list[Markup]:
    y, zero = axis
    top, bottom = sorted((float(y(value)), zero))
    text = bottom + 13 if value < 0 else top - 5
    return [
        void("rect", x=_px(left), y=_px(top), width=_px(broad),
             height=_px(max(bottom - top, 0.8)), class_=kind),
        el("text", percent(value, digits=0), x=_px(left + broad / 2), y=_px(text),
           class_="tick middle strong"),
    ]  # fmt: skip


def _svg(height: float, *parts: object, **attributes: str | int) -> Markup:
    box = f"0 0 {WIDTH:g} {height:g}"
    return el("div", el("svg", parts, viewBox=box, class_="chart", **attributes), class_="plot")


def _grid_line(at: float, label: str) -> Markup:
    line = void("line", x1=LEFT, x2=WIDTH - RIGHT, y1=_px(at), y2=_px(at), class_="grid")
    return join((line, el("text", label, x=WIDTH - RIGHT + 8, y=_px(at + 3.5), class_="tick")))


def _time_axis(ts: IntArray, x: Scale, height: float) -> Markup:
    base = height - 24
    parts = [void("line", x1=LEFT, x2=WIDTH - RIGHT, y1=base, y2=base, class_="axis")]
    for at, label in time_ticks(int(ts[0]), int(ts[-1])):
        place = float(x(float(at)))
        parts.append(
            void("line", x1=_px(place), x2=_px(place), y1=base, y2=base + 4, class_="axis")
        )
        if LEFT + 14 < place < WIDTH - RIGHT - 10:
            parts.append(el("text", label, x=_px(place), y=height - 8, class_="tick middle"))
    return join(parts)


def _shading(spans: Sequence[tuple[int, int]], x: Scale, base: float) -> Markup:
    parts = []
    for index, (first, last) in enumerate(spans):
        left = max(float(x(float(first))), LEFT)
        right = min(float(x(float(last))), WIDTH - RIGHT)
        if right > left:
            kind = "span even" if index % 2 else "span odd"
            parts.append(
                void(
                    "rect", x=_px(left), y=4, width=_px(right - left), height=base - 4, class_=kind
                )
            )
    return join(parts)


def _end_places(
    lines: Mapping[str, FloatArray], y: Scale, height: float
) -> list[tuple[float, int]]:
    """Place the last value of each line, pushed apart where they would overlap."""
    wanted = sorted((float(y(float(line[-1]))), i) for i, line in enumerate(lines.values()))
    found: list[tuple[float, int]] = []
    before = -math.inf
    for place, index in wanted:
        before = min(max(place, before + 17), height - 28)
        found.append((before, index))
    return found


def _end_labels(lines: Mapping[str, FloatArray], tags: Sequence[tuple[float, int]]) -> Markup:
    values, left = list(lines.values()), WIDTH - RIGHT + 3
    parts = []
    for at, index in tags:
        kind = SERIES[index % 8]
        parts.append(
            void("rect", x=left, y=_px(at - 8), width=RIGHT - 3, height=16, class_=f"tag {kind}")
        )
        text = number(float(values[index][-1]))
        parts.append(el("text", text, x=left + 5, y=_px(at + 4), class_="tag-text"))
    return join(parts)


def _px(value: object) -> str:
    return f"{float(value):.1f}"  # type: ignore[arg-type]
