"""Figures of 10,000 x 2,520 return series beside quantstats and empyrical; luck of 1,000 trials.

Run: ``python -m benchmarks.bench_metrics``. The peers compute six figures of the same array in the
same benchmark, quantstats of a tenth of the series, its time times ten; ours computes fourteen.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.beside import run_peer
from benchmarks.measure import median_seconds, tell
from tradewright.metrics.panel import performance_panel
from tradewright.metrics.statistics import deflated_sharpe, sharpe_moments
from tradewright.metrics.trials.overfitting import backtest_overfitting

SAME = ("total_return", "annual_return", "annual_volatility", "sharpe", "sortino", "max_drawdown")
YEAR = 252.0


def worst_difference(ours: dict[str, np.ndarray], folder: Path, names: tuple[str, ...]) -> float:
    """Return the largest relative difference to the peer's figures."""
    with np.load(folder / "peer.npz") as theirs:
        gaps = [np.abs(ours[n] - theirs[n]) / np.maximum(np.abs(theirs[n]), 1e-6) for n in names]
    return float(np.max(gaps))


def beside(table: np.ndarray, peer: str, *, rounds: int, times: int, goal: str) -> None:
    def ours() -> dict[str, np.ndarray]:
        return performance_panel(table, periods_per_year=YEAR, risk_free=0.0)

    found = ours()
    seconds = median_seconds(ours, 5)
    part = np.ascontiguousarray(table[:, : table.shape[1] // times])
    with tempfile.TemporaryDirectory() as name:
        told = run_peer(f"{peer}_metrics", Path(name), rounds=rounds, returns=part)
        cut = {key: values[: part.shape[1]] for key, values in found.items()}
        # quantstats counts calendar years in its annual return
        names = SAME if peer == "empyrical" else tuple(n for n in SAME if n != "annual_return")
        gap = worst_difference(cut, Path(name), names)
    n, k = table.shape
    tell(
        f"metrics_{peer}",
        work=f"figures of {k:,} series of {n:,} sessions",
        ours_s=round(seconds, 4),
        peer=peer,
        peer_s=round(told["seconds"] * times, 3),
        ratio=round(told["seconds"] * times / seconds, 1),
        worst_relative_difference=gap,
        goal=goal,
    )


def luck(trials: int, sessions: int) -> None:
    table = np.random.default_rng(2).normal(0.0002, 0.01, (sessions, trials))

    def ours() -> tuple[float, float]:
        found = backtest_overfitting(table)
        ratios = table.mean(axis=0) / table.std(axis=0, ddof=1)
        best = sharpe_moments(table[:, int(np.argmax(ratios))])
        return found.probability, deflated_sharpe(best, ratios.tolist())

    ours()
    tell(
        "metrics_luck",
        work=f"PBO over 12,870 splits and deflated Sharpe of {trials:,} trials",
        ours_s=round(median_seconds(ours, 5), 4),
        goal="< 1 s",
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--sessions", type=int, default=2_520)
    given = parser.parse_args()
    shape = (given.sessions, given.series)
    table = np.random.default_rng(1).standard_t(5, shape) * 0.008 + 0.0003
    beside(table, "quantstats", rounds=1, times=10, goal=">= 50x")
    beside(table, "empyrical", rounds=1, times=1, goal=">= 5x")
    luck(1_000, given.sessions)


if __name__ == "__main__":
    main()
