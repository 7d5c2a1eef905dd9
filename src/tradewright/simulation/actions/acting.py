"""What corporate actions do to positions, cash and resting orders, first of all in a bar."""

from __future__ import annotations

from typing import Any

from tradewright.costs.rounding import LARGEST, product_half_even, share_half_even
from tradewright.costs.terms import terms_at
from tradewright.jit import load_int, part
from tradewright.simulation import codes as c
from tradewright.simulation.actions.table import action_at, effect_at
from tradewright.simulation.fills import add_order, drop_closed, end_reducing, hold
from tradewright.simulation.linking import close_order, is_live, log_event
from tradewright.simulation.marking import quantised, value_of
from tradewright.simulation.money.worth import in_money
from tradewright.simulation.tables import fill_at, instrument_at, order_at, out_of_reach


@part(left_out=out_of_reach)
def act(account: Any, row: int) -> None:
    """Apply the actions effective at the open of a bar, each once."""
    while (
        account.next_action < account.n_actions
        and action_at(account.actions, account.next_action).row <= row
    ):
        at = int(account.next_action)
        account.next_action += 1
        kind = action_at(account.actions, at).kind
        if kind == c.SPLITS:
            _split(account, at)
        elif kind == c.EARNS:
            _earn(account, at)
        elif kind == c.PAYS:
            _pay(account, at)
        elif kind == c.SPINS_OFF:
            _spin_off(account, at)
        elif kind == c.EXCHANGES or kind == c.RENAMES:  # noqa: PLR1714
            _exchange(account, at)
        else:
            _end(account, at)
    account.action_row = account.n_bars
    if account.next_action < account.n_actions:
        account.action_row = action_at(account.actions, account.next_action).row
    if account.n_working > 0:
        drop_closed(account)


