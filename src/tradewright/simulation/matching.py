"""Which orders a bar fills, at which price: the open, the path inside the bar, the close."""

from __future__ import annotations

from typing import Any

from tradewright.jit import load_int, part
from tradewright.simulation import codes as c
from tradewright.simulation.fills import execute
from tradewright.simulation.linking import close_order, is_live, trail_distance
from tradewright.simulation.marking import price_at, quantised
from tradewright.simulation.tables import instrument_at, order_at


@part
def is_last_of_session(account: Any, row: int) -> bool:
    """Whether the bar is the last one of its session; every bar is, where none are told."""
    if row + 1 >= account.n_sessions:
        return True
    return bool(load_int(account.session, row + 1) != load_int(account.session, row))


@part
def is_first_of_session(account: Any, row: int) -> bool:
    """Whether the bar is the first one of its session; every bar is, where none are told."""
    if account.n_sessions == 0 or row == 0:
        return True
    return bool(load_int(account.session, row - 1) != load_int(account.session, row))


@part
def is_stop_like(account: Any, order: int) -> bool:
    """Whether an order waits for the price to move against it."""
    o = order_at(account.orders, order)
    if o.type == c.STOP_LIMIT:
        return bool(o.triggered == 0)
    return bool((o.type == c.STOP or o.type == c.TRAILING) and o.filled_qty == 0)  # noqa: PLR1714


@part
def is_for_one_price(o: Any) -> bool:
    """Whether an order is for the open or the close only."""
    return bool(o.tif == c.CLS or o.tif == c.OPG)  # noqa: PLR1714


@part
def is_market(o: Any) -> bool:
    """Whether an order takes any price: a market order, or a stop that has begun to fill."""
    is_stop = o.type == c.STOP or o.type == c.TRAILING  # noqa: PLR1714
    return bool(o.type == c.MARKET or (is_stop and o.filled_qty > 0))


@part
def reduces(account: Any, order: int) -> bool:
    """Whether an order points against the position held now."""
    o = order_at(account.orders, order)
    return bool(o.side * instrument_at(account.instruments, o.instrument).position < 0)


@part
def reason_of(account: Any, order: int) -> int:
    """Return the rule that a fill of this order is put down to."""
    o = order_at(account.orders, order)
    if o.type == c.STOP and reduces(account, order):
        return c.BY_STOP
    if o.type == c.TRAILING and reduces(account, order):
        return c.BY_TRAIL
    if o.type == c.LIMIT and o.parent >= 0:
        return c.BY_TARGET
    return c.BY_ORDER


@part
def can_fill(account: Any, order: int, row: int) -> bool:
    """Whether an order is live, active and not yet done with this bar, and the bar exists."""
    o = order_at(account.orders, order)
    price = price_at(account, account.close, row, o.instrument)
    return bool(
        is_live(account, order) and o.active_from <= row and o.tried != row + 1 and price == price  # noqa: PLR0124 - NaN
    )


@part
def can_touch(account: Any, order: int, row: int) -> bool:
    """Whether an order can fill and waits for a price inside the bar."""
    o = order_at(account.orders, order)
    is_timed = o.tif == c.CLS or o.tif == c.OPG  # noqa: PLR1714
    return bool(not is_timed and not is_market(o) and can_fill(account, order, row))


@part
def open_phase(account: Any, row: int) -> None:
    """Fill at the open: what reduces a position first, then by sequence."""
    for wave in range(2):
        at = 0
        while at < account.n_working:
            order = load_int(account.working, at)
            at += 1
            # Most wait for a price that `look_ahead` found to come later.
            if order_at(account.orders, order).next_row > row:
                continue
            if wave == 0 and not reduces(account, order):
                continue
            if can_fill(account, order, row) and order_at(account.orders, order).born_px == 0:
                _try_open(account, order, row)


@part
def _try_open(account: Any, order: int, row: int) -> None:
    o = order_at(account.orders, order)
    kind, tif, is_buy = o.type, o.tif, o.side == c.BUY
    if tif == c.CLS:
        return
    if tif == c.OPG and not is_first_of_session(account, row):
        return
    px = quantised(price_at(account, account.open, row, o.instrument))
    is_limit = kind == c.LIMIT
    if is_stop_like(account, order):
        stop = o.stop_px
        if (px < stop) if is_buy else (px > stop):
            return
        if kind == c.STOP_LIMIT:
            o.triggered = row + 1
            is_limit = True
    elif kind == c.STOP_LIMIT:
        is_limit = True
    if is_limit and ((px > o.limit_px) if is_buy else (px < o.limit_px)):
        if tif == c.OPG:
            close_order(account, order, c.CANCELLED, c.NO_REASON)
        return
    execute(account, order, px, reason_of(account, order), c.ZERO)


