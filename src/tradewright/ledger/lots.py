"""Lots of an account, read from its own entries: what is held since when, and what was realised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

from tradewright.domain.errors import ConfigError, LedgerError, nearest
from tradewright.ledger.entries import LedgerEntry, share_of

METHODS: Final = ("fifo", "lifo", "hifo", "average")


@dataclass(frozen=True, slots=True)
class TaxLot:
    """One opening trade that is still held, in whole or in part.

    Parameters
    ----------
    symbol : str
        Instrument.
    qty : int
        Signed quantity left, in units of 1e-8; never 0.
    cost_minor : int
        What it cost, without fees, signed like the quantity.
    acquired_ns : int
        When it was opened, UTC nanoseconds.
    ref : str
        The execution that opened it.
    """

    symbol: str
    qty: int
    cost_minor: int
    acquired_ns: int
    ref: str


@dataclass(frozen=True, slots=True)
class LotClose:
    """A part of a lot that was closed.

    Parameters
    ----------
    lot : TaxLot
        The part, with its share of the cost.
    closed_ns : int
        When, UTC nanoseconds.
    ref : str
        The execution that closed it.
    realised_minor : int
        Profit before cost components.
    """

    lot: TaxLot
    closed_ns: int
    ref: str
    realised_minor: int


@dataclass(slots=True)
class LotBook:
    """Lots and closes under one method.

    Parameters
    ----------
    method : str
        ``fifo`` takes the oldest lot first, ``lifo`` the newest, ``hifo`` the dearest,
        ``average`` every lot alike.

    Notes
    -----
    A part of a lot takes its share of the cost, rounded half to even once; the last part takes
    what is left. From flat to flat all methods realise the same, to the minor unit.
    """

    method: str = "fifo"
    lots: dict[str, list[TaxLot]] = field(default_factory=dict)
    closes: list[LotClose] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"lot method is {self.method!r}; {nearest(self.method, METHODS)}")

    @classmethod
    def of(cls, entries: Iterable[LedgerEntry], method: str = "fifo") -> LotBook:
        """Return the lots that the entries of a book amount to.

        Parameters
        ----------
        entries : iterable of LedgerEntry
            A whole book, in order. What a reversal takes back never happened.
        method : str
            See `LotBook`.

        Returns
        -------
        LotBook
            Lots by instrument in the order they were opened, and every close.

        Raises
        ------
        ConfigError
            If the method is unknown.
        LedgerError
            If an entry closes more than is held: the book is not whole.
        """
        book, rows = cls(method), list(entries)
        gone = {row.reverses for row in rows if row.reverses}
        for row in rows:
            if row.symbol and not row.reverses and row.seq not in gone:
                book._take(row)
        return book

    def realised_minor(self, symbol: str | None = None) -> int:
        """Return the profit of what was closed, before cost components."""
        return sum(c.realised_minor for c in self.closes if symbol in (None, c.lot.symbol))

    def position(self, symbol: str) -> int:
        """Return the signed quantity that the lots hold."""
        return sum(lot.qty for lot in self.lots.get(symbol, ()))

    def _take(self, entry: LedgerEntry) -> None:
        value = _value(entry)
        own = self.lots.setdefault(entry.symbol, [])
        if entry.kind == "open":
            own.append(TaxLot(entry.symbol, entry.qty, value, entry.ts_event, entry.ref))
        elif entry.kind == "close":
            self._close(own, entry, value)
        else:
            self.lots[entry.symbol] = _scaled(own, entry, value)
        if not self.lots[entry.symbol]:
            del self.lots[entry.symbol]

    def _close(self, own: list[TaxLot], entry: LedgerEntry, value: int) -> None:
        left, held = abs(entry.qty), sum(abs(lot.qty) for lot in own)
        if left > held:
            raise LedgerError(
                f"lots of {entry.symbol}: entry {entry.seq} closes {left}, but {held} is held"
            )
        if self.method == "average" and len(own) > 1:
            own[:] = [_merged(own)]
        done = 0
        while left:
            at = _first(own, self.method)
            lot = own[at]
            part = min(left, abs(lot.qty))
            sign = 1 if lot.qty > 0 else -1
            cost = share_of(lot.cost_minor, part, abs(lot.qty))
            # Differences of rounded cumulated shares: the parts add up to the entry.
            whole = abs(entry.qty)
            got = share_of(value, done + part, whole) - share_of(value, done, whole)
            taken = replace(lot, qty=sign * part, cost_minor=cost)
            self.closes.append(LotClose(taken, entry.ts_event, entry.ref, -got - cost))
            rest = lot.qty - sign * part
            if rest:
                own[at] = replace(lot, qty=rest, cost_minor=lot.cost_minor - cost)
            else:
                del own[at]
            left, done = left - part, done + part


def _first(own: list[TaxLot], method: str) -> int:
    if method == "lifo":
        return len(own) - 1
    if method == "hifo":
        return max(range(len(own)), key=lambda at: Fraction(own[at].cost_minor, own[at].qty))
    return 0


def _value(entry: LedgerEntry) -> int:
    # What was traded, signed like the side: the cost of the position and what was realised on it.
    legs = (f"position:{entry.symbol}", f"realised:{entry.symbol}")
    return sum(p.amount_minor for p in entry.postings if p.account in legs)


def _merged(own: list[TaxLot]) -> TaxLot:
    first = own[0]
    return replace(
        first, qty=sum(lot.qty for lot in own), cost_minor=sum(lot.cost_minor for lot in own)
    )


def _scaled(own: list[TaxLot], entry: LedgerEntry, value: int) -> list[TaxLot]:
    # A corporate action changes all lots alike: quantity and cost by their shares.
    held = sum(lot.qty for lot in own)
    if not held:
        return own
    out, done, given = list[TaxLot](), 0, 0
    for lot in own:
        done += abs(lot.qty)
        qty = share_of(held + entry.qty, done, abs(held)) - given
        given += qty
        before = done - abs(lot.qty)
        cost = share_of(value, done, abs(held)) - share_of(value, before, abs(held))
        if qty:
            out.append(replace(lot, qty=qty, cost_minor=lot.cost_minor + cost))
    return out
