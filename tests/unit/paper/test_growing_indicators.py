"""Indicators of a paper session: updated with each bar, the numbers of a backtest."""

from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.errors import ConfigError
from tradewright.engine import run_loop
from tradewright.services.backtest import (
    TapeFeed,
    feature_source,
    loop_setup,
    open_venue,
    plan_backtest,
)
from tradewright.services.paper.growing import growing_parts, growing_source

NAMES = ("rsi(14)", "sma(20)", "macd_signal", "obv", "cs_rank(return(5))", "adx(14)")


class Looks(tw.Strategy):
    """Notes what it sees; asks for one indicator on some bars only."""

    def __init__(self) -> None:
        self.seen: list[float] = []
        self.rows = 0

    def on_bar(self, ctx: Any, bar: Any) -> None:
        self.rows += 1
        for symbol in ctx.symbols:
            self.seen += [ctx.indicator(name, symbol) for name in NAMES]
            self.seen.append(ctx.indicator("ema(5)", symbol, interval="1wk"))
            if self.rows % 7 == 0:
                self.seen.append(ctx.indicator("atr(14)", symbol))


@pytest.fixture(scope="module")
def bars() -> Bars:
    return tw.sample_bars(["AAPL", "KO", "XOM"], start="2016-01-01", end="2017-01-01")


def looked(bars: Bars, **parts: Any) -> list[float]:
    plan = plan_backtest(Looks(), bars)
    run_loop(loop_setup(plan, open_venue(plan), TapeFeed(bars.n_bars), **parts))
    seen: list[float] = plan.what.seen
    return seen


def test_a_growing_tape_shows_a_strategy_what_a_whole_one_does(bars: Bars) -> None:
    grown = looked(bars, **growing_parts(bars))
    whole = looked(bars)
    assert len(grown) > 4_000
    np.testing.assert_array_equal(grown, whole)


def test_rows_that_are_not_known_yet_are_not_read(bars: Bars) -> None:
    cut = 120
    hidden = {name: getattr(bars, name).copy() for name in FIELDS}
    for panel in hidden.values():
        panel[cut:] = np.inf  # whoever reads them fails
    known = Bars(bars.instruments, bars.ts, **hidden)
    grows, whole = growing_source(known)("rsi(14)"), feature_source(bars)("rsi(14)")
    for row in range(cut):
        assert grows[row, 0] == whole[row, 0] or np.isnan(whole[row, 0])


def test_several_columns_are_no_indicator(bars: Bars) -> None:
    with pytest.raises(ConfigError, match="is 3 columns"):
        growing_source(bars)("lag(close, 1..3)")
