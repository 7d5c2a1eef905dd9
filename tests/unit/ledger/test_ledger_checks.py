"""The ledger check of an outcome, by hand-made outcomes that are right or wrong in one place."""

from dataclasses import replace

import numpy as np
import pytest

from tradewright.domain.errors import LedgerError
from tradewright.domain.instruments import Instrument
from tradewright.domain.orders import Fill, Side
from tradewright.domain.outcome import FILL_DTYPE, ORDER_DTYPE, Outcome
from tradewright.ledger import Ledger, LedgerEntry, Posting, ledger_of, reconcile


def right():
    """Buy 2 at 10 with 5 cents fee on bar 1, sell 1 at 12 on bar 2; borrow 3 cents on bar 2."""
    fills = np.zeros(2, FILL_DTYPE)
    fills["bar"] = [1, 2]
    fills["side"] = [1, -1]
    fills["qty"] = [2 * 10**8, 10**8]
    fills["px"] = [10 * 10**8, 12 * 10**8]
    fills["notional"] = [2000, 1200]
    fills["fee"] = [5, 0]
    cash = np.array([10_000, 7_995, 9_192])
    long = np.array([0, 2_200, 1_300])
    zero = np.zeros(3, np.int64)
    return Outcome(
        (Instrument("A"),), np.array([10, 20, 30]), cash + long, cash, long, zero,
        fills, np.zeros(0, ORDER_DTYPE), np.array([0, 0, 3]), 10_000, np.array([13.0]),
    )  # fmt: skip


def test_a_right_outcome_passes_with_its_figures():
    check = reconcile(right())
    assert (check.bars, check.fills, check.entries) == (3, 2, 4)
    assert (check.cash_minor, check.realised_minor, check.cost_minor) == (9_192, 200, 8)
    assert ledger_of(right()).holdings["A"].average_cost() == 10.0


@pytest.mark.parametrize(
    ("name", "bar", "by", "says"),
    [
        ("cash", 1, 1, "cash at bar 1"),
        ("equity", 2, -1, "equity at bar 2"),
        ("long_value", 0, 1, "equity at bar 0"),
        ("financing", 2, 1, "cash at bar 2"),
    ],
)
def test_one_minor_unit_off_is_named(name, bar, by, says):
    outcome = right()
    wrong = getattr(outcome, name).copy()
    wrong[bar] += by
    with pytest.raises(LedgerError, match=says):
        reconcile(replace(outcome, **{name: wrong}))


def test_positions_that_do_not_give_the_value_are_named():
    outcome = right()
    long = outcome.long_value + np.array([0, 0, 50])
    with pytest.raises(LedgerError, match="positions at the last bar"):
        reconcile(replace(outcome, long_value=long, equity=outcome.cash + long))


def test_a_fill_after_the_last_bar_is_named():
    outcome = right()
    fills = outcome.fills.copy()
    fills["bar"][1] = 7
    with pytest.raises(LedgerError, match="fill 1 is of bar 7"):
        reconcile(replace(outcome, fills=fills))


def test_an_entry_that_does_not_balance_cannot_be_made():
    with pytest.raises(LedgerError, match="sum to 1 minor units"):
        LedgerEntry(1, "cash", 0, "x", (Posting("cash", "USD", 3), Posting("y", "USD", -2)))
    with pytest.raises(LedgerError, match="no posting"):
        LedgerEntry(1, "cash", 0, "x", ())
    with pytest.raises(LedgerError, match="of EUR"):
        LedgerEntry(1, "cash", 0, "x", (Posting("cash", "USD", 0), Posting("y", "EUR", 2)))


def test_busting_the_first_buy_leaves_the_second():
    ledger = Ledger()
    for number, px in ((1, 10), (2, 20)):
        ledger.apply(
            Fill(f"x{number}", "o", "A", Side.BUY, 10**8, px * 10**8, px * 100, 1, 0, 0, 0, 0)
        )
    made = ledger.bust("x1", ts_event=9)
    assert [(e.kind, e.reverses, e.ref) for e in made] == [
        ("reversal", 2, "x2"),
        ("reversal", 1, "x1"),
        ("open", 0, "x2"),
    ]
    assert (ledger.cash_minor, ledger.holdings["A"].cost_minor) == (-2001, 2000)
    with pytest.raises(LedgerError, match="no fill 'x1'"):
        ledger.bust("x1", ts_event=9)


def test_a_gap_in_the_entries_is_refused():
    ledger = Ledger()
    for _ in range(3):
        ledger.transfer(1, ts_event=0, ref="d")
    with pytest.raises(LedgerError, match="entry 3 follows 1"):
        Ledger.replay([ledger.entries[0], ledger.entries[2]])


def test_a_fill_without_quantity_is_refused():
    with pytest.raises(LedgerError, match="positive quantity"):
        Ledger().apply(Fill("x", "o", "A", Side.BUY, 0, 1, 0, 0, 0, 0, 0, 0))
