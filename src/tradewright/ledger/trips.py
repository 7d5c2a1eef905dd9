"""Round trips: the fill table cut from flat to flat, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.money import minor_exponent
from tradewright.domain.outcome import TRIP_DTYPE, Outcome
from tradewright.jit import jit
from tradewright.ledger.trip_actions import affect
from tradewright.ledger.trip_state import (
    CASH,
    ENTRY_BASE,
    ENTRY_NOTIONAL,
    ENTRY_QTY,
    EXIT_BASE,
    EXIT_QTY,
    HELD,
    N_STATE,
    close,
    take_whole,
)


def round_trips(outcome: Outcome) -> NDArray[np.void]:
    """Return the round trips of a run.

    A trip opens with the fill that leaves flat and closes with the fill that comes back to it;
    a fill that goes through zero closes one trip and opens the next, its notional and costs
    shared by quantity to the minor unit. Prices are raw and averaged by quantity.

    A corporate action changes trips as it changes positions: a split restates quantity and entry
    price, dividends are part of the profit, shares given open a trip at the cost they carry, and a
    position that moves to another symbol goes on there.

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
    fills, effects = outcome.fills, outcome.effects
    size = 2 * len(fills) + len(outcome.instruments) + 2 * len(effects)
    out = np.zeros(size, dtype=TRIP_DTYPE)
    count = _cut(
        fills,
        effects,
        np.ascontiguousarray(outcome.marks, dtype=np.float64),
        (
            max(len(outcome.ts) - 1, 0),
            np.ascontiguousarray(outcome.worths, dtype=np.float64),
            float(10 ** minor_exponent(outcome.currency)),
        ),
        out,
    )
    return out[:count]


@jit
def _mark(
    state: NDArray[Any], means: NDArray[Any], mark: float, scales: tuple[float, float], row: Any
) -> None:
    # An open trip: what is left is valued at the mark, as the venue rounds it.
    worth, scale = scales
    entry = state[ENTRY_BASE] + means[0] / state[ENTRY_QTY]
    px = mark * 1e8 if not np.isnan(mark) else entry
    left = np.float64(abs(state[HELD]))
    gone = np.float64(state[EXIT_QTY])
    exits = gone * np.float64(state[EXIT_BASE]) + means[1]
    row["exit_px"] = (exits + left * px) / (gone + left) / 1e8
    money = px if worth == 1.0 else np.rint(np.rint(px) * worth)
    value = np.int64(np.rint(np.float64(state[HELD]) / 1e8 * (money / 1e8) * scale))
    row["pnl"] = state[CASH] + value
    row["return_"] = row["pnl"] / state[ENTRY_NOTIONAL] if state[ENTRY_NOTIONAL] else 0.0
    row["is_open"] = True


@jit
def _cut(
    fills: NDArray[Any],
    effects: NDArray[Any],
    marks: NDArray[Any],
    end: tuple[int, NDArray[Any], float],
    out: NDArray[Any],
) -> int:
    last_bar, worths, scale = end
    scales = worths * scale
    n = len(marks)
    states = np.zeros((n, N_STATE), np.int64)
    means = np.zeros((n, 2))
    count, done = 0, 0
    for at in range(len(fills)):
        while done < len(effects) and effects[done]["fills"] <= at:
            count += affect((states, means, fills), effects[done], scales, out[count:])
            done += 1
        fill = fills[at]
        column = fill["instrument"]
        count += take_whole((states[column], means[column]), fills, fill, at, out[count])
    while done < len(effects):
        count += affect((states, means, fills), effects[done], scales, out[count:])
        done += 1
    for column in range(n):
        if states[column, HELD] != 0:
            row = out[count]
            close(states[column], means[column], fills, column, row)
            _mark(states[column], means[column], marks[column], (worths[column], scale), row)
            row["exit_bar"] = last_bar
            count += 1
    return count
