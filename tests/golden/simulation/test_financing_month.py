"""A month of daily accruals: borrow, interest on debt, and funding, worked in decimals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.domain.rules import FillRules
from tradewright.domain.time import to_ns
from tradewright.ledger import ledger_of, reconcile
from tradewright.simulation import run_orders

CENT = Decimal(1)
FIRST = datetime(2022, 1, 1, tzinfo=UTC)
# Closes of January 2022, whole dollars; each day opens at the close before.
CLOSES = (
    47_722, 47_286, 46_446, 45_832, 43_451, 43_082, 41_566, 41_679, 41_864, 41_822, 42_729,
    43_902, 42_560, 43_059, 43_084, 43_071, 42_202, 42_352, 41_660, 40_680, 36_445, 35_071,
    36_244, 36_660, 36_958, 36_809, 37_160, 37_716, 38_166, 37_881, 38_466,
)  # fmt: skip
# One rate for each 00:00, 08:00 and 16:00 of a day; the third day it turns negative.
RATES = (("0.0001", "0.000075", "0.00005"), ("0.0001", "0.0001", "0.0001"), ("-0.00005",) * 3)


def month() -> Bars:
    close = np.array(CLOSES, dtype=float)[:, None]
    opened = np.vstack([close[:1], close[:-1]])
    ts = np.array([to_ns(FIRST + timedelta(days=day + 1)) for day in range(31)])
    perp = Instrument(
        "BTC-PERP", AssetClass.CRYPTO_PERP, calendar="24/7", multiplier=0.001, tick_size=1.0
    )
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    return Bars((perp,), ts, opened, high, low, close, np.full((31, 1), 1e9))


def payments() -> list[tuple[str, datetime, float]]:
    return [
        ("BTC-PERP", FIRST + timedelta(days=day, hours=8 * n), float(rate))
        for day in range(31)
        for n, rate in enumerate(RATES[day % 3])
    ]


def cents(value: Decimal) -> int:
    return int(value.quantize(CENT, ROUND_HALF_EVEN))


@pytest.mark.parametrize(("side", "sign"), [("BUY", 1), ("SELL", -1)])
def test_a_month_of_funding_is_paid_by_longs_and_earned_by_shorts(side: str, sign: int) -> None:
    orders = Orders({"bar": [0], "symbol": ["BTC-PERP"], "side": [side], "qty": [2_500.0]})
    outcome = run_orders(
        month(), orders, cash_minor=20_000_000,
        costs=Costs(funding=payments(), borrow_rate=0.05), rules=FillRules(leverage=2.0),
    )  # fmt: skip
    # 2,500 contracts of 0.001 bought at the open of the second day. 00:00 comes before that open
    # and counts what the last close held; 08:00 and 16:00 come after it, at the open's price.
    expected = [0]
    for day in range(1, 31):
        value = sign * Decimal(CLOSES[day - 1]) * Decimal("2.5") * 100
        rates = [Decimal(rate) for rate in RATES[day % 3]]
        rates = rates[1:] if day == 1 else rates
        expected.append(sum(cents(value * rate) for rate in rates))
    assert outcome.funding is not None
    assert outcome.funding.tolist() == expected
    assert outcome.financing.tolist() == expected  # no borrow on a contract that is not borrowed
    assert sum(expected) == sign * 37_401
    assert outcome.cash[-1] == 20_000_000 - sign * 11_930_500 - sum(expected)
    reconcile(outcome)
    assert ledger_of(outcome).balances[("funding", "USD")] == sum(expected)
    assert ("financing", "USD") not in ledger_of(outcome).balances


def test_a_month_of_borrow_and_debit_interest_accrues_by_the_day() -> None:
    bars = month()
    stocks = (Instrument("A", calendar="24/7"), Instrument("B", calendar="24/7"))
    wide = {n: np.hstack([getattr(bars, n)] * 2) for n in ("open", "high", "low", "close")}
    both = Bars(stocks, bars.ts, **wide, volume=np.full((31, 2), 1e9))
    orders = Orders(
        {"bar": [0, 0], "symbol": ["A", "B"], "side": ["BUY", "SELL"], "qty": [3.0, 1.0]}
    )
    costs = Costs(borrow_rate=0.03, debit_rate=0.06)
    rules = FillRules(leverage=2.0, margin_check="off")
    outcome = run_orders(both, orders, cash_minor=10_000_000, costs=costs, rules=rules)
    # 3 A bought, 1 B sold short at 47,722.00; cash 100,000.00 - 95,444.00 is above zero.
    assert outcome.cash[1] == 455_600
    owed, cash, charged = Decimal(0), 10_000_000 - 2 * 4_772_200, [0, 0]
    for day in range(2, 31):
        owed += Decimal(CLOSES[day - 1]) * 100 * Decimal("0.03") / 360
        owed += max(-cash, 0) * Decimal("0.06") / 360
        due = int(owed.quantize(CENT, ROUND_HALF_EVEN))
        owed -= due
        cash -= due
        charged.append(due)
    assert outcome.financing.tolist() == charged
    assert sum(charged) == 9_895
    assert outcome.funding is None
