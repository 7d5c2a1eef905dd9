"""Prices as traded with their actions, run through kernel and book, against adjusted prices.

The fixture's source (Quandl WIKI, public domain) reinvests a dividend at the close of its ex-date:
its factor is ``close / (close + dividend)`` there. The account does the same with an order at the
close, so that its equity must follow the source's adjusted close, splits and dividends included.
"""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.decisions import Orders
from tradewright.ledger import ledger_of, reconcile, round_trips
from tradewright.marketdata import ImportOptions, adjust, import_bars, schedule_actions
from tradewright.simulation import run_orders

WIKI = Path(__file__).parents[2] / "fixtures" / "wiki_stocks.csv.gz"
CASH = 10_000_000_00


def actions_of(symbol, bars, adjusted):
    """The source's own actions: splits from its ratio, dividends to a hundredth of a cent."""
    raw, found = bars.close[:, 0], []
    factor = adjusted / raw
    for row in np.flatnonzero(np.abs(np.diff(np.log(factor))) > 2e-5) + 1:
        step = factor[row] / factor[row - 1]
        day = bars.times[row].astype("datetime64[D]").item()
        if step > 1.4:
            found.append(CorporateAction(symbol, ActionKind.SPLIT, day, float(round(step))))
        else:
            cash = round((step - 1) * raw[row], 4)
            found.append(CorporateAction(symbol, ActionKind.CASH_DIVIDEND, day, cash))
    return found


@pytest.mark.parametrize("symbol", ["AAPL", "IBM", "MSFT"])
def test_raw_prices_with_actions_give_the_adjusted_total_return(symbol):
    found = import_bars(WIKI, ImportOptions())
    bars = found.bars.select([symbol])
    stated = found.adjusted_close.filter(pl.col("symbol") == symbol).sort("ts")
    adjusted = stated["adj_close"].to_numpy()
    bars = bars.with_actions(actions_of(symbol, bars, adjusted))
    schedule = schedule_actions(bars)
    close, held = bars.close[:, 0], CASH / 100 / bars.close[1, 0]
    rows, buys = [0], [held]
    for action, row in zip(schedule.actions, schedule.rows.tolist(), strict=True):
        if action.kind is ActionKind.SPLIT:
            held *= action.value
        elif row > 1:
            rows.append(row - 1)
            buys.append(held * action.value / close[row])
            held += buys[-1]
    n = len(rows)
    table = {"bar": rows, "symbol": [symbol] * n, "side": [1] * n, "qty": buys, "tif": ["CLS"] * n}
    outcome = run_orders(bars, Orders(table), cash_minor=CASH, actions=schedule)
    assert len(outcome.fills) == n > 1
    wanted = adjusted[1:] / adjusted[1]
    assert np.abs(outcome.equity[1:] / CASH / wanted - 1).max() < 1e-6
    # The book agrees, and says what came from dividends.
    assert reconcile(outcome).cash_minor == outcome.cash[-1]
    trip = round_trips(outcome)[0]
    earned = ledger_of(outcome).balances[f"dividend:{symbol}", "USD"]
    assert trip["dividends"] == -earned > 0
    assert trip["pnl"] == pytest.approx(outcome.equity[-1] - CASH, abs=1)
    # Without the actions the same shares would have lost a half at every split.
    if any(a.kind is ActionKind.SPLIT for a in schedule.actions):
        assert not np.allclose(close[1:] / close[1], wanted, rtol=0.2)


def test_our_adjusted_prices_differ_from_the_sources_by_its_reinvestment_alone():
    found = import_bars(WIKI, ImportOptions())
    bars = found.bars.select(["MSFT"])
    stated = found.adjusted_close.filter(pl.col("symbol") == "MSFT").sort("ts")
    adjusted = stated["adj_close"].to_numpy()
    with_actions = bars.with_actions(actions_of("MSFT", bars, adjusted))
    ours = adjust(with_actions, mode="total_return").close[:, 0]
    assert np.abs(ours / ours[-1] * adjusted[-1] / adjusted - 1).max() < 1e-2
