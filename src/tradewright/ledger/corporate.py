"""Corporate actions as balanced postings.

Shares that are exchanged or given carry their share of the cost: nothing is realised on them until
they are sold. Cash for a fraction, and the cash part of a merger, is realised against its share.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from tradewright.domain.actions import ActionEffect, EffectKind
from tradewright.ledger.entries import Posting, share_of
from tradewright.ledger.holdings import FLAT, Holding

EXCHANGE = "reorganisation"
"""Account through which cost moves from one instrument to another; it is zero between effects."""

Made = tuple[tuple[Posting, ...], dict[str, Any]]


class Book(Protocol):
    """What is read of a ledger."""

    currency: str
    holdings: dict[str, Holding]


def entries_of(book: Book, effect: ActionEffect) -> Iterator[Made]:
    """Yield the postings of an effect, and the instrument and quantity that they move.

    Parameters
    ----------
    book : Ledger
        As it stands before each entry; the caller appends one before it takes the next.
    effect : ActionEffect
        What the action did.
    """
    if effect.kind == EffectKind.SPLIT:
        yield from _split(book, effect)
    elif effect.kind == EffectKind.DIVIDEND:
        yield _earned(book, effect)
    elif effect.kind == EffectKind.PAYMENT:
        legs = (("cash", effect.cash_minor), ("receivable", effect.due_minor))
        yield _postings(book, legs), {"symbol": effect.symbol}
    elif effect.kind in (EffectKind.SPIN_OFF, EffectKind.EXCHANGE):
        yield from _given(book, effect, book.holdings.get(effect.symbol, FLAT).cost_minor)


def _split(book: Book, effect: ActionEffect) -> Iterator[Made]:
    # All shares become new ones; the fraction that is paid out then takes its share of the cost.
    cost = book.holdings.get(effect.symbol, FLAT).cost_minor
    side = 1 if effect.qty > 0 else -1
    whole = abs(effect.qty) * effect.new // effect.old
    gone = whole - abs(effect.qty + effect.change)
    change = side * whole - effect.qty
    yield _postings(book, (("cash", 0),)), {"symbol": effect.symbol, "qty": change}
    if gone or effect.cash_minor:
        moved = share_of(cost, gone, whole) if whole else cost
        yield _paid(book, effect, moved, -side * gone)


def _earned(book: Book, effect: ActionEffect) -> Made:
    legs = (
        ("receivable", effect.due_minor),
        ("withholding", effect.withheld_minor),
        (f"dividend:{effect.symbol}", -effect.due_minor - effect.withheld_minor),
    )
    return _postings(book, legs), {"symbol": effect.symbol}


def _paid(book: Book, effect: ActionEffect, cost: int, qty: int) -> Made:
    # Cash for a part of a position that cost so much.
    legs = (
        ("cash", effect.cash_minor),
        (f"position:{effect.symbol}", -cost),
        (f"realised:{effect.symbol}", cost - effect.cash_minor),
    )
    return _postings(book, legs), {"symbol": effect.symbol, "qty": qty, "kind": "close"}


def _given(book: Book, effect: ActionEffect, cost: int) -> Iterator[Made]:
    # Of a spin-off, the part of the cost that the new shares are worth beside the old ones.
    worth = abs(effect.given_minor) + abs(effect.cash_minor)
    carried = cost
    if effect.kind == EffectKind.SPIN_OFF:
        left = abs(effect.left_minor)
        carried = share_of(cost, worth, worth + left) if worth + left else 0
    in_cash = share_of(carried, abs(effect.cash_minor), worth) if worth else carried
    moved = carried - in_cash
    if effect.cash_minor or in_cash:
        yield _paid(book, effect, in_cash, 0)
    legs = ((f"position:{effect.symbol}", -moved), (EXCHANGE, moved))
    yield _postings(book, legs), {"symbol": effect.symbol, "qty": effect.change}
    if effect.other_qty:
        yield from _received(book, effect, moved)


def _received(book: Book, effect: ActionEffect, cost: int) -> Iterator[Made]:
    # Shares given against an opposite position close it first, at the cost they carry.
    held = book.holdings.get(effect.other, FLAT)
    qty, whole = effect.other_qty, abs(effect.other_qty)
    closing = min(abs(held.qty), whole) if held.qty * qty < 0 else 0
    spent = share_of(cost, closing, whole)
    legs: tuple[tuple[str, int], ...]
    if closing:
        freed = share_of(held.cost_minor, closing, abs(held.qty))
        legs = (
            (EXCHANGE, -spent),
            (f"position:{effect.other}", -freed),
            (f"realised:{effect.other}", freed + spent),
        )
        part = closing if qty > 0 else -closing
        yield _postings(book, legs), {"symbol": effect.other, "qty": part, "kind": "close"}
    if closing < whole:
        legs = ((EXCHANGE, spent - cost), (f"position:{effect.other}", cost - spent))
        part = whole - closing if qty > 0 else closing - whole
        fields = {"symbol": effect.other, "qty": part, "kind": "open"}
        yield _postings(book, legs), fields


def _postings(book: Book, legs: tuple[tuple[str, int], ...]) -> tuple[Posting, ...]:
    # A leg of nothing stays only where it is all there is.
    kept = [leg for leg in legs if leg[1]] or [legs[0]]
    return tuple(Posting(account, book.currency, amount) for account, amount in kept)
