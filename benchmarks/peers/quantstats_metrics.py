"""Six figures of many return series in quantstats, given as one frame."""

from __future__ import annotations

import numpy as np
import pandas as pd
import quantstats.stats as qs
from timing import FOLDER, measure, tell

table = np.load(FOLDER / "returns.npy")
frame = pd.DataFrame(table, index=pd.bdate_range("2010-01-04", periods=len(table)))


def run() -> dict[str, np.ndarray]:
    return {
        "total_return": np.asarray(qs.comp(frame)),
        "annual_return": np.asarray(qs.cagr(frame, periods=252)),
        "annual_volatility": np.asarray(qs.volatility(frame, periods=252, prepare_returns=False)),
        "sharpe": np.asarray(qs.sharpe(frame, periods=252)),
        "sortino": np.asarray(qs.sortino(frame, periods=252)),
        "max_drawdown": np.asarray(qs.max_drawdown(frame)),
    }


seconds, found = measure(run, warm=False)
np.savez(FOLDER / "peer.npz", **found)
tell(seconds=seconds)
