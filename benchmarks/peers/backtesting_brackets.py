"""Bracket orders on many symbols with the multi-run of backtesting.py, on all cores."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy
from backtesting.lib import MultiBacktest
from timing import FOLDER, measure, tell

warnings.filterwarnings("ignore")
names = ("open", "high", "low", "close", "entries")
opened, high, low, close, entries = (np.load(FOLDER / f"{name}.npy") for name in names)
stop, target = (float(np.load(FOLDER / f"{name}.npy")) for name in ("stop", "target"))
compared = int(np.load(FOLDER / "compared.npy"))
index = pd.date_range("2000-01-01", periods=len(close), freq="1D")
frames = [
    pd.DataFrame(
        {
            "Open": opened[:, column],
            "High": high[:, column],
            "Low": low[:, column],
            "Close": close[:, column],
            "Entry": entries[:, column].astype(float),
        },
        index,
    )
    for column in range(close.shape[1])
]


class Brackets(Strategy):
    """Enter with stop and target where a flag says so."""

    def init(self) -> None:
        """Take the decisions made ahead, as plain arrays."""
        self.flags = np.asarray(self.data.Entry)
        self.closes = np.asarray(self.data.Close)

    def next(self) -> None:
        """Decide at the close of a bar."""
        row = len(self.data) - 1
        if self.flags[row] and not self.position:
            price = self.closes[row]
            self.buy(size=10, sl=price * (1 - stop), tp=price * (1 + target))


settings = {"cash": 1_000_000.0, "commission": 0.0005, "finalize_trades": False}
seconds, figures = measure(lambda: MultiBacktest(frames, Brackets, **settings).run(), warm=False)
np.save(FOLDER / "peer_trades.npy", figures.loc["# Trades"].to_numpy(dtype=np.int64))

# The multi-run keeps no trades: those to compare come from single runs, untimed.
tables = []
for column, frame in enumerate(frames[:compared]):
    trades = Backtest(frame, Brackets, **settings).run()._trades
    fields = ("EntryBar", "ExitBar", "EntryPrice", "ExitPrice")
    tables.append(np.column_stack([np.full(len(trades), column), *(trades[f] for f in fields)]))
np.save(FOLDER / "peer_table.npy", np.concatenate(tables))
tell(seconds=seconds, trades=int(figures.loc["# Trades"].sum()))
