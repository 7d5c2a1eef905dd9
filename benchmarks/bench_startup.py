"""How long a newcomer waits: import, help, first backtest with a warm and a cold cache.

Run: ``python -m benchmarks.bench_startup``. Whole processes, medians of five.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from benchmarks.measure import median_seconds, tell

BACKTEST = """
import numpy as np
import tradewright as tw
bars = tw.sample_bars(["AAPL"])
close = bars.close[:, 0]
fast = np.convolve(close, np.ones(20) / 20)[: len(close)]
signals = tw.Signals(close > fast, close < fast)
print(tw.backtest(signals, bars, costs=tw.Costs(fee_bps=10)).metrics["sharpe"])
"""


def run(arguments: list[str], **environment: str) -> None:
    """Run the interpreter to its end."""
    subprocess.run(
        [sys.executable, *arguments],
        check=True,
        capture_output=True,
        env={**os.environ, **environment},
    )


def cold() -> None:
    """Run a first backtest with an empty cache of compiled code."""
    with tempfile.TemporaryDirectory() as folder:
        run(["-c", BACKTEST], NUMBA_CACHE_DIR=folder)


def main() -> None:
    """Measure and tell the four cases."""
    cases = [
        ("startup_bare", "python -c pass", lambda: run(["-c", "pass"]), None),
        ("startup_import", "import tradewright", lambda: run(["-c", "import tradewright"]), 0.3),
        ("startup_help", "tradewright --help", lambda: run(["-m", "tradewright", "--help"]), 0.4),
        ("startup_warm", "first backtest, warm cache", lambda: run(["-c", BACKTEST]), 1.0),
    ]
    run(["-c", BACKTEST])  # fill the cache
    for case, work, action, limit in cases:
        goal = f"< {limit} s" if limit else "baseline"
        tell(case, work=work, ours_s=round(median_seconds(action, 5), 3), goal=goal)
    tell(
        "startup_cold",
        work="first backtest, cold cache",
        ours_s=round(median_seconds(cold, 3), 3),
        goal="< 5 s",
    )


if __name__ == "__main__":
    main()
