"""The append-only double-entry book of one account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tradewright.domain.actions import ActionEffect
from tradewright.domain.errors import LedgerError
from tradewright.domain.instruments import Instrument
from tradewright.domain.orders import Fill
from tradewright.ledger.corporate import entries_of
from tradewright.ledger.entries import LedgerEntry, Posting, share_of
from tradewright.ledger.exchange import exchange_legs
from tradewright.ledger.holdings import FLAT, Holding

_COST_ACCOUNTS = ("fee", "spread", "slippage", "impact")


class Ledger:
    """The book: entries are appended, everything else is their sum.

    Parameters
    ----------
    currency : str
        Base currency; every fill is booked in it.
    foreign : mapping of str to Instrument, optional
        Instruments priced in another currency, by symbol: their fills are booked in both, what
        was paid in their own coming out of the account ``exchange:<currency>``.

    Notes
    -----
    Average cost is kept as the exact total cost of the holding. Closing a part takes its share
    of that cost, rounded half to even once; the last part takes what is left, so that from flat
    to flat the realised profit equals the cash that went in and out, to the minor unit. A fill
    that goes through zero is two entries, a close and an open.

    Examples
    --------
    >>> ledger = Ledger()
    >>> _ = ledger.transfer(10_000_00, ts_event=0, ref="deposit")
    >>> ledger.cash_minor, ledger.balances[("external", "USD")]
    (1000000, -1000000)
    """

    __slots__ = (
        "_acted",
        "_executions",
        "_fills",
        "_foreign",
        "balances",
        "currency",
        "entries",
        "holdings",
    )

    def __init__(
        self, currency: str = "USD", foreign: Mapping[str, Instrument] | None = None
    ) -> None:
        self.currency = currency
        self._foreign = foreign or {}
        self.entries: list[LedgerEntry] = []
        self.balances: dict[tuple[str, str], int] = {}
        self.holdings: dict[str, Holding] = {}
        self._executions: set[str] = set()
        self._acted: dict[str, int] = {}
        self._fills: dict[str, list[tuple[Fill, tuple[int, ...]]]] = {}

    @property
    def cash_minor(self) -> int:
        """Balance of cash in the base currency, minor units."""
        return self.balances.get(("cash", self.currency), 0)

    def position(self, symbol: str) -> int:
        """Return the signed quantity held, in units of 1e-8."""
        holding = self.holdings.get(symbol)
        return 0 if holding is None else holding.qty

    def apply(self, fill: Fill) -> tuple[LedgerEntry, ...]:
        """Book a fill.

        Parameters
        ----------
        fill : Fill
            One execution; one already booked changes nothing.

        Returns
        -------
        tuple of LedgerEntry
            The new entries: one, two when the fill goes through zero, none for a repeat.

        Raises
        ------
        LedgerError
            If the quantity is not positive or the notional is negative.
        """
        if fill.execution_id in self._executions:
            return ()
        if fill.qty <= 0 or fill.notional_minor < 0:
            raise LedgerError(
                f"fill {fill.execution_id}: qty {fill.qty}, notional {fill.notional_minor}; "
                "wanted a positive quantity and a notional of at least 0"
            )
        held, qty, side = self.position(fill.symbol), int(fill.qty), int(fill.side)
        closed = min(abs(held), qty) if held * side < 0 else 0
        parts = ((closed, 0), (qty - closed, closed))
        made = tuple(self._book(fill, part, before) for part, before in parts if part)
        self._executions.add(fill.execution_id)
        self._fills.setdefault(fill.symbol, []).append((fill, tuple(e.seq for e in made)))
        return made

    def apply_effect(self, effect: ActionEffect) -> tuple[LedgerEntry, ...]:
        """Book what a corporate action did.

        Parameters
        ----------
        effect : ActionEffect
            One that is already booked changes nothing.

        Returns
        -------
        tuple of LedgerEntry
            The new entries; none for a closing, which its fill books.
        """
        if effect.effect_id in self._executions:
            return ()
        self._executions.add(effect.effect_id)
        made = tuple(
            self._append(
                fields.pop("kind", "action"), effect.ts_event, effect.effect_id, postings, **fields
            )
            for postings, fields in entries_of(self, effect)
        )
        for entry in made:
            self._acted[entry.symbol] = entry.seq
        return made

    def transfer(
        self, amount_minor: int, *, ts_event: int, ref: str, account: str = "external"
    ) -> LedgerEntry:
        """Book cash that comes in (positive) or goes out, against another account.

        Parameters
        ----------
        amount_minor : int
            Change of cash in minor units.
        ts_event : int
            UTC nanoseconds.
        ref : str
            Why.
        account : str
            The other side: ``external`` for deposits, ``financing`` for borrow and interest.

        Returns
        -------
        LedgerEntry
            The new entry.
        """
        amount = int(amount_minor)
        postings = (
            Posting("cash", self.currency, amount),
            Posting(account, self.currency, -amount),
        )
        return self._append("cash", ts_event, ref, postings)

    def bust(self, execution_id: str, *, ts_event: int) -> tuple[LedgerEntry, ...]:
        """Take back a fill that the venue declared void.

        Later fills of the same instrument are taken back too and booked again, so that average
        cost and realised profit are those of a book that never saw the fill.

        Returns
        -------
        tuple of LedgerEntry
            The reversals, newest first, then the entries booked again.

        Raises
        ------
        LedgerError
            If no fill of this id stands in the book, or a corporate action followed it.
        """
        symbol, at = self._find(execution_id)
        if self._fills[symbol][at][1][0] < self._acted.get(symbol, 0):
            raise LedgerError(
                f"fill {execution_id!r} cannot be taken back: a corporate action of {symbol} was "
                "booked after it; book the difference as a transfer"
            )
        later = self._fills[symbol][at:]
        made = [self._reverse(seq, ts_event) for _, seqs in later[::-1] for seq in seqs[::-1]]
        del self._fills[symbol][at:]
        for fill, _ in later[1:]:
            self._executions.discard(fill.execution_id)
            made.extend(self.apply(fill))
        return tuple(made)

    def state(self) -> tuple[dict[tuple[str, str], int], dict[str, Holding]]:
        """Return non-zero balances and all holdings, for comparison."""
        return {k: v for k, v in self.balances.items() if v}, dict(self.holdings)

    @classmethod
    def replay(cls, entries: Iterable[LedgerEntry], currency: str = "USD") -> Ledger:
        """Return the book that these entries add up to.

        Raises
        ------
        LedgerError
            If the numbers of the entries have a gap.
        """
        ledger = cls(currency)
        for entry in entries:
            ledger.append(entry)
        return ledger

    def append(self, entry: LedgerEntry) -> None:
        """Take an entry that another book made, as `replay` does one by one.

        Raises
        ------
        LedgerError
            If its number does not follow the last one.
        """
        if entry.seq != len(self.entries) + 1:
            raise LedgerError(
                f"ledger entry {entry.seq} follows {len(self.entries)}: entries are missing"
            )
        self._post(entry)
        self._remember(entry)

    def _find(self, execution_id: str) -> tuple[str, int]:
        for symbol, fills in self._fills.items():
            for at, (fill, _) in enumerate(fills):
                if fill.execution_id == execution_id:
                    return symbol, at
        raise LedgerError(f"no fill {execution_id!r} stands in the ledger")

    def _book(self, fill: Fill, part: int, before: int) -> LedgerEntry:
        # The part of a fill from quantity `before` on.
        side, whole = int(fill.side), int(fill.qty)
        amounts = [int(fill.notional_minor), int(fill.fee_minor), int(fill.spread_minor)]
        amounts += [int(fill.slippage_minor), int(fill.impact_minor)]
        if part != whole:
            # Differences of rounded cumulated shares: the parts of a flip add up to the fill.
            amounts = [
                share_of(a, before + part, whole) - share_of(a, before, whole) for a in amounts
            ]
        notional = amounts[0]
        holding = self.holdings.get(fill.symbol, FLAT)
        closing = holding.qty * side < 0
        if closing:
            moved = -share_of(holding.cost_minor, part, abs(holding.qty))
        else:
            moved = side * notional
        currency = self.currency
        # A tiny fill may round to nothing; its cash leg stays so that the entry has a posting.
        legs = [Posting("cash", currency, -side * notional - sum(amounts[1:]))]
        if moved:
            legs.append(Posting(f"position:{fill.symbol}", currency, moved))
        if closing and side * notional - moved:
            legs.append(Posting(f"realised:{fill.symbol}", currency, side * notional - moved))
        for account, amount in zip(_COST_ACCOUNTS, amounts[1:], strict=True):
            if amount:
                legs.append(Posting(account, currency, amount))
        if fill.symbol in self._foreign:
            legs += exchange_legs(fill, self._foreign[fill.symbol], part, before)
        return self._append(
            "close" if closing else "open",
            int(fill.ts_event),
            fill.execution_id,
            tuple(legs),
            symbol=fill.symbol,
            qty=side * part,
            fill=fill,
        )

    def _append(
        self,
        kind: str,
        ts_event: int,
        ref: str,
        postings: tuple[Posting, ...],
        **fields: object,
    ) -> LedgerEntry:
        entry = LedgerEntry(
            len(self.entries) + 1,
            kind,
            int(ts_event),
            ref,
            postings,
            **fields,  # type: ignore[arg-type]
        )
        self._post(entry)
        return entry

    def _reverse(self, seq: int, ts_event: int) -> LedgerEntry:
        wrong = self.entries[seq - 1]
        postings = tuple(p._replace(amount_minor=-p.amount_minor) for p in wrong.postings)
        return self._append(
            "reversal",
            ts_event,
            wrong.ref,
            postings,
            symbol=wrong.symbol,
            qty=-wrong.qty,
            reverses=seq,
        )

    def _post(self, entry: LedgerEntry) -> None:
        moved = realised = 0
        balances = self.balances
        for account, currency, amount in entry.postings:
            key = (account, currency)
            balances[key] = balances.get(key, 0) + amount
            if account.startswith("position:"):
                moved += amount
            elif account.startswith("realised:"):
                realised -= amount
        if entry.symbol:
            old = self.holdings.get(entry.symbol, FLAT)
            self.holdings[entry.symbol] = Holding(
                old.qty + entry.qty, old.cost_minor + moved, old.realised_minor + realised
            )
        self.entries.append(entry)

    def _remember(self, entry: LedgerEntry) -> None:
        # Rebuild what `apply` and `bust` need to know from an entry that was read back.
        if entry.reverses:
            fills = self._fills.get(entry.symbol, [])
            self._fills[entry.symbol] = [f for f in fills if entry.reverses not in f[1]]
        elif entry.symbol and entry.fill is None:  # a corporate action
            self._executions.add(entry.ref)
            self._acted[entry.symbol] = entry.seq
        elif entry.fill is not None:
            self._executions.add(entry.ref)
            fills = self._fills.setdefault(entry.symbol, [])
            if fills and fills[-1][0].execution_id == entry.ref:
                fills[-1] = (entry.fill, (*fills[-1][1], entry.seq))
            else:
                fills.append((entry.fill, (entry.seq,)))
