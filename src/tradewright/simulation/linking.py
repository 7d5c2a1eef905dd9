"""What a change of one order means for others: sets that cancel, orders that wait."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradewright.jit import load_int, part
from tradewright.simulation import codes as c
from tradewright.simulation.marking import price_at, quantised
from tradewright.simulation.tables import event_at, instrument_at, order_at


@part
def log_event(account: Any, order: int, status: int, reason: int) -> None:
    """Note a change of an order for a venue that is polled."""
    if account.event_room == 0:
        return
    event = event_at(account.events, account.n_events)
    event.order = order
    event.status = status
    event.reason = reason
    event.row = account.now
    account.n_events += 1


@part
def close_order(account: Any, order: int, status: int, reason: int) -> None:
    """Make an order terminal; it leaves the working list at the end of the bar."""
    o = order_at(account.orders, order)
    o.status = status
    o.reason = reason
    o.done_bar = account.now
    if o.parent < 0:
        instrument_at(account.instruments, o.instrument).pending -= 1
    if o.reduce_only:
        instrument_at(account.instruments, o.instrument).reducing -= 1
    if o.waits > 0:
        account.n_waiting -= 1
    log_event(account, order, status, reason)


@part
def is_live(account: Any, order: int) -> bool:
    """Whether an order still works."""
    status = order_at(account.orders, order).status
    return bool(status == c.WORKING or status == c.PARTIAL)  # noqa: PLR1714


@part
def take_from(account: Any, order: int, qty: int) -> None:
    """Take a quantity from an order that shares it; without any left it is cancelled."""
    o = order_at(account.orders, order)
    o.qty -= qty
    if o.qty <= o.filled_qty:
        o.qty += qty
        close_order(account, order, c.CANCELLED, c.SIBLING)


@part
def share_set(account: Any, order: int, qty: int) -> None:
    """Take what an order filled from the others of its one-cancels-other set."""
    other = order_at(account.orders, order).ring - 1
    while other != order:
        if is_live(account, other):
            take_from(account, other, qty)
        other = order_at(account.orders, other).ring - 1


@part
def trail_distance(o: Any, px: int) -> int:
    """Return how far from a price a trailing stop keeps."""
    if o.trail_rate == 0:
        return int(o.trail_px)
    return int(np.rint(float(px) * float(o.trail_rate) * 1e-8))


@part
def release(account: Any, order: int, px: int, born_px: int) -> None:
    """Make live what waits for the fill of an order.

    Parameters
    ----------
    account : record of `ACCOUNT_DTYPE`
        State.
    order : int
        Row of the order that filled.
    px : int
        Price of its fill.
    born_px : int
        The same when it happened inside the bar, 0 at the open.
    """
    is_chain = order_at(account.orders, order).born_px > 0
    column = order_at(account.orders, order).instrument
    for at in range(account.n_working):
        waiting = load_int(account.working, at)
        o = order_at(account.orders, waiting)
        if o.waits != order + 1 or not is_live(account, waiting):
            continue
        o.waits = 0
        account.n_waiting -= 1
        # Where the rest of the bar cannot tell what happens to it, it starts with the next one.
        starts_later = account.is_closing != 0 or is_chain
        is_other = o.instrument != column
        starts_later |= born_px > 0 and (o.type == c.STOP_LIMIT or o.tif == c.OPG or is_other)
        o.active_from = account.now + int(starts_later)
        o.next_row = o.active_from
        o.born_px = 0 if starts_later else born_px
        if o.type == c.TRAILING and o.stop_px == 0:
            start = px
            if is_other:
                prices = account.close if starts_later else account.open
                own = price_at(account, prices, account.now, o.instrument)
                if own != own:  # noqa: PLR0124 - NaN
                    close_order(account, waiting, c.DENIED, c.NO_BAR)
                    continue
                start = quantised(own)
            o.stop_px = max(start + o.side * trail_distance(o, start), 1)
        if o.tif == c.GTD and o.last_row < o.active_from:
            close_order(account, waiting, c.EXPIRED, c.NO_REASON)


@part
def end_waiting(account: Any) -> None:
    """Cancel what waits for an order that ended without a fill."""
    for at in range(account.n_working):
        waiting = load_int(account.working, at)
        o = order_at(account.orders, waiting)
        if o.waits > 0 and is_live(account, waiting) and not is_live(account, o.waits - 1):
            close_order(account, waiting, c.CANCELLED, c.TRIGGER_ENDED)


@part
def relate(account: Any, order: int, at: int) -> None:
    """Link an order that came from row `at` of a table of decisions to those before it.

    The table names rows of its own; an order whose trigger ended unfilled is cancelled at once.
    """
    o, given = order_at(account.orders, order), order_at(account.table, at)
    given.first_child = order + 1
    if given.ring == at + 1:
        o.ring = order + 1
    elif given.ring > 0:
        before = order_at(account.table, given.ring - 1).first_child - 1
        o.ring = order_at(account.orders, before).ring
        order_at(account.orders, before).ring = order + 1
    if given.waits > 0:
        trigger = order_at(account.table, given.waits - 1).first_child - 1
        if order_at(account.orders, trigger).filled_qty > 0:
            return
        o.waits = trigger + 1
        o.active_from = account.n_bars + 1
        o.next_row = account.n_bars + 1
        account.n_waiting += 1
        if not is_live(account, trigger):
            close_order(account, order, c.CANCELLED, c.TRIGGER_ENDED)
