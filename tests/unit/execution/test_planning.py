"""Rounding, ids, plans and the order book."""

import hashlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewright.domain.errors import ConfigError
from tradewright.domain.orders import Order, Side
from tradewright.execution import (
    OrderBook,
    Rounding,
    derive_order_id,
    lot_units,
    plan_order,
    round_price,
    round_quantity,
    target_quantity,
)


@given(
    st.floats(-1e6, 1e6, allow_nan=False),
    st.sampled_from([1, 10**4, 10**7, 10**8, 25 * 10**8]),
    st.sampled_from(list(Rounding)),
)
def test_a_rounded_quantity_is_a_lot_on_the_right_side(value, lot, rounding):
    got = round_quantity(value, lot, rounding)
    exact = Fraction(value) * 10**8
    assert got % lot == 0
    slack = abs(exact) * Fraction(1, 10**11) + Fraction(1, 10**6)
    if rounding is Rounding.DOWN:
        assert abs(got) <= abs(exact) + slack
        assert abs(exact) - abs(got) < lot + slack
    elif rounding is Rounding.UP:
        assert abs(got) >= abs(exact) - slack
        assert abs(got) - abs(exact) < lot + slack
    else:
        assert abs(got - exact) <= Fraction(lot, 2) + slack


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e12])
def test_a_quantity_that_is_no_quantity_is_refused(value):
    with pytest.raises(ConfigError, match="quantity"):
        round_quantity(value, 1)


@given(st.floats(0.01, 1e5), st.sampled_from([0.01, 0.05, 1.0, 0.00001]))
def test_a_rounded_price_brackets_the_price(px, tick):
    down, up = (round_price(px, tick, r) for r in (Rounding.DOWN, Rounding.UP))
    step = round(tick * 10**8)
    assert down % step == up % step == 0
    assert up - down in (0, step) or down == step
    assert down <= px * 10**8 * (1 + 1e-11) or down == step
    assert up >= px * 10**8 * (1 - 1e-11)


@pytest.mark.parametrize("px", [0.0, -1.0, float("nan"), float("inf")])
def test_a_price_that_is_no_price_is_refused(px):
    with pytest.raises(ConfigError, match="wanted a finite number above 0"):
        round_price(px, 0.01)


@given(st.floats(-2, 2), st.integers(1, 10**11), st.floats(1.0, 1e4), st.sampled_from([1, 10**8]))
def test_a_target_never_costs_more_than_its_weight(weight, equity, px, lot):
    qty = target_quantity(weight, equity_minor=equity, px=px, lot=lot)
    value = Fraction(abs(qty) * round(px * 10**8), 10**14)
    assert value <= Fraction(abs(weight)) * equity * (1 + Fraction(1, 10**10)) + Fraction(1, 10**4)
    assert qty * weight >= 0
    assert qty % lot == 0


def test_target_of_a_negative_account_is_nothing_and_of_no_price_an_error():
    assert target_quantity(1.0, equity_minor=-5, px=1.0, lot=1) == 0
    for px in (0.0, float("nan")):
        with pytest.raises(ConfigError, match="price above 0"):
            target_quantity(1.0, equity_minor=5, px=px, lot=1)


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(-20, 20))
def test_a_plan_ends_at_the_target(target, held, working):
    plan = plan_order(target, held, working)
    change = 0 if plan is None else int(plan.side) * plan.qty
    assert held + working + change == target
    if plan is not None and plan.reduces:
        assert abs(held + change) < abs(held)
        assert (held + change) * held >= 0


def test_an_order_id_is_a_pure_function_with_130_bits_of_its_inputs():
    digest = hashlib.sha256(b"run\x1f5\x1fAAPL\x1f1").digest()
    bits = int.from_bytes(digest[:17], "big") >> 6
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    wanted = "".join(letters[(bits >> (5 * i)) & 31] for i in reversed(range(26)))
    assert derive_order_id("run", 5, "AAPL", 1) == "tw-" + wanted
    others = {
        derive_order_id(*a)
        for a in [
            ("run", 5, "AAPL", 2),
            ("run", 6, "AAPL", 1),
            ("run", 5, "A", 1),
            ("r", 5, "A", 1),
        ]
    }
    assert len(others | {"tw-" + wanted}) == 5


def test_the_same_id_is_the_same_order_or_an_error():
    book = OrderBook()
    order = Order("id", "A", Side.BUY, 5)
    assert book.add(order) is book.add(Order("id", "A", Side.BUY, 5))
    with pytest.raises(ConfigError, match="already stands for another order"):
        book.add(Order("id", "A", Side.BUY, 6))
    book.add(Order("id2", "A", Side.SELL, 2))
    assert book.working_quantity("A") == 3


def test_lot_units():
    assert (lot_units(1.0), lot_units(1e-8), lot_units(0.001)) == (10**8, 1, 10**5)
