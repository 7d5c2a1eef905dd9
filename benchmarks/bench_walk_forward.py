"""Twelve windows over 28 stocks and four years: a rule, and a LightGBM study with its gates.

Run: ``python -m benchmarks.bench_walk_forward``. Time is told for each stage.
"""

from __future__ import annotations

import time

import numpy as np

import tradewright as tw
from benchmarks.measure import tell
from tradewright.marketdata.sample.embedded import FUNDS

SESSIONS = 1008
GRID = {"fast": [10, 20, 30, 40], "slow": [50, 100, 150]}
STUDY = {
    "data.start": "2010-12-20",
    "data.end": "2015-12-31",
    "model.type": "lightgbm",
    "model.params": {},
    "validation.scheme": "rolling",
    "validation.training_days": 252,
    "validation.testing_days": 63,
    "validation.controls": 0,
}


def cross(bars: tw.Bars, fast: int, slow: int) -> tw.TargetWeights:
    """Hold each stock in equal weight while its fast average is above its slow one."""
    averages = []
    for days in (fast, slow):
        total = np.cumsum(bars.close, axis=0)
        average = np.full(bars.close.shape, np.nan)
        average[days - 1 :] = total[days - 1 :]
        average[days:] -= total[:-days]
        averages.append(average / days)
    return tw.TargetWeights(np.where(averages[0] > averages[1], 1 / bars.n_instruments, 0.0))


def rule(bars: tw.Bars) -> None:
    """Choose among twelve pairs in each window."""
    tw.walk_forward(cross, bars, GRID)  # warm-up
    times = []
    for _ in range(5):
        start = time.perf_counter()
        walk = tw.walk_forward(cross, bars, GRID)
        times.append(time.perf_counter() - start)
    assert len(walk.rows) == 12, len(walk.rows)
    tell(
        "walk_forward_rule",
        work="12 windows, 28 stocks x 1,008 days, 12 parameter pairs each",
        ours_s=round(sorted(times)[2], 3),
        stages={name: round(seconds, 3) for name, seconds in walk.seconds.items()},
        goal="< 2 s",
    )


def study() -> None:
    """Walk the demo's study with LightGBM, leak guard and both measures of each window."""
    page = tw.Study.load("demo").with_settings(STUDY)
    page.walkforward(save=False)  # warm-up
    start = time.perf_counter()
    walk = page.walkforward(save=False)
    seconds = time.perf_counter() - start
    assert len(walk.rows) == 12, len(walk.rows)
    tell(
        "walk_forward_lightgbm",
        work="12 windows, 28 stocks x 4 years, LightGBM study with its gates",
        ours_s=round(seconds, 3),
        stages={name: round(took, 3) for name, took in walk.seconds.items()},
        goal="< 20 s",
    )


def main() -> None:
    """Measure both."""
    names = [name for name in tw.sample_bars().symbols if name not in FUNDS]
    assert len(names) == 28, len(names)
    rule(tw.sample_bars(names, start="2012-01-01").rows(0, SESSIONS))
    study()


if __name__ == "__main__":
    main()
