"""The same in backtesting.py: whole shares of a fractional contract, orders at the next open."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy
from timing import FOLDER, measure, tell

warnings.filterwarnings("ignore")
names = ("open", "high", "low", "close", "entries", "exits")
opened, high, low, close, entries, exits = (np.load(FOLDER / f"{name}.npy") for name in names)
index = pd.date_range("2000-01-01", periods=len(close), freq="1min")
cash = float(np.load(FOLDER / "cash.npy"))
frame = pd.DataFrame({"Open": opened, "High": high, "Low": low, "Close": close}, index)


class Arrays(Strategy):
    """Enter and leave where the arrays say so."""

    def init(self) -> None:
        """Take the decisions made ahead."""
        self.entries = entries

    def next(self) -> None:
        """Decide at the close of a bar."""
        row = len(self.data) - 1
        if exits[row] and self.position:
            self.position.close()
        elif self.entries[row] and not self.position:
            self.buy()


def run() -> pd.Series:
    return Backtest(frame, Arrays, cash=cash, commission=0.001, finalize_trades=False).run()


seconds, stats = measure(run, warm=False)
trades = stats._trades
np.save(FOLDER / "bt_entry.npy", trades["EntryBar"].to_numpy())
np.save(FOLDER / "bt_exit.npy", trades["ExitBar"].to_numpy())
tell(seconds=seconds, trades=len(trades))
