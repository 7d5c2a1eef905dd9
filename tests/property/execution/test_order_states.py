"""Order states under any sequence of reports, against a few lines of plain bookkeeping."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tradewright.domain.orders import Fill, Order, OrderEvent, OrderStatus, Side
from tradewright.execution import TRANSITIONS, TrackedOrder

QTY = 10
TERMINAL = {"FILLED", "CANCELLED", "EXPIRED", "REJECTED", "DENIED"}
# Written out by hand from the table of the order's life.
MAY_FOLLOW = {
    "NEW": {"WORKING", "CANCELLED", "EXPIRED", "REJECTED", "DENIED", "PARTIALLY_FILLED", "FILLED"},
    "WORKING": {"PARTIALLY_FILLED", "FILLED", "CANCELLED", "EXPIRED", "REJECTED"},
    "PARTIALLY_FILLED": {"FILLED", "CANCELLED", "EXPIRED", "REJECTED"},
}


class OneOrder(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.tracked = TrackedOrder(Order("id", "A", Side.BUY, QTY))
        self.sum_by_execution = {}

    @rule(status=st.sampled_from(list(OrderStatus)))
    def report(self, status):
        before = self.tracked.status
        changed = self.tracked.apply_event(OrderEvent("id", "A", status, 1))
        allowed = status.name in MAY_FOLLOW.get(before.name, set())
        assert changed == allowed
        assert self.tracked.status is (status if allowed else before)

    @rule(number=st.integers(1, 6), qty=st.integers(1, 8))
    def fill(self, number, qty):
        before, known = self.tracked.status, number in self.sum_by_execution
        new = self.tracked.apply_fill(
            Fill(f"x{number}", "id", "A", Side.BUY, qty, 1, 1, 0, 0, 0, 0, 1)
        )
        assert new == (not known)
        if known:
            assert self.tracked.status is before
            return
        self.sum_by_execution[number] = qty
        if before.name in TERMINAL - {"FILLED"}:
            assert self.tracked.late_fill
        if sum(self.sum_by_execution.values()) >= QTY:
            assert self.tracked.status is OrderStatus.FILLED

    @invariant()
    def quantities_add_up(self):
        filled = sum(self.sum_by_execution.values())
        assert self.tracked.filled_qty == filled
        assert self.tracked.overfill == (filled > QTY)
        leaves = 0 if self.tracked.status.name in TERMINAL else max(QTY - filled, 0)
        assert self.tracked.leaves_qty == leaves


OneOrder.TestCase.settings = settings(max_examples=150, stateful_step_count=15, deadline=None)
TestOneOrder = OneOrder.TestCase


def test_terminal_states_have_no_way_out_and_the_table_is_the_listed_one():
    for status, following in TRANSITIONS.items():
        assert {s.name for s in following} == MAY_FOLLOW.get(status.name, set())
    assert set(TRANSITIONS) == set(OrderStatus)
