"""A dollar account with a yen and a euro stock, worked by hand to the cent."""

from __future__ import annotations

import numpy as np
import pytest

import tradewright as tw
from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders
from tradewright.domain.instruments import Instrument
from tradewright.ledger import ledger_of, reconcile, round_trips
from tradewright.marketdata import add_rates
from tradewright.simulation import run_orders

DAY_NS = 86_400 * 10**9
COSTS = Costs(fee_bps=10, fx_spread_bps=4)


def market() -> Bars:
    stocks = (
        Instrument("TM", currency="JPY", calendar="24/5", lot_size=100, tick_size=1.0),
        Instrument("SAP", currency="EUR", calendar="24/5"),
    )
    opened = np.array([[2000, 120.0], [2010, 120.5], [2060, 121.0], [2030, 120.0]])
    close = np.array([[2000, 120.0], [2050, 121.0], [2040, 119.55], [2020, 122.2]])
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    ts = np.arange(17_001, 17_005) * DAY_NS
    bars = Bars(stocks, ts, opened, high, low, close, np.full((4, 2), 1e6))
    yen, euro = (150.0, 151.0, 148.0, 152.0), (1.10, 1.12, 1.08, 1.11)
    rows = [("USD/JPY", int(t), rate) for t, rate in zip(ts, yen, strict=True)]
    return add_rates(bars, rows + [("EUR/USD", int(t), r) for t, r in zip(ts, euro, strict=True)])


def orders() -> Orders:
    return Orders(
        {
            "bar": [0, 0, 2],
            "symbol": ["TM", "SAP", "TM"],
            "side": ["BUY", "BUY", "SELL"],
            "qty": [300, 50, 300],
        }
    )


def test_fills_convert_at_the_last_rate_and_marks_at_the_close() -> None:
    outcome = run_orders(market(), orders(), cash_minor=10_000_000, costs=COSTS)
    fills = {(int(f["bar"]), int(f["instrument"])): f for f in outcome.fills}
    # 2,010 yen at 1/150 is 13.40 dollars: 300 cost 4,020.00; fee 4.02; half of 4 bp is 0.80.
    first = fills[1, 0]
    assert (first["px"], first["notional"]) == (201_000_000_000, 402_000)
    assert (first["fee"], first["spread"]) == (402, 80)
    # 120.50 euros at 1.10 are 132.55: 50 cost 6,627.50; fee 6.63; exchange 1.33.
    second = fills[1, 1]
    assert (second["notional"], second["fee"], second["spread"]) == (662_750, 663, 133)
    # Sold at 2,030 yen at 1/148, 13.71621622 dollars: 4,114.86; fee 4.11; exchange 0.82.
    third = fills[3, 0]
    assert (third["notional"], third["fee"], third["spread"]) == (411_486, 411, 82)
    assert outcome.cash.tolist() == [10_000_000, 8_933_972, 8_933_972, 9_344_965]
    # Closes: 300 at 2,050/151 = 4,072.85 and 2,040/148 = 4,135.14; 50 at 135.52, 129.114, 135.642.
    assert outcome.long_value.tolist() == [0, 407_285 + 677_600, 413_514 + 645_570, 678_210]
    assert outcome.equity.tolist() == [10_000_000, 10_018_857, 9_993_056, 10_023_175]


def test_the_book_balances_in_every_currency_and_shows_both_sides_of_an_exchange() -> None:
    outcome = run_orders(market(), orders(), cash_minor=10_000_000, costs=COSTS)
    reconcile(outcome)
    ledger = ledger_of(outcome)
    totals: dict[str, int] = {}
    for (_, currency), amount in ledger.balances.items():
        totals[currency] = totals.get(currency, 0) + amount
    assert totals == {"USD": 0, "JPY": 0, "EUR": 0}
    # Yen have no minor unit: 300 x (2,030 - 2,010) earned; 50 x 120.50 euros are still spent.
    assert ledger.balances[("local:TM", "JPY")] == -6_000
    assert ledger.balances[("exchange:JPY", "JPY")] == 6_000
    assert ledger.balances[("exchange:EUR", "EUR")] == -602_500
    assert ledger.position("SAP") == 50 * 10**8
    assert ledger.holdings["SAP"].cost_minor == 662_750
    trips = round_trips(outcome)
    assert trips["pnl"].tolist() == [411_486 - 402_000 - 402 - 80 - 411 - 82, 14_664]


def test_what_the_rates_did_is_shown_apart_and_everything_sums() -> None:
    run = tw.backtest(orders(), market(), cash=100_000, costs=COSTS)
    rows = {row["group"]: row["profit"] for row in run.attribution.instruments}
    # Held over a close: TM at 2,050 and 2,040, SAP at 121, 119.55 and 122.20.
    yen = 300 * (2050 * (1 / 151 - 1 / 150) + 2040 * (1 / 148 - 1 / 151))
    euro = 50 * (121 * (1.12 - 1.10) + 119.55 * (1.08 - 1.12) + 122.2 * (1.11 - 1.08))
    assert rows["(currency JPY)"] == pytest.approx(yen, abs=1e-6)
    assert rows["(currency EUR)"] == pytest.approx(euro, abs=1e-6)
    assert run.metrics["currency_profit"] == pytest.approx(yen + euro, abs=1e-6)
    own = 300 * (40 / 150 + (-10) / 151 + (-10) / 148) - 4.82 - 4.93
    assert rows["TM"] == pytest.approx(own, abs=1e-6)
    total = sum(row["contribution"] for row in run.attribution.instruments)
    assert total == pytest.approx(run.attribution.total_return, abs=1e-9)
    assert sum(row["contribution"] for row in run.attribution.sides) == pytest.approx(total)
    frame = run.costs
    assert frame["net"].sum() == pytest.approx(231.75)
