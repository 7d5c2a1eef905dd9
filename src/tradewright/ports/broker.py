"""Who executes our orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tradewright.domain.orders import Fill, Order, OrderEvent


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account as its venue sees it, in minor units and 1e-8 quantities.

    `unsettled_minor` is the part of cash that sales have earned and that is not settled yet.
    """

    cash_minor: int
    equity_minor: int
    positions: Mapping[str, int]
    unsettled_minor: int = 0


class Broker(Protocol):
    """A venue that takes orders and reports what happened to them."""

    def submit(self, order: Order) -> None:
        """Take an order; a repeated `client_order_id` with the same body changes nothing."""
        ...

    def cancel(self, client_order_id: str) -> None:
        """Cancel a working order; unknown or terminal ids change nothing."""
        ...

    def open_orders(self) -> Sequence[Order]:
        """Return the orders that still work, oldest first."""
        ...

    def account(self) -> AccountState:
        """Return cash, equity and positions."""
        ...

    def poll(self) -> tuple[Sequence[Fill], Sequence[OrderEvent]]:
        """Return fills and order events since the last poll, each once, in order."""
        ...
