"""Trades on candles: small fixed charts of the largest trades, and data for the chooser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from tradewright.domain.time import to_ns
from tradewright.reports.charts.scales import Scale, ticks
from tradewright.reports.content import CandleSeries
from tradewright.reports.markup import Markup, data_script, el, join, void
from tradewright.reports.numbers import day, money, number, percent, signed_cell

MARGIN_BARS = 12
MOST_BARS = 140
MOST_STORED = 4_000


def largest_trades(
    trades: Sequence[Mapping[str, Any]], *, each: int = 3
) -> list[Mapping[str, Any]]:
    """Choose the trades with the largest profits and the largest losses.

    Parameters
    ----------
    trades : sequence of mapping
        Rows of ``run.trades``.
    each : int
        How many of either kind.

    Returns
    -------
    list of mapping
        Wins from the largest down, then losses from the largest down.
    """
    ordered = sorted(trades, key=lambda trade: float(trade["pnl"]))
    losses = [trade for trade in ordered[:each] if trade["pnl"] < 0]
    wins = [trade for trade in ordered[::-1][:each] if trade["pnl"] > 0]
    return wins + losses


def trade_gallery(
    trades: Sequence[Mapping[str, Any]], candles: Sequence[CandleSeries], currency: str
) -> Markup:
    """Draw the largest trades, each on the bars around it.

    Parameters
    ----------
    trades : sequence of mapping
        Rows of ``run.trades``.
    candles : sequence of CandleSeries
        Bars by instrument; a trade whose instrument is not among them is left out.
    currency : str
        Of the profits.

    Returns
    -------
    Markup
        A grid of figures.
    """
    by_symbol = {series.symbol: series for series in candles}
    chosen = [trade for trade in largest_trades(trades) if trade["symbol"] in by_symbol]
    figures = [
        el(
            "figure",
            trade_chart(by_symbol[trade["symbol"]], trade),
            el(
                "figcaption",
                el("b", trade["symbol"]),
                f" {trade['side']}, {day(trade['entry_time'])} to {day(trade['exit_time'])}: ",
                signed_cell(
                    trade["pnl"],
                    f"{money(trade['pnl'], signed=True)} {currency} "
                    f"({percent(trade['return'], signed=True)})",
                ),
            ),
        )
        for trade in chosen
    ]
    return el("div", join(figures), class_="gallery")


def trade_chart(series: CandleSeries, trade: Mapping[str, Any]) -> Markup:
    """Draw one trade on its candles, with entry, exit and the line between them.

    Parameters
    ----------
    series : CandleSeries
        Bars of the trade's instrument.
    trade : mapping
        Row of ``run.trades``.

    Returns
    -------
    Markup
        The SVG element.
    """
    width, height, right = 340.0, 170.0, 44.0
    entry, leave = (_row_of(series, trade[name]) for name in ("entry_time", "exit_time"))
    first, last = max(entry - MARGIN_BARS, 0), min(leave + MARGIN_BARS + 1, len(series.ts))
    joined = _joined(series, first, last)
    high, low = float(joined["high"].max()), float(joined["low"].min())
    room = (high - low) * 0.06 or high * 0.01
    y = Scale(low - room, high + room, height - 6, 6)
    slot = (width - right) / len(joined["close"])
    parts: list[Markup] = []
    for value in ticks(low, high, about=4):
        at = float(y(value))
        parts.append(
            void("line", x1=0, x2=width - right, y1=f"{at:.1f}", y2=f"{at:.1f}", class_="grid")
        )
        parts.append(
            el("text", number(value), x=width - right + 5, y=f"{at + 3.5:.1f}", class_="tick")
        )
    parts.extend(_candle(joined, y, slot, row) for row in range(len(joined["close"])))
    per = joined["per"]
    marks = (
        (entry, float(trade["entry_price"]), "entry"),
        (leave, float(trade["exit_price"]), "exit"),
    )
    places = [((row - first) // per * slot + slot / 2, float(y(px))) for row, px, _ in marks]
    (x1, y1), (x2, y2) = places
    kind = "up-line" if trade["pnl"] > 0 else "down-line"
    ends = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"}
    parts.append(void("line", class_=f"held-line {kind}", **ends))
    parts.extend(_marker(x, at, name, trade["side"]) for (x, at), (*_, name) in zip(
        places, marks, strict=True
    ))  # fmt: skip
    return el(
        "svg", join(parts), viewBox=f"0 0 {width:g} {height:g}", class_="chart small", role="img",
        aria_label=f"Trade in {series.symbol}",
    )  # fmt: skip


def chooser(trades: Sequence[Mapping[str, Any]], candles: Sequence[CandleSeries]) -> Markup:
    """Return the frame and the data of the chart on which an instrument can be chosen.

    Parameters
    ----------
    trades : sequence of mapping
        Rows of ``run.trades`` that the table shows.
    candles : sequence of CandleSeries
        Instruments to choose from.

    Returns
    -------
    Markup
        Controls, an empty SVG that the page's script fills, and the data.
    """
    data = [
        {"s": series.symbol, **_compact(series), "m": _marks(series, trades)} for series in candles
    ]
    options = [el("option", series.symbol, value=index) for index, series in enumerate(candles)]
    spans = [
        el("button", label, type="button", data_bars=bars, aria_pressed="false")
        for label, bars in (("6 M", 126), ("1 Y", 252), ("3 Y", 756), ("All", 0))
    ]
    return el(
        "div",
        el(
            "div",
            el("label", "Instrument ", el("select", join(options), id="pick")),
            el("span", join(spans), class_="spans", id="spans"),
            el("span", "", id="pick-note", class_="muted"),
            class_="controls",
        ),
        el("div", el("svg", id="candles", class_="chart", viewBox="0 0 1080 360", role="img",
           aria_label="Candles with the trades of the chosen instrument"), class_="plot"),
        el("input", type="range", id="pan", min=0, max=1000, value=1000,
           aria_label="Move through time"),
        data_script("candle-data", data),
        class_="chooser needs-script",
    )  # fmt: skip


def _row_of(series: CandleSeries, when: datetime) -> int:
    row = int(np.searchsorted(series.ts, to_ns(when)))
    return min(row, len(series.ts) - 1)


def _joined(series: CandleSeries, first: int, last: int) -> dict[str, Any]:
    """Return the bars of a stretch, several joined into one where they are many."""
    per = max(1, -(-(last - first) // MOST_BARS))
    starts = np.arange(0, last - first, per)
    ends = np.minimum(starts + per, last - first) - 1
    cut = {name: getattr(series, name)[first:last] for name in ("open", "high", "low", "close")}
    return {
        "open": cut["open"][starts],
        "high": np.maximum.reduceat(cut["high"], starts),
        "low": np.minimum.reduceat(cut["low"], starts),
        "close": cut["close"][ends],
        "per": per,
    }


def _candle(bars: Mapping[str, Any], y: Scale, slot: float, row: int) -> Markup:
    o, h, low, c = (float(bars[name][row]) for name in ("open", "high", "low", "close"))
    centre = slot * (row + 0.5)
    top, bottom = float(y(max(o, c))), float(y(min(o, c)))
    kind = "rise" if c >= o else "fall"
    broad = max(min(slot * 0.66, 7.0), 0.8)
    wick = void(
        "path", d=f"M{centre:.1f},{float(y(h)):.1f}V{float(y(low)):.1f}", class_=f"wick {kind}"
    )
    body = void(
        "rect", x=f"{centre - broad / 2:.1f}", y=f"{top:.1f}", width=f"{broad:.1f}",
        height=f"{max(bottom - top, 0.8):.1f}", class_=f"body {kind}",
    )  # fmt: skip
    return join((wick, body))


def _marker(x: float, y: float, name: str, side: str) -> Markup:
    """Draw a triangle: up where we bought, down where we sold."""
    bought = (name == "entry") == (side == "long")
    tip, foot = (y + 3, y + 11) if bought else (y - 3, y - 11)
    shape = f"M{x:.1f},{tip:.1f}L{x - 5:.1f},{foot:.1f}L{x + 5:.1f},{foot:.1f}Z"
    return void("path", d=shape, class_=f"marker {'bought' if bought else 'sold'}")


def _compact(series: CandleSeries) -> dict[str, Any]:
    """Write the newest bars as small whole steps (five digits of price), to keep the page small.

    Per bar: open from the close before, high above the body, low below it, close from the open.
    """
    digits = max(0, 4 - int(np.floor(np.log10(max(float(series.close.max()), 1e-6)))))
    cut = slice(max(0, len(series.ts) - MOST_STORED), None)
    o, h, low, c = (
        np.rint(getattr(series, name)[cut] * 10**digits).astype(np.int64)
        for name in ("open", "high", "low", "close")
    )
    before = np.concatenate((o[:1] * 0, c[:-1]))
    steps = np.column_stack((o - before, h - np.maximum(o, c), np.minimum(o, c) - low, c - o))
    seconds = series.ts[cut] // 1_000_000_000
    waits, which = np.unique(np.diff(seconds, prepend=0), return_inverse=True)
    return {
        "d": digits,
        "u": waits.tolist(),
        "w": which.tolist(),
        "p": steps.ravel().tolist(),
    }


def _marks(series: CandleSeries, trades: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    own = [trade for trade in trades if trade["symbol"] == series.symbol]
    return [
        [
            int(trade["trade"]),
            1 if trade["side"] == "long" else -1,
            to_ns(trade["entry_time"]) // 1_000_000_000,
            to_ns(trade["exit_time"]) // 1_000_000_000,
            round(float(trade["entry_price"]), 6),
            round(float(trade["exit_price"]), 6),
            round(float(trade["pnl"]), 2),
            bool(trade["is_open"]),
        ]
        for trade in own
    ]
