"""Results kept for a while by what went into them."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from tradewright.portfolio.optimisation.result import OptimizationResult


class ResultCache:
    """Keeps results in memory by a hash of their inputs.

    Parameters
    ----------
    seconds : float
        How long a result is good.
    capacity : int
        Most results; the oldest leave first.
    clock : callable
        Seconds, never falling.
    """

    def __init__(
        self,
        seconds: float = 300.0,
        capacity: int = 256,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds, self.capacity, self.clock = seconds, capacity, clock
        self.hits = 0
        self.misses = 0
        self._kept: OrderedDict[str, tuple[float, OptimizationResult]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> OptimizationResult | None:
        """Return the result itself while it is fresh."""
        with self._lock:
            found = self._kept.get(key)
            if found is None or self.clock() - found[0] >= self.seconds:
                self.misses += 1
                return None
            self.hits += 1
            return found[1]

    def put(self, key: str, result: OptimizationResult) -> None:
        """Keep a result."""
        with self._lock:
            self._kept[key] = (self.clock(), result)
            self._kept.move_to_end(key)
            while len(self._kept) > self.capacity:
                self._kept.popitem(last=False)


def key_of(*parts: Any) -> str:
    """Return a hash of arrays, settings and texts."""
    digest = hashlib.blake2b(digest_size=20)
    for part in parts:
        _feed(digest, part)
    return digest.hexdigest()


def _feed(digest: Any, part: Any) -> None:
    if isinstance(part, np.ndarray):
        digest.update(f"array{part.shape}{part.dtype}".encode())
        digest.update(np.ascontiguousarray(part).tobytes())
    elif hasattr(part, "__dataclass_fields__"):
        digest.update(type(part).__name__.encode())
        for name in part.__dataclass_fields__:
            digest.update(name.encode())
            _feed(digest, getattr(part, name))
    elif isinstance(part, list | tuple):
        digest.update(f"list{len(part)}".encode())
        for item in part:
            _feed(digest, item)
    elif isinstance(part, dict):
        _feed(digest, sorted(part.items()))
    else:
        digest.update(f"{type(part).__name__}:{part!r};".encode())
