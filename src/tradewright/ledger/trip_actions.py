"""What corporate actions do to round trips, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.actions import EffectKind
from tradewright.domain.orders import FillReason
from tradewright.domain.outcome import FILL_DTYPE
from tradewright.jit import jit
from tradewright.ledger.trip_state import (
    BASIS,
    CASH,
    DIVIDENDS,
    ENTRY_BASE,
    ENTRY_QTY,
    EXIT_BASE,
    EXIT_QTY,
    HELD,
    PEAK,
    close,
    share,
    take_whole,
)

_SPLIT, _EARNED = int(EffectKind.SPLIT), int(EffectKind.DIVIDEND)
_SPUN_OFF, _EXCHANGED = int(EffectKind.SPIN_OFF), int(EffectKind.EXCHANGE)
_BY_ACTION = int(FillReason.CORPORATE_ACTION)


@jit
def affect(
    books: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    effect: Any,
    scales: NDArray[Any],
    out: NDArray[Any],
) -> int:
    """Do to the trips what a corporate action does to positions; return how many it ended.

    Parameters
    ----------
    books : (states, means, fills)
        Trips of every instrument, and all fills.
    effect : record of `EFFECT_DTYPE`
        What the action did.
    scales : ndarray of shape (n_instruments,)
        What a price of 1 is worth, minor units per unit of quantity.
    out : structured ndarray of TRIP_DTYPE
        Trips that end are written to its first rows.
    """
    states, means, fills = books
    column, other, kind = effect["instrument"], effect["other"], effect["kind"]
    state, mean = states[column], means[column]
    if kind == _EARNED:
        state[CASH] += effect["due"]
        state[DIVIDENDS] += effect["due"]
        return 0
    if kind == _SPLIT:
        state[CASH] += effect["cash"]
        kept = effect["qty"] + effect["change"]
        return int(_restate((state, mean), fills, effect, kept, out[0]))
    if kind == _SPUN_OFF:
        given, paid = abs(effect["given"]), abs(effect["cash"])
        total = given + paid + abs(effect["left"])
        carried = share(state[BASIS], given + paid, total) if total else np.int64(0)
        moved = share(carried, given, given + paid) if given + paid else np.int64(0)
        state[BASIS] -= carried
        state[CASH] += effect["cash"] + (moved if effect["qty"] > 0 else -moved)
        return int(_receive(books, effect, (moved, scales[other]), out))
    if kind != _EXCHANGED:
        return 0
    state[CASH] += effect["cash"]
    if effect["other_qty"] != 0 and states[other, HELD] == 0:
        _restate((state, mean), fills, effect, effect["other_qty"], out[0])
        states[other] = state
        means[other] = mean
        state[:] = 0
        return 0
    given, paid = abs(effect["given"]), abs(effect["cash"])
    moved = share(state[BASIS], given, given + paid) if given + paid else np.int64(0)
    state[CASH] += moved if effect["qty"] > 0 else -moved
    _leave(state, mean, abs(state[HELD]), effect["px"])
    state[HELD] = 0
    _end(state, mean, fills, effect, out[0])
    return int(1 + _receive(books, effect, (moved, scales[other]), out[1:]))


@jit
def _leave(state: NDArray[Any], mean: NDArray[Any], qty: Any, px: Any) -> None:
    # Units that left at a price count among the exits.
    if qty == 0:
        return
    if state[EXIT_QTY] == 0:
        state[EXIT_BASE] = px
    state[EXIT_QTY] += qty
    mean[1] += np.float64(qty) * np.float64(px - state[EXIT_BASE])


@jit
def _end(
    state: NDArray[Any], mean: NDArray[Any], fills: NDArray[Any], effect: Any, row: Any
) -> None:
    close(state, mean, fills, effect["instrument"], row)
    row["exit_px"] = (state[EXIT_BASE] + mean[1] / state[EXIT_QTY]) / 1e8
    row["exit_bar"] = effect["bar"]
    row["exit_reason"] = _BY_ACTION


@jit
def _restate(
    trip: tuple[NDArray[Any], NDArray[Any]], fills: NDArray[Any], effect: Any, kept: Any, row: Any
) -> int:
    state, mean = trip
    # Old shares become new ones; the fraction that was paid out has left. 1 where nothing is kept.
    new, old = effect["new"], effect["old"]
    ratio = np.float64(new) / np.float64(old)
    units = abs(state[HELD])
    whole = units // old * new + units % old * new // old
    for name in (PEAK, ENTRY_QTY, EXIT_QTY):
        state[name] = np.int64(np.rint(np.float64(state[name]) * ratio))
    for name in (ENTRY_BASE, EXIT_BASE):
        state[name] = np.int64(np.rint(np.float64(state[name]) / ratio))
    gone = max(whole - abs(kept), 0)
    px = effect["px"] if effect["kind"] == _SPLIT else effect["other_px"]
    _leave(state, mean, gone, px)
    if whole:
        state[BASIS] -= share(state[BASIS], gone, whole)
    state[HELD] = kept
    if kept != 0:
        return 0
    if state[EXIT_QTY] == 0:
        _leave(state, mean, np.int64(1), px)
    _end(state, mean, fills, effect, row)
    return 1


@jit
def _receive(
    books: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    effect: Any,
    carried: tuple[Any, float],
    out: NDArray[Any],
) -> int:
    states, means, fills = books
    # Shares given are a fill without costs, at the cost that they carry.
    if effect["other_qty"] == 0:
        return 0
    cost, scale = carried
    given = np.zeros(1, FILL_DTYPE)
    fill = given[0]
    qty = abs(np.int64(effect["other_qty"]))
    fill["instrument"] = effect["other"]
    fill["bar"] = effect["bar"]
    fill["side"] = 1 if effect["other_qty"] > 0 else -1
    fill["reason"] = _BY_ACTION
    fill["qty"] = qty
    fill["notional"] = cost
    fill["px"] = np.int64(np.rint(np.float64(cost) / scale / np.float64(qty) * 1e16))
    column, last = effect["other"], max(np.int64(effect["fills"]) - 1, np.int64(0))
    return int(take_whole((states[column], means[column]), fills, fill, last, out[0]))
