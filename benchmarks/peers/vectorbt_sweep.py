"""1,000 pairs of averages in vectorbt, indicators included."""

from __future__ import annotations

import numpy as np
import pandas as pd
import vectorbt as vbt
from timing import FOLDER, measure, tell

opened, close = np.load(FOLDER / "open.npy"), np.load(FOLDER / "close.npy")
fasts, slows = np.load(FOLDER / "fast.npy").tolist(), np.load(FOLDER / "slow.npy").tolist()
index = pd.date_range("2000-01-01", periods=len(close), freq="1D")
opens, closes = pd.Series(opened, index), pd.Series(close, index)


def run() -> list[np.ndarray]:
    quick = vbt.MA.run(closes, window=fasts, run_unique=True, short_name="fast")
    calm = vbt.MA.run(closes, window=slows, run_unique=True, short_name="slow")
    entries = quick.ma_crossed_above(calm).vbt.signals.fshift(1)
    exits = quick.ma_crossed_below(calm).vbt.signals.fshift(1)
    portfolio = vbt.Portfolio.from_signals(
        closes, entries, exits, price=opens, fees=0.001, init_cash=100_000.0, freq="1D"
    )
    return [
        np.asarray(figure)
        for figure in (
            portfolio.total_return(),
            portfolio.sharpe_ratio(),
            portfolio.max_drawdown(),
            portfolio.trades.count(),
        )
    ]


seconds, figures = measure(run)
np.save(FOLDER / "peer_return.npy", figures[0])
np.save(FOLDER / "peer_trades.npy", figures[3])
np.save(FOLDER / "peer_drawdown.npy", figures[2])
tell(seconds=seconds)
