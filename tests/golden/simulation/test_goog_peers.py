"""Trade by trade against what three other engines answer on the same real bars."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders, Signals
from tradewright.domain.instruments import Instrument
from tradewright.domain.orders import FillReason, Order, Side
from tradewright.simulation import SimulatedVenue, run_orders, run_signals

FACTS = json.loads((Path(__file__).parent / "goog_peers.json").read_text())
CASH = 10_000_000
COSTS = Costs(fee_bps=10)
HALF_CENT = 0.005 + 1e-9


@pytest.fixture(scope="module")
def goog() -> Bars:
    frame = pytest.importorskip("backtesting.test").GOOG
    columns = [frame[name].to_numpy(np.float64)[:, None] for name in frame.columns[:5]]
    ts = frame.index.to_numpy().astype("datetime64[ns]").astype(np.int64)
    # The peers know no tick.
    return Bars((Instrument("GOOG", tick_size=1e-8),), ts, *columns)


def moving_average(close: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    out = np.full(len(close), np.nan)
    out[window - 1 :] = np.lib.stride_tricks.sliding_window_view(close, window).mean(axis=1)
    return out


def crosses(bars: Bars, fast: int, slow: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    close = bars.close[:, 0]
    quick, calm = moving_average(close, fast), moving_average(close, slow)
    up, down = np.zeros((2, len(close)), dtype=bool)
    up[1:] = (quick[:-1] <= calm[:-1]) & (quick[1:] > calm[1:])
    down[1:] = (quick[:-1] >= calm[:-1]) & (quick[1:] < calm[1:])
    return up, down


def test_sma_cross_all_in_equals_three_engines_trade_by_trade(goog: Bars) -> None:
    facts: dict[str, Any] = FACTS["sma_20_50_allin"]
    outcome = run_signals(goog, Signals(*crosses(goog, 20, 50)), cash_minor=CASH, costs=COSTS)
    fills = outcome.fills
    assert len(fills) == 2 * len(facts["trades"]) + 1  # the last trade is still open
    owed = 0.0  # cents lost or won by rounding each fill to cents, which peers do not do
    for at, row in enumerate(facts["trades"]):
        trade = dict(zip(facts["columns"], row, strict=True))
        entry, leave = fills[2 * at], fills[2 * at + 1]
        assert (entry["bar"], leave["bar"]) == (trade["entry_bar"], trade["exit_bar"])
        assert entry["px"] == round(trade["entry_price"] * 1e8)
        assert leave["px"] == round(trade["exit_price"] * 1e8)
        # Money within half a minor unit for each fill so far.
        owed += 2 * HALF_CENT * 2
        for fill, price in ((entry, "entry_price"), (leave, "exit_price")):
            value = trade["size"] * trade[price]
            assert abs(fill["notional"] / 100 - value) <= owed * trade[price] / 200
        assert abs(entry["fee"] / 100 - trade["entry_fee"]) <= HALF_CENT + owed * 0.001
        assert abs(leave["fee"] / 100 - trade["exit_fee"]) <= HALF_CENT + owed * 0.001 * 3
    assert abs(outcome.equity[-1] / 100 - facts["final_equity"]) < 39 * HALF_CENT
    every_100 = outcome.equity[::100] / 100
    assert np.abs(every_100 - facts["equity_every_100"]).max() < 39 * HALF_CENT
    assert fills[-1]["bar"] == facts["open_trade"]["entry_bar"]


def test_bracket_orders_equal_reference_and_peer_trade_by_trade(goog: Bars) -> None:
    facts: dict[str, Any] = FACTS["bracket_5_20"]
    trades = [dict(zip(facts["columns"], row, strict=True)) for row in facts["trades"]]
    orders = Orders(
        {
            "bar": [trade["signal_bar"] for trade in trades],
            "symbol": ["GOOG"] * len(trades),
            "side": ["BUY"] * len(trades),
            "qty": [10.0] * len(trades),
            "stop_loss": [trade["stop"] for trade in trades],
            "take_profit": [trade["target"] for trade in trades],
        }
    )
    outcome = run_orders(goog, orders, cash_minor=CASH, costs=COSTS)
    check_brackets(outcome.fills, trades)
    assert abs(outcome.equity[-1] / 100 - facts["final_equity"]) < len(outcome.fills) * HALF_CENT
    every_100 = outcome.equity[::100] / 100
    assert np.abs(every_100 - facts["equity_every_100"]).max() < len(outcome.fills) * HALF_CENT


def test_a_loop_that_enters_while_flat_makes_the_same_bracket_trades(goog: Bars) -> None:
    facts: dict[str, Any] = FACTS["bracket_5_20"]
    trades = [dict(zip(facts["columns"], row, strict=True)) for row in facts["trades"]]
    entries, _ = crosses(goog, 5, 20)
    venue = SimulatedVenue(goog, cash_minor=CASH, costs=COSTS)
    for row in range(goog.n_bars):
        venue.advance(row)
        venue.poll()
        if entries[row] and venue.position_units(0) == 0 and not venue.open_orders():
            close = goog.close[row, 0]
            venue.submit(
                Order(
                    f"entry-{row}",
                    "GOOG",
                    Side.BUY,
                    10 * 10**8,
                    stop_loss_px=round(close * 0.97 * 1e8),
                    take_profit_px=round(close * 1.05 * 1e8),
                )
            )
    check_brackets(venue.outcome().fills, trades)


def check_brackets(fills: NDArray[np.void], trades: list[dict[str, Any]]) -> None:
    assert len(fills) == 2 * len(trades)
    for at, trade in enumerate(trades):
        entry, leave = fills[2 * at], fills[2 * at + 1]
        assert (entry["bar"], leave["bar"]) == (trade["entry_bar"], trade["exit_bar"])
        assert entry["px"] == round(trade["entry_price"] * 1e8)
        assert abs(leave["px"] - trade["exit_price"] * 1e8) <= 1
        assert entry["qty"] == leave["qty"] == 10 * 10**8
        assert leave["reason"] == FillReason[trade["exit"].upper()]
        for fill, price in ((entry, "entry_price"), (leave, "exit_price")):
            assert abs(fill["notional"] / 100 - 10 * trade[price]) <= HALF_CENT
            assert abs(fill["fee"] / 100 - 0.01 * trade[price]) <= HALF_CENT + 1e-5
