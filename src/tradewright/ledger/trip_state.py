"""The state of a trip while it is open, and what a fill does to it, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.jit import jit

# Columns of the per-instrument state while a trip is open.
HELD, PEAK, CASH, COST, ENTRY_QTY, EXIT_QTY, ENTRY_NOTIONAL = range(7)
ENTRY_BAR, ENTRY_FILL, LAST_FILL, ENTRY_BASE, EXIT_BASE = range(7, 12)
BASIS, DIVIDENDS = range(12, 14)  # cost of what is held; dividends earned
N_STATE = 14


@jit
def share(amount: Any, part: Any, whole: Any) -> Any:
    """Return ``amount * part / whole``, half to even."""
    # Exact though the product may pass 64 bits: the float quotient is off by little, and the
    # small remainder survives wrapping arithmetic.
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
def close(
    state: NDArray[Any], means: NDArray[Any], fills: NDArray[Any], column: int, row: Any
) -> None:
    """Write what a trip came to, but for its exit price."""
    row["instrument"] = column
    row["side"] = 1 if state[PEAK] > 0 else -1
    row["entry_bar"] = state[ENTRY_BAR]
    row["qty"] = abs(state[PEAK])
    row["entry_px"] = (state[ENTRY_BASE] + means[0] / state[ENTRY_QTY]) / 1e8
    row["pnl"] = state[CASH]
    row["cost"] = state[COST]
    row["return_"] = state[CASH] / state[ENTRY_NOTIONAL] if state[ENTRY_NOTIONAL] else 0.0
    row["entry_fill"] = state[ENTRY_FILL]
    row["exit_fill"] = state[LAST_FILL]
    last = fills[state[LAST_FILL]]
    row["exit_bar"] = last["bar"]
    row["exit_reason"] = last["reason"]
    row["dividends"] = state[DIVIDENDS]


@jit
def _take(
    state: NDArray[Any], means: NDArray[Any], fill: Any, at: int, size: tuple[Any, Any, Any]
) -> None:
    # Move a trip by a part of a fill (quantity, notional, cost) that never goes through zero.
    part, notional, cost = size
    side = np.int64(fill["side"])
    if state[HELD] == 0:
        state[:] = 0
        means[:] = 0.0
        state[ENTRY_BAR] = fill["bar"]
        state[ENTRY_FILL] = at
        state[ENTRY_BASE] = fill["px"]
    if state[HELD] * side >= 0:
        state[ENTRY_QTY] += part
        state[ENTRY_NOTIONAL] += notional
        state[BASIS] += notional
        means[0] += np.float64(part) * np.float64(fill["px"] - state[ENTRY_BASE])
    else:
        if state[EXIT_QTY] == 0:
            state[EXIT_BASE] = fill["px"]
        state[EXIT_QTY] += part
        held = abs(state[HELD])
        state[BASIS] -= share(state[BASIS], part, held) if part < held else state[BASIS]
        means[1] += np.float64(part) * np.float64(fill["px"] - state[EXIT_BASE])
    state[HELD] += side * part
    if abs(state[HELD]) > abs(state[PEAK]):
        state[PEAK] = state[HELD]
    state[CASH] -= side * notional + cost
    state[COST] += cost
    state[LAST_FILL] = at


@jit
def take_whole(
    trip: tuple[NDArray[Any], NDArray[Any]], fills: NDArray[Any], fill: Any, at: int, row: Any
) -> int:
    """Take all of a fill: what closes a trip, then what opens the next; 1 if one was written."""
    state, means = trip
    column, qty, notional = fill["instrument"], fill["qty"], fill["notional"]
    cost = fill["fee"] + fill["spread"] + fill["slippage"] + fill["impact"]
    part, part_notional, part_cost = qty, notional, cost
    if state[HELD] * fill["side"] < 0 and abs(state[HELD]) < qty:
        part = abs(state[HELD])
        part_notional = share(notional, part, qty)
        part_cost = share(cost, part, qty)
    _take(state, means, fill, at, (part, part_notional, part_cost))
    written = 0
    if state[HELD] == 0:
        close(state, means, fills, column, row)
        row["exit_px"] = (state[EXIT_BASE] + means[1] / state[EXIT_QTY]) / 1e8
        written = 1
    if part < qty:
        _take(state, means, fill, at, (qty - part, notional - part_notional, cost - part_cost))
    return written
