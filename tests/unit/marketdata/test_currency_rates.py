"""Rates of exchange beside bars: forms, as-of alignment, ways over a third currency, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import tradewright as tw
from tradewright.domain.bars import Bars
from tradewright.domain.currencies.rates import pair_of, read_pair
from tradewright.domain.currencies.worth import worth_of
from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.marketdata import add_rates
from tradewright.simulation import run_orders

DAY_NS = 86_400 * 10**9
START_NS = 17_000 * DAY_NS
SHARED = Path(__file__).parents[4] / "shared" / "data" / "fx"
NO_ORDERS = tw.Orders({"bar": [], "symbol": [], "side": [], "qty": []})


def bars_of(*instruments: Instrument, rows: int = 4, first: int = 0) -> Bars:
    panel = np.full((rows, len(instruments)), 10.0)
    panel[:first, 0] = np.nan
    ts = START_NS + np.arange(1, rows + 1) * DAY_NS
    return Bars(instruments, ts, panel, panel, panel, panel, np.full_like(panel, 1e6))


EURO = Instrument("SAP", currency="EUR")


def test_a_close_sees_the_last_rate_known_and_never_a_later_one() -> None:
    times = [START_NS + DAY_NS, START_NS + 3 * DAY_NS - 1, START_NS + 4 * DAY_NS + 1]
    table = pl.DataFrame({"pair": ["EURUSD"] * 3, "time": times, "rate": [1.1, 1.2, 9.9]})
    bars = add_rates(bars_of(EURO), table)
    assert bars.rates["EUR/USD"].tolist() == [1.1, 1.1, 1.2, 1.2]
    assert bars.rows(1, 3).rates["EUR/USD"].tolist() == [1.1, 1.2]
    assert bars.data_version != bars_of(EURO).data_version
    cut = add_rates(bars_of(EURO, rows=2), table)
    assert cut.rates["EUR/USD"].tolist() == bars.rates["EUR/USD"][:2].tolist()


@pytest.mark.parametrize(
    ("rates", "wanted"),
    [
        ({"EUR/USD": 1.25}, 1.25),
        ({"USD/EUR": 0.8}, 1.25),
        ({"EUR/GBP": 0.5, "GBP/USD": 2.5}, 1.25),
        ({"EUR-CHF": 1.0, "USDCHF=X": 0.8}, 1.25),
    ],
)
def test_a_rate_is_taken_direct_inverse_or_over_a_third(
    rates: dict[str, float], wanted: float
) -> None:
    worth = worth_of(add_rates(bars_of(EURO), rates), "USD")
    assert worth is not None
    assert worth.at(2).tolist() == [round(wanted * 10**12)]


def test_pairs_among_the_bars_give_rates_too() -> None:
    pair = Instrument("EURUSD", AssetClass.FOREX, calendar="24/5")
    bars = bars_of(EURO, pair)
    worth = worth_of(bars, "USD")
    assert worth is not None
    assert worth.at(1).tolist() == [10 * 10**12, 10**12]
    fx = add_rates(bars_of(EURO), bars.select(["EURUSD"]))
    assert fx.rates["EUR/USD"].tolist() == [10.0] * 4


def test_symbols_are_read_as_pairs() -> None:
    assert pair_of(Instrument("BTC/USD", AssetClass.CRYPTO)) == ("BTC", "USD")
    assert pair_of(Instrument("EURUSD=X", AssetClass.FOREX)) == ("EUR", "USD")
    assert pair_of(Instrument("AAPL")) is None
    assert read_pair("eur_usd") == ("EUR", "USD")


@pytest.mark.parametrize(
    ("currency", "rates", "kind", "message"),
    [
        ("USD", {}, ConfigError, r"SAP is priced in EUR, the account is in USD.*known rates: none"),
        ("USD", {"EUR/GBP": 0.9}, ConfigError, r"no rate for EUR/USD; known rates: EUR/GBP"),
        ("USD", [("EUR/USD", START_NS + 3 * DAY_NS, 1.1)], DataError,
         r"SAP: its bars start 2016-07-19, but the first rate from EUR to USD is of 2016-07-21"),
    ],
)  # fmt: skip
def test_a_currency_without_a_rate_is_named_before_the_run(
    currency: str, rates: Any, kind: type[Exception], message: str
) -> None:
    bars = add_rates(bars_of(EURO), rates) if rates else bars_of(EURO)
    with pytest.raises(kind, match=message):
        tw.backtest(NO_ORDERS, bars, config={"currency": currency})
    with pytest.raises(kind, match=message):
        run_orders(bars, NO_ORDERS, cash_minor=100, currency=currency)


def test_a_late_rate_is_fine_where_the_instrument_starts_later_still() -> None:
    bars = add_rates(bars_of(EURO, first=3), [("EUR/USD", START_NS + 3 * DAY_NS, 1.1)])
    assert run_orders(bars, NO_ORDERS, cash_minor=100).equity.tolist() == [100] * 4


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ({"EUR": 1.1}, r"pair 'EUR', wanted two currencies as EUR/USD"),
        ({"EUR/USD": "x"}, r"rates row 0: rate is 'x', wanted a number above 0"),
        ({"EUR/USD": 0.0}, r"rates: EUR/USD has 0.0, wanted above 0"),
        ([("EUR/USD", "soon", 1.1)], r"rates row 0: Invalid isoformat"),
        ([("EUR/USD", 1.1)], r"rates row 0 is .*, wanted pair, time, rate"),
        (bars_of(EURO), r"rates: SAP are no currency pairs"),
    ],
)
def test_wrong_rates_are_named(rates: Any, message: str) -> None:
    with pytest.raises((ConfigError, DataError), match=message):
        add_rates(bars_of(EURO), rates)


@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared data folder beside this checkout")
def test_a_real_cross_is_priced_in_pounds_and_converted_over_the_euro() -> None:
    bars = tw.read_bars(SHARED / "daily_oanda.parquet")
    assert [i.currency for i in bars.instruments] == ["GBP", "USD"]
    entries, exits = np.zeros((2, *bars.close.shape), dtype=bool)
    entries[10, 0], exits[200, 0] = True, True
    run = tw.backtest(tw.Signals(entries, exits, size=0.5), bars, costs=tw.Costs(fee_bps=1))
    euro, cross = bars.column("EURUSD"), bars.column("EURGBP")
    fill = run.outcome.fills[0]
    rates = bars.close[:, euro] / bars.close[:, cross]
    rates = rates[: int(fill["bar"])]
    rate = rates[~np.isnan(rates)][-1]
    paid = int(fill["qty"]) / 1e8 * int(fill["px"]) / 1e8 * rate
    assert int(fill["notional"]) / 100 == pytest.approx(paid, abs=0.02)
    assert run.timeline.periods_per_year == 260.0
    assert run.metrics["currency_profit"] != 0
    total = sum(row["contribution"] for row in run.attribution.instruments)
    assert total == pytest.approx(run.attribution.total_return, abs=1e-9)
