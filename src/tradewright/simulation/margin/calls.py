"""Margin calls: positions are liquidated, the largest requirement first, until equity carries."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradewright.jit import load_int, part
from tradewright.simulation import codes as c
from tradewright.simulation.fills import add_order, drop_closed, execute
from tradewright.simulation.linking import close_order, is_live, log_event
from tradewright.simulation.marking import margin_surplus, price_at, quantised, revalue, value_of
from tradewright.simulation.tables import instrument_at, order_at


@part
def answer_call(account: Any, row: int) -> None:
    """Liquidate at the open what the last close could not carry, if the open cannot either."""
    account.is_called = 0
    revalue(account)
    while margin_surplus(account, account.cash, account.longs, account.shorts) < 0.0:
        column = _largest(account, row)
        if column < 0:
            break
        _liquidate(account, column, quantised(price_at(account, account.open, row, column)))
    drop_closed(account)


@part
def check_worst(account: Any, row: int) -> None:
    """Liquidate inside the bar where equity meets the maintenance margin on the way to the worst.

    All prices are taken to move in step from the open (or the fill, for what was filled in the
    bar) to the low where long and the high where short.
    """
    is_first = True
    while True:
        before, after = _surplus_at(account, row, 0.0), _surplus_at(account, row, 1.0)
        if after >= 0.0:
            break
        if is_first:
            is_first = False
            count_call(account, row)
        column = _largest(account, row)
        if column < 0:
            break
        share = before / (before - after) if before > 0.0 else 0.0
        _liquidate(account, column, _on_the_way(account, row, column, share))
    drop_closed(account)


@part
def count_call(account: Any, row: int) -> None:
    """Note a margin call."""
    if account.n_calls == 0:
        account.first_call = row
    account.n_calls += 1


@part
def _on_the_way(account: Any, row: int, column: int, share: float) -> int:
    # The price of an instrument after a share of the way from its start to its worst.
    holding = instrument_at(account.instruments, column)
    start = price_at(account, account.open, row, column)
    if start != start:  # noqa: PLR0124 - NaN: no bar
        return int(quantised(holding.mark))
    first = int(holding.fill_px) if holding.fill_row == row + 1 else quantised(start)
    prices = account.low if holding.position > 0 else account.high
    worst = quantised(price_at(account, prices, row, column))
    return int(first + int(np.rint(share * float(worst - first))))


@part
def _surplus_at(account: Any, row: int, share: float) -> float:
    longs, shorts = 0, 0
    for at in range(account.n_held):
        column = load_int(account.held, at)
        position = instrument_at(account.instruments, column).position
        value = value_of(account, column, position, _on_the_way(account, row, column, share))
        longs += max(value, 0)
        shorts += min(value, 0)
    return float(margin_surplus(account, account.cash, longs, shorts))


@part
def _largest(account: Any, row: int) -> int:
    # The position with the largest requirement that this bar can and did not yet liquidate.
    best, most = c.NONE, -1.0
    for at in range(account.n_held):
        column = load_int(account.held, at)
        holding = instrument_at(account.instruments, column)
        price = price_at(account, account.open, row, column)
        if price != price or holding.called_row == row + 1:  # noqa: PLR0124 - NaN
            continue
        value = value_of(account, column, holding.position, quantised(price))
        rate = account.maintain_long if value > 0 else -account.maintain_short
        wanted = value * rate
        if wanted > most or (wanted == most and column < best):
            best, most = column, wanted
    return int(best)


@part
def _liquidate(account: Any, column: int, px: int) -> None:
    holding = instrument_at(account.instruments, column)
    holding.called_row = account.now + 1
    position = holding.position
    side = c.SELL if position > 0 else c.BUY
    order = add_order(account, column, side, c.MARKET, abs(position))
    o = order_at(account.orders, order)
    o.active_from = account.now
    o.reduce_only = 1
    holding.reducing += 1
    log_event(account, order, c.WORKING, c.MARGIN_CALL)
    execute(account, order, px, c.BY_LIQUIDATION, c.ZERO)
    if is_live(account, order):
        close_order(account, order, c.CANCELLED, c.NO_LIQUIDITY)
