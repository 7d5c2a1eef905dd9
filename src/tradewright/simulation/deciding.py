"""Decisions made ahead become orders at the close of their bar."""

from __future__ import annotations

from typing import Any, Final

from tradewright.jit import load_byte, load_float, load_int, part
from tradewright.simulation import codes as c
from tradewright.simulation.fills import add_order, drop_closed, first_row
from tradewright.simulation.linking import close_order, is_live, relate, trail_distance
from tradewright.simulation.marking import price_at, quantised, revalue
from tradewright.simulation.money.worth import in_money
from tradewright.simulation.sizing import floored
from tradewright.simulation.tables import instrument_at, order_at

EIGHT_BYTES: Final = 0x0101010101010101


@part
def next_decision(account: Any, row: int) -> int:
    """Return the first row, from `row` on, whose decisions can matter; n_bars if none."""
    if account.plan == c.SIGNALS:
        return int(_next_signal(account, row))
    if account.plan == c.WEIGHTS:
        return int(_next_weights(account, row, account.n_bars))
    if account.plan == c.TABLE and account.cursor < account.n_table:
        return int(max(row, order_at(account.table, account.cursor).bar))
    return int(account.n_bars)


@part
def _next_signal(account: Any, row: int) -> int:
    wanted = c.ENTRY | c.EXIT | c.SHORT_ENTRY | c.SHORT_EXIT
    width, flags = account.n_instruments, account.flags
    if width == 1:
        only = instrument_at(account.instruments, 0)
        if only.pending == 0 and only.position == 0:
            wanted = c.ENTRY | c.SHORT_ENTRY
        elif only.pending == 0 and only.position > 0:
            wanted = c.EXIT | c.SHORT_ENTRY
        elif only.pending == 0:
            wanted = c.SHORT_EXIT | c.ENTRY
    at, last = row * width, account.n_bars * width
    pattern = wanted * EIGHT_BYTES
    while at + 8 <= last and load_int(flags + at, 0) & pattern == 0:
        at += 8
    while at < last and load_byte(flags, at) & wanted == 0:
        at += 1
    return int(at) if width == 1 else int(at // width)


@part
def _next_weights(account: Any, row: int, stop: int) -> int:
    width, values = account.n_instruments, account.values
    at, last = row * width, stop * width
    while at < last:
        weight = load_float(values, at)
        if weight == weight:  # noqa: PLR0124 - NaN
            break
        at += 1
    return int(at // width)


@part
def decide(account: Any, row: int) -> None:
    """Turn the decisions of a row into orders that are active from the next bar."""
    if account.plan == c.SIGNALS:
        for column in range(account.n_instruments):
            if load_byte(account.flags, row * account.n_instruments + column):
                _decide_signal(account, row, column)
    elif account.plan == c.WEIGHTS:
        if _next_weights(account, row, row + 1) > row:
            return
        if account.sizes_at_open:
            account.cursor = row + 1
        else:
            place_weights(account, (row, row, load_int(account.equity, row)))
    elif account.plan == c.TABLE:
        _place_table(account, row)


@part
def _decide_signal(account: Any, row: int, column: int) -> None:
    flags = load_byte(account.flags, row * account.n_instruments + column)
    position = instrument_at(account.instruments, column).position
    goes_long = flags & c.ENTRY and not flags & c.SHORT_ENTRY
    goes_short = flags & c.SHORT_ENTRY and not flags & c.ENTRY
    if instrument_at(account.instruments, column).pending > 0:
        # A bar is missing or illiquid: an exit withdraws what still waits to enter.
        if (flags & c.EXIT and position >= 0) or (flags & c.SHORT_EXIT and position <= 0):
            _withdraw(account, column)
        if instrument_at(account.instruments, column).pending > 0:
            return
    if position > 0 and (flags & c.EXIT or goes_short):
        order = add_order(account, column, c.SELL, c.MARKET, position)
        _reduce_only(account, order)
        if goes_short:
            _enter(account, row, column, c.SELL)
    elif position < 0 and (flags & c.SHORT_EXIT or goes_long):
        order = add_order(account, column, c.BUY, c.MARKET, -position)
        _reduce_only(account, order)
        if goes_long:
            _enter(account, row, column, c.BUY)
    elif position == 0 and goes_long and not flags & c.EXIT:
        _enter(account, row, column, c.BUY)
    elif position == 0 and goes_short and not flags & c.SHORT_EXIT:
        _enter(account, row, column, c.SELL)


@part
def _reduce_only(account: Any, order: int) -> None:
    o = order_at(account.orders, order)
    o.reduce_only = 1
    instrument_at(account.instruments, o.instrument).reducing += 1


@part
def _withdraw(account: Any, column: int) -> None:
    for at in range(account.n_working):
        order = load_int(account.working, at)
        o = order_at(account.orders, order)
        is_entry = o.instrument == column and o.parent < 0 and o.reduce_only == 0
        if is_entry and is_live(account, order):
            close_order(account, order, c.CANCELLED, c.USER)
    drop_closed(account)


@part
def _enter(account: Any, row: int, column: int, side: int) -> None:
    close = price_at(account, account.close, row, column)
    if close != close:  # noqa: PLR0124 - nothing was observed that could be decided on
        return
    place = 0 if account.n_values == 1 else row * account.n_instruments + column
    order = add_order(account, column, side, c.MARKET, c.ZERO)
    o = order_at(account.orders, order)
    o.fraction = load_float(account.values, place)
    stop, target, trail = account.stop, account.target, account.trail
    tick = instrument_at(account.instruments, column).tick
    if stop > 0.0:
        o.child_stop = _on_tick(quantised(close * (1.0 - side * stop)), tick, side)
    if target > 0.0:
        o.child_target = _on_tick(quantised(close * (1.0 + side * target)), tick, side)
    if trail > 0.0:
        o.child_trail = max((quantised(close * trail) + tick // 2) // tick, 1) * tick


@part
def _on_tick(px: int, tick: int, side: int) -> int:
    # What leaves a long goes up to the tick, what leaves a short goes down, as `intake.on_tick`.
    if px <= 0:
        return 0
    below = px // tick * tick
    if side == c.SELL:
        return int(max(below, tick))
    return int(below if below == px else below + tick)


@part
def place_weights(account: Any, when: tuple[int, int, int]) -> None:
    """Order the difference between wanted and held quantities.

    Parameters
    ----------
    account : record of `ACCOUNT_DTYPE`
        Market, rules, state, weights.
    when : (decided, row, equity)
        Row of the decision; row whose closes (or, where larger, opens) give the prices; equity in
        minor units at those prices.
    """
    decided, row, equity = when
    total = 0.0
    for column in range(account.n_instruments):
        weight = price_at(account, account.values, decided, column)
        if weight != weight:  # noqa: PLR0124 - NaN leaves the position as it is
            continue
        total += abs(weight)
        price = (
            price_at(account, account.close, row, column)
            if row == decided
            else price_at(account, account.open, row, column)
        )
        if price != price and instrument_at(account.instruments, column).position != 0:  # noqa: PLR0124
            price = instrument_at(account.instruments, column).mark
        if instrument_at(account.instruments, column).pending > 0:
            _withdraw(account, column)
        position = instrument_at(account.instruments, column).position
        if price != price:  # noqa: PLR0124
            if weight != 0.0:
                side = c.BUY if weight > 0 else c.SELL
                order = add_order(account, column, side, c.MARKET, c.ZERO)
                close_order(account, order, c.DENIED, c.NO_BAR)
            continue
        px = in_money(account, column, quantised(price))
        units = abs(weight) * equity / (px * account.value_scale)
        qty = floored(max(units, 0.0), instrument_at(account.instruments, column).lot)
        if qty < 0:
            account.state = c.OVERFLOW
            account.state_at = column
            return
        change = (qty if weight > 0.0 else -qty) - position
        if change != 0:
            side = c.BUY if change > 0 else c.SELL
            order = add_order(account, column, side, c.MARKET, abs(change))
            o = order_at(account.orders, order)
            o.bar = decided
            o.active_from = first_row(account, decided)
            o.next_row = o.active_from
    if total > account.leverage * (1.0 + 1e-9):
        account.state = c.OVER_WEIGHT
        account.state_at = decided


@part
def place_weights_at_open(account: Any, row: int) -> None:
    """Order weights that were decided at the last close by what they are worth at this open."""
    decided = account.cursor - 1
    account.cursor = 0
    revalue(account)
    equity = account.cash + account.longs + account.shorts
    place_weights(account, (decided, row, equity))


@part
def _place_table(account: Any, row: int) -> None:
    while account.cursor < account.n_table and order_at(account.table, account.cursor).bar <= row:
        place = int(account.cursor)
        given = order_at(account.table, place)
        account.cursor += 1
        order = add_order(account, given.instrument, given.side, given.type, given.qty)
        o = order_at(account.orders, order)
        o.tif = given.tif
        o.limit_px = given.limit_px
        o.stop_px = given.stop_px
        o.trail_px = given.trail_px
        o.trail_rate = given.trail_rate
        o.last_row = given.last_row
        o.child_stop = given.child_stop
        o.child_target = given.child_target
        o.child_trail = given.child_trail
        o.fraction = given.fraction
        if given.reduce_only:
            _reduce_only(account, order)
        relate(account, order, place)
        if is_live(account, order):
            settle_intake(account, order, row)
    drop_closed(account)


@part
def settle_intake(account: Any, order: int, row: int) -> None:
    """Refuse what cannot work, and start a trailing stop at its distance from the close."""
    o = order_at(account.orders, order)
    if o.qty == 0 and o.fraction == 0.0:
        close_order(account, order, c.REJECTED, c.BELOW_LOT)
    elif o.waits > 0:
        return
    elif o.tif == c.GTD and o.last_row < o.active_from:
        close_order(account, order, c.EXPIRED, c.NO_REASON)
    elif o.type == c.TRAILING and o.stop_px == 0:
        close = price_at(account, account.close, row, o.instrument)
        if close != close:  # noqa: PLR0124 - no price to trail from
            close_order(account, order, c.DENIED, c.NO_BAR)
            return
        px = quantised(close)
        o.stop_px = max(px + o.side * trail_distance(o, px), 1)
