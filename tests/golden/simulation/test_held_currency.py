"""Euros bought by an order, spent on a euro stock and earned by its sale, worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders
from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.domain.orders import DenyReason, FillReason
from tradewright.domain.rules import FillRules
from tradewright.ledger import ledger_of, reconcile
from tradewright.simulation import SimulatedVenue, run_orders

DAY_NS = 86_400 * 10**9
COSTS = Costs(fee_bps=10)
HELD = FillRules(settle="held")


def market() -> Bars:
    names = (
        Instrument("SAP", currency="EUR", calendar="24/5"),
        Instrument("EURUSD", AssetClass.FOREX, calendar="24/5", tick_size=1e-5),
    )
    opened = np.array([[120.0, 1.1], [120.5, 1.11], [121.0, 1.12], [120.0, 1.09]])
    close = np.array([[120.0, 1.1], [121.0, 1.12], [119.55, 1.08], [122.2, 1.11]])
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    ts = np.arange(17_001, 17_005) * DAY_NS
    return Bars(names, ts, opened, high, low, close, np.full((4, 2), 1e9))


def table(**changes: Any) -> Orders:
    columns = {
        "bar": [0, 1, 2],
        "symbol": ["EURUSD", "SAP", "SAP"],
        "side": ["BUY", "BUY", "SELL"],
        "qty": [10_000, 50, 20],
    }
    return Orders({**columns, **changes})


def test_euros_are_bought_spent_and_earned_while_dollars_rest() -> None:
    outcome = run_orders(market(), table(), cash_minor=10_000_000, costs=COSTS, rules=HELD)
    told = [
        (int(f["instrument"]), int(f["side"]), int(f["qty"]), int(f["notional"]), int(f["fee"]))
        for f in outcome.fills
    ]
    cent = 10**6
    assert told == [
        (1, 1, 10_000 * 10**8, 1_110_000, 1_110),  # 11,100.00 at 1.11, fee 11.10
        (0, 1, 50 * 10**8, 677_600, 678),  # 6,050.00 euros at 1.12
        (1, -1, 605_605 * cent, 678_278, 0),  # with 6.05 of fee taken from the euros
        (0, -1, 20 * 10**8, 259_200, 259),  # 2,400.00 euros at 1.08
        (1, 1, 239_760 * cent, 258_941, 0),  # less 2.40 of fee
    ]
    reasons = outcome.fills["reason"].tolist()
    assert [reasons[2], reasons[4]] == [FillReason.EXCHANGE] * 2
    # Dollars move with the order for euros alone: 100,000.00 - 11,100.00 - 11.10.
    assert outcome.cash.tolist() == [10_000_000, 8_888_890, 8_888_890, 8_888_890]
    # 3,943.95 euros at 1.08 and 50 at 119.55: 4,259.47 + 6,455.70.
    assert outcome.equity[2] == 8_888_890 + 425_947 + 645_570
    reconcile(outcome)
    ledger = ledger_of(outcome)
    assert ledger.position("EURUSD") == 634_155 * cent  # 6,341.55 euros are left
    totals: dict[str, int] = {}
    for (_, currency), amount in ledger.balances.items():
        totals[currency] = totals.get(currency, 0) + amount
    assert set(totals.values()) == {0}


def test_without_enough_euros_an_order_is_cut_or_rejected_and_dollars_are_left_alone() -> None:
    many = table(qty=[10_000, 1_000, 20])
    cut = run_orders(market(), many, cash_minor=10_000_000, costs=COSTS, rules=HELD)
    order = cut.orders[1]
    assert order["reason"] == DenyReason.INSUFFICIENT_CASH
    # 82.5618 shares of 121.00 and 10 bp more are 9,999.99 to 10,000.00 euros.
    assert order["filled_qty"] / 1e8 == pytest.approx(10_000 / 121 / 1.001, rel=1e-5)
    euros = 10_000 * 10**8 - int(cut.fills["qty"][2])
    assert 0 <= euros <= 2 * 10**6
    none = run_orders(
        market(), table(symbol=["SAP"] * 3, side=["BUY"] * 3), cash_minor=10_000_000, rules=HELD
    )
    assert len(none.fills) == 0
    assert none.orders["reason"].tolist()[:2] == [DenyReason.INSUFFICIENT_CASH] * 2


def test_the_venue_tells_of_exchanges_as_fills_of_the_pair() -> None:
    venue = SimulatedVenue(market(), cash_minor=10_000_000, costs=COSTS, rules=HELD)
    orders = list(table().rows)
    told = []
    for row in range(4):
        venue.advance(row)
        told += [(fill.symbol, int(fill.side), fill.qty) for fill in venue.poll()[0]]
        while orders and orders[0][0] == row:
            venue.submit(orders.pop(0)[1])
    batch = run_orders(market(), table(), cash_minor=10_000_000, costs=COSTS, rules=HELD)
    assert venue.outcome().fills.tolist() == batch.fills.tolist()
    assert [symbol for symbol, _, _ in told] == ["EURUSD", "SAP", "EURUSD", "SAP", "EURUSD"]
    assert venue.open_orders() == []


def test_a_run_shows_what_the_rate_did_to_held_euros_and_sums() -> None:
    run = tw.backtest(
        table(), market(), cash=100_000, costs=COSTS, config={"rules": {"settle": "held"}}
    )
    assert run.status.value == "COMPLETED"
    total = sum(row["contribution"] for row in run.attribution.instruments)
    assert total == pytest.approx(run.attribution.total_return, abs=1e-9)
    assert run.costs["net"].sum() == pytest.approx(run.metrics["net_profit"])
    assert set(run.fills["reason"].to_list()) == {"order", "exchange"}


def test_a_currency_that_has_no_pair_to_be_held_in_is_named() -> None:
    from tradewright.marketdata import add_rates

    bars = add_rates(market().select(["SAP"]), {"EUR/USD": 1.1})
    with pytest.raises(ConfigError, match=r"SAP is priced in EUR: wanted the pair EURUSD among"):
        run_orders(bars, table(symbol=["SAP"] * 3), cash_minor=100, rules=HELD)
    with pytest.raises(ConfigError, match=r"rules.settle is 'hold'.*held"):
        FillRules(settle="hold")
