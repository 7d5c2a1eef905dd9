"""A strategy called per bar with bracket orders, in backtrader."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pandas as pd
from timing import FOLDER, measure, tell

names = ("open", "high", "low", "close", "entries")
opened, high, low, close, entries = (np.load(FOLDER / f"{name}.npy") for name in names)
index = pd.date_range("2000-01-01", periods=len(close), freq="1min")
frame = pd.DataFrame(
    {"open": opened, "high": high, "low": low, "close": close, "volume": 1e6}, index
)
STOP, TARGET = 0.0012, 0.0012


class Brackets(bt.Strategy):
    """Enter with stop and target where a flag says so."""

    def __init__(self) -> None:
        self.row = -1
        self.busy = False
        self.trips = 0

    def notify_trade(self, trade: bt.Trade) -> None:
        """Count what was closed."""
        self.trips += trade.isclosed
        self.busy = not trade.isclosed

    def next(self) -> None:
        """Decide at the close of a bar."""
        self.row += 1
        if entries[self.row] and not self.position and not self.busy:
            price = self.data.close[0]
            self.busy = True
            self.buy_bracket(
                size=10,
                exectype=bt.Order.Market,
                stopprice=price * (1 - STOP),
                limitprice=price * (1 + TARGET),
            )


def run() -> int:
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame))
    cerebro.addstrategy(Brackets)
    cerebro.broker.setcash(100_000.0)
    cerebro.broker.setcommission(0.0001)
    return int(cerebro.run()[0].trips)


seconds, trips = measure(run, warm=False)
tell(seconds=seconds, trades=trips)
