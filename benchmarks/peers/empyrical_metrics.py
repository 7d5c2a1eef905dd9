"""Seven figures of many return series in empyrical, all columns at once."""

from __future__ import annotations

import empyrical
import numpy as np
import pandas as pd
from timing import FOLDER, measure, tell

table = np.load(FOLDER / "returns.npy")
frame = pd.DataFrame(table, index=pd.bdate_range("2010-01-04", periods=len(table)))


def run() -> dict[str, np.ndarray]:
    return {
        "total_return": np.asarray(empyrical.cum_returns_final(frame)),
        "annual_return": np.asarray(empyrical.annual_return(frame)),
        "annual_volatility": np.asarray(empyrical.annual_volatility(frame)),
        "sharpe": np.asarray(empyrical.sharpe_ratio(frame)),
        "sortino": np.asarray(empyrical.sortino_ratio(frame)),
        "max_drawdown": np.asarray(empyrical.max_drawdown(frame)),
    }


seconds, found = measure(run, warm=False)
np.savez(FOLDER / "peer.npz", **found)
tell(seconds=seconds)
