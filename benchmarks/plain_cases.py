"""Plain work of the kernel, timed under whichever source tree runs it.

`bench_features_off` calls it. It prints one JSON object: where the code came from, and the seconds
of the fastest round of each case: only what the kernel does, without metrics and reports, through
functions that older trees have under the same names.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import tradewright
from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Signals, TargetWeights
from tradewright.domain.instruments import Instrument
from tradewright.domain.orders import Order, Side
from tradewright.domain.rules import FillRules
from tradewright.simulation import SimulatedVenue, run_signals, run_weights

CASH = 10_000_000_00
COSTS = Costs(fee_bps=10)
UNITS = 10**8


def walk(n_bars: int, width: int, step_ns: int) -> Bars:
    rng = np.random.default_rng(23)
    close = 80 * np.exp(np.cumsum(rng.normal(0, 3e-3, (n_bars, width)), axis=0))
    opened = np.vstack((close[:1], close[:-1])) * (1 + rng.normal(0, 1e-4, (n_bars, width)))
    high, low = np.maximum(opened, close) * 1.001, np.minimum(opened, close) * 0.999
    names = tuple(Instrument(f"S{i:03d}") for i in range(width))
    ts = np.arange(1, n_bars + 1) * step_ns
    interval = "1d" if step_ns >= 86_400 * 10**9 else "1m"
    volume = np.full_like(close, 1e6)
    return Bars(names, ts, opened, high, low, close, volume, interval=interval)


def array_case() -> Callable[[], Any]:
    bars = walk(1_000_000, 1, 60 * 10**9)
    flags = np.random.default_rng(1).random((2, 1_000_000)) < 0.02
    signals = Signals(flags[0], flags[1] & ~flags[0], size=0.5)
    return lambda: run_signals(bars, signals, cash_minor=CASH, costs=COSTS)


def weight_case() -> Callable[[], Any]:
    bars = walk(2_520, 500, 86_400 * 10**9)
    rng = np.random.default_rng(2)
    weights = np.full(bars.close.shape, np.nan)
    for row in range(252, 2_520, 21):
        weights[row] = 0.0
        weights[row, rng.choice(500, 50, replace=False)] = 0.98 / 50
    targets, rules = TargetWeights(weights), FillRules(size_at="fill_open")
    return lambda: run_weights(bars, targets, cash_minor=CASH, costs=COSTS, rules=rules)


def bracket_case() -> Callable[[], Any]:
    bars = walk(100_000, 1, 60 * 10**9)
    entries = np.random.default_rng(3).random(100_000) < 0.2
    signals = Signals(entries, np.zeros_like(entries), size=0.5, stop=0.01, target=0.01)
    return lambda: run_signals(bars, signals, cash_minor=CASH, costs=COSTS)


def step_case() -> Callable[[], Any]:
    bars = walk(50_000, 1, 60 * 10**9)
    entries = (np.random.default_rng(4).random(50_000) < 0.2).tolist()
    stops = np.round(bars.close[:, 0] * 0.99 * UNITS).astype(np.int64).tolist()
    targets = np.round(bars.close[:, 0] * 1.01 * UNITS).astype(np.int64).tolist()

    def drive() -> None:
        venue = SimulatedVenue(bars, cash_minor=CASH, costs=COSTS)
        for row, enters in enumerate(entries):
            if venue.advance(row):
                venue.poll()
            if enters and venue.position_units(0) == 0:
                levels = {"stop_loss_px": stops[row], "take_profit_px": targets[row]}
                venue.submit(Order(f"o{row}", "S000", Side.BUY, 10 * UNITS, **levels))

    return drive


CASES = {
    "signals on 1,000,000 bars": array_case,
    "weights of 500 instruments": weight_case,
    "brackets on 100,000 bars": bracket_case,
    "brackets bar by bar": step_case,
}


def main(rounds: int) -> None:
    times = dict[str, float]()
    for name, make in CASES.items():
        work = make()
        work()
        spans = []
        for _ in range(rounds):
            start = time.process_time()
            work()
            spans.append(time.process_time() - start)
        times[name] = min(spans)
    print(json.dumps({"source": tradewright.__file__, "times": times}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
