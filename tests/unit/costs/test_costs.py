"""Costs against hand figures, and rounding against exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.costs import Costs
from tradewright.costs.impact_inputs import past_volatility_and_volume
from tradewright.costs.rounding import product_half_even, share_half_even
from tradewright.domain.errors import ConfigError
from tradewright.domain.orders import Side


def test_proportional_fee_is_basis_points_of_the_notional() -> None:
    assert Costs(fee_bps=10).plan(100, 50.0).fee == 500  # 0.1 % of 5000.00


def test_fee_per_share_and_per_order_add_up() -> None:
    plan = Costs(fee_per_share=0.005, fee_per_order=0.35).plan(1_000, 20.0)
    assert plan.fee == 535


def test_minimum_and_maximum_bound_the_fee_of_an_order() -> None:
    costs = Costs(fee_bps=10, fee_min=1.0, fee_max=4.0)
    assert costs.plan(1, 10.0).fee == 100
    assert costs.plan(1_000, 10.0).fee == 400
    assert costs.plan(200, 10.0).fee == 200


def test_selling_alone_pays_the_regulatory_rate() -> None:
    costs = Costs(sell_fee_bps=0.278)
    assert costs.plan(1_000, 100.0).fee == 0
    assert costs.plan(1_000, 100.0, side=Side.SELL).fee == 278


def test_taking_pays_half_the_spread_and_slippage_and_limits_do_not() -> None:
    costs = Costs(spread_bps=4, slippage_bps=5)
    taking, resting = costs.plan(100, 100.0), costs.plan(100, 100.0, is_limit=True)
    assert (taking.spread, taking.slippage) == (200, 500)
    assert resting.total == 0


def test_impact_follows_the_square_root_of_the_share_of_volume() -> None:
    # 2 % a day, 1 % of the volume: 0.02 * 0.1 = 20 basis points of 1,000,000.00.
    plan = Costs(impact=1.0).plan(10_000, 100.0, sigma=0.02, adv=1_000_000)
    assert plan.impact == 200_000
    assert Costs(impact=0.5).plan(10_000, 100.0, sigma=0.02, adv=1_000_000).impact == 100_000
    assert Costs(impact=1.0).plan(10_000, 100.0).impact == 0  # nothing is known


def test_yen_and_bitcoin_round_to_their_own_minor_unit() -> None:
    assert Costs(fee_bps=10).plan(3, 1_505.0, currency="JPY").notional == 4_515
    assert Costs().plan(0.5, 0.12345678, currency="BTC").notional == 6_172_839


def test_standard_costs_are_those_of_a_study() -> None:
    assert Costs.standard() == Costs(fee_bps=10, slippage_bps=5, borrow_rate=0.005)
    assert Costs.standard().describe() == "fee_bps 10, slippage_bps 5, borrow_rate 0.005"
    assert Costs().is_free
    assert Costs().describe() == "no costs"


@pytest.mark.parametrize("name", ["fee_bps", "fee_min", "slippage_bps", "borrow_rate", "impact"])
@pytest.mark.parametrize("value", [-1, math.nan, math.inf, "10", True])
def test_a_cost_that_is_no_amount_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"costs.{name}"):
        Costs(**{name: value})  # type: ignore[arg-type]


def test_a_maximum_below_the_minimum_is_refused() -> None:
    with pytest.raises(ConfigError, match="fee_max"):
        Costs(fee_min=2, fee_max=1)


def test_a_rate_of_the_whole_notional_is_refused() -> None:
    with pytest.raises(ConfigError, match="fee_bps"):
        Costs(fee_bps=10_000)


def test_costs_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Costs().fee_bps = 1.0  # type: ignore[misc]


LIMIT = 4 * 10**18


@settings(deadline=None)  # the first example may compile
@given(st.integers(0, LIMIT - 1), st.integers(0, LIMIT - 1), st.sampled_from([1, 10**2, 10**8]))
def test_products_are_exact_and_round_half_to_even(a: int, b: int, scale: int) -> None:
    exact = Fraction(a * b * scale, 10**16)
    if exact < LIMIT:
        assert product_half_even(a, b, scale) == round(exact)


@given(st.integers(0, 10**9), st.integers(1, 200), st.sampled_from([1, 10**2, 10**8]))
def test_products_that_end_in_a_half_round_to_even(whole: int, odd: int, scale: int) -> None:
    a, b = (2 * whole + 1) * 5 * 10**7 // scale * 1, odd * 10**8
    assert product_half_even(a, b, scale) == round(Fraction(a * b * scale, 10**16))


@settings(deadline=None)  # the first example may compile
@given(st.integers(0, LIMIT - 1), st.integers(0, 10**8))
def test_shares_are_exact_and_round_half_to_even(amount: int, rate: int) -> None:
    assert share_half_even(amount, rate) == round(Fraction(amount * rate, 10**8))


def test_past_volatility_sees_sessions_before_the_bar_only() -> None:
    rng = np.random.default_rng(7)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (60, 2)), axis=0))
    volume = rng.uniform(1e5, 2e5, (60, 2))
    days = np.arange(60)
    sigma, adv = past_volatility_and_volume(close, volume, days)
    returns = close[1:] / close[:-1] - 1
    assert sigma[30] == pytest.approx(returns[9:29].std(axis=0, ddof=1))
    assert adv[30] == pytest.approx(volume[10:30].mean(axis=0))
    assert np.isnan(sigma[4]).all()
    close[31:], volume[31:] = np.nan, np.nan
    again = past_volatility_and_volume(close, volume, days)
    assert (again[:, 6:31] == np.array([sigma, adv])[:, 6:31]).all()
