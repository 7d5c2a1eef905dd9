"""States of an order: only the listed transitions happen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tradewright.domain.errors import ConfigError
from tradewright.domain.orders import Fill, Order, OrderEvent, OrderStatus

_S = OrderStatus
TRANSITIONS: Final[dict[OrderStatus, frozenset[OrderStatus]]] = {
    _S.NEW: frozenset(
        {_S.WORKING, _S.PARTIALLY_FILLED, _S.FILLED, _S.REJECTED, _S.DENIED, _S.CANCELLED}
        | {_S.EXPIRED}
    ),
    _S.WORKING: frozenset({_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED}),
    _S.PARTIALLY_FILLED: frozenset({_S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED}),
    _S.FILLED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.DENIED: frozenset(),
}
"""From each status, those that may follow; a repeat of the same status changes nothing."""


@dataclass(slots=True)
class TrackedOrder:
    """An order and what has happened to it.

    Parameters
    ----------
    order : Order
        What was asked for.
    status : OrderStatus
        Where it stands.
    filled_qty : int
        Sum of its distinct executions, in units of 1e-8.
    incidents : list of str
        What the venue reported that should not have happened; nothing is dropped.
    """

    order: Order
    status: OrderStatus = OrderStatus.NEW
    filled_qty: int = 0
    late_fill: bool = False
    overfill: bool = False
    incidents: list[str] = field(default_factory=list)
    executions: dict[str, int] = field(default_factory=dict)

    @property
    def leaves_qty(self) -> int:
        """Quantity that may still fill: 0 once the order is terminal."""
        return 0 if self.status.is_terminal else max(self.order.qty - self.filled_qty, 0)

    def apply_event(self, event: OrderEvent) -> bool:
        """Apply a venue's report.

        Parameters
        ----------
        event : OrderEvent
            The report.

        Returns
        -------
        bool
            Whether the status changed; a transition that is not listed is kept as an incident
            and changes nothing.
        """
        if event.status is self.status:
            return False
        if event.status not in TRANSITIONS[self.status]:
            if not (self.status in _FILLED and event.status in _FILLING):  # told late, not wrong
                self.incidents.append(
                    f"{event.status.name} reported while {self.status.name} at {event.ts_event}"
                )
            return False
        self.status = event.status
        return True

    def apply_fill(self, fill: Fill) -> bool:
        """Apply one execution.

        Parameters
        ----------
        fill : Fill
            The execution; a repeated id changes nothing.

        Returns
        -------
        bool
            Whether it was new. A fill after the end of the order or beyond its quantity is
            booked and flagged, never dropped.
        """
        if fill.execution_id in self.executions:
            return False
        self.executions[fill.execution_id] = fill.qty
        self.filled_qty += fill.qty
        if self.filled_qty > self.order.qty:
            self.overfill = True
            self.incidents.append(
                f"filled {self.filled_qty} of {self.order.qty} after {fill.execution_id}"
            )
        full = self.filled_qty >= self.order.qty
        if self.status.is_terminal and self.status is not OrderStatus.FILLED:
            self.late_fill = True
            self.incidents.append(f"fill {fill.execution_id} arrived while {self.status.name}")
            self.status = OrderStatus.FILLED if full else self.status
        elif full:
            self.status = OrderStatus.FILLED
        elif self.status is not OrderStatus.FILLED:
            self.status = OrderStatus.PARTIALLY_FILLED
        return True


_FILLING = (OrderStatus.WORKING, OrderStatus.PARTIALLY_FILLED)
_FILLED = (OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED)


class OrderBook:
    """All orders of one account by client order id."""

    __slots__ = ("orders",)

    def __init__(self) -> None:
        self.orders: dict[str, TrackedOrder] = {}

    def add(self, order: Order) -> TrackedOrder:
        """Take an order; the same id with the same body is the same order.

        Raises
        ------
        ConfigError
            If the id stands for an order with another body.
        """
        known = self.orders.get(order.client_order_id)
        if known is None:
            known = self.orders[order.client_order_id] = TrackedOrder(order)
        elif known.order != order:
            raise ConfigError(
                f"order id {order.client_order_id} already stands for another order: "
                f"{known.order} is not {order}"
            )
        return known

    def working_quantity(self, symbol: str) -> int:
        """Return the signed quantity that orders of an instrument may still fill."""
        return sum(
            int(o.order.side) * o.leaves_qty
            for o in self.orders.values()
            if o.order.symbol == symbol
        )
