"""How much of an order fills: lots, reduce-only, short sale, liquidity, cash."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from tradewright.costs.charging import MAKES, order_fee, raw_fee, taking_costs
from tradewright.costs.rounding import LARGEST, product_half_even, share_half_even
from tradewright.costs.terms import terms_at
from tradewright.jit import part
from tradewright.simulation import codes as c
from tradewright.simulation.marking import price_at, revalue, value_of
from tradewright.simulation.money.settling import (
    held_minor,
    held_worth,
    local_costs,
    local_minor,
)
from tradewright.simulation.money.worth import in_money
from tradewright.simulation.tables import instrument_at, order_at

SLACK: Final = 1.0 + 1e-12
"""Keeps a quotient that is a whole number of lots from falling one short in float arithmetic."""

NO_BUDGET: Final = -1


@part
def floored(units: float, lot: int) -> int:
    """Return a quantity rounded down to whole lots; -1 if it would not fit 64 bits."""
    if not units < LARGEST:
        return -1
    whole = int(np.floor(units * SLACK))
    return whole if lot == 1 else whole // lot * lot


@part
def is_limit(o: Any) -> bool:
    """Whether an order names its worst price, and so pays fees only."""
    return bool(o.type == c.LIMIT or o.type == c.STOP_LIMIT)  # noqa: PLR1714


@part
def fill_costs(account: Any, order: int, qty: int, px: int) -> tuple[int, int, int, int, int, int]:
    """Return notional, raw fee, fee, spread, slippage and impact of a fill, in minor units."""
    o = order_at(account.orders, order)
    terms = terms_at(account.terms, account.tier)
    money_px = in_money(account, o.instrument, px)
    notional = product_half_even(qty, money_px, terms.exponent_scale)
    flags = int(o.side == c.BUY) + MAKES * int(is_limit(o))
    raw = o.fee_raw + raw_fee(terms, qty, notional, flags)
    fee = order_fee(terms, raw) - o.fee_paid
    exchange = c.ZERO
    if instrument_at(account.instruments, o.instrument).converts:
        exchange = share_half_even(notional, terms.conversion)
    if is_limit(o):
        return notional, raw, fee, exchange, 0, 0
    sigma, adv, half_spread = np.nan, np.nan, int(terms.half_spread)
    if account.has_impact:
        sigma = price_at(account, account.sigma, account.now, o.instrument)
        adv = price_at(account, account.adv, account.now, o.instrument)
    if account.has_spreads:
        estimate = price_at(account, account.spreads, account.now, o.instrument)
        half_spread = int(np.rint(min(estimate, 1.0) * 1e8)) if estimate > 0.0 else c.ZERO
    shares = float(instrument_at(account.instruments, o.instrument).shares)
    liquidity = (sigma, adv, shares)
    spread, slippage, impact = taking_costs(terms, qty, notional, half_spread, liquidity)
    return notional, raw, fee, spread + exchange, slippage, impact


@part
def cost_per_unit(account: Any, o: Any, money_px: int) -> float:
    """Return the proportional costs of 1e-8 units at what one is worth, in minor units."""
    terms = terms_at(account.terms, account.tier)
    rate = terms.maker_rate if is_limit(o) else terms.fee_rate
    if o.side == c.SELL:
        rate += terms.sell_rate
    if not is_limit(o):
        rate += terms.half_spread + terms.slippage
    if instrument_at(account.instruments, o.instrument).converts:
        rate += terms.conversion
    per_share = terms.fee_per_share * terms.exponent_scale * 1e-16
    return float(money_px * account.value_scale * (rate * 1e-8) + per_share)


@part
def is_simple(account: Any, side: int) -> bool:
    """Whether cash alone bounds a purchase: no leverage, nothing held short."""
    return bool(account.leverage == 1.0 and account.n_shorts == 0 and side == c.BUY)


@part
def exposure_with(account: Any, column: int, own: int) -> tuple[int, int]:
    """Return long and short value at the bar's prices, with one instrument's value given."""
    revalue(account)
    value = instrument_at(account.instruments, column).value
    longs = account.longs - max(value, 0) + max(own, 0)
    shorts = account.shorts - min(value, 0) + min(own, 0)
    return longs, shorts


@part
def lacking(account: Any, order: int, qty: int, px: int) -> int:
    """Return what a fill lacks of the budget, or of equity for the exposure after it.

    Returns
    -------
    int
        Minor units; 0 where the fill is affordable.
    """
    o = order_at(account.orders, order)
    notional, _, fee, spread, slippage, impact = fill_costs(account, order, qty, px)
    costs = fee + spread + slippage + impact
    short = c.ZERO
    if account.budget != NO_BUDGET:
        short = max(notional + costs - account.budget, 0)
    cash = account.cash - o.side * notional - costs
    settles = instrument_at(account.instruments, o.instrument).settles
    if settles and o.side == c.BUY:
        own = local_minor(account, o.instrument, qty, px)
        own += local_costs(account, o.instrument, costs)
        return int(max(short, own - held_minor(account, o.instrument)))
    if is_simple(account, o.side):
        return int(max(short, account.unsettled - cash))
    position = instrument_at(account.instruments, o.instrument).position
    after = value_of(account, o.instrument, position + o.side * qty, px)
    longs, shorts = exposure_with(account, o.instrument, after)
    backed, gross = account.leverage * float(cash + longs + shorts), float(longs - shorts)
    return int(short if backed >= gross else max(short, int(gross - backed) + 1))


@part
def affordable_qty(account: Any, order: int, qty: int, px: int) -> int:
    """Return the largest quantity, at most `qty`, that budget and equity allow, in lots.

    The part that reduces a position is always allowed.
    """
    o = order_at(account.orders, order)
    holding = instrument_at(account.instruments, o.instrument)
    reducing = min(qty, max(0, -o.side * holding.position))
    money_px = in_money(account, o.instrument, px)
    unit = money_px * account.value_scale
    cost = cost_per_unit(account, o, money_px)
    if holding.settles and o.side == c.BUY:
        bound = held_worth(account, o.instrument) / (unit + cost)
    elif is_simple(account, o.side):
        bound = (account.cash - account.unsettled) / (unit + cost)
    else:
        own = value_of(account, o.instrument, holding.position, px)
        longs, shorts = exposure_with(account, o.instrument, own)
        equity = float(account.cash + longs + shorts)
        room = account.leverage * equity - float(longs - shorts)
        bound = (room + 2.0 * unit * reducing) / (unit + account.leverage * cost)
    if account.budget != NO_BUDGET:
        bound = min(bound, account.budget / (unit + cost))
    high = qty
    if bound < float(qty):
        high = max(floored(max(bound, 0.0), holding.lot), reducing)
    if high <= reducing:
        return int(reducing)
    short = lacking(account, order, high, px)
    if short == 0:
        return int(high)
    # What is lacking comes of roundings: the answer lies a few minor units below.
    least, top = reducing // holding.lot, high // holding.lot
    step = int(float(short) / (unit * holding.lot)) + 1
    low = max(top - step, least)
    while low > least and lacking(account, order, low * holding.lot, px) > 0:
        step *= 2
        top, low = low, max(low - step, least)
    while top - low > 1:
        middle = (low + top) // 2
        if lacking(account, order, middle * holding.lot, px) == 0:
            low = middle
        else:
            top = middle
    return int(max(low * holding.lot, reducing))


@part
def sized_qty(account: Any, order: int, px: int) -> int:
    """Return the quantity of an order for a fraction of equity at the fill, costs included.

    Returns
    -------
    int
        1e-8 units in whole lots; -1 if it would not fit 64 bits.
    """
    o = order_at(account.orders, order)
    position = instrument_at(account.instruments, o.instrument).position
    own = value_of(account, o.instrument, position, px)
    longs, shorts = exposure_with(account, o.instrument, own)
    equity = max(account.cash + longs + shorts, 0)
    budget = int(np.rint(float(equity) * o.fraction))
    money_px = in_money(account, o.instrument, px)
    unit = money_px * account.value_scale
    cost = cost_per_unit(account, o, money_px)
    lot = instrument_at(account.instruments, o.instrument).lot
    qty = floored(budget / (unit + cost), lot)
    if qty <= 0:
        return int(qty)
    account.budget = budget
    qty = affordable_qty(account, order, qty, px)
    account.budget = NO_BUDGET
    return int(qty)


@part
def liquid_qty(account: Any, column: int) -> int:
    """Return what the volume cap of the bar leaves for us, in whole lots."""
    holding = instrument_at(account.instruments, column)
    if holding.used_row != account.now + 1:
        holding.used_row = account.now + 1
        holding.used_volume = 0
    volume = price_at(account, account.volume, account.now, column)
    if not volume > 0.0:
        return 0
    cap = min(account.participation * volume * 1e8, 4e18)
    return int(max(0, int(cap) - holding.used_volume) // holding.lot * holding.lot)
