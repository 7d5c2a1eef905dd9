"""Profit of every instrument at every bar, long and short apart, from fills and closes alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.actions import EffectKind
from tradewright.domain.money import PRICE_UNIT, QTY_UNIT
from tradewright.jit import jit

FloatArray = NDArray[np.float64]
_DIVIDEND, _PAYMENT = int(EffectKind.DIVIDEND), int(EffectKind.PAYMENT)


@dataclass(frozen=True, slots=True, eq=False)
class Profits:
    """What each instrument earned at each bar, after its trading costs.

    Parameters
    ----------
    long, short : ndarray of shape (n_bars, n_instruments)
        Profit from the close before to the close of the bar, in major units; a fill that closes a
        position counts for the side it closes. What is priced in another currency counts at the
        rate known before the bar.
    currency : ndarray of shape (n_bars, n_instruments)
        What the change of the rate in a bar did to the value held at its close, in major units.
    values : ndarray of shape (n_bars, n_instruments)
        Market value held at each close, in major units; short < 0.
    """

    long: FloatArray
    short: FloatArray
    currency: FloatArray
    values: FloatArray

    @property
    def traded(self) -> FloatArray:
        """Profit of both sides without that of the rates, (n_bars, n_instruments)."""
        return np.add(self.long, self.short)

    @property
    def total(self) -> FloatArray:
        """Profit of both sides and of the rates, (n_bars, n_instruments)."""
        return np.add(self.traded, self.currency)


def instrument_profits(
    fills: NDArray[np.void],
    close: FloatArray,
    *,
    effects: NDArray[np.void] | None = None,
    minor_per_major: int = 100,
    worth: FloatArray | None = None,
) -> Profits:
    r"""Split the profit of an account by instrument, bar and side.

    A bar earns :math:`w_{t-1}\,q_{t-1}(C_t - C_{t-1})` on what was held before it,
    :math:`w_{t-1}\,s\,q(C_t - p)` less its costs on each fill of the bar, and
    :math:`(w_t - w_{t-1})\,q_t C_t` by the rate, with :math:`w` the worth of a price of 1. A
    corporate action earns what it gives (cash, dividends, shares at their price) less what it
    takes, before the bar.

    Parameters
    ----------
    fills : structured ndarray of `tradewright.domain.outcome.FILL_DTYPE`
        In the order they happened.
    close : ndarray of shape (n_bars, n_instruments)
        NaN where an instrument has no bar: it is marked at its last close.
    effects : structured ndarray of `tradewright.domain.outcome.EFFECT_DTYPE`, optional
        What corporate actions did, in order.
    minor_per_major : int
        Minor units of the currency in one major unit.
    worth : ndarray of shape (n_bars, n_instruments) or (1, n_instruments), optional
        Multiplier times rate at each close (`domain.currencies.worth.Worth`); 1 unless given.

    Returns
    -------
    Profits
        Together with financing they make the change of equity, to the rounding of the books.

    Notes
    -----
    Missing data: before its first close an instrument is worth what it was bought for.
    """
    costs = fills["fee"] + fills["spread"] + fills["slippage"] + fills["impact"]
    moves = np.column_stack(
        [
            fills["side"] * (fills["qty"] / QTY_UNIT),
            fills["px"] / PRICE_UNIT,
            costs / minor_per_major,
        ]
    )
    places = np.column_stack([fills["bar"], fills["instrument"]]).astype(np.int64)
    lines = np.ones((1, close.shape[1])) if worth is None else worth
    return Profits(
        *_walk(
            (places, moves),
            _given(effects, minor_per_major),
            np.ascontiguousarray(close, dtype=np.float64),
            np.ascontiguousarray(lines, dtype=np.float64),
        )
    )


def _given(
    effects: NDArray[np.void] | None, minor_per_major: int
) -> tuple[NDArray[np.int64], FloatArray]:
    # Places and amounts of what moves positions or money; a closing does so by its fill.
    if effects is None or not len(effects):
        return np.zeros((0, 4), dtype=np.int64), np.zeros((0, 5))
    rows = effects[effects["kind"] != EffectKind.CLOSING]
    money = (rows["cash"] + rows["due"]) / minor_per_major
    names = ("bar", "instrument", "other", "kind")
    places = np.column_stack([rows[name] for name in names]).astype(np.int64)
    shares = (rows["change"] / QTY_UNIT, rows["other_qty"] / QTY_UNIT)
    prices = (rows["px"] / PRICE_UNIT, rows["other_px"] / PRICE_UNIT)
    return places, np.column_stack([*shares, money, *prices])


@jit
def _acted(place, given, state, then, sides):  # type: ignore[no-untyped-def]  # pragma: no cover
    # What a corporate action earns, on the side held before it.
    j, other, kind = place[1], place[2], place[3]
    change, other_change, money, price, other_price = given
    held, mark = state
    if kind == _PAYMENT:
        return
    side = 0 if held[j] > 0.0 else 1
    if kind == _DIVIDEND:
        sides[side, j] += money
        return
    left = held[j] + change
    if abs(left) < 1e-9:
        left = 0.0
    sides[side, j] += then[j] * (left * price - held[j] * mark[j]) + money
    held[j], mark[j] = left, price
    if other_change != 0.0:
        sides[side, j] += then[other] * other_change * other_price
        if held[other] != 0.0:
            at = 0 if held[other] > 0.0 else 1
            sides[at, other] += then[other] * held[other] * (other_price - mark[other])
        mark[other] = other_price
        held[other] += other_change
        if abs(held[other]) < 1e-9:
            held[other] = 0.0


@jit
def _marked(held, mark, now, worth, sides):  # type: ignore[no-untyped-def]  # pragma: no cover
    # What holdings earn from their marks to the closes of a bar.
    for j in range(len(held)):
        if np.isnan(now[j]):
            continue
        if held[j] != 0.0:
            sides[0 if held[j] > 0.0 else 1, j] += held[j] * (now[j] - mark[j]) * worth[j]
        mark[j] = now[j]


@jit
def _filled(before, move, mark, worth):  # type: ignore[no-untyped-def]  # pragma: no cover
    # Profit of a fill by the close, for the side it closes and for the side it opens.
    change, price, cost = move
    earned = change * (mark - price) * worth - cost
    closing = min(1.0, abs(before / change)) if before * change < 0.0 else 0.0
    return earned * closing, earned * (1.0 - closing)


@jit
def _walk(traded, acted, close, worth):  # type: ignore[no-untyped-def]  # pragma: no cover
    places, moves = traded
    acts, given = acted
    n, k = close.shape
    sides, values, currency = np.zeros((n, 2, k)), np.zeros((n, k)), np.zeros((n, k))
    held, mark = np.zeros(k), np.full(k, np.nan)
    at, done = 0, 0
    for t in range(n):
        then, now = worth[min(max(t - 1, 0), len(worth) - 1)], worth[min(t, len(worth) - 1)]
        while done < len(acts) and acts[done, 0] == t:
            _acted(acts[done], given[done], (held, mark), then, sides[t])
            done += 1
        _marked(held, mark, close[t], then, sides[t])
        while at < len(places) and places[at, 0] == t:
            j, change = places[at, 1], moves[at, 0]
            if np.isnan(mark[j]):
                mark[j] = moves[at, 1]
            closed, opened = _filled(
                held[j], (change, moves[at, 1], moves[at, 2]), mark[j], then[j]
            )
            sides[t, 0 if held[j] > 0.0 else 1, j] += closed
            sides[t, 0 if change > 0.0 else 1, j] += opened
            held[j] += change
            if abs(held[j]) < 1e-9:
                held[j] = 0.0
            at += 1
        for j in range(k):
            if held[j] != 0.0:
                values[t, j] = held[j] * mark[j] * now[j]
                currency[t, j] = held[j] * mark[j] * (now[j] - then[j])
    long, short = np.ascontiguousarray(sides[:, 0]), np.ascontiguousarray(sides[:, 1])
    return long, short, currency, values


def grouped(
    profit: FloatArray, keys: Sequence[object], *, start_equity: float
) -> list[dict[str, Any]]:
    """Add up profits by a key of each row, as money and as contribution to the total return.

    Parameters
    ----------
    profit : ndarray of shape (n,)
        Major units; their sum is the profit of the run.
    keys : sequence of length n
        What each belongs to.
    start_equity : float
        Equity at the start, major units, > 0.

    Returns
    -------
    list of dict
        ``{"group", "profit", "contribution", "count"}`` in the order the keys first appear when
        sorted; contributions sum to the total return.

    Examples
    --------
    >>> rows = grouped(np.array([1.0, -2.0, 4.0]), ["b", "a", "b"], start_equity=100.0)
    >>> [(row["group"], row["contribution"]) for row in rows]
    [('a', -0.02), ('b', 0.05)]
    """
    names, places = np.unique(np.asarray(keys), return_inverse=True)
    sums = np.bincount(places, weights=profit, minlength=len(names))
    counts = np.bincount(places, minlength=len(names))
    return [
        {
            "group": name.item() if hasattr(name, "item") else name,
            "profit": float(value),
            "contribution": float(value) / start_equity,
            "count": int(count),
        }
        for name, value, count in zip(names, sums, counts, strict=True)
    ]
