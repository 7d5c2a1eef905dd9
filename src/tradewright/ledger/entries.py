"""What the book is made of: postings, and entries whose postings sum to zero."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tradewright.domain.errors import LedgerError
from tradewright.domain.orders import Fill, FillReason, Side

_FILL_INTEGERS = (
    "qty",
    "px",
    "notional_minor",
    "fee_minor",
    "spread_minor",
    "slippage_minor",
    "impact_minor",
    "ts_event",
)


class Posting(NamedTuple):
    """One debit (positive) or credit (negative).

    Parameters
    ----------
    account : str
        For example ``cash``, ``position:AAPL``, ``realised:AAPL``, ``fee``, ``external``.
    currency : str
        Currency of the amount.
    amount_minor : int
        Minor units.
    """

    account: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One event of the book; never changed, only reversed by a later one.

    Parameters
    ----------
    seq : int
        Number in the book, from 1 without gaps.
    kind : str
        ``open`` or ``close`` (the two halves of trading), ``cash``, ``action`` (a corporate action)
        or ``reversal``.
    ts_event : int
        UTC nanoseconds.
    ref : str
        What it stands for: an execution id, the id of a corporate action's effect or the reason of
        a cash movement.
    postings : tuple of Posting
        Sum to zero per currency.
    symbol : str
        Instrument, empty for cash.
    qty : int
        Signed change of the position in units of 1e-8.
    reverses : int
        Number of the entry that this one takes back; 0 for none.
    fill : Fill or None
        The execution behind the entry.

    Raises
    ------
    LedgerError
        If there is no posting or the postings do not sum to zero.
    """

    seq: int
    kind: str
    ts_event: int
    ref: str
    postings: tuple[Posting, ...]
    symbol: str = ""
    qty: int = 0
    reverses: int = 0
    fill: Fill | None = None

    def __post_init__(self) -> None:
        if not self.postings:
            raise LedgerError(f"ledger entry {self.seq} ({self.ref}) has no posting")
        totals: dict[str, int] = {}
        for _, currency, amount in self.postings:
            totals[currency] = totals.get(currency, 0) + amount
        for currency, total in totals.items():
            if total:
                raise LedgerError(
                    f"ledger entry {self.seq} ({self.ref}): postings sum to {total} minor units "
                    f"of {currency}, wanted 0"
                )

    def to_json(self) -> dict[str, Any]:
        """Return the entry as values that JSON can hold."""
        return {
            "seq": self.seq,
            "kind": self.kind,
            "ts_event": self.ts_event,
            "ref": self.ref,
            "postings": [list(posting) for posting in self.postings],
            "symbol": self.symbol,
            "qty": self.qty,
            "reverses": self.reverses,
            "fill": None if self.fill is None else fill_to_json(self.fill),
        }

    @staticmethod
    def from_json(payload: Mapping[str, Any]) -> LedgerEntry:
        """Read an entry written by `to_json`."""
        fields = dict(payload)
        fields["postings"] = tuple(Posting(*row) for row in fields["postings"])
        fields["fill"] = None if fields["fill"] is None else fill_from_json(fields["fill"])
        return LedgerEntry(**fields)


def fill_to_json(fill: Fill) -> dict[str, Any]:
    """Return a fill as values that JSON can hold."""
    values: dict[str, Any] = {name: int(getattr(fill, name)) for name in _FILL_INTEGERS}
    values |= {
        "execution_id": fill.execution_id,
        "client_order_id": fill.client_order_id,
        "symbol": fill.symbol,
        "side": int(fill.side),
        "reason": int(fill.reason),
    }
    return values


def fill_from_json(payload: Mapping[str, Any]) -> Fill:
    """Read a fill written by `fill_to_json`."""
    fields = dict(payload)
    fields["side"] = Side(fields["side"])
    fields["reason"] = FillReason(fields["reason"])
    return Fill(**fields)


def share_of(amount: int, part: int, whole: int) -> int:
    """Return ``amount * part / whole`` exactly, rounded half to even.

    Examples
    --------
    >>> share_of(5, 1, 2), share_of(7, 1, 2), share_of(-5, 1, 2), share_of(10, 3, 3)
    (2, 4, -2, 10)
    """
    quotient, rest = divmod(amount * part, whole)
    if 2 * rest > whole or (2 * rest == whole and quotient % 2):
        quotient += 1
    return quotient


def total_by_account(entries: Iterable[LedgerEntry]) -> dict[tuple[str, str], int]:
    """Return the sum of the postings of each (account, currency)."""
    totals: dict[tuple[str, str], int] = {}
    for entry in entries:
        for account, currency, amount in entry.postings:
            key = (account, currency)
            totals[key] = totals.get(key, 0) + amount
    return totals
