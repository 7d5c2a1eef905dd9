"""``rules.settlement: cash``: hand-worked settlement of sales over weekends, holidays and eras."""

from datetime import date, timedelta

import numpy as np
import pytest

import tradewright as tw
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders
from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.domain.rules import FillRules
from tradewright.marketdata.calendars import calendar_of
from tradewright.services.settlement import settled_rows
from tradewright.services.study.sections import RulesSection

CASH_ACCOUNT = {"settlement": "cash", "allow_short": False}
STOCKS = (Instrument("A"), Instrument("B"))


def tape(first: str, last: str, instruments: tuple[Instrument, ...] = STOCKS) -> Bars:
    calendar = calendar_of(instruments[0].calendar)
    span = np.arange(np.datetime64(first), np.datetime64(last) + 1)
    ts = calendar.close_stamps(span[calendar.is_session(span)])
    flat = np.full((len(ts), len(instruments)), 10.0)
    return Bars(instruments, ts, flat, flat, flat, flat, np.full_like(flat, 1e6))


def paid(bars: Bars, traded: str, column: int = 0) -> str | None:
    found = settled_rows(bars)
    days = [str(date(1970, 1, 1) + timedelta(days=int(ts // 86_400_000_000_000))) for ts in bars.ts]
    row = int(found.rows[found.class_of[column], days.index(traded)])
    return days[row] if row < len(days) else None


def test_a_sale_on_friday_is_paid_by_the_era_and_the_banks() -> None:
    then = tape("2017-08-28", "2017-09-20")
    assert paid(then, "2017-09-01") == "2017-09-07"  # T+3 over a weekend and Labor Day
    assert paid(then, "2017-09-08") == "2017-09-12"  # T+2 over a weekend
    assert paid(then, "2017-09-20") is None  # after the last bar
    now = tape("2024-10-07", "2024-10-18")
    assert paid(now, "2024-10-11") == "2024-10-15"  # T+1; on Monday the banks are closed
    coins = (Instrument("BTCUSD", AssetClass.CRYPTO, calendar="24/7"),)
    rows = settled_rows(tape("2024-10-07", "2024-10-18", coins)).rows[0]
    assert rows.tolist() == list(range(len(rows)))  # at once


def test_proceeds_of_friday_buy_on_the_settlement_date_and_not_before() -> None:
    # 1,000.00 buys 100 A on Thu 2017-08-31, sold on Fri 09-01 (T+3 over Labor Day: Thu 09-07).
    # Orders for B: for Tue 09-05 and Wed 09-06 nothing is settled, for Thu 09-07 all of it.
    bars = tape("2017-08-30", "2017-09-11")
    table = {
        "bar": [0, 1, 2, 3, 4],
        "symbol": ["A", "A", "B", "B", "B"],
        "side": [1, -1, 1, 1, 1],
        "qty": [100.0, 100.0, 100.0, 100.0, 100.0],
    }
    how = {"cash": 1_000.0, "costs": None}
    run = tw.backtest(Orders(table), bars, config={"rules": CASH_ACCOUNT}, **how)
    bought = [(f["bar"], f["instrument"], f["side"]) for f in run.outcome.fills]
    assert bought == [(1, 0, 1), (2, 0, -1), (5, 1, 1)]
    assert run.equity["unsettled"].to_list() == [0, 0, 1000, 1000, 1000, 0, 0, 0]
    assert run.equity["cash"].to_list() == [1000, 0, 1000, 1000, 1000, 0, 0, 0]
    assert run.equity["equity"].to_list() == [1000] * 8
    at_once = tw.backtest(Orders(table), bars, config={"rules": {"allow_short": False}}, **how)
    assert [f["bar"] for f in at_once.outcome.fills] == [1, 2, 3]
    assert "unsettled" not in at_once.equity.columns


def test_signals_reinvest_when_the_sale_is_paid() -> None:
    bars = tape("2017-08-28", "2017-09-20")
    entries = np.zeros((bars.n_bars, 2), dtype=bool)
    exits = np.zeros_like(entries)
    entries[0, 0] = exits[2, 0] = entries[3, 1] = entries[6, 1] = True
    signals = tw.Signals(entries, exits, size=1.0)
    run = tw.backtest(signals, bars, cash=1_000, costs=None, config={"rules": CASH_ACCOUNT})
    assert [f["bar"] for f in run.outcome.fills] == [1, 3, 7]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"allow_short": True}, r"rules.allow_short True, wanted False"),
        ({"leverage": 2.0}, r"rules.leverage 2.0, wanted 1.0"),
        ({"settle": "held"}, r"rules.settle 'held', wanted 'auto'"),
        ({"settlement": "cahs"}, r"rules.settlement is 'cahs'.*cash"),
    ],
)
def test_what_is_no_cash_account_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        FillRules(**{**CASH_ACCOUNT, **wrong})  # type: ignore[arg-type]


def test_what_does_not_settle_by_date_is_refused() -> None:
    future = (Instrument("ESH24", AssetClass.FUTURE),)
    with pytest.raises(ConfigError, match=r"rules.settlement is 'cash': ESH24"):
        settled_rows(tape("2024-01-02", "2024-01-10", future))


def test_a_study_page_takes_the_rule() -> None:
    rules = RulesSection(settlement="cash", allow_short=False).settings()
    assert rules.settlement == "cash"
