"""Monthly weights of 500 instruments in vectorbt: one cash, sales first, sized at the fill."""

from __future__ import annotations

import numpy as np
import pandas as pd
import vectorbt as vbt
from timing import FOLDER, measure, tell

opened, close, weights = (np.load(FOLDER / f"{n}.npy") for n in ("open", "close", "weights"))
index = pd.date_range("2000-01-01", periods=len(close), freq="1D")
wanted = np.vstack([np.full((1, weights.shape[1]), np.nan), weights[:-1]])


def run() -> tuple[float, float, vbt.Portfolio]:
    portfolio = vbt.Portfolio.from_orders(
        pd.DataFrame(close, index),
        size=pd.DataFrame(wanted, index),
        size_type="targetpercent",
        price=pd.DataFrame(opened, index),
        fees=0.001,
        init_cash=100_000.0,
        cash_sharing=True,
        group_by=True,
        call_seq="auto",
        freq="1D",
    )
    return portfolio.total_return(), portfolio.sharpe_ratio(), portfolio


seconds, (total, sharpe, portfolio) = measure(run)
orders = portfolio.orders.records
for name in ("col", "idx", "size", "price", "side"):
    np.save(FOLDER / f"peer_{name}.npy", orders[name].to_numpy())
tell(seconds=seconds, orders=len(orders), total_return=float(total))
