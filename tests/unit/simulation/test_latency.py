"""Orders that need time to reach the venue."""

from __future__ import annotations

import numpy as np
import pytest

import tradewright as tw
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import Instrument
from tradewright.domain.rules import FillRules

MINUTE_NS = 60 * 10**9


def minutes(*closes: int) -> Bars:
    """Bars of a minute that close at these minutes, each one dollar above the one before."""
    price = np.arange(100.0, 100.0 + len(closes))[:, None]
    ts = np.array(closes) * MINUTE_NS
    names = (Instrument("A"),)
    return Bars(names, ts, *[price] * 4, np.full_like(price, 1e6), interval="1m")


def bought_at(bars: Bars, latency_ms: float, bar: int = 0) -> list[int]:
    orders = tw.Orders({"bar": [bar], "symbol": ["A"], "side": ["BUY"], "qty": [1.0]})
    config = {"rules": {"latency_ms": latency_ms}}
    run = tw.backtest(orders, bars, costs=None, config=config)
    return [int(row) for row in run.outcome.fills["bar"]]


@pytest.mark.parametrize(
    ("latency_ms", "row"),
    [(0.0, 1), (0.001, 2), (250.0, 2), (60_000.0, 2), (60_001.0, 3), (180_000.0, 4)],
)
def test_an_order_waits_for_the_first_bar_that_opens_after_its_way(
    latency_ms: float, row: int
) -> None:
    # Bar 1 opens in the instant of the decision, when the order has only just left.
    assert bought_at(minutes(1, 2, 3, 4, 5, 6), latency_ms) == [row]


def test_what_is_on_its_way_in_a_gap_is_there_after_it() -> None:
    assert bought_at(minutes(1, 10, 11), 250.0) == [1]


def test_an_order_that_arrives_after_the_last_open_never_fills() -> None:
    assert bought_at(minutes(1, 2, 3), 600_000.0) == []
    assert bought_at(minutes(1, 2, 3), 250.0, bar=1) == []


class BuysOnce(tw.Strategy):
    def on_bar(self, ctx, bar):
        if bar.row == 0:
            ctx.buy(1.0)


def test_a_strategy_waits_as_arrays_do() -> None:
    bars = minutes(1, 2, 3, 4)
    run = tw.backtest(BuysOnce(), bars, costs=None, config={"rules": {"latency_ms": 250.0}})
    assert run.outcome.fills["bar"].tolist() == [2]


def test_latency_in_time_needs_bars_whose_open_is_known() -> None:
    bars = tw.sample_bars(["AAPL"], start="2017-01-01")
    config = {"rules": {"latency_ms": 250.0}}
    with pytest.raises(ConfigError, match=r"latency_ms is 250 on bars of 1d.*latency_bars"):
        tw.backtest("buy_and_hold", bars, config=config)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"latency_ms": -1.0}, "latency_ms is -1.0, wanted 0"),
        ({"latency_ms": 1e9}, "wanted 0 to 8.64e"),
        ({"latency_ms": float("nan")}, "latency_ms is nan"),
        ({"latency_ms": 5.0, "latency_bars": 1}, "give one"),
        ({"latency_ms": 5.0, "size_at": "fill_open"}, "latency_ms is 5 with size_at"),
    ],
)
def test_wrong_latencies_are_refused(given: dict, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        FillRules(**given)
