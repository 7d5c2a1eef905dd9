"""The one matching kernel: `step` is the physics of a bar, `run` drives it over many."""

from __future__ import annotations

from typing import Any, Final

from tradewright.jit import fetch_soon, load_float, load_int, part, whole
from tradewright.simulation import codes as c
from tradewright.simulation.actions.acting import act
from tradewright.simulation.deciding import decide, next_decision, place_weights_at_open
from tradewright.simulation.fills import add_order, drop_closed, execute
from tradewright.simulation.margin.calls import answer_call, check_worst, count_call
from tradewright.simulation.marking import (
    can_be_called,
    finance,
    mark,
    mark_gap,
    price_at,
    quantised,
)
from tradewright.simulation.matching import (
    bar_phase,
    close_phase,
    is_market,
    is_stop_like,
    open_phase,
)
from tradewright.simulation.money.funding import fund, next_payment
from tradewright.simulation.money.proceeds import pay_settled
from tradewright.simulation.money.worth import use_rates
from tradewright.simulation.path import path_phase
from tradewright.simulation.tables import account_at, instrument_at, order_at

REACH: Final = 1 << 16
"""Rows that one search for an order's next touch looks at where there is one instrument."""


@part
def step(account: Any, row: int) -> None:
    """Process one bar: actions, financing, open, path inside the bar, close, expiry, marks.

    Parameters
    ----------
    account : record of `ACCOUNT_DTYPE`
        Market, rules and state; changed in place.
    row : int
        Row of the bar.

    Notes
    -----
    Timing: orders decided at row ``t`` are active from row ``t + 1``.
    Missing data: an instrument without a close at this row fills nothing and keeps its mark.
    """
    account.now = row
    before_open(account, row)
    if account.plan == c.WEIGHTS and account.sizes_at_open and account.cursor > 0:
        place_weights_at_open(account, row)
    if account.n_working > 0:
        open_phase(account, row)
        drop_closed(account)
    if account.is_called != 0:
        count_call(account, row - 1)
        answer_call(account, row)
    fund(account, row, c.ONE)
    if account.n_working > 0:
        if account.intrabar == c.OHLC:
            path_phase(account, row)
        else:
            bar_phase(account, row)
    if account.margin_check == c.AT_WORST and can_be_called(account):
        check_worst(account, row)
    if account.n_working > 0:
        close_phase(account, row)
        drop_closed(account)
    if account.closes_at_end and row + 1 == account.n_bars:
        close_everything(account, row)
    if account.state == c.DONE:
        mark(account, row)


@part
def before_open(account: Any, row: int) -> None:
    """Apply corporate actions, then settle sales, financing, funding and a new month's fees."""
    if account.has_rates:
        use_rates(account, row - 1)
    if account.action_row <= row:
        act(account, row)
    if account.defers:
        pay_settled(account, row)
    finance(account, row)
    fund(account, row, c.ZERO)
    if account.n_tiers > 0 and load_int(account.months, row) != account.month:
        account.month = load_int(account.months, row)
        account.traded = 0
        account.tier = 0


@part
def close_everything(account: Any, row: int) -> None:
    """Sell and cover all positions at the close of a bar."""
    at = account.n_held
    while at > 0:
        at -= 1
        column = load_int(account.held, at)
        close = price_at(account, account.close, row, column)
        if close != close:  # noqa: PLR0124 - no bar, no fill
            continue
        position = instrument_at(account.instruments, column).position
        side = c.SELL if position > 0 else c.BUY
        order = add_order(account, column, side, c.MARKET, abs(position))
        order_at(account.orders, order).tif = c.CLS
        order_at(account.orders, order).active_from = row
        execute(account, order, quantised(close), c.BY_END, c.ZERO)
    drop_closed(account)


@whole
def run(address: int, stop: int) -> int:
    """Process rows from where an account stands up to `stop` (exclusive).

    Rows in which no order and no decision can do anything are only marked.

    Parameters
    ----------
    address : int
        Address of the account (`Books.address`).
    stop : int
        Row after the last one to process.

    Returns
    -------
    int
        Why it came back: DONE, or early with another state of `codes`. After NEEDS_ROOM the
        caller gives larger tables and calls again.
    """
    account = account_at(address, 0)
    account.state = c.DONE
    while account.row < stop and account.state == c.DONE:
        until = min(account.next_row, next_decision(account, account.row), account.action_row)
        until = min(until, next_payment(account))
        fetch_soon(account.open, (until + 1) * account.n_instruments)
        if until >= stop:
            # The last bar of the tape needs a full step when positions are closed there.
            is_end = account.closes_at_end and stop == account.n_bars
            mark_gap(account, account.row, stop - 1 if is_end else stop)
            if account.row >= stop or account.state != c.DONE:
                break
            until = account.row
        mark_gap(account, account.row, until)
        if account.state != c.DONE:
            break
        if not has_room(account, until):
            account.state = c.NEEDS_ROOM
            break
        step(account, until)
        if account.state == c.DONE:
            decide(account, until)
            look_ahead(account, until)
    return int(account.state)


@part
def has_room(account: Any, row: int) -> bool:
    """Whether the tables can take whatever one bar may add."""
    growth = 4 * account.n_working + 5 * account.n_instruments + 8
    if account.holds_cash:
        growth *= 2  # every fill may bring an exchange
    if account.plan == c.TABLE:
        at = account.cursor
        while at < account.n_table and order_at(account.table, at).bar <= row:
            growth += 1
            at += 1
    most = max(account.n_orders, account.n_fills)
    has_log = account.event_room == 0 or account.n_events + 4 * growth < account.event_room
    return bool(most + growth < account.room and has_log)


@part
def look_ahead(account: Any, row: int) -> None:
    """Find the next row at which any working order can do something.

    Notes
    -----
    Timing: looks at later bars only to skip those that change nothing; no decision sees it.
    """
    nearest = account.n_bars
    for at in range(account.n_working):
        order = load_int(account.working, at)
        o = order_at(account.orders, order)
        if o.next_row <= row + 1:
            o.next_row = _next_touch(account, order, row + 1)
        nearest = min(nearest, o.next_row)
    if (account.plan == c.WEIGHTS and account.cursor > 0) or can_be_called(account):
        nearest = row + 1
    account.next_row = nearest


@part
def _next_touch(account: Any, order: int, row: int) -> int:
    o = order_at(account.orders, order)
    first = max(row, o.active_from)
    is_long_lived = o.tif == c.GTC or o.tif == c.GTD  # noqa: PLR1714
    if is_market(o) or o.type == c.TRAILING or not is_long_lived:
        return int(first)
    width, is_stop = account.n_instruments, is_stop_like(account, order)
    # In a wide panel each row ahead is a miss of the cache: looking when it comes is cheaper.
    last = min(first + max(REACH // (width * width), 1), account.n_bars)
    if o.tif == c.GTD:
        last = min(last, o.last_row)
    level = float(o.stop_px if is_stop else o.limit_px)
    place = first * width + o.instrument
    at = first
    # One unit of slack: the exact comparison is made on quantised prices when the row comes.
    if (o.side == c.BUY) == is_stop:
        bound = (level * (1.0 - 1e-12) - 1.0) * 1e-8
        while at < last and not load_float(account.high, place) >= bound:
            at += 1
            place += width
    else:
        bound = (level * (1.0 + 1e-12) + 1.0) * 1e-8
        while at < last and not load_float(account.low, place) <= bound:
            at += 1
            place += width
    return int(at)
