"""500 instruments × 2,520 days, monthly top-50 momentum, 10 basis points, one cash.

Run: ``python -m benchmarks.bench_weights``. Quantities are found at the fill, as the peer does it.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import tradewright as tw
from benchmarks.beside import run_peer
from benchmarks.measure import median_seconds, peak_mb, tell
from tradewright.domain.instruments import Instrument


def panel_bars(n_bars: int, width: int) -> tw.Bars:
    rng = np.random.default_rng(9)
    drift = rng.normal(2e-4, 3e-4, width)
    close = 50 * np.exp(np.cumsum(rng.normal(drift, 0.018, (n_bars, width)), axis=0))
    opened = np.vstack((close[:1], close[:-1])) * (1 + rng.normal(0, 2e-3, (n_bars, width)))
    high, low = np.maximum(opened, close) * 1.004, np.minimum(opened, close) * 0.996
    names = tuple(Instrument(f"S{i:03d}") for i in range(width))
    ts = np.arange(1, n_bars + 1) * 86_400_000_000_000
    return tw.Bars(names, ts, opened, high, low, close, np.full_like(close, 1e6))


def momentum(close: NDArray[np.float64], *, top: int = 50, month: int = 21) -> NDArray[np.float64]:
    """Weights of the best `top` of the year before last month, every month; 98 % invested."""
    weights = np.full_like(close, np.nan)
    for row in range(252, len(close), month):
        past = close[row - month] / close[row - 252]
        chosen = np.argpartition(past, -top)[-top:]
        weights[row] = 0.0
        weights[row, chosen] = 0.98 / top
    return weights


def same_orders(run: tw.Run, folder: Path) -> bool:
    """Whether bar, instrument, side, price and size of every fill are those of the peer."""
    peer = {n: np.load(folder / f"peer_{n}.npy") for n in ("col", "idx", "size", "price", "side")}
    fills = run.outcome.fills
    if len(fills) != len(peer["col"]):
        return False
    ours = np.lexsort((fills["instrument"], fills["bar"]))
    theirs = np.lexsort((peer["col"], peer["idx"]))
    fills = fills[ours]
    peer = {name: column[theirs] for name, column in peer.items()}
    sides = np.where(peer["side"] == 0, 1, -1)
    return bool(
        (fills["bar"] == peer["idx"]).all()
        and (fills["instrument"] == peer["col"]).all()
        and (fills["side"] == sides).all()
        and np.allclose(fills["px"] / 1e8, peer["price"], rtol=1e-7)
        and np.allclose(fills["qty"] / 1e8, peer["size"], rtol=1e-4, atol=1e-2)
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    bars = panel_bars(2_520, 500)
    weights = momentum(bars.close)
    targets, costs = tw.TargetWeights(weights), tw.Costs(fee_bps=10)
    config = replace(tw.BacktestConfig.neutral(), rules=tw.FillRules(size_at="fill_open"))

    def ours() -> tw.Run:
        run = tw.backtest(targets, bars, costs=costs, config=config)
        _ = run.metrics["total_return"], run.metrics["sharpe"], run.metrics["trades"]
        return run

    ours()
    seconds = median_seconds(ours, given.rounds)
    memory = peak_mb()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        told = run_peer(
            "vectorbt_weights",
            folder,
            rounds=3,
            open=bars.open,
            close=bars.close,
            weights=weights,
        )
        same = same_orders(ours(), folder)
    tell(
        "weights_vectorbt",
        work="500 instruments x 2,520 days, monthly top-50 momentum, 10 bps",
        ours_s=round(seconds, 4),
        peer="vectorbt",
        peer_s=round(told["seconds"], 3),
        ratio=round(told["seconds"] / seconds, 1),
        same_orders=same,
        orders=told["orders"],
        peak_mb=round(memory),
        peer_peak_mb=round(told["peak_mb"]),
        goal=">= 10x, aim 20x, same orders",
    )


if __name__ == "__main__":
    main()
