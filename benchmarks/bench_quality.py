"""Plant defects into the embedded sample and count what the quality rules find.

Run: ``python benchmarks/bench_quality.py [--rounds N]``. Goals: recall at least 0.95, precision at
least 0.90. A planted defect counts as found when an error names its instrument within two bars of
it; an error far from every planted defect is a false alarm.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections import Counter

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.marketdata import check_health, sample_bars

KINDS = ("hundredfold", "split", "partial_split", "spike", "stale", "gap", "invalid")
PRICES = ("open", "high", "low", "close")


def plant(bars: Bars, random: np.random.Generator) -> tuple[Bars, list[tuple[str, str, int, int]]]:
    """Return bars with one defect of each kind in each of a few instruments, and where."""
    arrays = {name: getattr(bars, name).copy() for name in (*PRICES, "volume")}
    planted = []
    columns = random.permutation(bars.n_instruments)[: len(KINDS) * 2]
    for number, column in enumerate(columns.tolist()):
        kind = KINDS[number % len(KINDS)]
        row = int(random.integers(300, bars.n_bars - 300))
        last = row
        if kind == "hundredfold":
            factor = float(random.choice([100.0, 0.01]))
            last = row + int(random.integers(0, 3))
            scale(arrays, slice(row, last + 1), column, factor)
        elif kind == "split":
            scale(arrays, slice(0, row), column, float(random.integers(2, 8)))
        elif kind == "partial_split":
            last = row + int(random.integers(2, 15))
            scale(arrays, slice(row, last + 1), column, 1.0 / float(random.integers(2, 8)))
        elif kind == "spike":
            size = float(random.uniform(0.25, 0.6))
            scale(arrays, row, column, 1 + size if random.random() < 0.5 else 1 - size)
        elif kind == "stale":
            last = row + int(random.integers(6, 15))
            for name in PRICES:
                arrays[name][row : last + 1, column] = arrays["close"][row, column]
        elif kind == "gap":
            last = row + int(random.integers(8, 25))
            for values in arrays.values():
                values[row : last + 1, column] = np.nan
        else:
            arrays["high"][row, column] = arrays["low"][row, column] * 0.9
        planted.append((bars.symbols[column], kind, row, last))
    return dataclasses.replace(bars, **arrays), planted


def scale(arrays: dict[str, np.ndarray], rows: slice | int, column: int, factor: float) -> None:
    for name in PRICES:
        arrays[name][rows, column] *= factor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=2024)
    options = parser.parse_args()
    bars = sample_bars()
    random = np.random.default_rng(options.seed)
    found: Counter[str] = Counter()
    total: Counter[str] = Counter()
    alarms = false_alarms = 0
    seconds = []
    for _ in range(options.rounds):
        spoiled, planted = plant(bars, random)
        start = time.perf_counter()
        errors = check_health(spoiled).findings
        seconds.append(time.perf_counter() - start)
        spans = [
            (f.symbol, *np.searchsorted(bars.ts, [f.start_ns, f.end_ns]).tolist()) for f in errors
        ]
        for symbol, kind, first, last in planted:
            total[kind] += 1
            found[kind] += any(
                s == symbol and a <= last + 2 and b >= first - 2 for s, a, b in spans
            )
        for symbol, a, b in spans:
            alarms += 1
            false_alarms += not any(
                s == symbol and a <= last + 2 and b >= first - 2 for s, _, first, last in planted
            )
    for kind in KINDS:
        print(f"{kind:<14} found {found[kind]:>3} of {total[kind]:>3}")
    recall = sum(found.values()) / sum(total.values())
    precision = 1 - false_alarms / max(alarms, 1)
    clean = check_health(bars)
    print(f"recall         {recall:.3f} (goal at least 0.950)")
    print(f"precision      {precision:.3f} (goal at least 0.900), {false_alarms} of {alarms} false")
    print(f"clean sample   {len(clean.findings)} failures (goal 0)")
    print(
        f"time           {np.median(seconds):.2f} s for {bars.n_bars * bars.n_instruments:,} bars"
    )


if __name__ == "__main__":
    main()
