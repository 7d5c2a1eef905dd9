"""One sleeve's book: virtual positions, its own cash and profit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tradewright.domain.money import PRICE_UNIT, from_minor
from tradewright.domain.orders import Fill, Order, OrderEvent
from tradewright.engine.sleeves.sharing import value_minor
from tradewright.ledger import Ledger
from tradewright.ports.broker import AccountState


class SleeveBook:
    """What one sleeve holds; to its strategy this is the account.

    Parameters
    ----------
    name : str
        The sleeve.
    budget_minor : int
        Cash at the start, minor units.
    currency : str
        Base currency.
    ts_event : int
        Start, UTC nanoseconds.
    last_close : callable
        Gives the newest close of a symbol.
    factor : callable
        Gives what a price of 1 is worth now, 1e-12 units.
    working : callable
        Gives the orders of this sleeve that work at the venue.
    """

    def __init__(
        self,
        name: str,
        budget_minor: int,
        currency: str,
        *,
        ts_event: int,
        last_close: Callable[[str], float],
        factor: Callable[[str], int],
        working: Callable[[str], Sequence[Order]],
    ) -> None:
        self.name, self.budget_minor = name, budget_minor
        self.ledger = Ledger(currency)
        if budget_minor:
            self.ledger.transfer(budget_minor, ts_event=ts_event, ref=f"budget of {name}")
        self.positions: dict[str, int] = {}
        self.fills: list[Fill] = []
        self.equity: list[int] = []
        self._last_close, self._working, self._factor = last_close, working, factor

    @property
    def cash_minor(self) -> int:
        """Cash, minor units."""
        return self.ledger.cash_minor

    @property
    def equity_minor(self) -> int:
        """Cash and positions at the newest close, minor units."""
        return self.cash_minor + sum(self.value_of(symbol) for symbol in self.positions)

    def value_of(self, symbol: str) -> int:
        """Return the signed market value of a position, minor units."""
        qty = self.positions.get(symbol, 0)
        if not qty:
            return 0
        px = round(self._last_close(symbol) * PRICE_UNIT)
        return value_minor(qty, px, self.ledger.currency, self._factor(symbol))

    def apply(self, fill: Fill) -> None:
        """Book this sleeve's part of a fill."""
        self.ledger.apply(fill)
        self.fills.append(fill)
        self.positions[fill.symbol] = self.positions.get(fill.symbol, 0) + fill.side * fill.qty

    def mark(self) -> None:
        """Keep the equity of the row that just closed."""
        self.equity.append(self.equity_minor)

    def row(self) -> dict[str, str | float | int]:
        """Return the sleeve's part in the result; amounts in major units.

        Returns
        -------
        dict
            ``sleeve``, ``budget``, ``cash``, ``equity``, ``profit`` (after costs), ``costs``,
            ``fills``, ``positions`` (symbols and quantities as text).
        """

        def major(amount: int) -> float:
            return float(from_minor(amount, self.ledger.currency))

        held = {s: q / 1e8 for s, q in sorted(self.positions.items()) if q}
        return {
            "sleeve": self.name,
            "budget": major(self.budget_minor),
            "cash": major(self.cash_minor),
            "equity": major(self.equity_minor),
            "profit": major(self.equity_minor - self.budget_minor),
            "costs": major(sum(fill.cost_minor for fill in self.fills)),
            "fills": len(self.fills),
            "positions": ", ".join(f"{s} {q:g}" for s, q in held.items()),
        }

    # -- the Broker port, as the sleeve's strategy sees it ------------------------------------

    def account(self) -> AccountState:
        """Return the sleeve's cash, equity and positions."""
        held: Mapping[str, int] = {s: q for s, q in self.positions.items() if q}
        return AccountState(self.cash_minor, self.equity_minor, held)

    def open_orders(self) -> Sequence[Order]:
        """Return the sleeve's own orders that work; what is netted is not among them."""
        return self._working(self.name)

    def submit(self, order: Order) -> None:
        """Refuse: orders of a sleeve go through the account's desk."""
        raise TypeError(f"order {order.client_order_id}: a sleeve's book takes no orders")

    def cancel(self, client_order_id: str) -> None:
        """Refuse: orders of a sleeve go through the account's desk."""
        raise TypeError(f"order {client_order_id}: a sleeve's book cancels no orders")

    def poll(self) -> tuple[Sequence[Fill], Sequence[OrderEvent]]:
        """Return nothing: news come through the account."""
        return (), ()
