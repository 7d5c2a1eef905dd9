"""Orders as the kernel's rows."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.instruments import Instrument
from tradewright.domain.money import QTY_UNIT
from tradewright.domain.orders import Order, OrderType
from tradewright.simulation import codes as c
from tradewright.simulation.tables import WORK_DTYPE


def lot_units(instrument: Instrument) -> int:
    """Return the lot size of an instrument in units of 1e-8; at least 1."""
    return max(1, round(instrument.lot_size * QTY_UNIT))


INTAKE: Final = (WORK_DTYPE.names or ())[:24]
"""Fields that an order sets, in order; the kernel keeps the others."""


def last_row_of(ts: NDArray[np.int64], order: Order) -> int:
    """Return the last row at which a GTD order may fill: its bar closes no later; 0 for others."""
    if not order.expires_ns:
        return 0
    return int(np.searchsorted(ts, order.expires_ns, side="right")) - 1


def order_row(bar: int, column: int, order: Order, lot: int) -> list[int]:
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
    lot : int
        Lot size in units of 1e-8; the quantity is rounded down to it.
    """
    trail = order.trail_px or 0
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
        order.limit_px or 0,
        order.stop_px or 0,
        -1,  # parent
        -1,  # done_bar
        bar + 1,  # active_from
        bar + 1,  # next_row
        order.reduce_only,
        trail if is_trailing else 0,
        order.stop_loss_px or 0,
        order.take_profit_px or 0,
        0 if is_trailing else trail,
        0 if order.trail_fraction is None else round(order.trail_fraction * QTY_UNIT),
        0,
        0,
        0,
    ]
