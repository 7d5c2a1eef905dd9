"""One instrument, signals decided ahead, next-open fill, in vectorbt."""

from __future__ import annotations

import numpy as np
import pandas as pd
import vectorbt as vbt
from timing import FOLDER, measure, tell

names = ("open", "close", "entries", "exits")
opened, close, entries, exits = (np.load(FOLDER / f"{name}.npy") for name in names)
index = pd.date_range("2000-01-01", periods=len(close), freq="1min")
series = [pd.Series(given, index) for given in (opened, close)]
shifted = [pd.Series(np.r_[False, given[:-1]], index) for given in (entries, exits)]


def run() -> tuple[float, float, int, vbt.Portfolio]:
    portfolio = vbt.Portfolio.from_signals(
        series[1], *shifted, price=series[0], fees=0.001, init_cash=100_000.0, freq="1min"
    )
    trades = portfolio.trades.records
    return portfolio.total_return(), portfolio.sharpe_ratio(), len(trades), portfolio


seconds, (total, sharpe, count, portfolio) = measure(run)
trades = portfolio.trades.records
for name in ("entry_idx", "exit_idx", "entry_price", "exit_price", "size", "status"):
    np.save(FOLDER / f"peer_{name}.npy", trades[name].to_numpy())
tell(seconds=seconds, total_return=float(total), trades=int(count))
