"""Tiers, makers, estimated spreads, laws of impact and financing against hand figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tradewright.costs import Costs
from tradewright.costs.impact_inputs import corwin_schultz, past_half_spread
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders
from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import Instrument
from tradewright.domain.orders import DenyReason, OrderStatus
from tradewright.domain.outcome import Outcome
from tradewright.simulation import run_orders

DAY_NS = 86_400 * 10**9


def flat_bars(n_bars: int, *symbols: str, price: float = 100.0) -> Bars:
    prices = np.full((n_bars, len(symbols)), price)
    ts = np.arange(1, n_bars + 1) * DAY_NS
    names = tuple(Instrument(symbol) for symbol in symbols)
    return Bars(names, ts, *[prices.copy() for _ in range(4)], prices * 1e4)


def outcome_of(bars: Bars, costs: Costs, *orders: dict[str, Any]) -> Outcome:
    table = {"bar": 0, "symbol": bars.symbols[0], "side": "BUY", "qty": 10.0}
    names = sorted({name for order in orders for name in order} - set(table))
    rows = [{**table, **order} for order in orders]
    columns = {name: [row.get(name) for row in rows] for name in [*table, *names]}
    return run_orders(bars, Orders(columns), cash_minor=10_000_000, costs=costs)


def test_limit_fills_pay_the_maker_fee_and_others_the_taker_fee() -> None:
    costs = Costs(fee_bps=10, maker_fee_bps=4)
    assert costs.plan(100, 100.0).fee == 1_000
    assert costs.plan(100, 100.0, is_limit=True).fee == 400
    bars = flat_bars(3, "A")
    limit = {"type": "LIMIT", "limit": 100.0}
    assert outcome_of(bars, costs, {}, limit).fills["fee"].tolist() == [100, 40]


def test_tiers_charge_by_what_the_month_has_traded_before_the_fill() -> None:
    costs = Costs(fee_tiers=[(0, 10, 5), (2_500, 6, 3), (4_000, 2)])
    bars = flat_bars(40, "A")  # the first month ends with row 30
    orders = [{"bar": at, "side": "BUY" if at % 2 == 0 else "SELL"} for at in range(6)]
    later = [{"bar": 29, "side": "BUY"}, {"bar": 30, "side": "SELL"}]
    fees = outcome_of(bars, costs, *orders, *later).fills["fee"].tolist()
    # 1,000.00 each: 0, 1000, 2000 | 3000 | 4000 ... and again from nothing in February.
    assert fees == [100, 100, 100, 60, 20, 20, 20, 100]
    assert costs.plan(10, 100.0, traded=2_499.99).fee == 100
    assert costs.plan(10, 100.0, traded=2_500.0).fee == 60
    assert costs.plan(10, 100.0, traded=2_500.0, is_limit=True).fee == 30


@pytest.mark.parametrize(
    ("sigma", "per_volume", "days", "basis_points"),
    [
        # Table 3 of the paper: a tenth of a day's volume of IBM and DRI in 0.1, 0.2, 0.5 days.
        (0.0157, 263.0, 0.1, 32),
        (0.0157, 263.0, 0.2, 25),
        (0.0157, 263.0, 0.5, 18),
        (0.0226, 87.0, 0.1, 43),
        (0.0226, 87.0, 0.2, 32),
        (0.0226, 87.0, 0.5, 23),
    ],
)
def test_impact_of_almgren_and_others_is_that_of_their_example(
    sigma: float, per_volume: float, days: float, basis_points: int
) -> None:
    adv = 1_000_000.0
    costs = Costs(impact="almgren2005", impact_days=days, shares_outstanding={"A": 1.0})
    plan = costs.plan(adv / 10, 10.0, sigma=sigma, adv=adv, shares=per_volume * adv)
    assert plan.impact / plan.notional * 1e4 == pytest.approx(basis_points, abs=0.6)


def test_impact_with_shares_outstanding_is_charged_to_fills() -> None:
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (40, 1)), axis=0))
    ts = np.arange(1, 41) * DAY_NS
    bars = Bars((Instrument("A"),), ts, close, close, close, close, np.full((40, 1), 5_000.0))
    costs = Costs(impact="almgren2005", shares_outstanding={"A": 1e6})
    fill = outcome_of(bars, costs, {"bar": 30, "qty": 50.0}).fills[0]
    sigma = np.std(close[11:31, 0] / close[10:30, 0] - 1, ddof=1)
    rate = 0.5 * 0.314 * sigma * 0.01 * 200**0.25 + 0.142 * sigma * 0.01**0.6
    assert fill["impact"] == pytest.approx(rate * fill["notional"], abs=0.51)
    with pytest.raises(ConfigError, match=r"shares_outstanding\[A\] is 0.0"):
        outcome_of(bars, Costs(impact="almgren2005", shares_outstanding={"B": 1e6}), {})


def test_spread_of_two_sessions_by_hand() -> None:
    # Both sessions between 10.00 and 10.20: beta = 2 ln(1.02)^2, gamma = ln(1.02)^2, so that alpha
    # is ln(1.02) and the spread 2 (1.02 - 1) / (1.02 + 1).
    both = np.array([10.2, 10.2]), np.array([10.0, 10.0]), np.array([10.1, 10.1])
    assert corwin_schultz(*both)[0] == pytest.approx(0.04 / 2.02)
    # A gap of 1.00 over night is taken out; without overlap the estimate would be negative.
    gap = np.array([10.2, 11.3]), np.array([10.0, 11.1]), np.array([10.1, 11.2])
    assert corwin_schultz(*gap)[0] == pytest.approx(
        corwin_schultz(np.array([10.2, 10.3]), np.array([10.0, 10.1]), both[2])[0]
    )
    apart = np.array([10.2, 10.6]), np.array([10.0, 10.1]), np.array([10.1, 10.5])
    assert corwin_schultz(*apart)[0] == 0.0


def test_estimated_spread_finds_a_planted_one_and_sees_past_sessions_only() -> None:
    rng = np.random.default_rng(5)
    half = 0.005
    steps = rng.normal(0, 0.01 / np.sqrt(390), (400, 390))
    mid = 50 * np.exp(np.cumsum(steps.ravel()).reshape(400, 390))
    traded = mid * (1 + half * rng.choice([-1, 1], mid.shape))
    high, low, close = traded.max(axis=1), traded.min(axis=1), traded[:, -1]
    columns = [values[:, None] for values in (high, low, close)]
    days = np.arange(400)
    estimate = past_half_spread(*columns, days)[:, 0]
    assert np.isnan(estimate[:6]).all()
    assert np.nanmean(estimate) == pytest.approx(half, rel=0.15)
    changed = [values.copy() for values in columns]
    for values in changed:
        values[200:] *= 3.0
    assert np.array_equal(past_half_spread(*changed, days)[:201, 0], estimate[:201], equal_nan=True)


def test_estimated_spread_and_volatility_are_charged_to_taking_fills() -> None:
    rng = np.random.default_rng(7)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (30, 1)), axis=0))
    high, low = close * 1.01, close * 0.99
    bars = Bars((Instrument("A"),), np.arange(1, 31) * DAY_NS, close, high, low, close, close * 1e3)
    costs = Costs(spread_model="corwin_schultz", slippage_vol=0.2)
    taking = {"bar": 25}
    resting = {"bar": 25, "type": "LIMIT", "limit": 1_000.0}
    first, second = outcome_of(bars, costs, taking, resting).fills
    half = past_half_spread(high, low, close, np.arange(30))[26, 0]
    sigma = np.std(close[7:26, 0] / close[6:25, 0] - 1, ddof=1)
    assert half > 0
    assert first["spread"] == pytest.approx(half * first["notional"], abs=0.51)
    assert first["slippage"] == pytest.approx(0.2 * sigma * first["notional"], rel=0.05)
    assert second["spread"] == second["slippage"] == 0


def test_a_month_of_borrow_differs_by_symbol_and_credit_earns_on_free_cash() -> None:
    bars = flat_bars(32, "A", "B")
    shorts = [{"side": "SELL", "qty": 60.0, "symbol": symbol} for symbol in ("A", "B")]
    own = Costs(borrow_rate=0.05, borrow_rates={"B": 0.2})
    paid = outcome_of(bars, own, *shorts)
    # 6,000.00 short of each for 30 nights at 5 % and 20 %.
    assert paid.financing.sum() == round(600_000 * 0.25 * 30 / 360)
    earned = outcome_of(bars, Costs(credit_rate=0.036), shorts[0])
    # 100,000.00 for the first night; then 106,000.00 less the 6,000.00 of collateral.
    assert -earned.financing.sum() == pytest.approx(10_000_000 * (1.0001**31 - 1), abs=1)
    assert earned.equity[-1] == 10_000_000 - earned.financing.sum()


def test_what_is_hard_to_borrow_is_not_sold_short() -> None:
    bars = flat_bars(5, "A", "B")
    costs = Costs(hard_to_borrow=["B"])
    orders = [
        {"side": "SELL", "symbol": "A"},
        {"side": "SELL", "symbol": "B"},
        {"symbol": "B", "qty": 4.0},
        {"bar": 1, "side": "SELL", "symbol": "B"},
    ]
    outcome = outcome_of(bars, costs, *orders)
    ends = outcome.orders[["status", "reason", "filled_qty"]].tolist()
    refused = (OrderStatus.REJECTED, DenyReason.NO_BORROW, 0)
    cut = (OrderStatus.CANCELLED, DenyReason.NO_BORROW, 4 * 10**8)
    assert ends[1] == refused
    assert ends[3] == cut
    assert ends[0][0] == OrderStatus.FILLED


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fee_tiers": [(10, 5)]}, r"fee_tiers start at \[10.0\]"),
        ({"fee_tiers": [(0, 5), (0, 4)]}, "then rising"),
        ({"fee_tiers": [5]}, r"fee_tiers\[0\] is 5"),
        ({"fee_tiers": [(0, 5)], "fee_bps": 3}, "give one"),
        ({"spread_model": "roll"}, "spread_model is 'roll'"),
        ({"spread_model": "corwin_schultz", "spread_bps": 3}, "give one"),
        ({"impact": "kyle"}, "impact is 'kyle'"),
        ({"impact": "almgren2005"}, "needs shares_outstanding"),
        ({"borrow_rates": {"A": -1}}, r"borrow_rates\[A\]"),
        ({"borrow_rates": 0.1}, "by symbol"),
        ({"hard_to_borrow": "A"}, "wanted a list"),
        ({"maker_fee_bps": 20_000}, "maker_fee_bps"),
    ],
)
def test_a_model_that_lacks_something_is_refused_by_name(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Costs(**given)


def test_costs_are_told_written_and_multiplied() -> None:
    from dataclasses import asdict

    costs = Costs(fee_tiers=[(0, 10), (1e6, 5)], borrow_rates={"A": 0.1}, hard_to_borrow=["B"])
    assert "fee_tiers ((0.0, 10.0, 10.0), (1000000.0, 5.0, 5.0))" in costs.describe()
    assert Costs(**asdict(costs)) == costs
    twice = costs.scaled(2.0)
    assert twice.fee_tiers == ((0.0, 20.0, 20.0), (1e6, 10.0, 10.0))
    assert (twice.borrow_rates, twice.hard_to_borrow) == ({"A": 0.2}, ("B",))
    assert not costs.is_free
    named = Costs(impact="almgren2005", shares_outstanding={"A": 1.0}).scaled(2.0)
    market = {"sigma": 0.0157, "adv": 1e6, "shares": 263e6}
    once = Costs(impact="almgren2005", shares_outstanding={"A": 1.0}).plan(1e5, 10.0, **market)
    assert named.plan(1e5, 10.0, **market).impact == pytest.approx(2 * once.impact, abs=1)
    spread = Costs(spread_model="corwin_schultz").scaled(3.0)
    assert spread.plan(100, 10.0, half_spread=0.001).spread == 300
    assert spread.describe() == "spread_model corwin_schultz, model_scale 3"
