"""200 pairs of averages on GOOG in vectorbt and backtesting.py, for the golden test of sweeps.

Run in the peers' environment: ``python sma_sweep_facts.py FILE``; FILE is written.
"""

from __future__ import annotations

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import vectorbt as vbt
from backtesting import Strategy
from backtesting.lib import FractionalBacktest
from backtesting.test import GOOG

warnings.filterwarnings("ignore")
FASTS, SLOWS = list(range(4, 34, 3)), list(range(40, 140, 5))
FEE, CASH = 0.001, 100_000.0


def crosses(fast: int, slow: int) -> tuple[pd.Series, pd.Series]:
    quick, calm = GOOG.Close.rolling(fast).mean(), GOOG.Close.rolling(slow).mean()
    up = (quick.shift() <= calm.shift()) & (quick > calm)
    down = (quick.shift() >= calm.shift()) & (quick < calm)
    return up, down


def in_vectorbt(up: pd.Series, down: pd.Series) -> list[float]:
    shifted = [flag.vbt.signals.fshift(1) for flag in (up, down)]
    portfolio = vbt.Portfolio.from_signals(
        GOOG.Close, *shifted, price=GOOG.Open, fees=FEE, init_cash=CASH, freq="1D"
    )
    closed = portfolio.trades.closed.count()
    return [float(portfolio.total_return()), float(portfolio.max_drawdown()), int(closed)]


class Arrays(Strategy):
    """Enter and leave where the flags say so."""

    up = down = None

    def init(self) -> None:
        """Take the decisions made ahead."""
        self.rises, self.falls = self.up, self.down

    def next(self) -> None:
        """Decide at the close of a bar."""
        row = len(self.data) - 1
        if self.falls[row] and self.position:
            self.position.close()
        elif self.rises[row] and not self.position:
            self.buy()


def in_backtesting(up: pd.Series, down: pd.Series) -> list[float]:
    test = FractionalBacktest(
        GOOG, Arrays, cash=CASH, commission=FEE, finalize_trades=False, fractional_unit=1e-8
    )
    stats = test.run(up=up.to_numpy(), down=down.to_numpy())
    return [stats["Return [%]"] / 100, stats["Max. Drawdown [%]"] / 100, len(stats._trades)]


def main() -> None:
    rows = []
    for fast in FASTS:
        for slow in SLOWS:
            flags = crosses(fast, slow)
            found = [*in_vectorbt(*flags), *in_backtesting(*flags)]
            rows.append([fast, slow, *(round(value, 11) for value in found)])
    first, second = np.array(rows)[:, 2:5], np.array(rows)[:, 5:8]
    names = ", ".join(f"{name} {version(name)}" for name in ("vectorbt", "backtesting"))
    text = json.dumps(
        {
            "about": f"Facts of two other engines on GOOG daily bars (backtesting.test.GOOG, "
            f"{len(GOOG)} rows), all in, 0.1 % fee, next open: {names}; they differ by "
            f"at most {np.abs(first - second).max():.1e}.",
            "cash": CASH,
            "fee": FEE,
            "columns": [
                "fast",
                "slow",
                *(
                    f"{engine}_{figure}"
                    for engine in ("vectorbt", "backtesting")
                    for figure in ("return", "drawdown", "trades")
                ),
            ],
            "rows": rows,
        }
    )
    Path(sys.argv[1]).write_text(text.replace("], [", "],\n  [") + "\n")


main()
