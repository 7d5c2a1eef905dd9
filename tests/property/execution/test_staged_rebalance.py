"""A rebalance in stages against a small account of its own: sells first, cash never below zero."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.execution import StagedRebalance, StageStatus, StageView

LOT = 100_000_000
NAMES = ("A", "B", "C", "D")
MINUTE = 60 * 10**9


class Account:
    """Whole lots and cents by hand; a purchase beyond the cash is refused whole."""

    def __init__(self, cash_minor, lots, prices):
        self.cash, self.lots, self.prices = cash_minor, dict(lots), dict(prices)

    @property
    def equity(self):
        return self.cash + sum(round(self.lots[s] * self.prices[s] * 100) for s in NAMES)

    def move_to(self, symbol, wanted, part):
        change = wanted - self.lots[symbol]
        change = int(math.copysign(math.ceil(abs(change) * part), change))
        value = round(abs(change) * self.prices[symbol] * 100)
        cost = value // 1000
        pays = value + cost if change > 0 else cost - value
        if pays > self.cash:
            return
        self.cash -= pays
        self.lots[symbol] += change

    def view(self, now):
        return StageView(
            now, self.equity, self.cash,
            {s: n * LOT for s, n in self.lots.items()}, self.prices, dict.fromkeys(NAMES, LOT),
        )  # fmt: skip


@st.composite
def accounts(draw):
    prices = {s: draw(st.integers(100, 20_000)) / 100 for s in NAMES}
    lots = {s: draw(st.integers(0, 300)) for s in NAMES}
    cash = draw(st.integers(0, 5_000_000))
    parts = draw(st.lists(st.integers(0, 25), min_size=4, max_size=4))
    return Account(cash, lots, prices), {s: p / 100 for s, p in zip(NAMES, parts, strict=True)}


def run(account, weights, *, moves, parts, largest=math.inf):
    staged = StagedRebalance(weights, largest=largest, cost_rate=0.001)
    steps, now = [], 0
    while not staged.is_over and len(steps) < 400:
        before = dict(account.lots)
        wanted = {s: q // LOT for s, q in staged.step(account.view(now)).items()}
        if staged.is_over:
            break
        steps.append({s: (before[s], q) for s, q in wanted.items()})
        at = len(steps) - 1
        for symbol in account.prices:
            account.prices[symbol] *= moves[at % len(moves)]
        for symbol, qty in wanted.items():
            account.move_to(symbol, qty, parts[at % len(parts)])
            assert account.cash >= 0
        now += MINUTE
    return staged, steps


@settings(max_examples=200, deadline=None)
@given(
    accounts(),
    st.lists(st.floats(0.97, 1.03), min_size=1, max_size=5),
    st.lists(st.sampled_from([1, 1, Fraction(1, 2), 0]), min_size=1, max_size=5),
    st.sampled_from([math.inf, 0.05]),
)
def test_cash_stays_and_what_shrinks_goes_first(case, moves, parts, largest):
    account, weights = case
    staged, steps = run(account, weights, moves=moves, parts=parts, largest=largest)
    assert staged.is_over
    grown = False
    for step in steps:
        shrinks = [q < held for held, q in step.values()]
        assert all(shrinks) or not any(shrinks)
        grown = grown or not any(shrinks)
    if staged.status is StageStatus.DONE:
        for symbol, target in staged.targets.items():
            assert abs(account.lots[symbol] * LOT - target) < LOT


@settings(max_examples=200, deadline=None)
@given(accounts())
def test_with_full_fills_at_the_price_every_name_ends_within_a_lot(case):
    account, weights = case
    equity = account.equity
    # Half of the equity stays cash, so that costs never cut a purchase.
    weights = {s: w / 2 for s, w in weights.items()}
    before = dict(account.lots)
    staged, _ = run(account, weights, moves=[1.0], parts=[1])
    least = max(100, equity // 1000)
    for symbol, weight in weights.items():
        px = account.prices[symbol]
        wanted = weight * equity / 100 / px
        change = abs(math.floor(wanted + 1e-9) - before[symbol]) * px * 100
        if change >= least or not weight or account.lots[symbol] != before[symbol]:
            assert abs(account.lots[symbol] - wanted) <= 1 + 1e-6
    assert staged.status is StageStatus.DONE


def view(positions, *, cash=0, equity=100_000, now=1, working=()):
    return StageView(
        now, equity, cash, {s: n * LOT for s, n in positions.items()},
        dict.fromkeys("AB", 10.0), dict.fromkeys("AB", LOT), frozenset(working),
    )  # fmt: skip


def test_a_purchase_waits_until_the_sale_has_paid_for_it():
    staged = StagedRebalance({"A": 0.0, "B": 0.5})
    assert staged.step(view({"A": 100})) == {"A": 0}
    assert staged.step(view({"A": 60}, cash=40_000, working="A", now=MINUTE)) == {}
    assert staged.step(view({"A": 0}, cash=100_000, now=2 * MINUTE)) == {"B": 50 * LOT}
    assert staged.step(view({"A": 0, "B": 50}, cash=50_000, now=3 * MINUTE)) == {}
    assert (staged.status, staged.reasons) == (StageStatus.DONE, ())


def test_an_order_that_works_for_ten_minutes_is_planned_anew_once_and_then_left():
    staged = StagedRebalance({"A": 0.0})
    assert staged.step(view({"A": 100})) == {"A": 0}
    assert staged.step(view({"A": 40}, cash=60_000, working="A", now=9 * MINUTE)) == {}
    assert staged.step(view({"A": 40}, cash=60_000, working="A", now=11 * MINUTE)) == {"A": 0}
    assert staged.step(view({"A": 40}, cash=60_000, working="A", now=12 * MINUTE)) == {}
    staged.step(view({"A": 40}, cash=60_000, now=22 * MINUTE))
    assert staged.status is StageStatus.PARTIAL
    assert staged.reasons == ("A: 40 units are left: its order did not fill",)


def test_a_refusal_is_the_reason_of_what_is_left():
    staged = StagedRebalance({"A": 0.5})
    assert staged.step(view({}, cash=100_000)) == {"A": 50 * LOT}
    staged.refused("A", "account:paper is HALTED")
    staged.step(view({}, cash=100_000, now=MINUTE))
    staged.refused("A", "account:paper is HALTED")
    staged.step(view({}, cash=100_000, now=2 * MINUTE))
    assert staged.status is StageStatus.PARTIAL
    assert staged.reasons == ("A: 50 units are left: account:paper is HALTED",)


def test_a_flip_closes_before_it_opens_the_other_side():
    staged = StagedRebalance({"A": -0.5})
    assert staged.step(view({"A": 30}, cash=70_000)) == {"A": 0}
    assert staged.step(view({"A": 0}, cash=100_000, now=MINUTE)) == {"A": -50 * LOT}


@pytest.mark.parametrize(
    ("equity", "price", "least"), [(50_000, 0.99, "1.00"), (10_000_000, 99.0, "100.00")]
)
def test_a_change_below_the_least_is_dropped_with_its_reason(equity, price, least):
    # One lot more is wanted: below 1.00, and below a thousandth of equity.
    held = 100
    seen = StageView(1, equity, equity, {"A": held * LOT}, {"A": price}, {"A": LOT})
    weight = (held + 1) * price * 100 / equity * (1 + 1e-9)
    staged = StagedRebalance({"A": weight})
    assert staged.step(seen) == {}
    assert staged.reasons == (f"A: a change of {price:.2f} is below the least of {least}",)


def test_a_large_change_is_reached_in_several_orders():
    staged = StagedRebalance({"A": 0.5}, largest=0.2)
    assert staged.step(view({}, cash=100_000)) == {"A": 20 * LOT}
    assert staged.step(view({"A": 20}, cash=80_000, now=MINUTE)) == {"A": 40 * LOT}
    assert staged.step(view({"A": 40}, cash=60_000, now=2 * MINUTE)) == {"A": 50 * LOT}


def test_without_a_price_nothing_is_ordered_and_the_end_is_partial():
    staged = StagedRebalance({"A": 0.5})
    assert staged.step(StageView(1, 100_000, 100_000, {}, {"A": math.nan}, {"A": LOT})) == {}
    assert staged.status is StageStatus.PARTIAL
    assert staged.reasons == ("A: no price is known",)


def test_a_cancelled_one_wants_nothing_more():
    staged = StagedRebalance({"A": 0.5})
    staged.cancel("everything is closed")
    assert staged.step(view({}, cash=100_000)) == {}
    assert (staged.status, staged.reasons) == (
        StageStatus.CANCELLED, ("rebalance: everything is closed",),
    )  # fmt: skip
