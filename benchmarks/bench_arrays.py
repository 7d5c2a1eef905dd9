"""One instrument, 1,000,000 minute bars, SMA 20/50, 0.1 % fee, next-open fill.

Run: ``python -m benchmarks.bench_arrays``. The call is the one users make, with return, Sharpe
ratio and trades; peers run on the same arrays in the same benchmark.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import tradewright as tw
from benchmarks.beside import run_peer
from benchmarks.measure import median_seconds, peak_mb, tell
from tradewright.domain.instruments import Instrument

Flags = NDArray[np.bool_]
RICH = 1e12


def minute_bars(n_bars: int, *, seed: int = 11) -> tw.Bars:
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 4e-4, n_bars)))
    opened = np.concatenate((close[:1], close[:-1])) * (1 + rng.normal(0, 2e-5, n_bars))
    high = np.maximum(opened, close) * (1 + np.abs(rng.normal(0, 1e-4, n_bars)))
    low = np.minimum(opened, close) * (1 - np.abs(rng.normal(0, 1e-4, n_bars)))
    panel = [array[:, None] for array in (opened, high, low, close, np.full(n_bars, 1e6))]
    ts = np.arange(1, n_bars + 1) * 60_000_000_000
    return tw.Bars((Instrument("A", calendar="24/7", tick_size=1e-8),), ts, *panel, interval="1m")


def moving_average(close: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    sums = np.cumsum(np.concatenate(([0.0], close)))
    out = np.full(len(close), np.nan)
    out[window - 1 :] = (sums[window:] - sums[:-window]) / window
    return out


def crosses(close: NDArray[np.float64], fast: int, slow: int) -> tuple[Flags, Flags]:
    quick, calm = moving_average(close, fast), moving_average(close, slow)
    up, down = np.zeros((2, len(close)), dtype=bool)
    up[1:] = (quick[:-1] <= calm[:-1]) & (quick[1:] > calm[1:])
    down[1:] = (quick[:-1] >= calm[:-1]) & (quick[1:] < calm[1:])
    return up, down


def same_trades(run: tw.Run, folder: Path) -> bool:
    """Whether bars, prices and sizes are those of the peer until an account is worth cents."""
    load = {n: np.load(folder / f"peer_{n}.npy") for n in ("entry_idx", "exit_idx", "size")}
    prices = [np.load(folder / f"peer_{n}.npy") for n in ("entry_price", "exit_price")]
    fills = run.outcome.fills
    bought, sold = fills[fills["side"] > 0], fills[fills["side"] < 0]
    count = len(sold)
    bars = (bought["bar"][:count] == load["entry_idx"][:count]).all()
    bars &= (sold["bar"] == load["exit_idx"][:count]).all()
    paid = np.allclose(bought["px"][:count] / 1e8, prices[0][:count], rtol=1e-9)
    paid &= np.allclose(sold["px"] / 1e8, prices[1][:count], rtol=1e-9)
    rich = bought["notional"][:count] > 1_000_000  # cents do not matter yet
    sizes = np.allclose((bought["qty"][:count] / 1e8)[rich], load["size"][:count][rich], rtol=1e-5)
    return bool(bars and paid and sizes and abs(len(bought) - len(load["size"])) <= 0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--slow-peer-bars", type=int, default=1_000_000)
    given = parser.parse_args()
    bars = minute_bars(given.bars)
    close = bars.close[:, 0]
    entries, exits = crosses(close, 20, 50)
    signals, costs = tw.Signals(entries, exits), tw.Costs(fee_bps=10)

    def ours() -> tw.Run:
        run = tw.backtest(signals, bars, costs=costs)
        _ = run.metrics["total_return"], run.metrics["sharpe"], run.metrics["trades"]
        return run

    ours()
    memory = peak_mb()
    seconds = median_seconds(ours, given.rounds)
    panel = {n: getattr(bars, n)[:, 0] for n in ("open", "high", "low", "close")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        told = run_peer("vectorbt_arrays", folder, rounds=5, **panel, entries=entries, exits=exits)
        same = same_trades(ours(), folder)
    tell(
        "arrays_vectorbt",
        work=f"{given.bars:,} minute bars, SMA 20/50, 0.1 % fee, arrays",
        ours_s=round(seconds, 4),
        peer="vectorbt",
        peer_s=round(told["seconds"], 4),
        ratio=round(told["seconds"] / seconds, 1),
        same_trades=same,
        peak_mb=round(memory),
        peer_peak_mb=round(told["peak_mb"]),
        goal=">= 8x, aim 15x, same trades, < 300 MB",
    )
    beside_backtesting(bars, entries, exits, cut=min(given.slow_peer_bars, given.bars))


def beside_backtesting(bars: tw.Bars, entries: Flags, exits: Flags, *, cut: int) -> None:
    """Time both on the same rows, with cash that whole shares do not run out of."""
    bars, entries, exits = bars.rows(0, cut), entries[:cut], exits[:cut]
    signals, costs = tw.Signals(entries, exits), tw.Costs(fee_bps=10)

    def ours() -> tw.Run:
        run = tw.backtest(signals, bars, cash=RICH, costs=costs)
        _ = run.metrics["total_return"], run.metrics["sharpe"], run.metrics["trades"]
        return run

    fills = ours().outcome.fills
    seconds = median_seconds(ours, 7)
    panel = {n: getattr(bars, n)[:, 0] for n in ("open", "high", "low", "close")}
    flags = {"entries": entries, "exits": exits}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        told = run_peer("backtesting_arrays", folder, rounds=1, cash=RICH, **panel, **flags)
        theirs = [np.load(folder / f"bt_{end}.npy") for end in ("entry", "exit")]
    sold = fills["bar"][fills["side"] < 0]
    bought = fills["bar"][fills["side"] > 0][: len(sold)]
    same = np.array_equal(theirs[0], bought) and np.array_equal(theirs[1], sold)
    tell(
        "arrays_backtesting",
        work=f"{cut:,} minute bars, SMA 20/50, 0.1 % fee, arrays; the peer buys whole shares",
        ours_s=round(seconds, 4),
        peer="backtesting.py",
        peer_s=round(told["seconds"], 2),
        ratio=round(told["seconds"] / seconds, 1),
        same_trades=same,
        goal=">= 150x",
    )


if __name__ == "__main__":
    main()