@part
def touch(account: Any, order: int, row: int) -> int:
    """Return the price at which the bar, after its open, fills an order; 0 where it does not.

    Marks a stop-limit that triggers.
    """
    o = order_at(account.orders, order)
    column, kind, is_buy = o.instrument, o.type, o.side == c.BUY
    low, high = (
        quantised(price_at(account, account.low, row, column)),
        quantised(price_at(account, account.high, row, column)),
    )
    if is_stop_like(account, order) or o.triggered == -row - 1:
        stop = o.stop_px
        if (high < stop) if is_buy else (low > stop):
            return 0
        px = max(stop, low) if is_buy else min(stop, high)
        if kind != c.STOP_LIMIT:
            return int(px)
        o.triggered = -row - 1
        if (px <= o.limit_px) if is_buy else (px >= o.limit_px):
            return int(px)
    limit = o.limit_px
    if kind == c.STOP_LIMIT and abs(o.triggered) == row + 1:
        # It gapped past its limit in this bar: only the close is known to come later.
        close = quantised(price_at(account, account.close, row, column))
        is_inside = close <= limit if is_buy else close >= limit
        return int(limit) if is_inside else 0
    tick = instrument_at(account.instruments, column).tick if account.is_through != 0 else 0
    if is_buy:
        return int(min(limit, high)) if low <= limit - tick else 0
    return int(max(limit, low)) if high >= limit + tick else 0


@part
def touch_born(account: Any, order: int, row: int) -> tuple[int, bool]:
    """Return where a child fills in the bar inside which its parent filled, and if that is sure.

    Returns
    -------
    px : int
        0 where the bar's extreme does not reach it.
    is_proven : bool
        Whether the close, or the way to the entry, shows that the touch came after the entry.
    """
    o = order_at(account.orders, order)
    column, born = o.instrument, o.born_px
    if o.type == c.MARKET:
        return born, True
    first = quantised(price_at(account, account.open, row, column))
    close = quantised(price_at(account, account.close, row, column))
    is_stop = is_stop_like(account, order)
    level, far = o.limit_px, 0
    if is_stop:
        level = o.stop_px
    elif account.is_through:
        far = instrument_at(account.instruments, column).tick
    # A stop that buys and a limit that sells wait for a rise, the other two for a fall.
    if (o.side == c.BUY) == is_stop:
        if born >= level:
            return born, True
        high = quantised(price_at(account, account.high, row, column))
        px = level if high >= level + far else c.ZERO
        return px, born > first or close >= level
    if born <= level:
        return born, True
    low = quantised(price_at(account, account.low, row, column))
    px = level if low <= level - far else c.ZERO
    return px, born < first or close <= level


@part
def bar_phase(account: Any, row: int) -> None:
    """Fill inside the bar: reducing orders first, then adding ones, then children of those."""
    intrabar, may_release = int(account.intrabar), account.n_waiting > 0
    n_born = 0
    for wave in range(5):
        if wave == 3 and n_born == 0 and not may_release:
            break  # nothing came to life inside the bar
        at = 0
        while at < account.n_working:
            order = load_int(account.working, at)
            at += 1
            o = order_at(account.orders, order)
            if o.next_row > row or not can_fill(account, order, row):
                continue
            if (is_market(o) and o.born_px == 0) or is_for_one_price(o):
                continue
            own = _wave_of(account, order, intrabar)
            n_born += int(own > 2)
            if own == wave or (wave == 2 and own < 2):
                _try_bar(account, order, row)


@part
def _wave_of(account: Any, order: int, intrabar: int) -> int:
    # The account's worse outcome goes first, the better one when asked to be optimistic.
    is_first = is_stop_like(account, order) == (intrabar != c.OPTIMISTIC)
    o = order_at(account.orders, order)
    if o.born_px > 0:
        return 3 if is_first or o.type == c.MARKET else 4
    if reduces(account, order):
        return 0 if is_first else 1
    return 2


@part
def _try_bar(account: Any, order: int, row: int) -> None:
    o = order_at(account.orders, order)
    is_born = o.born_px > 0
    is_proven = True
    if is_born:
        px, is_proven = touch_born(account, order, row)
        takes_doubt = is_stop_like(account, order) == (account.intrabar != c.OPTIMISTIC)
        if px == 0 or not (is_proven or takes_doubt):
            return
    else:
        px = touch(account, order, row)
        if px == 0:
            return
        if o.ring > 0:
            order = _leg_that_fills(account, order, row)
            o = order_at(account.orders, order)
            px = touch(account, order, row)
    is_doubtful = not is_proven or sibling_touched(account, order, row)
    reason = reason_of(account, order)
    if execute(account, order, px, reason, px) > 0 and is_doubtful:
        account.path += 1


