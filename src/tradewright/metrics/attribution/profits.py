"""Profit of every instrument at every bar, long and short apart, from fills and closes alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.money import PRICE_UNIT, QTY_UNIT
from tradewright.jit import jit

FloatArray = NDArray[np.float64]


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
    minor_per_major: int = 100,
    worth: FloatArray | None = None,
) -> Profits:
    r"""Split the profit of an account by instrument, bar and side.

    A bar earns :math:`w_{t-1}\,q_{t-1}(C_t - C_{t-1})` on what was held before it,
    :math:`w_{t-1}\,s\,q(C_t - p)` less its costs on each fill of the bar, and
    :math:`(w_t - w_{t-1})\,q_t C_t` by the rate, with :math:`w` the worth of a price of 1.

    Parameters
    ----------
    fills : structured ndarray of `tradewright.domain.outcome.FILL_DTYPE`
        In the order they happened.
    close : ndarray of shape (n_bars, n_instruments)
        NaN where an instrument has no bar: it is marked at its last close.
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
            places,
            moves,
            np.ascontiguousarray(close, dtype=np.float64),
            np.ascontiguousarray(lines, dtype=np.float64),
        )
    )


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
def _walk(places, moves, close, worth):  # type: ignore[no-untyped-def]  # pragma: no cover
    n, k = close.shape
    sides, values, currency = np.zeros((n, 2, k)), np.zeros((n, k)), np.zeros((n, k))
    held, mark = np.zeros(k), np.full(k, np.nan)
    at = 0
    for t in range(n):
        then, now = worth[min(max(t - 1, 0), len(worth) - 1)], worth[min(t, len(worth) - 1)]
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
