"""Margin calls and liquidations against hand-worked accounts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders, TargetWeights
from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.domain.orders import DenyReason, FillReason, Order, OrderStatus, Side
from tradewright.domain.outcome import Outcome
from tradewright.domain.rules import FillRules
from tradewright.ledger import reconcile
from tradewright.simulation import SimulatedVenue, run_orders, run_weights

DAY_NS = 86_400 * 10**9
CASH = 1_000_000  # 10,000.00
FLAT = (100, 100, 100, 100)
LONG = {"qty": 200.0}  # 20,000.00 on 10,000.00: below the margin under 10000 / 150 = 66.67
SHORT = {"qty": 100.0, "side": "SELL"}  # above the margin over 20000 / 130 = 153.85
DOUBLE = FillRules(leverage=2.0)


def bars_of(*rows: Any, kind: AssetClass = AssetClass.STOCK) -> Bars:
    """Daily bars from (open, high, low, close), or several of them for several instruments."""
    prices = np.array(rows, dtype=float).reshape(len(rows), -1, 4)
    panel = [np.ascontiguousarray(prices[:, :, at]) for at in range(4)]
    names = tuple(Instrument(symbol, kind) for symbol in "ABC"[: prices.shape[1]])
    return Bars(names, np.arange(1, len(rows) + 1) * DAY_NS, *panel, np.full(panel[0].shape, 1e6))


def outcome_of(
    bars: Bars, *orders: dict[str, Any], rules: FillRules = DOUBLE, costs: Costs | None = None
) -> Outcome:
    table = {"bar": 0, "symbol": "A", "side": "BUY", "qty": 10.0}
    names = sorted({name for order in orders for name in order} - set(table))
    rows = [{**table, **order} for order in orders]
    columns = {name: [row.get(name) for row in rows] for name in [*table, *names]}
    outcome = run_orders(bars, Orders(columns), cash_minor=CASH, costs=costs, rules=rules)
    reconcile(outcome)
    return outcome


def fills_of(outcome: Outcome) -> list[tuple[int, int, float]]:
    """Row, column, price."""
    return [(int(f["bar"]), int(f["instrument"]), f["px"] / 1e8) for f in outcome.fills]


def flat(price: float) -> tuple[float, float, float, float]:
    return (price, price, price, price)


@pytest.mark.parametrize(
    ("order", "close", "following", "left"),
    [
        (LONG, 66.0, 64.0, 280_000),  # 200 x 64 less the debt of 10,000.00
        (SHORT, 155.0, 156.0, 440_000),  # 20,000.00 less 100 x 156
    ],
)
def test_a_close_below_the_maintenance_margin_is_liquidated_at_the_next_open(
    order: dict[str, Any], close: float, following: float, left: int
) -> None:
    outcome = outcome_of(bars_of(FLAT, FLAT, flat(close), flat(following), FLAT), order)
    assert fills_of(outcome) == [(1, 0, 100.0), (3, 0, following)]
    assert outcome.fills["reason"][1] == FillReason.LIQUIDATION
    assert outcome.equity[-1] == outcome.cash[-1] == left
    assert outcome.notes == ("1 margin calls, the first on 1970-01-04",)


@pytest.mark.parametrize(("order", "close"), [(LONG, 67.0), (SHORT, 153.0)])
def test_a_close_at_the_margin_is_left_alone(order: dict[str, Any], close: float) -> None:
    outcome = outcome_of(bars_of(FLAT, FLAT, flat(close), flat(close)), order)
    assert len(outcome.fills) == 1
    assert outcome.notes == ()


def test_a_call_that_the_next_open_no_longer_shows_is_dropped() -> None:
    outcome = outcome_of(bars_of(FLAT, FLAT, flat(66), (70, 70, 60, 68), FLAT), LONG)
    assert len(outcome.fills) == 1
    assert outcome.notes == ("1 margin calls, the first on 1970-01-04",)


def test_an_exit_of_ones_own_at_that_open_comes_first_and_is_not_turned_around() -> None:
    leave = {"bar": 2, "side": "SELL", "qty": 200.0}
    outcome = outcome_of(bars_of(FLAT, FLAT, flat(66), flat(64), FLAT), LONG, leave)
    assert outcome.fills["reason"].tolist() == [FillReason.ORDER, FillReason.ORDER]
    assert outcome.long_value[-1] == outcome.short_value[-1] == 0


def test_children_end_with_the_position_that_a_call_closes() -> None:
    bars = bars_of(FLAT, FLAT, flat(66), flat(64), flat(20))
    outcome = outcome_of(bars, {**LONG, "stop_loss": 30.0, "take_profit": 150.0})
    assert len(outcome.fills) == 2
    assert outcome.orders["status"].tolist()[1:3] == [OrderStatus.CANCELLED] * 2


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((90, 92, 60, 80), 66.66666667),  # on the way down, where 200 p - 10000 is 50 p
        ((62, 70, 60, 68), 62.0),  # the open is past it already
    ],
)
def test_leveraged_crypto_is_liquidated_inside_the_bar_where_equity_meets_the_margin(
    bar: tuple[float, ...], price: float
) -> None:
    bars = bars_of(FLAT, FLAT, bar, FLAT, kind=AssetClass.CRYPTO)
    assert fills_of(outcome_of(bars, LONG)) == [(1, 0, 100.0), (2, 0, price)]
    at_close = FillRules(leverage=2.0, margin_check="close")
    assert len(outcome_of(bars, LONG, rules=at_close).fills) == 1
    never = FillRules(leverage=2.0, margin_check="off")
    assert len(outcome_of(bars, LONG, rules=never).fills) == 1


def test_the_bar_of_the_entry_is_checked_from_the_price_of_the_entry() -> None:
    bars = bars_of(FLAT, (120, 120, 50, 60), kind=AssetClass.CRYPTO)
    entry = {"qty": 200.0, "type": "LIMIT", "limit": 90.0}
    # 18,000.00 on 10,000.00: 200 p - 8000 is 50 p at 53.33.
    assert fills_of(outcome_of(bars, entry)) == [(1, 0, 90.0), (1, 0, 53.33333333)]


@pytest.mark.parametrize("check", ["close", "worst"])
def test_the_largest_requirement_goes_first_and_only_what_is_needed(check: str) -> None:
    rules = FillRules(leverage=2.0, margin_check=check)
    orders = [{"qty": 60.0}, {"symbol": "B", "qty": 140.0}]
    fall = (70, 70, 60, 62)
    bars = bars_of((FLAT, FLAT), (FLAT, FLAT), (fall, fall), (flat(61), flat(61)), (FLAT, FLAT))
    fills = fills_of(outcome_of(bars, *orders, rules=rules))[2:]
    # B has the larger requirement; 60 of A are carried by what is left.
    assert fills == ([(3, 1, 61.0)] if check == "close" else [(2, 1, 66.66666667)])


def test_the_fee_of_a_liquidation_comes_on_top_of_the_costs_of_its_fill() -> None:
    costs = Costs(fee_bps=10, liquidation_fee_bps=50)
    bars = bars_of(FLAT, FLAT, flat(66), flat(64), FLAT)
    outcome = outcome_of(bars, {"qty": 199.0}, costs=costs)
    assert outcome.fills["notional"][1] == 199 * 6_400
    assert outcome.fills["fee"][1] == round(199 * 6_400 * 0.001) + round(199 * 6_400 * 0.005)


def test_what_the_volume_does_not_take_is_called_again() -> None:
    rules = FillRules(leverage=2.0, max_participation=1e-4)  # 100 a bar
    buys = [{"bar": at, "qty": 100.0} for at in (0, 1)]
    bars = bars_of(FLAT, FLAT, FLAT, flat(66), (64, 64, 45, 45), flat(44), flat(44))
    outcome = outcome_of(bars, *buys, rules=rules)
    assert fills_of(outcome)[2:] == [(4, 0, 64.0), (5, 0, 44.0)]
    assert outcome.notes[-1].startswith("2 margin calls")


def test_equity_below_zero_is_booked_and_ends_the_run() -> None:
    outcome = outcome_of(bars_of(FLAT, FLAT, flat(40), FLAT), LONG)
    assert outcome.equity.tolist() == [CASH, CASH, -200_000]
    assert "equity fell to -200000" in outcome.message


def test_a_venue_tells_of_a_call_by_bar_and_reason() -> None:
    bars = bars_of(FLAT, FLAT, flat(66), flat(64), FLAT)
    venue = SimulatedVenue(bars, cash_minor=CASH, rules=DOUBLE)
    venue.advance(0)
    venue.submit(Order("in", "A", Side.BUY, 200 * 10**8))
    venue.advance(1)
    venue.poll()
    venue.advance(2)
    assert venue.poll() == ((), ())
    assert venue.advance(3)
    fills, events = venue.poll()
    assert [fill.reason for fill in fills] == [FillReason.LIQUIDATION]
    assert [(e.status, e.reason) for e in events] == [
        (OrderStatus.WORKING, DenyReason.MARGIN_CALL),
        (OrderStatus.FILLED, DenyReason.NONE),
    ]


def test_initial_margin_bounds_what_is_added() -> None:
    outcome = outcome_of(bars_of(FLAT, FLAT, FLAT), {"qty": 250.0})
    assert outcome.fills["qty"].tolist() == [200 * 10**8]  # half of 20,000.00 is all there is
    short = outcome_of(bars_of(FLAT, FLAT, FLAT), {"qty": 250.0, "side": "SELL"})
    assert short.cash[-1] == 3 * CASH  # proceeds are credited and stay as collateral


def test_leverage_and_margins_that_cannot_be_are_refused() -> None:
    weights = TargetWeights(np.array([[2.5], [np.nan]]))
    treble = FillRules(leverage=3.0)
    with pytest.raises(ConfigError, match=r"leverage is 3\.0 with A, wanted at most 2"):
        run_weights(bars_of(FLAT, FLAT), weights, cash_minor=CASH, rules=treble)
    crypto = bars_of(FLAT, FLAT, kind=AssetClass.CRYPTO)
    assert len(run_weights(crypto, weights, cash_minor=CASH, rules=treble).fills) == 1
    with pytest.raises(ConfigError, match="called when it is opened"):
        FillRules(leverage=2.0, maintenance_long=0.5)
    with pytest.raises(ConfigError, match="margin_check is 'daily'"):
        FillRules(margin_check="daily")
    with pytest.raises(ConfigError, match="maintenance_short is -1"):
        FillRules(maintenance_short=-1)
