"""Settlement dates by era, asset class and calendar; the fixed cases of the notices."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.execution.settlement import bank_days, cycle_days, value_date
from tradewright.services.settlement import settles_on

STOCK = Instrument("AAPL")


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("traded", "settles"),
    [
        ("2024-05-24", "2024-05-29"),  # T+2 over Memorial Day
        ("2024-05-28", "2024-05-29"),  # first day of T+1
        ("2024-10-11", "2024-10-15"),  # Columbus Day: the exchange is open, the banks are not
        ("2024-11-08", "2024-11-12"),  # Veterans Day
        ("2024-10-14", "2024-10-15"),  # traded on Columbus Day
        ("2017-09-01", "2017-09-07"),  # last day of T+3, over Labor Day
        ("2017-09-05", "2017-09-07"),  # first day of T+2
        ("1995-06-06", "1995-06-13"),  # last day of T+5
        ("1995-06-07", "1995-06-12"),  # first day of T+3
        ("2024-03-27", "2024-04-01"),  # T+2 over Good Friday
        ("2023-12-29", "2024-01-03"),
    ],
)
def test_us_equities(traded: str, settles: str) -> None:
    assert settles_on(day(traded), STOCK) == day(settles)
    assert settles_on(day(traded), Instrument("SPY", AssetClass.ETF)) == day(settles)


def test_options_crypto_and_other_markets() -> None:
    option = Instrument("AAPL240119C00150000", AssetClass.EQUITY_OPTION)
    assert settles_on(day("2019-10-11"), option) == day("2019-10-15")
    coin = Instrument("BTC-USD", AssetClass.CRYPTO, calendar="24/7")
    assert settles_on(day("2024-05-25"), coin) == day("2024-05-25")
    german = Instrument("SAP", currency="EUR", calendar="XFRA")
    assert settles_on(day("2024-06-03"), german) == day("2024-06-05")
    assert settles_on(day("2024-04-30"), german) == day("2024-05-03")


@pytest.mark.parametrize(
    ("pair", "traded", "value"),
    [
        ("EURUSD", "2024-05-22", "2024-05-24"),
        ("EURUSD", "2024-05-23", "2024-05-28"),  # the value date must be open in both
        ("EURUSD", "2024-10-11", "2024-10-15"),  # the dollar's holiday in between does not count
        ("EURUSD", "2024-04-29", "2024-05-02"),  # the euro's does
        ("USDCAD", "2024-05-22", "2024-05-23"),
    ],
)
def test_spot_currencies(pair: str, traded: str, value: str) -> None:
    instrument = Instrument(pair, AssetClass.FOREX, calendar="24/5")
    assert settles_on(day(traded), instrument) == day(value)


def test_bank_holidays_by_rule() -> None:
    us, euro = bank_days("USD"), bank_days("EUR")
    closed = ["2024-01-01", "2024-01-15", "2024-02-19", "2024-05-27", "2024-06-19", "2024-07-04",
              "2024-09-02", "2024-10-14", "2024-11-11", "2024-11-28", "2024-12-25"]  # fmt: skip
    first = day("2024-01-01")
    found = [first + timedelta(days=n) for n in range(366)]
    assert [d.isoformat() for d in found if d.weekday() < 5 and not us(d)] == closed
    assert us(day("2020-06-19"))  # before it was a holiday
    assert us(day("2021-12-24"))  # a Saturday's holiday leaves Friday open
    assert not us(day("2022-12-26"))  # a Sunday's is kept on Monday
    assert [d.isoformat() for d in found if d.weekday() < 5 and not euro(d)] == [
        "2024-01-01", "2024-03-29", "2024-04-01", "2024-05-01", "2024-12-25", "2024-12-26",
    ]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.dates(date(1991, 1, 1), date(2029, 12, 1)))
def test_a_settlement_day_is_never_a_holiday_and_never_early(traded: date) -> None:
    settles = settles_on(traded, STOCK)
    assert bank_days("USD")(settles)
    assert settles.weekday() < 5
    assert cycle_days("stock", traded) <= (settles - traded).days <= 12


def test_what_does_not_settle_by_date_is_refused() -> None:
    with pytest.raises(ConfigError, match="future has no settlement date"):
        settles_on(day("2024-01-02"), Instrument("ESH24", AssetClass.FUTURE))
    with pytest.raises(ConfigError, match="bank days of XAU"):
        settles_on(day("2024-01-02"), Instrument("XAUUSD", AssetClass.FOREX, calendar="24/5"))
    with pytest.raises(ConfigError, match="pair is"):
        value_date(day("2024-01-02"), "EURUSD", bank_days("EUR"), bank_days("USD"))
    with pytest.raises(ConfigError, match="no settlement cycle"):
        cycle_days("bond", day("2024-01-02"))
