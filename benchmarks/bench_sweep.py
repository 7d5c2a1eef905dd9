"""1,000 pairs of averages × 5,000 daily bars, indicators included, four figures a pair.

Run: ``python -m benchmarks.bench_sweep``.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import tradewright as tw
from benchmarks.bench_arrays import moving_average
from benchmarks.beside import run_peer
from benchmarks.measure import median_seconds, peak_mb, tell
from tradewright.domain.instruments import Instrument

FASTS, SLOWS = range(5, 30), range(40, 80)


def daily_bars(n_bars: int) -> tw.Bars:
    rng = np.random.default_rng(5)
    close = 100 * np.exp(np.cumsum(rng.normal(3e-4, 0.012, n_bars)))
    opened = np.concatenate((close[:1], close[:-1])) * (1 + rng.normal(0, 1e-3, n_bars))
    high, low = np.maximum(opened, close) * 1.004, np.minimum(opened, close) * 0.996
    panel = [array[:, None] for array in (opened, high, low, close, np.full(n_bars, 1e6))]
    ts = np.arange(1, n_bars + 1) * 86_400_000_000_000
    return tw.Bars((Instrument("A", calendar="24/7"),), ts, *panel)


def sweep(bars: tw.Bars) -> tw.Sweep:
    close = bars.close[:, 0]

    @cache
    def average(window: int) -> NDArray[np.float64]:
        return moving_average(close, window)

    def make(fast: int, slow: int) -> tw.Signals:
        above = average(fast) > average(slow)
        known = slow - 1
        up, down = np.zeros((2, len(close)), dtype=bool)
        np.greater(above[known + 1 :], above[known:-1], out=up[known + 1 :])
        np.less(above[known + 1 :], above[known:-1], out=down[known + 1 :])
        return tw.Signals(up, down)

    return tw.sweep(make, bars, {"fast": FASTS, "slow": SLOWS}, costs=tw.Costs(fee_bps=10))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bars", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    bars = daily_bars(given.bars)
    found = sweep(bars)
    seconds = median_seconds(lambda: sweep(bars), given.rounds)
    memory = peak_mb()
    table = found.table
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        told = run_peer(
            "vectorbt_sweep",
            folder,
            rounds=3,
            open=bars.open[:, 0],
            close=bars.close[:, 0],
            fast=table["fast"].to_numpy(),
            slow=table["slow"].to_numpy(),
        )
        trades = np.load(folder / "peer_trades.npy")
        total = np.load(folder / "peer_return.npy")
    # The peer counts a trade that is still open.
    extra = trades - table["trades"].to_numpy()
    same = bool(((extra == 0) | (extra == 1)).all())
    gap = float(np.abs(table["total_return"].to_numpy() - total).max())
    tell(
        "sweep_vectorbt",
        work=f"1,000 pairs x {given.bars:,} daily bars, indicators and figures included",
        ours_s=round(seconds, 4),
        peer="vectorbt",
        peer_s=round(told["seconds"], 3),
        ratio=round(told["seconds"] / seconds, 1),
        same_trades=same,
        largest_return_gap=gap,
        peak_mb=round(memory),
        peer_peak_mb=round(told["peak_mb"]),
        goal=">= 20x, < 300 MB",
    )


if __name__ == "__main__":
    main()
