"""Orders come, fill and go: the state of orders, positions and cash."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradewright.costs.rounding import LARGEST, UNIT, share_half_even
from tradewright.costs.terms import terms_at
from tradewright.jit import load_int, part, store_int
from tradewright.simulation import codes as c
from tradewright.simulation.linking import (
    close_order,
    end_waiting,
    is_live,
    log_event,
    release,
    share_set,
    take_from,
)
from tradewright.simulation.marking import price_now, value_at
from tradewright.simulation.money.proceeds import await_payment
from tradewright.simulation.money.settling import local_costs, local_minor, rate_now
from tradewright.simulation.money.worth import in_money
from tradewright.simulation.sizing import affordable_qty, fill_costs, liquid_qty, sized_qty
from tradewright.simulation.tables import fill_at, instrument_at, order_at


@part
def first_row(account: Any, row: int) -> int:
    """Return the first row at which an order decided at a row may fill."""
    if account.has_starts != 0:
        return int(load_int(account.starts, row))
    return int(row + 1 + account.latency)


@part
def add_order(account: Any, column: int, side: int, kind: int, qty: int) -> int:
    """Append a working order that is active from the bar after its decision; return its row."""
    order = account.n_orders
    o = order_at(account.orders, order)
    o.bar = account.now
    o.instrument = column
    o.side = side
    o.type = kind
    o.status = c.WORKING
    o.qty = qty
    o.parent = -1
    o.done_bar = -1
    o.active_from = first_row(account, account.now)
    o.next_row = o.active_from
    store_int(account.working, account.n_working, order)
    account.n_working += 1
    account.n_orders = order + 1
    instrument_at(account.instruments, column).pending += 1
    account.next_row = min(account.next_row, account.now + 1)
    return int(order)


@part
def drop_closed(account: Any) -> None:
    """Take terminal orders out of the working list, keeping its order."""
    if account.n_waiting > 0:
        end_waiting(account)
    kept = 0
    for at in range(account.n_working):
        order = load_int(account.working, at)
        if is_live(account, order):
            store_int(account.working, kept, order)
            kept += 1
    account.n_working = kept


@part
def execute(account: Any, order: int, px: int, reason: int, born_px: int) -> int:
    """Fill an order at a raw price as far as rules, liquidity and cash allow.

    Parameters
    ----------
    account : record of `ACCOUNT_DTYPE`
        Market, rules, state.
    order : int
        Row of the order.
    px : int
        Raw price, 1e-8 units.
    reason : int
        Rule that made the fill.
    born_px : int
        `px` again where the fill is inside the bar rather than at its open, else 0; children
        tested in the same bar need it.

    Returns
    -------
    int
        Quantity filled; 0 if nothing was.
    """
    o = order_at(account.orders, order)
    is_funded = c.ZERO
    if o.fraction > 0 and o.qty == 0:
        qty = sized_qty(account, order, px)
        if qty < 0:
            account.state = c.OVERFLOW
            account.state_at = o.instrument
            return 0
        if qty == 0:
            close_order(account, order, c.REJECTED, c.NO_CASH)
            return 0
        o.qty = qty
        is_funded = c.ONE
    qty, cut = _allowed(account, order, px, is_funded)
    if qty <= 0:
        o.tried = account.now + 1
        return 0
    money_px = in_money(account, o.instrument, px)
    if float(qty) * float(money_px) * account.value_scale > LARGEST:
        account.state = c.OVERFLOW
        account.state_at = o.instrument
        return 0
    before = instrument_at(account.instruments, o.instrument).position
    _record(account, order, qty, px, reason)
    o.filled_qty += qty
    if o.filled_qty >= o.qty:
        close_order(account, order, c.FILLED, o.reason)
    elif cut:
        close_order(account, order, c.CANCELLED, cut)
    else:
        o.status = c.PARTIAL
        o.tried = account.now + 1
        log_event(account, order, c.PARTIAL, c.NO_REASON)
    _after_fill(account, order, qty, before)
    if o.ring > 0:
        share_set(account, order, qty)
    if account.n_waiting > 0:
        release(account, order, px, born_px)
    added = qty - min(qty, max(0, -o.side * before))
    if added > 0 and (o.child_stop or o.child_target or o.child_trail):
        spawn_children(account, order, added, px, born_px)
    return int(qty)


@part
def _allowed(account: Any, order: int, px: int, is_funded: int) -> tuple[int, int]:
    # Quantity that may fill now and, if the rest must go, the reason. Closes refused orders.
    o = order_at(account.orders, order)
    column, side = o.instrument, o.side
    position = instrument_at(account.instruments, column).position
    opposite = max(0, -side * position)
    qty, cut = o.qty - o.filled_qty, c.NO_REASON
    if o.reduce_only:
        qty = min(qty, opposite)
        if qty == 0:
            if o.type == c.MARKET:
                close_order(account, order, c.CANCELLED, c.NO_REASON)
            return 0, cut
    is_owned_only = instrument_at(account.instruments, column).no_borrow
    if side == c.SELL and qty > opposite and (account.allows_short == 0 or is_owned_only):
        qty, cut = opposite, c.NO_SHORTING if account.allows_short == 0 else c.NO_BORROW
        if qty == 0:
            close_order(account, order, c.REJECTED, cut)
            return 0, cut
    if instrument_at(account.instruments, column).is_capped:
        cap = liquid_qty(account, column)
        if qty > cap:
            if o.tif == c.FOK:
                close_order(account, order, c.REJECTED, c.NO_LIQUIDITY)
                return 0, cut
            qty, cut = cap, c.NO_REASON
    if qty > opposite and is_funded == 0:
        funded = affordable_qty(account, order, qty, px)
        if funded < qty and (account.rejects != 0 or o.tif == c.FOK or funded == 0):
            status = c.CANCELLED if o.filled_qty > 0 else c.REJECTED
            close_order(account, order, status, c.NO_CASH)
            return 0, cut
        if funded < qty:
            qty, cut = funded, c.NO_CASH
    return qty, cut


@part
def _record(account: Any, order: int, qty: int, px: int, reason: int) -> None:
    # Books the fill: cash, position, costs, one row of the fill table.
    o = order_at(account.orders, order)
    column, side = o.instrument, o.side
    notional, raw, fee, spread, slippage, impact = fill_costs(account, order, qty, px)
    if reason == c.BY_LIQUIDATION:
        fee += share_half_even(notional, terms_at(account.terms, 0).liquidation)
    o.fee_raw = raw
    o.fee_paid += fee
    costs = fee + spread + slippage + impact
    account.cash -= side * notional + costs
    if instrument_at(account.instruments, column).is_capped:
        instrument_at(account.instruments, column).used_volume += qty
    fill = _next_fill(account, order, qty, px)
    fill.reason = reason
    fill.notional = notional
    fill.fee = fee
    fill.spread = spread
    fill.slippage = slippage
    fill.impact = impact
    if account.defers and side == c.SELL:
        await_payment(account, account.n_fills - 1)
    if account.n_tiers > 0:
        _count_traded(account, notional)
    holding = instrument_at(account.instruments, column)
    holding.fill_row = account.now + 1
    holding.fill_px = px
    hold(account, column, side * qty)
    if account.valued_row == account.now + 1:
        value_at(account, column, px)
    if holding.settles:
        own = local_minor(account, column, qty, px)
        paid = local_costs(account, column, costs)
        _exchange(account, column, -side * notional - costs, -side * own - paid)


@part
def _next_fill(account: Any, order: int, qty: int, px: int) -> Any:
    o = order_at(account.orders, order)
    fill = fill_at(account.fills, account.n_fills)
    fill.order = order
    fill.bar = account.now
    fill.instrument = o.instrument
    fill.side = o.side
    fill.qty = qty
    fill.px = px
    account.n_fills += 1
    return fill


@part
def _exchange(account: Any, column: int, net: int, own: int) -> None:
    # Takes what a fill moved out of the account's cash and into that of its own currency: `net`
    # minor units of the account's, `own` of the instrument's. What both cannot show stays.
    if net == 0 or own == 0 or (net > 0) != (own > 0):
        return
    holding = instrument_at(account.instruments, column)
    pair, side = int(holding.settles - 1), c.BUY if net > 0 else c.SELL
    units = abs(own) * (UNIT // holding.own_scale)
    order = add_order(account, pair, side, c.MARKET, units)
    log_event(account, order, c.WORKING, c.NO_REASON)
    order_at(account.orders, order).filled_qty = units
    account.cash -= net
    fill = _next_fill(account, order, units, int(np.rint(rate_now(account, column) * 1e8)))
    fill.reason = c.BY_EXCHANGE
    fill.notional = abs(net)
    fill.fee = 0
    fill.spread = 0
    fill.slippage = 0
    fill.impact = 0
    hold(account, pair, side * units)
    if account.valued_row == account.now + 1:
        value_at(account, pair, price_now(account, pair))
    close_order(account, order, c.FILLED, c.NO_REASON)


@part
def _count_traded(account: Any, notional: int) -> None:
    # What was traded in the month decides the fee of the next fill.
    account.traded += notional
    while (
        account.tier + 1 < account.n_tiers
        and terms_at(account.terms, account.tier + 1).tier_from <= account.traded
    ):
        account.tier += 1


@part
def hold(account: Any, column: int, change: int) -> None:
    """Move a position and keep the list of what is held."""
    before = instrument_at(account.instruments, column).position
    after = before + change
    instrument_at(account.instruments, column).position = after
    account.n_shorts += int(after < 0) - int(before < 0)
    if before == 0:
        store_int(account.held, account.n_held, column)
        instrument_at(account.instruments, column).held_at = account.n_held
        instrument_at(account.instruments, column).stale = 0
        account.n_held += 1
    elif after == 0:
        account.n_held -= 1
        last = load_int(account.held, account.n_held)
        store_int(account.held, instrument_at(account.instruments, column).held_at, last)
        instrument_at(account.instruments, last).held_at = instrument_at(
            account.instruments, column
        ).held_at


@part
def _after_fill(account: Any, order: int, qty: int, before: int) -> None:
    # Siblings share one quantity; a position that ended ends what would only reduce it.
    o = order_at(account.orders, order)
    column = o.instrument
    if o.parent >= 0:
        parent = order_at(account.orders, o.parent)
        first = parent.first_child
        for child in range(first, first + parent.n_children):
            if child != order and is_live(account, child):
                take_from(account, child, qty)
    end_reducing(account, column, before)


@part
def end_reducing(account: Any, column: int, before: int) -> None:
    """Cancel what would only reduce a position that was `before` and has ended or turned."""
    after = instrument_at(account.instruments, column).position
    has_ended = before != 0 and (after == 0 or (after > 0) != (before > 0))
    if has_ended and instrument_at(account.instruments, column).reducing > 0:
        for at in range(account.n_working):
            other = load_int(account.working, at)
            if (
                order_at(account.orders, other).reduce_only
                and order_at(account.orders, other).instrument == column
                and is_live(account, other)
            ):
                close_order(account, other, c.CANCELLED, c.SIBLING)


@part
def spawn_children(account: Any, order: int, qty: int, px: int, born_px: int) -> None:
    """Give a filled parent its stop, target and trailing children, or more quantity to them.

    Parameters
    ----------
    account : record of `ACCOUNT_DTYPE`
        State.
    order : int
        Row of the parent.
    qty : int
        Quantity that its fill added.
    px : int
        Price of the fill.
    born_px : int
        The same when it happened inside the bar, 0 at the open.
    """
    o = order_at(account.orders, order)
    first, count = o.first_child, o.n_children
    if count > 0 and is_live(account, first):
        for child in range(first, first + count):
            order_at(account.orders, child).qty += qty
        return
    o.first_child = account.n_orders
    o.n_children = 0
    for kind in (c.STOP, c.LIMIT, c.TRAILING):
        stop_px, limit_px, trail = 0, 0, 0
        if kind == c.STOP:
            stop_px = o.child_stop
        elif kind == c.LIMIT:
            limit_px = o.child_target
        else:
            trail = o.child_trail
            stop_px = max(px - o.side * trail, 1) if trail else 0
        if stop_px == 0 and limit_px == 0:
            continue
        child = add_order(account, o.instrument, -o.side, kind, qty)
        it = order_at(account.orders, child)
        it.active_from = account.now
        it.next_row = account.now
        it.parent = order
        it.reduce_only = 1
        it.stop_px = stop_px
        it.limit_px = limit_px
        it.trail_px = trail
        it.born_px = born_px
        instrument_at(account.instruments, o.instrument).pending -= 1
        instrument_at(account.instruments, o.instrument).reducing += 1
        o.n_children += 1
        log_event(account, child, c.WORKING, c.NO_REASON)
