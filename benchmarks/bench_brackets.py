"""Bracket orders on 1,000 symbols × 2,520 days in one batch call.

Run: ``python -m benchmarks.bench_brackets``. Entries are decided ahead; each has a stop and a
target. The peer is the multi-run of backtesting.py, which gives every symbol its own account on
all cores and makes one row of figures a symbol. Ours is one account with all symbols; every
metric, the table of trades, the equity curve and the figures by symbol are made.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

import tradewright as tw
from benchmarks.beside import run_peer
from benchmarks.measure import median_seconds, peak_mb, tell
from tradewright.domain.instruments import Instrument

STOP, TARGET = 0.03, 0.04
RICH = 1e9


def daily_bars(n_bars: int, width: int) -> tw.Bars:
    """Return a panel of daily bars of random walks."""
    rng = np.random.default_rng(17)
    close = 50 * np.exp(np.cumsum(rng.normal(2e-4, 0.015, (n_bars, width)), axis=0))
    opened = np.vstack((close[:1], close[:-1])) * (1 + rng.normal(0, 3e-3, (n_bars, width)))
    high = np.maximum(opened, close) * (1 + np.abs(rng.normal(0, 6e-3, (n_bars, width))))
    low = np.minimum(opened, close) * (1 - np.abs(rng.normal(0, 6e-3, (n_bars, width))))
    names = tuple(Instrument(f"S{i:04d}", tick_size=1e-8) for i in range(width))
    ts = np.arange(1, n_bars + 1) * 86_400_000_000_000
    return tw.Bars(names, ts, opened, high, low, close, np.full_like(close, 1e6))


def trade_table(run: tw.Run) -> NDArray[np.float64]:
    """Return column, entry bar, exit bar, entry and exit price of every closed trade, sorted."""
    fills = run.outcome.fills
    fills = fills[np.lexsort((np.arange(len(fills)), fills["instrument"]))]
    bought = np.flatnonzero(fills["side"] > 0)
    followed = bought[bought + 1 < len(fills)]
    closed = followed[fills["side"][followed + 1] < 0]
    entry, exits = fills[closed], fills[closed + 1]
    assert (entry["instrument"] == exits["instrument"]).all()
    columns = (entry["instrument"], entry["bar"], exits["bar"], entry["px"] / 1e8)
    return np.column_stack((*columns, exits["px"] / 1e8))


def same_trades(run: tw.Run, folder: Path, compared: int) -> bool:
    """Whether the number of trades of every symbol, and every trade of some, are the peer's."""
    ours, peer = trade_table(run), np.load(folder / "peer_table.npy")
    counts = np.bincount(ours[:, 0].astype(int), minlength=run.bars.n_instruments)
    if (counts != np.load(folder / "peer_trades.npy")).any():
        return False
    peer = peer[np.lexsort((peer[:, 1], peer[:, 0]))]
    ours = ours[ours[:, 0] < compared]
    return len(ours) == len(peer) and bool(np.allclose(ours, peer, rtol=1e-9, atol=2e-8))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--symbols", type=int, default=1_000)
    parser.add_argument("--bars", type=int, default=2_520)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    bars = daily_bars(given.bars, given.symbols)
    entries = np.random.default_rng(18).random(bars.close.shape) < 0.1
    entries[0] = False  # the peer asks its strategy from the second bar on
    signals = tw.Signals(
        entries, np.zeros_like(entries), size=0.5 / given.symbols, stop=STOP, target=TARGET
    )
    costs = tw.Costs(fee_bps=5)

    def ours() -> tuple[tw.Run, Any]:
        run = tw.backtest(signals, bars, cash=RICH, costs=costs)
        figures = {name: run.metrics[name] for name in run.metrics}
        assert len(figures) > 50
        trades = run.trades
        assert len(run.equity) == given.bars
        return run, trades.group_by("symbol").agg(pl.len(), pl.col("pnl").sum())

    run, _ = ours()
    seconds = median_seconds(ours, given.rounds)
    memory = peak_mb()
    compared = min(given.symbols, 100)
    panel = {name: getattr(bars, name) for name in ("open", "high", "low", "close")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        told = run_peer(
            "backtesting_brackets",
            folder,
            rounds=1,
            entries=entries,
            stop=STOP,
            target=TARGET,
            compared=compared,
            **panel,
        )
        same = same_trades(run, folder, compared)
    tell(
        "brackets_backtesting",
        work=f"bracket orders, {given.symbols:,} symbols x {given.bars:,} days in one batch",
        ours_s=round(seconds, 4),
        peer="backtesting.py MultiBacktest, all cores",
        peer_s=round(told["seconds"], 2),
        ratio=round(told["seconds"] / seconds, 1),
        same_trades=same,
        trades=told["trades"],
        peak_mb=round(memory),
        goal=">= 50x",
    )


if __name__ == "__main__":
    main()
