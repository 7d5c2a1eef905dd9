"""Round trips: the fill table cut from flat to flat, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.money import minor_exponent
from tradewright.domain.outcome import TRIP_DTYPE, Outcome
from tradewright.jit import jit

# Columns of the per-instrument state while a trip is open.
_HELD, _PEAK, _CASH, _COST, _ENTRY_QTY, _EXIT_QTY, _ENTRY_NOTIONAL = range(7)
_ENTRY_BAR, _ENTRY_FILL, _LAST_FILL, _ENTRY_BASE, _EXIT_BASE = range(7, 12)
_N_STATE = 12


def round_trips(outcome: Outcome) -> NDArray[np.void]:
    """Return the round trips of a run.

    A trip opens with the fill that leaves flat and closes with the fill that comes back to it;
    a fill that goes through zero closes one trip and opens the next, its notional and costs
    shared by quantity to the minor unit. Prices are raw and averaged by quantity.

    Parameters
    ----------
    outcome : Outcome
        What the engine handed back; its fills are in the order they happened.

    Returns
    -------
    structured ndarray of TRIP_DTYPE
        Sorted by the fill that closed them; trips still open come last, by instrument, with
        ``is_open`` set and marked at the last known close. ``pnl`` is after all costs of the
        fills, before financing.

    Notes
    -----
    Timing: a trip is known at the bar of its last fill.
    Missing data: an open trip of an instrument without a mark is valued at its average entry.
    """
    fills = outcome.fills
    out = np.zeros(2 * len(fills) + len(outcome.instruments), dtype=TRIP_DTYPE)
    count = _cut(
        fills,
        np.ascontiguousarray(outcome.marks, dtype=np.float64),
        max(len(outcome.ts) - 1, 0),
        (
            np.ascontiguousarray(outcome.worths, dtype=np.float64),
            float(10 ** minor_exponent(outcome.currency)),
        ),
        out,
    )
    return out[:count]


@jit
def _share(amount: Any, part: Any, whole: Any) -> Any:
    # amount * part / whole, half to even, exact though the product may pass 64 bits: the
    # float quotient is off by little, and the small remainder survives wrapping arithmetic.
    quotient = np.int64(np.float64(amount) * (np.float64(part) / np.float64(whole)))
    rest = np.int64(amount * part - quotient * whole)
    while rest < 0:
        rest += whole
        quotient -= 1
    while rest >= whole:
        rest -= whole
        quotient += 1
    twice = rest - (whole - rest)
    if twice > 0 or (twice == 0 and quotient % 2 != 0):
        quotient += 1
    return quotient


@jit
def _close(
    state: NDArray[Any], means: NDArray[Any], fills: NDArray[Any], column: int, row: Any
) -> None:
    row["instrument"] = column
    row["side"] = 1 if state[_PEAK] > 0 else -1
    row["entry_bar"] = state[_ENTRY_BAR]
    row["qty"] = abs(state[_PEAK])
    row["entry_px"] = (state[_ENTRY_BASE] + means[0] / state[_ENTRY_QTY]) / 1e8
    row["pnl"] = state[_CASH]
    row["cost"] = state[_COST]
    row["return_"] = state[_CASH] / state[_ENTRY_NOTIONAL] if state[_ENTRY_NOTIONAL] else 0.0
    row["entry_fill"] = state[_ENTRY_FILL]
    row["exit_fill"] = state[_LAST_FILL]
    last = fills[state[_LAST_FILL]]
    row["exit_bar"] = last["bar"]
    row["exit_reason"] = last["reason"]


@jit
def _take(
    state: NDArray[Any], means: NDArray[Any], fill: Any, at: int, size: tuple[Any, Any, Any]
) -> None:
    # Move a trip by a part of a fill (quantity, notional, cost) that never goes through zero.
    part, notional, cost = size
    side = np.int64(fill["side"])
    if state[_HELD] == 0:
        state[:] = 0
        means[:] = 0.0
        state[_ENTRY_BAR] = fill["bar"]
        state[_ENTRY_FILL] = at
        state[_ENTRY_BASE] = fill["px"]
    if state[_HELD] * side >= 0:
        state[_ENTRY_QTY] += part
        state[_ENTRY_NOTIONAL] += notional
        means[0] += np.float64(part) * np.float64(fill["px"] - state[_ENTRY_BASE])
    else:
        if state[_EXIT_QTY] == 0:
            state[_EXIT_BASE] = fill["px"]
        state[_EXIT_QTY] += part
        means[1] += np.float64(part) * np.float64(fill["px"] - state[_EXIT_BASE])
    state[_HELD] += side * part
    if abs(state[_HELD]) > abs(state[_PEAK]):
        state[_PEAK] = state[_HELD]
    state[_CASH] -= side * notional + cost
    state[_COST] += cost
    state[_LAST_FILL] = at


@jit
def _mark(
    state: NDArray[Any], means: NDArray[Any], mark: float, scales: tuple[float, float], row: Any
) -> None:
    # An open trip: what is left is valued at the mark, as the venue rounds it.
    worth, scale = scales
    entry = state[_ENTRY_BASE] + means[0] / state[_ENTRY_QTY]
    px = mark * 1e8 if not np.isnan(mark) else entry
    left = np.float64(abs(state[_HELD]))
    gone = np.float64(state[_EXIT_QTY])
    exits = gone * np.float64(state[_EXIT_BASE]) + means[1]
    row["exit_px"] = (exits + left * px) / (gone + left) / 1e8
    money = px if worth == 1.0 else np.rint(np.rint(px) * worth)
    value = np.int64(np.rint(np.float64(state[_HELD]) / 1e8 * (money / 1e8) * scale))
    row["pnl"] = state[_CASH] + value
    row["return_"] = row["pnl"] / state[_ENTRY_NOTIONAL] if state[_ENTRY_NOTIONAL] else 0.0
    row["is_open"] = True


@jit
def _cut(
    fills: NDArray[Any],
    marks: NDArray[Any],
    last_bar: int,
    scales: tuple[NDArray[Any], float],
    out: NDArray[Any],
) -> int:
    n = len(marks)
    worths, scale = scales
    states = np.zeros((n, _N_STATE), np.int64)
    means = np.zeros((n, 2))
    count = 0
    for at in range(len(fills)):
        fill = fills[at]
        column = fill["instrument"]
        state, mean = states[column], means[column]
        qty, notional = fill["qty"], fill["notional"]
        cost = fill["fee"] + fill["spread"] + fill["slippage"] + fill["impact"]
        part, part_notional, part_cost = qty, notional, cost
        if state[_HELD] * fill["side"] < 0 and abs(state[_HELD]) < qty:
            part = abs(state[_HELD])
            part_notional = _share(notional, part, qty)
            part_cost = _share(cost, part, qty)
        _take(state, mean, fill, at, (part, part_notional, part_cost))
        if state[_HELD] == 0:
            row = out[count]
            _close(state, mean, fills, column, row)
            row["exit_px"] = (state[_EXIT_BASE] + mean[1] / state[_EXIT_QTY]) / 1e8
            count += 1
        if part < qty:
            _take(state, mean, fill, at, (qty - part, notional - part_notional, cost - part_cost))
    for column in range(n):
        if states[column, _HELD] != 0:
            row = out[count]
            _close(states[column], means[column], fills, column, row)
            _mark(states[column], means[column], marks[column], (worths[column], scale), row)
            row["exit_bar"] = last_bar
            count += 1
    return count