@part
def _leg_that_fills(account: Any, order: int, row: int) -> int:
    # Of the touched legs of a set: the one that the close shows to be worse, or the better one.
    column = order_at(account.orders, order).instrument
    close = quantised(price_at(account, account.close, row, column))
    sign = -1 if account.intrabar == c.OPTIMISTIC else 1
    best, least = (
        order,
        sign * order_at(account.orders, order).side * (close - touch(account, order, row)),
    )
    other = order_at(account.orders, order).ring - 1
    while other != order:
        o = order_at(account.orders, other)
        if o.instrument == column and o.born_px == 0 and can_touch(account, other, row):
            px = touch(account, other, row)
            if px > 0 and sign * o.side * (close - px) < least:
                best, least = other, sign * o.side * (close - px)
        other = o.ring - 1
    return int(best)


@part
def sibling_touched(account: Any, order: int, row: int) -> bool:
    """Whether the bar also touches an order that this one cancels: which comes first is a guess."""
    o = order_at(account.orders, order)
    if o.parent >= 0:
        parent = order_at(account.orders, o.parent)
        first = parent.first_child
        for child in range(first, first + parent.n_children):
            if child != order and _touches(account, child, row):
                return True
    if o.ring > 0:
        other = o.ring - 1
        while other != order:
            if can_touch(account, other, row) and _touches(account, other, row):
                return True
            other = order_at(account.orders, other).ring - 1
    return False


@part
def _touches(account: Any, order: int, row: int) -> bool:
    # Without marking a stop-limit that the price has not come to yet.
    o = order_at(account.orders, order)
    if o.born_px > 0:
        px, _ = touch_born(account, order, row)
        return bool(px > 0)
    if is_market(o):
        return False
    if o.type == c.STOP_LIMIT and o.triggered == 0:
        prices = account.high if o.side == c.BUY else account.low
        px = quantised(price_at(account, prices, row, o.instrument))
        return bool(o.side * (px - o.stop_px) >= 0)
    return bool(touch(account, order, row) > 0)


@part
def close_phase(account: Any, row: int) -> None:
    """Move trailing levels, fill at the close, expire what does not outlive the bar."""
    is_last = is_last_of_session(account, row)
    account.is_closing = 1
    at = 0
    while at < account.n_working:
        order = load_int(account.working, at)
        at += 1
        o = order_at(account.orders, order)
        if o.next_row > row:
            continue
        close = price_at(account, account.close, row, o.instrument)
        has_bar = close == close  # noqa: PLR0124 - NaN
        if not is_live(account, order) or o.active_from > row:
            continue
        if o.type == c.TRAILING and o.filled_qty == 0 and has_bar:
            _trail(account, order, row)
        o.born_px = 0
        if not is_live(account, order):
            continue
        tif, ends_with_session = o.tif, o.tif == c.DAY or is_for_one_price(o)
        if tif == c.CLS and is_last and has_bar:
            _fill_at_close(account, order, row)
        elif (tif == c.IOC or tif == c.FOK) and has_bar:  # noqa: PLR1714
            close_order(account, order, c.CANCELLED, c.NO_LIQUIDITY)
        elif (is_last and ends_with_session) or (tif == c.GTD and row >= o.last_row):
            close_order(account, order, c.EXPIRED, c.NO_REASON)
    account.is_closing = 0


@part
def _fill_at_close(account: Any, order: int, row: int) -> None:
    o = order_at(account.orders, order)
    px = quantised(price_at(account, account.close, row, o.instrument))
    is_limit = o.type == c.LIMIT
    is_buy = o.side == c.BUY
    if o.type == c.MARKET or (is_limit and ((px <= o.limit_px) if is_buy else (px >= o.limit_px))):
        execute(account, order, px, c.BY_ORDER, px)
    if is_live(account, order):
        close_order(account, order, c.CANCELLED, c.NO_REASON)


@part
def _trail(account: Any, order: int, row: int) -> None:
    # The level follows the bar's extreme; a child born inside the bar knows only the close.
    o = order_at(account.orders, order)
    column = o.instrument
    is_buy, is_born = o.side == c.BUY, o.born_px > 0
    close = quantised(price_at(account, account.close, row, column))
    if is_buy:
        best = close if is_born else quantised(price_at(account, account.low, row, column))
        level = min(o.stop_px, best + trail_distance(o, best))
    else:
        best = close if is_born else quantised(price_at(account, account.high, row, column))
        level = max(o.stop_px, best - trail_distance(o, best))
    has_moved = level != o.stop_px
    o.stop_px = level
    is_beyond = close >= level if is_buy else close <= level
    if has_moved and is_beyond and o.tried != row + 1:
        execute(account, order, level, reason_of(account, order), level)
