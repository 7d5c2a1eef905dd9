"""What the checks look at: the scopes of an order, and everything known about them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.instruments import Instrument
from tradewright.domain.money import QTY_UNIT, minor_exponent
from tradewright.domain.orders import Order
from tradewright.risk.control.book import Book
from tradewright.risk.control.catalogue import KINDS, PORTFOLIO, PRICE_COLLARS, Action
from tradewright.risk.control.flow import Flow
from tradewright.risk.control.losses import Losses, Trips
from tradewright.risk.control.switch import State, Switch
from tradewright.risk.control.table import LimitTable


@dataclass(slots=True, eq=False)
class Scope:
    """A strategy, an account, or everything.

    Parameters
    ----------
    name : str
        ``strategy:NAME``, ``account:ID`` or ``portfolio``.
    book : Book
        What it holds and could come to hold.
    equity, cash : float
        In the base currency; a strategy without own money counts against its account's equity.
    reserved : float
        Cash that working orders may cost at their worst, less what leaves for certain.
    """

    name: str
    book: Book
    flow: Flow = field(default_factory=Flow)
    losses: Losses = field(default_factory=Losses)
    trips: Trips = field(default_factory=Trips)
    equity: float = 0.0
    cash: float = 0.0
    reserved: float = 0.0
    warned: set[str] = field(default_factory=set)

    def losses_by_rule(self) -> Iterator[tuple[str, float]]:
        """Yield the loss that each loss limit looks at, as a positive fraction."""
        yield "daily_loss", self.losses.daily
        yield "weekly_loss", self.losses.weekly
        yield "drawdown", self.losses.drawdown
        yield "drawdown_flatten", self.losses.drawdown


def always_open(_symbol: str, _ts: int) -> bool:
    """Say that a venue is open: a bar that came says it was."""
    return True


class Layer:
    """Limits, prices, switch and books of everything a user runs in one mode.

    Parameters
    ----------
    table : LimitTable
        Limits in force.
    instruments : mapping of str to Instrument
        By symbol.
    currency : str
        Base currency.
    is_timed : bool
        Whether limits that count seconds are in force: on the wall clock, not on a tape of bars.
    exits_fill : bool
        Whether a market order that only reduces counts as done: on bars it fills at the next
        open, with the entries it makes room for. Off counts every order at its worst.
    cost_rate : float
        Costs of a trade as a fraction of its value, for the cash check.
    restricted : sequence of str
        Symbols that may not be bought.
    same_as : mapping of str to str
        Instruments that count together.
    is_open : callable, optional
        ``is_open(symbol, ts)`` says whether the venue trades.
    """

    def __init__(
        self,
        table: LimitTable,
        instruments: Mapping[str, Instrument],
        *,
        currency: str = "USD",
        is_timed: bool = False,
        exits_fill: bool = False,
        cost_rate: float = 0.0,
        restricted: Sequence[str] = (),
        same_as: Mapping[str, str] | None = None,
        is_open: Callable[[str, int], bool] = always_open,
    ) -> None:
        self.table, self.instruments, self.currency = table, instruments, currency
        self.exponent = minor_exponent(currency)
        self.is_timed, self.exits_fill, self.cost_rate = is_timed, exits_fill, cost_rate
        self.restricted, self.is_open = frozenset(restricted), is_open
        self._same_as = dict(same_as or {})
        self.switch = Switch()
        self.prices: dict[str, float] = {}
        self.worths = {s: i.multiplier for s, i in instruments.items() if i.multiplier != 1.0}
        self.priced_at: dict[str, int] = {}
        self.volumes: dict[str, float] = {}
        self.known_ids: set[str] = set()
        self.fault = ""
        self.scopes: dict[str, Scope] = {}
        self.size_down: dict[str, float] = {}
        self.stale: dict[str, int] = {}
        self._covariance: NDArray[np.float64] | None = None
        self._columns: dict[str, int] = {}

    def scope(self, name: str) -> Scope:
        """Return a scope, opening it on first use."""
        found = self.scopes.get(name)
        if found is None:
            book = Book(self.instruments, self.prices, self._same_as, self.worths)
            found = self.scopes[name] = Scope(name, book)
        return found

    def scopes_of(self, strategy: str, account: str) -> tuple[Scope, ...]:
        """Return the scopes of an order, from the narrow to the wide."""
        return (
            self.scope(f"strategy:{strategy}"),
            self.scope(f"account:{account}"),
            self.scope(PORTFOLIO),
        )

    def limit(self, key: str, scope: str) -> float | None:
        """Return a limit in force in a scope, scaled down where an alert asked for it."""
        value = self.table.limit(key, scope)
        if value is None or not self.size_down or KINDS[key].is_floor:
            return value
        factor = min(self.size_down.get(scope, 1.0), self.size_down.get(PORTFOLIO, 1.0))
        return value * factor if KINDS[key].action is Action.DENY else value

    def is_standard(self, key: str) -> bool:
        """Whether a limit stands at the value the profile gave it."""
        return self.table.profile is not None and all(
            value == KINDS[key].defaults.get(scope)
            for (scope, name), value in self.table.values.items()
            if name == key
        )

    def collar(self, symbol: str, account: str) -> float | None:
        """Return the price collar of an instrument: that of its class unless one was set."""
        limit = self.limit("price_collar", account)
        instrument = self.instruments.get(symbol)
        if limit is None or instrument is None or not self.is_standard("price_collar"):
            return limit
        return PRICE_COLLARS.get(str(instrument.asset_class), limit)

    def standing(self, scopes: Sequence[Scope]) -> tuple[State, str]:
        """Return the strictest state of some scopes and where it holds.

        A fault (no limits, no clock, no record) lets reductions through alone.
        """
        state, where = self.switch.effective([scope.name for scope in scopes])
        if self.fault and state < State.REDUCE_ONLY:
            return State.REDUCE_ONLY, PORTFOLIO
        return state, where

    def cost_of(self, order: Order, px: float) -> float:
        """Return what an order costs at a price, with its costs; NaN without a price."""
        return order.qty / QTY_UNIT * px * self.worth_of(order.symbol) * (1.0 + self.cost_rate)

    def worth_of(self, symbol: str) -> float:
        """Return what a price of 1 is worth in the base currency, per unit of quantity."""
        return self.worths.get(symbol, 1.0)

    def use_covariance(self, symbols: Sequence[str], covariance: NDArray[np.float64]) -> None:
        """Take the covariance of session returns that the value at risk is measured on."""
        self._columns = {symbol: at for at, symbol in enumerate(symbols)}
        self._covariance = np.asarray(covariance, dtype=np.float64)

    def value_at_risk(self, scope: Scope, order: Order | None = None) -> float:
        """Return the Gaussian value at risk of a scope, 95 %, one session.

        Parameters
        ----------
        scope : Scope
            Each instrument counts with the larger of its two worst positions.
        order : Order, optional
            Counted besides.

        Returns
        -------
        float
            Fraction of equity; infinite where something held is not in the covariance, because
            what is not known is no zero.
        """
        from tradewright.risk.measures.euler import parametric_var

        if self._covariance is None or scope.equity <= 0:
            return math.inf
        weights = np.zeros(len(self._covariance))
        for name, worst in scope.book.worst_values(order).items():
            at = self._columns.get(name)
            if at is None or not math.isfinite(worst):
                return math.inf
            weights[at] = worst / scope.equity
        return parametric_var(weights, self._covariance)
