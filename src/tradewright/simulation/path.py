"""The `ohlc` reading of a bar: one stated path through its four prices."""

from __future__ import annotations

from typing import Any

from tradewright.jit import load_int, part
from tradewright.simulation import codes as c
from tradewright.simulation.fills import execute
from tradewright.simulation.linking import trail_distance
from tradewright.simulation.marking import price_at, quantised
from tradewright.simulation.matching import (
    can_fill,
    is_for_one_price,
    is_market,
    is_stop_like,
    reason_of,
    sibling_touched,
)
from tradewright.simulation.tables import instrument_at, order_at, out_of_reach


@part(left_out=out_of_reach)
def path_phase(account: Any, row: int) -> None:
    """Walk O, H, L, C if the bar fell, else O, L, H, C, and fill what the price passes."""
    at = 0
    while at < account.n_working:
        column = order_at(account.orders, load_int(account.working, at)).instrument
        at += 1
        is_done = False
        for earlier in range(at - 1):
            if order_at(account.orders, load_int(account.working, earlier)).instrument == column:
                is_done = True
        close = price_at(account, account.close, row, column)
        if is_done or close != close:  # noqa: PLR0124 - NaN
            continue
        first, last = quantised(price_at(account, account.open, row, column)), quantised(close)
        low, high = (
            quantised(price_at(account, account.low, row, column)),
            quantised(price_at(account, account.high, row, column)),
        )
        falls = last < first
        _walk(account, column, first, high if falls else low, row)
        _walk(account, column, high if falls else low, low if falls else high, row)
        _walk(account, column, low if falls else high, last, row)


@part
def _walk(account: Any, column: int, start: int, end: int, row: int) -> None:
    # One leg; after each fill it goes on from the price of the fill.
    now = start
    while True:
        best, best_px = c.NONE, c.ZERO
        for at in range(account.n_working):
            order = load_int(account.working, at)
            if order_at(account.orders, order).instrument != column:
                continue
            if not can_fill(account, order, row):
                continue
            px = _reached(account, order, now, end)
            if px > 0 and (best < 0 or abs(px - now) < abs(best_px - now)):
                best, best_px = order, px
        if best < 0:
            break
        now = best_px
        o = order_at(account.orders, best)
        if o.type == c.STOP_LIMIT and o.triggered == 0:
            o.triggered = row + 1
            continue
        reason, is_doubtful = reason_of(account, best), sibling_touched(account, best, row)
        if execute(account, best, now, reason, now) > 0:
            account.path += int(is_doubtful)
        o.tried = row + 1
    for at in range(account.n_working):
        order = load_int(account.working, at)
        o = order_at(account.orders, order)
        if o.type == c.TRAILING and o.instrument == column and o.active_from <= row:
            if o.side == c.BUY:
                o.stop_px = min(o.stop_px, end + trail_distance(o, end))
            else:
                o.stop_px = max(o.stop_px, end - trail_distance(o, end))


@part
def _reached(account: Any, order: int, now: int, end: int) -> int:
    # Price at which the leg from `now` to `end` reaches an order, 0 where it does not.
    o = order_at(account.orders, order)
    is_buy = o.side == c.BUY
    if is_market(o):
        return now if o.born_px > 0 else 0
    if is_for_one_price(o):
        return 0
    level, far = o.limit_px, 0
    is_rising = not is_buy
    if is_stop_like(account, order):
        level, is_rising = o.stop_px, is_buy
    elif account.is_through:
        far = instrument_at(account.instruments, o.instrument).tick
    if is_rising:
        if now >= level + far:
            return now
        return int(level) if end >= level + far else 0
    if now <= level - far:
        return now
    return int(level) if end <= level - far else 0
