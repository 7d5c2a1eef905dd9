"""One strategy in backtesting.py, vectorbt and backtrader: the closed trades of each.

Ten units are bought at the open after a flag and sold at the open after another; a second run, in
backtesting.py alone, leaves by stop and target.
"""

from __future__ import annotations

import warnings

import backtrader as bt
import numpy as np
import pandas as pd
import vectorbt as vbt
from backtesting import Backtest, Strategy
from timing import FOLDER, tell

warnings.filterwarnings("ignore")
names = ("open", "high", "low", "close", "entries", "exits")
opened, high, low, close, entries, exits = (np.load(FOLDER / f"{name}.npy") for name in names)
stop, target = (float(np.load(FOLDER / f"{name}.npy")) for name in ("stop", "target"))
CASH, SIZE = 10_000_000.0, 10
index = pd.date_range("2000-01-01", periods=len(close), freq="1h")
frame = pd.DataFrame({"Open": opened, "High": high, "Low": low, "Close": close}, index)


class Flags(Strategy):
    """Enter and leave where flags say so."""

    def init(self) -> None:
        """Take the decisions made ahead."""
        self.entries, self.exits = entries, exits

    def next(self) -> None:
        """Decide at the close of a bar."""
        row = len(self.data) - 1
        if self.exits[row] and self.position:
            self.position.close()
        elif self.entries[row] and not self.position:
            self.buy(size=SIZE)


class Brackets(Flags):
    """Enter where flags say so, leave by stop or target."""

    def next(self) -> None:
        """Decide at the close of a bar."""
        row = len(self.data) - 1
        if self.entries[row] and not self.position:
            price = close[row]
            self.buy(size=SIZE, sl=price * (1 - stop), tp=price * (1 + target))


class Trader(bt.Strategy):
    """The same flags in backtrader."""

    def __init__(self) -> None:
        self.row = -1
        self.fills: list[tuple[int, float, float]] = []

    def notify_order(self, order: bt.Order) -> None:
        """Note what was executed, at the bar that has just come."""
        if order.status == order.Completed:
            self.fills.append((len(self) - 1, order.executed.price, order.executed.size))

    def next(self) -> None:
        """Decide at the close of a bar."""
        self.row += 1
        if exits[self.row] and self.position:
            self.close()
        elif entries[self.row] and not self.position:
            self.buy(size=SIZE)


def of_backtesting(kind: type[Strategy]) -> np.ndarray:
    run = Backtest(frame, kind, cash=CASH, finalize_trades=False).run()
    fields = ("EntryBar", "ExitBar", "EntryPrice", "ExitPrice")
    return run._trades[list(fields)].to_numpy(dtype=np.float64)


def of_vectorbt() -> np.ndarray:
    late = [pd.Series(np.r_[False, flags[:-1]], index) for flags in (entries, exits)]
    portfolio = vbt.Portfolio.from_signals(
        frame["Close"], *late, price=frame["Open"], size=SIZE, init_cash=CASH, freq="1h"
    )
    trades = portfolio.trades.records
    trades = trades[trades["status"] == 1]
    fields = ("entry_idx", "exit_idx", "entry_price", "exit_price")
    return trades[list(fields)].to_numpy(dtype=np.float64)


def of_backtrader() -> np.ndarray:
    cerebro = bt.Cerebro(stdstats=False)
    lower = frame.rename(columns=str.lower).assign(volume=1e6)
    cerebro.adddata(bt.feeds.PandasData(dataname=lower))
    cerebro.addstrategy(Trader)
    cerebro.broker.setcash(CASH)
    fills = cerebro.run()[0].fills
    pairs = zip(fills[::2], fills[1::2], strict=False)
    return np.array([(a[0], b[0], a[1], b[1]) for a, b in pairs], dtype=np.float64)


found = {
    "backtesting": of_backtesting(Flags),
    "backtesting_brackets": of_backtesting(Brackets),
    "vectorbt": of_vectorbt(),
    "backtrader": of_backtrader(),
}
for name, table in found.items():
    np.save(FOLDER / f"trades_{name}.npy", table[np.argsort(table[:, 0], kind="stable")])
tell(seconds=0.0)
