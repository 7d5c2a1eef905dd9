"""500 instruments × 10 years of daily bars × 1,000 parameter sets: momentum held in equal weights.

The estimate that is told before the sweep begins stands beside what it took.

Run: ``python -m benchmarks.bench_big_sweep``.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

import numpy as np

import tradewright as tw
from benchmarks.measure import tell
from tradewright.domain.instruments import Instrument

LOOKBACKS, TOPS, EVERY = range(20, 270, 10), range(10, 90, 10), (5, 10, 21, 42, 63)


def market(n_instruments: int, n_bars: int) -> tw.Bars:
    rng = np.random.default_rng(9)
    shape = (n_bars, n_instruments)
    close = 50 * np.exp(np.cumsum(rng.normal(2e-4, 0.018, shape), axis=0))
    opened = np.vstack([close[:1], close[:-1]]) * (1 + rng.normal(0, 1e-3, shape))
    high, low = np.maximum(opened, close) * 1.003, np.minimum(opened, close) * 0.997
    ts = np.arange(1, n_bars + 1) * 86_400_000_000_000
    names = tuple(Instrument(f"S{i:03}", calendar="24/7") for i in range(n_instruments))
    return tw.Bars(names, ts, opened, high, low, close, np.full(shape, 1e7))


def memory_mb(name: str) -> float:
    """Return VmRSS (now) or VmHWM (most since the last reset) of this process."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"{name}:", 1)[1].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--instruments", type=int, default=500)
    parser.add_argument("--bars", type=int, default=2_520)
    parser.add_argument("--sets", type=int, default=1_000)
    given = parser.parse_args()
    bars = market(given.instruments, given.bars)

    def make(lookback: int, top: int, every: int) -> tw.TargetWeights:
        weights = np.full(bars.close.shape, np.nan)
        for row in range(lookback, bars.n_bars, every):
            past = bars.close[row] / bars.close[row - lookback]
            chosen = np.argpartition(past, -top)[-top:]
            weights[row] = 0.0
            weights[row, chosen] = 0.95 / top
        return tw.TargetWeights(weights)

    grid = {"lookback": LOOKBACKS, "top": TOPS, "every": EVERY}
    tw.sweep(make, bars, {name: values[:1] for name, values in grid.items()})  # compiles
    told: list[str] = []
    Path("/proc/self/clear_refs").write_text("5")  # the peak of making the bars is forgotten
    held, start = memory_mb("VmRSS"), time.perf_counter()
    found = tw.sweep(
        make,
        bars,
        grid,
        search=f"random:{given.sets}",
        costs=tw.Costs(fee_bps=10),
        progress=lambda _fraction, message: told.append(message) if not told else None,
    )
    seconds = time.perf_counter() - start
    sizes = re.search(r"about ([\d.,]+) (s|minutes|hours) and ([\d,]+) MB", told[0])
    unit = {"s": 1, "minutes": 60, "hours": 3600}
    tell(
        "big_sweep",
        work=f"{given.instruments} instruments x {given.bars} bars x {found.trials} sets",
        ours_s=round(seconds, 1),
        goal="bounded, stated memory",
        estimate_s=float(sizes[1].replace(",", "")) * unit[sizes[2]] if sizes else None,
        estimate_mb=float(sizes[3].replace(",", "")) if sizes else None,
        took_mb=round(memory_mb("VmHWM") - held),
        peak_mb=round(memory_mb("VmHWM")),
        bars_mb=round(5 * bars.close.nbytes / 1e6),
        mbars_s=round(bars.close.size * found.trials / seconds / 1e6, 1),
        digest=found.digest[:16],
    )


if __name__ == "__main__":
    main()
