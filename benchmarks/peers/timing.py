"""Shared by the peers' scripts, which run in their own environment."""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(sys.argv[1])
ROUNDS = int(sys.argv[2])


def measure(action: Callable[[], Any], *, warm: bool = True) -> tuple[float, Any]:
    """Return the median seconds of the rounds and the last result."""
    result = action() if warm else None
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        result = action()
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


def tell(**figures: Any) -> None:
    """Write the figures where the caller looks for them."""
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (FOLDER / "told.json").write_text(json.dumps(figures))
