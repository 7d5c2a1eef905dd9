"""Measure medians and peak memory, and tell them as one JSON line a case."""

from __future__ import annotations

import json
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def seconds(action: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def median_seconds(action: Callable[[], object], rounds: int = 5) -> float:
    """Return the median time of some calls."""
    return statistics.median(seconds(action) for _ in range(rounds))


def peak_mb() -> float:
    """Return the largest memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def tell(case: str, **figures: Any) -> None:
    """Print one result as a JSON line and keep it under ``benchmarks/results``.

    Parameters
    ----------
    case : str
        Short name; the file's name.
    **figures
        At least ``work``, ``ours_s``, ``goal``; with a peer also ``peer``, ``peer_s``, ``ratio``.
    """
    line = {"case": case, **figures}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{case}.json").write_text(json.dumps(line, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(line), flush=True)
