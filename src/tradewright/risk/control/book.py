"""What a scope holds and could come to hold: positions with every working order at its worst."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from tradewright.domain.instruments import Instrument
from tradewright.domain.money import QTY_UNIT
from tradewright.domain.orders import Order

_UNKNOWN: Final = "unclassified"


class Bucket(IntEnum):
    """How a working order counts."""

    OPENING = 0
    CLOSING = 1
    LEAVING = 2


@dataclass(slots=True)
class Holding:
    """One instrument of a scope, in units of 1e-8.

    Parameters
    ----------
    qty : int
        Signed position.
    buying, selling : int
        Unsigned quantity of orders that work, are in flight or of unknown state.
    closing : int
        The same of orders that the venue lets only reduce.
    leaving : int
        The same of orders that only reduce and fill with the next price for certain.
    """

    qty: int = 0
    buying: int = 0
    selling: int = 0
    closing: int = 0
    leaving: int = 0

    @property
    def staying(self) -> int:
        """Position without what leaves for certain."""
        return self.qty - self.leaving if self.qty > 0 else self.qty + self.leaving

    @property
    def is_open(self) -> bool:
        """Whether anything is held or could come to be."""
        return bool(self.qty or self.buying or self.selling)

    def reducible(self, side: int) -> int:
        """Return how much an order of a side may still reduce without turning the position."""
        if self.qty * side >= 0:
            return 0
        against = self.buying if side > 0 else self.selling
        return max(abs(self.qty) - against - self.closing - self.leaving, 0)


@dataclass(frozen=True, slots=True)
class Exposure:
    """Worst values of a scope that one instrument takes part in, in the base currency.

    Parameters
    ----------
    position, sector, currency : float
        Of the instrument, its sector and its currency.
    gross, net : float
        Sum of worst values; largest absolute net value.
    positions : int
        Instruments that are held or could come to be.
    """

    position: float
    sector: float
    currency: float
    gross: float
    net: float
    positions: int


class Book:
    """Positions and working orders of one scope, valued as they change.

    Parameters
    ----------
    instruments : mapping of str to Instrument
        By symbol; one that is missing has no sector and no currency.
    prices : mapping of str to float
        Last price by symbol; read, never written.
    same_as : mapping of str to str
        Instruments that count together (a share class, a depositary receipt, a twin fund) by the
        name they count under.
    worths : mapping of str to float
        What a price of 1 is worth in the base currency, where that is not 1; read as it changes.

    Notes
    -----
    A change of one instrument costs its own work alone; `reprice` adds everything up anew, which
    also removes the rounding that single changes leave.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        prices: Mapping[str, float],
        same_as: Mapping[str, str] | None = None,
        worths: Mapping[str, float] | None = None,
    ) -> None:
        self._instruments, self._prices = instruments, prices
        self._worths = {} if worths is None else worths
        self._same_as = dict(same_as or {})
        self._members: dict[str, list[str]] = {}
        self.holdings: dict[str, Holding] = {}
        self.worst: dict[str, float] = {}
        self.by_sector: dict[str, float] = {}
        self.by_currency: dict[str, float] = {}
        self._high: dict[str, float] = {}
        self._low: dict[str, float] = {}
        self._sums = [0.0, 0.0, 0.0]  # worst, high, low
        self._blind: set[str] = set()

    @property
    def gross(self) -> float:
        """Sum of worst values."""
        return self._sums[0]

    @property
    def net(self) -> float:
        """Largest absolute net value."""
        return max(abs(self._sums[1]), abs(self._sums[2]))

    @property
    def positions(self) -> int:
        """Instruments that are held or could come to be."""
        return len(self.worst)

    @property
    def unpriced(self) -> list[str]:
        """Instruments held or ordered without a price: what they are worth is not known."""
        return sorted(self._blind)

    def holding(self, symbol: str) -> Holding:
        """Return the holding of an instrument, empty where there is none yet."""
        found = self.holdings.get(symbol)
        if found is None:
            found = self.holdings[symbol] = Holding()
            self._members.setdefault(self._same_as.get(symbol, symbol), []).append(symbol)
        return found

    def add(self, order: Order, qty: int, bucket: Bucket) -> None:
        """Count a quantity of an order as working; a negative one as done."""
        self._count(order, qty, bucket)
        self._revalue(order.symbol)

    def move(self, symbol: str, change: int) -> None:
        """Change a position by a signed quantity."""
        self.holding(symbol).qty += change
        self._revalue(symbol)

    def place(self, symbol: str, qty: int) -> None:
        """Set a position, as an account says it is."""
        holding = self.holding(symbol)
        if holding.qty != qty:
            holding.qty = qty
            self._revalue(symbol)

    def is_reducing(self, order: Order) -> bool:
        """Whether an order can only make the position smaller, with all that works already."""
        if order.reduce_only:
            return self.holding(order.symbol).qty * order.side < 0
        return order.qty <= self.holding(order.symbol).reducible(order.side)

    def bucket(self, order: Order, *, is_sure: bool = False) -> Bucket:
        """Return how an order counts: an exit leaves if it is sure to fill.

        Any other exit counts like an entry of its side: behind a larger order that turns the
        position it would be one. Where it turns nothing, that takes no room.
        """
        if is_sure and self.is_reducing(order):
            return Bucket.LEAVING
        return Bucket.CLOSING if order.reduce_only else Bucket.OPENING

    def exposure(self, order: Order, *, counted: bool) -> Exposure:
        """Return the worst values an order's instrument takes part in.

        Parameters
        ----------
        order : Order
            Names the instrument.
        counted : bool
            Whether the order counts as if it worked already.

        Returns
        -------
        Exposure
            Of instrument, sector, currency and the whole scope.
        """
        name = self._same_as.get(order.symbol, order.symbol)
        before = self.worst.get(name, 0.0)
        worst, high, low = before, self._high.get(name, 0.0), self._low.get(name, 0.0)
        if counted:
            bucket = self.bucket(order)
            self._count(order, order.qty, bucket)
            worst, high, low = self._group(name)
            self._count(order, -order.qty, bucket)
        more = worst - before
        sector, code = self._labels(name)
        return Exposure(
            position=worst,
            sector=self.by_sector.get(sector, 0.0) + more,
            currency=self.by_currency.get(code, 0.0) + more,
            gross=self._sums[0] + more,
            net=max(
                abs(self._sums[1] + high - self._high.get(name, 0.0)),
                abs(self._sums[2] + low - self._low.get(name, 0.0)),
            ),
            positions=len(self.worst) + (1 if worst > 0 and name not in self.worst else 0),
        )

    def worst_values(self, order: Order | None = None) -> dict[str, float]:
        """Return each instrument's signed value at its worst; NaN without a price.

        Parameters
        ----------
        order : Order, optional
            Counted besides.

        Returns
        -------
        dict of str to float
            By the name they count under.
        """
        low = self._low
        out = {n: h if abs(h) >= abs(low[n]) else low[n] for n, h in self._high.items()}
        if order is not None:
            name = self._same_as.get(order.symbol, order.symbol)
            self._count(order, order.qty, Bucket.OPENING)
            _, high, least = self._group(name)
            self._count(order, -order.qty, Bucket.OPENING)
            out[name] = high if abs(high) >= abs(least) else least
        for symbol in self._blind:
            out[self._same_as.get(symbol, symbol)] = math.nan
        return out

    def value(self) -> dict[str, float]:
        """Return the signed market value of what is held; NaN without a price."""
        return {
            symbol: holding.qty / QTY_UNIT * self._price(symbol)
            for symbol, holding in self.holdings.items()
            if holding.qty
        }

    def _price(self, symbol: str) -> float:
        return self._prices.get(symbol, math.nan) * self._worths.get(symbol, 1.0)

    def reprice(self) -> None:
        """Value everything anew, after prices changed."""
        for kept in (self.worst, self._high, self._low, self.by_sector, self.by_currency):
            kept.clear()
        self._sums = [0.0, 0.0, 0.0]
        for name in self._members:
            self._take(name)

    def _count(self, order: Order, qty: int, bucket: Bucket) -> None:
        holding = self.holding(order.symbol)
        if bucket is Bucket.LEAVING:
            holding.leaving += qty
        elif bucket is Bucket.CLOSING:
            holding.closing += qty
        elif order.side > 0:
            holding.buying += qty
        else:
            holding.selling += qty

    def _revalue(self, symbol: str) -> None:
        name = self._same_as.get(symbol, symbol)
        worst = self.worst.pop(name, 0.0)
        if worst:
            sector, code = self._labels(name)
            self.by_sector[sector] -= worst
            self.by_currency[code] -= worst
        self._sums[0] -= worst
        self._sums[1] -= self._high.pop(name, 0.0)
        self._sums[2] -= self._low.pop(name, 0.0)
        self._take(name)

    def _take(self, name: str) -> None:
        worst, high, low = self._group(name)
        if worst > 0:
            sector, code = self._labels(name)
            self.worst[name], self._high[name], self._low[name] = worst, high, low
            self.by_sector[sector] = self.by_sector.get(sector, 0.0) + worst
            self.by_currency[code] = self.by_currency.get(code, 0.0) + worst
            self._sums[0] += worst
            self._sums[1] += high
            self._sums[2] += low

    def _group(self, name: str) -> tuple[float, float, float]:
        # Worst, highest and lowest value of the instruments that count under a name.
        high = low = 0.0
        for symbol in self._members.get(name, ()):
            holding, px = self.holdings[symbol], self._price(symbol)
            if not px > 0 and holding.is_open:
                self._blind.add(symbol)
                continue
            self._blind.discard(symbol)
            if px > 0:
                worth = px / QTY_UNIT
                high += (holding.staying + holding.buying) * worth
                low += (holding.staying - holding.selling) * worth
        return max(abs(high), abs(low)), high, low

    def _labels(self, name: str) -> tuple[str, str]:
        instrument = self._instruments.get(name)
        if instrument is None:
            return _UNKNOWN, ""
        return instrument.sector or _UNKNOWN, instrument.currency
