"""What is told before a sweep begins, and that its memory does not grow with the sets."""

import json
import subprocess
import sys

import numpy as np
import pytest

import tradewright as tw
from tradewright.services.sweeping import size as sizes
from tradewright.services.sweeping.size import SweepSize, measure_size
from tradewright.services.sweeping.units import SetWork
from tradewright.simulation.sweeping.sweep import CHUNK_BYTES, memory_bytes

BARS = tw.sample_bars(["KO"], start="2015-01-01", end="2016-12-31")


def weights(level: int) -> tw.TargetWeights:
    held = np.full(BARS.close.shape, np.nan)
    held[10] = level / 100
    return tw.TargetWeights(held)


def test_a_long_sweep_says_first_what_it_will_take(monkeypatch) -> None:
    told: list[str] = []
    grid = {"level": range(1, 41)}
    tw.sweep(weights, BARS, grid, progress=lambda _part, text: told.append(text))
    assert told[0].startswith("sets: ")
    monkeypatch.setattr(sizes, "LONG_CELLS", 40 * BARS.close.size)
    told.clear()
    tw.sweep(weights, BARS, grid, progress=lambda _part, text: told.append(text))
    assert told[0].startswith("begin: 40 sets of parameters would take about ")
    assert told[-1] == "sets: 40 of 40"


def test_memory_is_what_is_in_flight_the_books_and_what_is_kept() -> None:
    work = SetWork(weights, BARS, None, 1e5, tw.FillRules())
    size = measure_size(work, {"level": list(range(1, 41))}, "grid", workers=2)
    one = BARS.close.size * 8
    books = 5 * 8 * BARS.n_bars
    assert size.megabytes == pytest.approx((7 * 32 * one + 2 * books + 40 * 1200) / 1e6, rel=0.05)
    large = 5 * CHUNK_BYTES
    assert memory_bytes(large, 1_000, 2) == 7 * large + 2_000
    assert memory_bytes(CHUNK_BYTES // 2, 1_000, 4) == 11 * CHUNK_BYTES + 4_000


@pytest.mark.parametrize(
    ("seconds", "text"), [(12.34, "12.3 s"), (600, "10.0 minutes"), (9000, "2.5 hours")]
)
def test_time_is_told_in_a_fitting_unit(seconds: float, text: str) -> None:
    assert str(SweepSize(1000, seconds, 81.4)).endswith(f"about {text} and 81 MB")


def test_a_wide_sweep_of_weights_keeps_to_its_memory() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_big_sweep", "--instruments", "250",
         "--bars", "1200", "--sets", "700"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(ran.stdout)
    assert told["estimate_mb"] / 2 < told["took_mb"] < 2 * told["estimate_mb"] + 20
    assert told["took_mb"] < 100  # the sets themselves are 1.7 GB
