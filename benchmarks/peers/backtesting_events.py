"""A strategy called per bar with bracket orders, in backtesting.py."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy
from timing import FOLDER, measure, tell

warnings.filterwarnings("ignore")
names = ("open", "high", "low", "close", "entries")
opened, high, low, close, entries = (np.load(FOLDER / f"{name}.npy") for name in names)
index = pd.date_range("2000-01-01", periods=len(close), freq="1min")
frame = pd.DataFrame({"Open": opened, "High": high, "Low": low, "Close": close}, index)
STOP, TARGET = 0.0012, 0.0012


class Brackets(Strategy):
    """Enter with stop and target where a flag says so."""

    def init(self) -> None:
        """Take the decisions made ahead."""
        self.entries = entries

    def next(self) -> None:
        """Decide at the close of a bar."""
        row = len(self.data) - 1
        if self.entries[row] and not self.position:
            price = close[row]
            self.buy(size=10, sl=price * (1 - STOP), tp=price * (1 + TARGET))


def run() -> pd.Series:
    return Backtest(frame, Brackets, cash=100_000.0, commission=0.0001).run()


seconds, stats = measure(run)
trades = stats._trades
for name in ("EntryBar", "ExitBar", "EntryPrice", "ExitPrice"):
    np.save(FOLDER / f"bt_{name}.npy", trades[name].to_numpy())
tell(seconds=seconds, trades=len(trades))
