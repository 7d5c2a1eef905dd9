"""Orders as the kernel's rows."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.instruments import Instrument
from tradewright.domain.money import PRICE_UNIT, QTY_UNIT
from tradewright.domain.orders import Order, OrderType
from tradewright.simulation import codes as c
from tradewright.simulation.tables import WORK_DTYPE


def lot_units(instrument: Instrument) -> int:
    """Return the lot size of an instrument in units of 1e-8; at least 1."""
    return max(1, round(instrument.lot_size * QTY_UNIT))


def tick_of(instrument: Instrument) -> int:
    """Return the tick size of an instrument in units of 1e-8; at least 1."""
    return max(1, round(instrument.tick_size * PRICE_UNIT))


def on_tick(px: int | None, tick: int, side: int) -> int:
    """Return a price on the tick: at or below it for a buy, at or above it for a sale.

    A limit is never made more aggressive by it, and a stop never triggers later. None is 0.

    Examples
    --------
    >>> on_tick(1_001, 25, 1), on_tick(1_001, 25, -1), on_tick(10, 25, 1), on_tick(None, 25, 1)
    (1000, 1025, 25, 0)
    """
    if not px:
        return 0
    if px % tick == 0:
        return px
    return max(px // tick * tick, tick) if side > 0 else px // tick * tick + tick


INTAKE: Final = (WORK_DTYPE.names or ())[:24]
"""Fields that an order sets, in order; the kernel keeps the others."""


def last_row_of(ts: NDArray[np.int64], order: Order) -> int:
    """Return the last row at which a GTD order may fill: its bar closes no later; 0 for others."""
    if not order.expires_ns:
        return 0
    return int(np.searchsorted(ts, order.expires_ns, side="right")) - 1


def order_row(bar: int, column: int, order: Order, steps: tuple[int, int]) -> list[int]:
    """Return an order as the fields `INTAKE` of the kernel's order table.

    Parameters
    ----------
    bar : int
        Row of the decision; the caller adds latency to ``active_from`` and ``next_row``, and sets
        ``last_row``, ``ring`` and ``waits``, which are 0.
    column : int
        Column of its instrument.
    order : Order
        The order.
    steps : (lot, tick)
        Units of 1e-8; the quantity is rounded down to the lot, prices go to the tick (`on_tick`),
        the distance of a trailing stop to the nearest.
    """
    lot, tick = steps
    side = int(order.side)
    trail = order.trail_px or 0
    if trail % tick:
        trail = max((trail + tick // 2) // tick, 1) * tick
    is_trailing = order.type == OrderType.TRAILING_STOP
    return [
        bar,
        column,
        order.side,
        order.type,
        order.tif,
        c.WORKING,
        0,  # reason
        order.qty // lot * lot,
        0,  # filled_qty
        on_tick(order.limit_px, tick, side),
        on_tick(order.stop_px, tick, side),
        -1,  # parent
        -1,  # done_bar
        bar + 1,  # active_from
        bar + 1,  # next_row
        order.reduce_only,
        trail if is_trailing else 0,
        on_tick(order.stop_loss_px, tick, -side),
        on_tick(order.take_profit_px, tick, -side),
        0 if is_trailing else trail,
        0 if order.trail_fraction is None else round(order.trail_fraction * QTY_UNIT),
        0,
        0,
        0,
    ]