@part
def scaled(units: int, new: int, old: int) -> int:
    """Return ``units * new / old`` rounded down; -1 if it would not fit 64 bits."""
    if float(units) * float(new) / float(old) > LARGEST:
        return -1
    whole = units // old
    return int(whole * new + (units - whole * old) * new // old)


@part
def scaled_px(px: int, new: int, old: int) -> int:
    """Return a price per old share as a price per new share, half to even, at least one unit."""
    if px == 0:
        return 0
    whole = px // new
    rest = (px - whole * new) * old
    share = rest // new
    twice = 2 * (rest - share * new)
    found = whole * old + share
    if twice > new or (twice == new and found & 1):
        found += 1
    return int(max(found, 1))


@part
def _effect(account: Any, at: int, kind: int) -> Any:
    # The next row of the record, with what every effect says.
    a = action_at(account.actions, at)
    effect = effect_at(account.effects, account.n_effects)
    account.n_effects += 1
    effect.action = a.action
    effect.fills = account.n_fills
    effect.bar = account.now
    effect.instrument = a.instrument
    effect.other = a.other
    effect.kind = kind
    effect.qty = instrument_at(account.instruments, a.instrument).position
    effect.change = 0
    effect.other_qty = 0
    effect.cash = 0
    effect.due = 0
    effect.withheld = 0
    effect.px = 0
    effect.other_px = a.other_px
    effect.new = a.new
    effect.old = a.old
    effect.given = 0
    effect.left = 0
    return effect


@part
def _split(account: Any, at: int) -> None:
    a = action_at(account.actions, at)
    column = int(a.instrument)
    holding = instrument_at(account.instruments, column)
    before = int(holding.position)
    if before != 0:
        side = 1 if before > 0 else -1
        whole = scaled(abs(before), a.new, a.old)
        if whole < 0:
            account.state = c.OVERFLOW
            account.state_at = column
            return
        kept = whole // holding.lot * holding.lot
        holding.mark = holding.mark * float(a.old) / float(a.new)
        px = quantised(holding.mark)
        cash = side * value_of(account, column, whole - kept, px)
        effect = _effect(account, at, c.DID_SPLIT)
        effect.change = side * kept - before
        effect.cash = cash
        effect.px = px
        account.cash += cash
        hold(account, column, side * kept - before)
        end_reducing(account, column, before)
    for place in range(account.n_working):
        order = load_int(account.working, place)
        if order_at(account.orders, order).instrument == column and is_live(account, order):
            restate(account, order, at)


@part
def restate(account: Any, order: int, at: int) -> None:
    """Give a resting order the quantities and prices of the new shares."""
    a, o = action_at(account.actions, at), order_at(account.orders, order)
    new, old = int(a.new), int(a.old)
    if o.qty > 0:
        lot = instrument_at(account.instruments, o.instrument).lot
        left = scaled(o.qty - o.filled_qty, new, old) // lot * lot
        if left <= 0:
            close_order(account, order, c.CANCELLED, c.BY_ACTION)
            return
        o.qty = o.filled_qty + left
    o.limit_px = scaled_px(o.limit_px, new, old)
    o.stop_px = scaled_px(o.stop_px, new, old)
    o.trail_px = scaled_px(o.trail_px, new, old)
    o.child_stop = scaled_px(o.child_stop, new, old)
    o.child_target = scaled_px(o.child_target, new, old)
    o.child_trail = scaled_px(o.child_trail, new, old)
    if o.waits == 0:
        o.next_row = max(o.active_from, account.now)


@part
def _earn(account: Any, at: int) -> None:
    # Who held at the last close is entitled; the cash comes with the payment.
    a = action_at(account.actions, at)
    holding = instrument_at(account.instruments, a.instrument)
    held = int(holding.position)
    a.due = 0
    if held == 0:
        return
    gross = value_of(account, int(a.instrument), abs(held), a.px)
    withheld = c.ZERO
    due = -gross
    if held > 0:
        withheld = share_half_even(gross, a.rate)
        due = gross - withheld
    effect = _effect(account, at, c.DID_EARN)
    effect.due = due
    effect.withheld = withheld
    effect.px = quantised(holding.mark)
    a.due = due
    account.due += due


@part
def _pay(account: Any, at: int) -> None:
    due = action_at(account.actions, action_at(account.actions, at).earned_at).due
    if due == 0:
        return
    effect = _effect(account, at, c.DID_PAY)
    effect.cash = due
    effect.due = -due
    account.cash += due
    account.due -= due


@part
def _receive(account: Any, column: int, change: int, px: int) -> None:
    # Shares that are given, not bought; what they close or turn ends what would reduce it.
    if change == 0:
        return
    holding = instrument_at(account.instruments, column)
    before = int(holding.position)
    if before == 0:
        holding.mark = float(px) * 1e-8
    hold(account, column, change)
    end_reducing(account, column, before)


@part
def _shares_given(account: Any, at: int) -> tuple[int, int]:
    # Whole lots of the other share, signed, and the cash for the rest.
    a = action_at(account.actions, at)
    held = int(instrument_at(account.instruments, a.instrument).position)
    side = 1 if held > 0 else -1
    whole = scaled(abs(held), a.new, a.old)
    if whole < 0:
        account.state = c.OVERFLOW
        account.state_at = a.instrument
        return c.ZERO, c.ZERO
    kept, column = c.ZERO, int(a.instrument)
    if a.other >= 0:
        column = int(a.other)
        lot = int(instrument_at(account.instruments, column).lot)
        kept = whole // lot * lot
    return side * kept, side * value_of(account, column, whole - kept, a.other_px)


@part
def _spin_off(account: Any, at: int) -> None:
    a = action_at(account.actions, at)
    holding = instrument_at(account.instruments, a.instrument)
    if holding.position == 0:
        return
    given, cash = _shares_given(account, at)
    effect = _effect(account, at, c.DID_SPIN_OFF)
    effect.other_qty = given
    effect.cash = cash
    effect.px = a.own_px
    if a.other >= 0:
        effect.given = value_of(account, int(a.other), given, a.other_px)
    effect.left = value_of(account, int(a.instrument), holding.position, a.own_px)
    holding.mark = float(a.own_px) * 1e-8
    account.cash += cash
    if a.other >= 0:
        _receive(account, int(a.other), given, int(a.other_px))


@part
def _exchange(account: Any, at: int) -> None:
    a = action_at(account.actions, at)
    column, other = int(a.instrument), int(a.other)
    holding = instrument_at(account.instruments, column)
    held = int(holding.position)
    if held != 0:
        given, cash = _shares_given(account, at)
        cash += (1 if held > 0 else -1) * value_of(account, column, abs(held), a.px)
        effect = _effect(account, at, c.DID_EXCHANGE)
        effect.change = -held
        effect.other_qty = given
        effect.given = value_of(account, other, given, a.other_px)
        effect.cash = cash
        effect.px = quantised(holding.mark)
        account.cash += cash
        hold(account, column, -held)
        _receive(account, other, given, int(a.other_px))
    for place in range(account.n_working):
        order = load_int(account.working, place)
        o = order_at(account.orders, order)
        if o.instrument != column or not is_live(account, order):
            continue
        if a.kind == c.RENAMES:
            _rename(account, order, at)
        else:
            close_order(account, order, c.CANCELLED, c.BY_ACTION)


@part
def _rename(account: Any, order: int, at: int) -> None:
    a, o = action_at(account.actions, at), order_at(account.orders, order)
    if o.parent < 0:
        instrument_at(account.instruments, o.instrument).pending -= 1
        instrument_at(account.instruments, a.other).pending += 1
    if o.reduce_only:
        instrument_at(account.instruments, o.instrument).reducing -= 1
        instrument_at(account.instruments, a.other).reducing += 1
    o.instrument = a.other
    restate(account, order, at)


@part
def _end(account: Any, at: int) -> None:
    # A delisting or a merger for cash: what rests is cancelled, what is held is paid out.
    a = action_at(account.actions, at)
    column = int(a.instrument)
    for place in range(account.n_working):
        order = load_int(account.working, place)
        if order_at(account.orders, order).instrument == column and is_live(account, order):
            close_order(account, order, c.CANCELLED, c.BY_ACTION)
    holding = instrument_at(account.instruments, column)
    held = int(holding.position)
    if held == 0:
        return
    px = int(a.px)
    if px < 0:
        px = quantised(holding.mark * (1.0 + float(a.rate) * 1e-8))
    effect = _effect(account, at, c.DID_CLOSE)
    effect.change = -held
    effect.px = px
    reason = c.BY_MERGER if a.kind == c.BUYS_OUT else c.BY_DELISTING
    _close(account, column, px, reason)


@part
def _close(account: Any, column: int, px: int, reason: int) -> None:
    # A fill without costs or limits of liquidity: nobody trades, the holder is paid.
    held = int(instrument_at(account.instruments, column).position)
    side, qty = (c.SELL, held) if held > 0 else (c.BUY, -held)
    order = add_order(account, column, side, c.MARKET, qty)
    o = order_at(account.orders, order)
    o.bar = account.now - 1
    o.active_from = account.now
    o.next_row = account.now
    o.reduce_only = 1
    instrument_at(account.instruments, column).reducing += 1
    log_event(account, order, c.WORKING, c.BY_ACTION)
    scale = terms_at(account.terms, 0).exponent_scale
    notional = product_half_even(qty, in_money(account, column, px), scale)
    fill = fill_at(account.fills, account.n_fills)
    account.n_fills += 1
    fill.order = order
    fill.bar = account.now
    fill.instrument = column
    fill.side = side
    fill.reason = reason
    fill.qty = qty
    fill.px = px
    fill.notional = notional
    fill.fee = 0
    fill.spread = 0
    fill.slippage = 0
    fill.impact = 0
    account.cash -= side * notional
    hold(account, column, -held)
    o.filled_qty = qty
    close_order(account, order, c.FILLED, c.NO_REASON)
