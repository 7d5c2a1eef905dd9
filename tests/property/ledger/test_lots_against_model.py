"""Lots against a model of plain fractions: FIFO, LIFO and average, any split of the fills."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.errors import ConfigError, LedgerError
from tradewright.domain.orders import Fill, FillReason, Side
from tradewright.ledger import Ledger, LedgerEntry, LotBook, Posting

UNIT = 100_000_000


class Model:
    """Lots as [quantity, price] of exact fractions, signed; nothing of the room under test."""

    def __init__(self, method):
        self.method, self.lots, self.realised = method, [], Fraction(0)

    def trade(self, qty, price):
        while qty and self.lots and (self.lots[0][0] > 0) != (qty > 0):
            if self.method == "average":
                held = sum(lot[0] for lot in self.lots)
                cost = sum(lot[0] * lot[1] for lot in self.lots)
                self.lots = [[held, cost / held]]
            lot = self.lots[-1 if self.method == "lifo" else 0]
            if self.method == "hifo":
                lot = max(self.lots, key=lambda found: found[1])
            part = min(abs(qty), abs(lot[0])) * (1 if lot[0] > 0 else -1)
            self.realised += part * (price - lot[1])
            lot[0] -= part
            qty += part
            self.lots = [lot for lot in self.lots if lot[0]]
        if qty:
            self.lots.append([qty, price])


def fill(number, side, qty, price, at=0):
    """`qty` hundredths of a unit at `price` cents."""
    return Fill(
        f"x{number}", f"o{number}", "A", Side(side), qty * UNIT // 100, price * UNIT // 100,
        round(Fraction(qty * price, 100)), 0, 0, 0, 0, at or number, FillReason.ORDER,
    )  # fmt: skip


trades = st.lists(
    st.tuples(st.sampled_from([1, -1]), st.integers(1, 500), st.integers(50, 9_999)),
    min_size=1, max_size=25,
)  # fmt: skip
methods = st.sampled_from(["fifo", "lifo", "hifo", "average"])


def booked(rows):
    ledger = Ledger()
    for number, (side, qty, price) in enumerate(rows, start=1):
        ledger.apply(fill(number, side, qty, price))
    return ledger


@settings(max_examples=300, deadline=None)
@given(trades, methods)
def test_realised_is_the_models_within_the_rounding_of_each_close(rows, method):
    ledger = booked(rows)
    book, model = LotBook.of(ledger.entries, method), Model(method)
    for side, qty, price in rows:
        model.trade(Fraction(side * qty, 100), Fraction(price))
    assert abs(book.realised_minor() - model.realised) <= len(rows) + len(book.closes)
    assert book.position("A") == ledger.position("A") == sum(q for q, _ in model.lots) * UNIT
    if method in ("fifo", "lifo"):  # equal prices of cents are not equal costs of small lots
        assert [lot.qty for lot in book.lots.get("A", ())] == [q * UNIT for q, _ in model.lots]


@settings(max_examples=300, deadline=None)
@given(trades, methods)
def test_from_flat_to_flat_every_method_realises_the_cash_to_the_cent(rows, method):
    held = sum(side * qty for side, qty, _ in rows)
    if held:
        rows = [*rows, (-1 if held > 0 else 1, abs(held), 777)]
    ledger = booked(rows)
    book = LotBook.of(ledger.entries, method)
    assert book.lots == {}
    assert book.realised_minor() == ledger.cash_minor


@settings(max_examples=200, deadline=None)
@given(trades, methods, st.integers(1, 400), st.lists(st.integers(1, 50), max_size=6))
def test_any_split_of_a_closing_fill_realises_the_same(rows, method, price, cuts):
    held = sum(side * qty for side, qty, _ in rows)
    if not held:
        return
    side, left, parts = (-1 if held > 0 else 1), abs(held), []
    for cut in cuts:
        if cut < left:
            parts.append(cut)
            left -= cut
    parts.append(left)
    # A hundred times the price: parts of a fill have whole cents, so that rounding is the lots'.
    whole = booked([*rows, (side, abs(held), price * 100)])
    split = booked([*rows, *((side, part, price * 100) for part in parts)])
    one, many = (LotBook.of(ledger.entries, method) for ledger in (whole, split))
    assert one.realised_minor() == many.realised_minor()


def test_by_hand():
    # 10 at 50.00, 10 at 70.00; 15 are sold at 60.00.
    ledger = booked([(1, 1000, 5000), (1, 1000, 7000), (-1, 1500, 6000)])
    fifo, lifo, average = (LotBook.of(ledger.entries, m) for m in ("fifo", "lifo", "average"))
    assert [c.realised_minor for c in fifo.closes] == [10_000, -5_000]
    assert [c.realised_minor for c in lifo.closes] == [-10_000, 5_000]
    assert [c.realised_minor for c in average.closes] == [0]
    assert [(lot.qty // UNIT, lot.cost_minor) for lot in fifo.lots["A"]] == [(5, 35_000)]
    assert [(lot.qty // UNIT, lot.cost_minor) for lot in lifo.lots["A"]] == [(5, 25_000)]
    assert [(lot.qty // UNIT, lot.cost_minor) for lot in average.lots["A"]] == [(5, 30_000)]


def test_a_flip_closes_every_lot_and_opens_one_in_entries_of_their_own():
    ledger = booked([(1, 1000, 5000), (-1, 1500, 6000)])
    assert [(e.kind, e.qty // UNIT) for e in ledger.entries] == [
        ("open", 10), ("close", -10), ("open", -5),
    ]  # fmt: skip
    book = LotBook.of(ledger.entries)
    assert [(lot.qty // UNIT, lot.cost_minor) for lot in book.lots["A"]] == [(-5, -30_000)]
    assert [c.realised_minor for c in book.closes] == [10_000]


def test_a_busted_fill_never_was():
    ledger = booked([(1, 1000, 5000), (1, 1000, 7000), (-1, 500, 6000)])
    ledger.bust("x1", ts_event=9)
    book = LotBook.of(ledger.entries)
    assert [(lot.qty // UNIT, lot.cost_minor) for lot in book.lots["A"]] == [(5, 35_000)]
    assert book.realised_minor() == -5_000


def test_a_split_changes_all_lots_alike_and_keeps_their_cost():
    ledger = booked([(1, 1000, 5000), (1, 500, 7000)])
    nothing = (Posting("position:A", "USD", 0),)
    ledger.append(LedgerEntry(3, "action", 5, "split", nothing, "A", 15 * UNIT))
    book = LotBook.of(ledger.entries)
    assert [(lot.qty // UNIT, lot.cost_minor) for lot in book.lots["A"]] == [
        (20, 50_000), (10, 35_000),
    ]  # fmt: skip


def test_what_is_not_whole_or_not_known_is_refused():
    ledger = booked([(1, 1000, 5000), (-1, 500, 6000)])
    with pytest.raises(LedgerError, match="closes 500000000, but 0 is held"):
        LotBook.of(ledger.entries[1:])
    with pytest.raises(ConfigError, match="lot method is 'dear'; known"):
        LotBook.of(ledger.entries, "dear")
