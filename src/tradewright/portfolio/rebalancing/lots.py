"""Tax lots: what was bought when and for how much, and which of it a sale takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from tradewright.domain.errors import ConfigError, DataError, nearest

LOT_METHODS: Final = ("fifo", "lifo", "hifo", "average", "specific")
LONG_TERM_DAYS: Final = 366
"""A lot held this many days or more is long-term."""


@dataclass(frozen=True, slots=True)
class Lot:
    """One purchase that is still held, in whole or in part.

    Parameters
    ----------
    lot_id : str
        Identity, for ``specific``.
    symbol : str
        Instrument.
    qty : float
        Units left; > 0.
    price : float
        Cost of one unit, fees included; > 0.
    acquired : date
        Day of the purchase.
    account : str
        Account that holds it.

    Raises
    ------
    DataError
        If quantity or price is not above 0.
    """

    lot_id: str
    symbol: str
    qty: float
    price: float
    acquired: date
    account: str = ""

    def __post_init__(self) -> None:
        for name in ("qty", "price"):
            if not 0 < getattr(self, name) < math.inf:
                raise DataError(
                    f"lot {self.lot_id} of {self.symbol}: {name} is {getattr(self, name)}, "
                    "wanted above 0"
                )

    def gain(self, price: float) -> float:
        """Return the unrealised gain at a price."""
        return self.qty * (price - self.price)

    def is_long_term(self, on: date) -> bool:
        """Return whether the lot is held for 366 days or more on a day."""
        return (on - self.acquired).days >= LONG_TERM_DAYS


@dataclass(frozen=True, slots=True)
class Disposal:
    """A part of a lot that a sale takes.

    Parameters
    ----------
    lot : Lot
        As it was before the sale.
    qty : float
        Units taken.
    gain : float
        Realised gain.
    long_term : bool
        Whether the lot was held for 366 days or more.
    """

    lot: Lot
    qty: float
    gain: float
    long_term: bool


def dispose(
    lots: Sequence[Lot],
    qty: float,
    price: float,
    on: date,
    *,
    method: str = "fifo",
    lot_ids: Sequence[str] = (),
) -> tuple[tuple[Disposal, ...], tuple[Lot, ...]]:
    """Take a quantity out of lots.

    Parameters
    ----------
    lots : sequence of Lot
        Of one instrument.
    qty : float
        Units sold; > 0.
    price : float
        Price of the sale, after costs.
    on : date
        Day of the sale.
    method : str
        ``fifo`` oldest first, ``lifo`` newest first, ``hifo`` dearest first, ``average`` oldest
        first at the average cost, ``specific`` the lots named.
    lot_ids : sequence of str
        For ``specific``, in the order in which they are taken.

    Returns
    -------
    tuple of (tuple of Disposal, tuple of Lot)
        What was taken, and the lots left in their former order.

    Raises
    ------
    ConfigError
        If the method is not known or a named lot does not exist.
    DataError
        If more is sold than the lots hold, or of a day before one of them.

    Examples
    --------
    >>> old = Lot("1", "A", 10.0, 50.0, date(2014, 1, 2))
    >>> lots = [old, Lot("2", "A", 10.0, 70.0, date(2015, 1, 2))]
    >>> taken, left = dispose(lots, 15.0, 60.0, date(2015, 6, 1))
    >>> [(t.lot.lot_id, t.qty, t.gain, t.long_term) for t in taken], left[0].qty
    ([('1', 10.0, 100.0, True), ('2', 5.0, -50.0, False)], 5.0)
    """
    if not qty > 0:
        raise DataError(f"lots: quantity sold is {qty}, wanted above 0")
    order = _ordered(lots, method, lot_ids)
    held = math.fsum(lot.qty for lot in order)
    if qty > held * (1 + 1e-12):
        raise DataError(f"lots: {qty:g} are sold, but {held:g} are held")
    cost = held and math.fsum(lot.qty * lot.price for lot in order) / held
    taken: list[Disposal] = []
    rest = qty
    for lot in order:
        if rest <= 0:
            break
        if on < lot.acquired:
            raise DataError(
                f"lot {lot.lot_id} was bought on {lot.acquired}, after the sale on {on}"
            )
        part = lot.qty if lot.qty <= rest * (1 + 1e-12) else rest
        paid = cost if method == "average" else lot.price
        taken.append(Disposal(lot, part, part * (price - paid), lot.is_long_term(on)))
        rest -= part
    gone = {t.lot.lot_id: t.qty for t in taken}
    left = tuple(
        lot if lot.lot_id not in gone else replace(lot, qty=lot.qty - gone[lot.lot_id])
        for lot in lots
        if gone.get(lot.lot_id) != lot.qty
    )
    if method == "average":
        left = tuple(replace(lot, price=cost) for lot in left)
    return tuple(taken), left


def _ordered(lots: Sequence[Lot], method: str, lot_ids: Sequence[str]) -> list[Lot]:
    if method not in LOT_METHODS:
        raise ConfigError(f"lot method is {method!r}; {nearest(method, LOT_METHODS)}")
    if method == "specific":
        known = {lot.lot_id: lot for lot in lots}
        missing = [lot_id for lot_id in lot_ids if lot_id not in known]
        if missing or not lot_ids:
            raise ConfigError(
                f"lots: {', '.join(missing) or 'none'} named; known: {', '.join(known)}"
            )
        return [known[lot_id] for lot_id in dict.fromkeys(lot_ids)]
    if method == "hifo":
        return sorted(lots, key=lambda lot: (-lot.price, lot.acquired))
    newest = method == "lifo"
    return sorted(lots, key=lambda lot: lot.acquired, reverse=newest)
