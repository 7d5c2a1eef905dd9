"""An order for a share of equity buys the most that its budget pays for, from cents to billions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Signals
from tradewright.domain.instruments import Instrument
from tradewright.domain.rules import FillRules
from tradewright.simulation import run_signals

UNIT = 10**8
DAY_NS = 86_400 * 10**9


def cost_minor(qty: int, px: int, fee_bps: int) -> int:
    """Price and fee of a purchase in cents, each rounded half to even, in exact arithmetic."""
    notional = round(Fraction(qty * px, UNIT * UNIT // 100))
    return notional + round(Fraction(notional * fee_bps, 10_000))


def marked_minor(qty: int, px: int) -> int:
    return round(Fraction(qty * px, UNIT * UNIT // 100))


@settings(deadline=None)
@given(
    cash_minor=st.integers(10_000, 10**14),
    px=st.integers(30 * UNIT, 50_000 * UNIT),
    fee_bps=st.integers(0, 100),
    lot=st.sampled_from([1, 1000, UNIT, 100 * UNIT]),
)
@example(cash_minor=10**14, px=99 * UNIT + 7, fee_bps=10, lot=1)
@example(cash_minor=99_999_999_999_999, px=1234 * UNIT + 56_789, fee_bps=1, lot=UNIT)
def test_the_next_lot_would_cost_more_than_there_is(
    cash_minor: int, px: int, fee_bps: int, lot: int
) -> None:
    price = np.full((4, 1), px / UNIT)
    px = round(px / UNIT * 1e8)
    stock = Instrument("A", lot_size=lot / UNIT, tick_size=1e-8)
    bars = Bars((stock,), np.arange(1, 5) * DAY_NS, price, price, price, price, price)
    entries = np.array([[True], [False], [False], [False]])
    outcome = run_signals(
        bars,
        Signals(entries, ~entries & False),
        cash_minor=cash_minor,
        costs=Costs(fee_bps=fee_bps),
        rules=FillRules(),
    )
    bought = int(outcome.fills["qty"][0]) if len(outcome.fills) else 0
    assert bought % lot == 0
    assert cost_minor(bought, px, fee_bps) <= cash_minor
    unrounded = Fraction((bought + lot) * px * 100, UNIT * UNIT) * (1 + Fraction(fee_bps, 10_000))
    assert max(unrounded, cost_minor(bought + lot, px, fee_bps)) > cash_minor
    if bought:
        left = cash_minor - cost_minor(bought, px, fee_bps)
        assert outcome.equity[-3:].tolist() == [left + marked_minor(bought, px)] * 3


@settings(deadline=None, max_examples=20)
@given(cash_minor=st.integers(10**6, 10**14), seed=st.integers(0, 2**32 - 1))
@example(cash_minor=10**14, seed=1)
@example(cash_minor=3 * 10**12, seed=2)  # where a mark in floats is off now and then
@example(cash_minor=3 * 10**12, seed=3)
@example(cash_minor=3 * 10**12, seed=4)
def test_marks_are_exact_to_the_cent(cash_minor: int, seed: int) -> None:
    close = 40 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 1e-3, (9000, 1)), axis=0))
    ts = np.arange(1, 9001) * DAY_NS
    bars = Bars((Instrument("A", tick_size=1e-8),), ts, close, close, close, close, close)
    entries = np.zeros(close.shape, dtype=bool)
    entries[0] = True
    outcome = run_signals(
        bars,
        Signals(entries, ~entries & False),
        cash_minor=cash_minor,
        costs=Costs(),
        rules=FillRules(),
    )
    bought = int(outcome.fills["qty"][0])
    left = cash_minor - cost_minor(bought, int(outcome.fills["px"][0]), 0)
    marks = [left + marked_minor(bought, round(float(price) * 1e8)) for price in close[1:, 0]]
    assert outcome.equity[1:].tolist() == marks
