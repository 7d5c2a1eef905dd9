"""The wall clock."""

from __future__ import annotations

import threading
import time


class WallClock:
    """Time as it is; waiting ends early when `wake` is called."""

    def __init__(self) -> None:
        self._woken = threading.Event()

    def now_ns(self) -> int:
        """Return the current time, UTC nanoseconds."""
        return time.time_ns()

    def sleep_until(self, ts_ns: int) -> bool:
        """Wait until a time; return False when woken early."""
        seconds = (ts_ns - self.now_ns()) / 1e9
        return not self._woken.wait(seconds) if seconds > 0 else not self._woken.is_set()

    def wake(self) -> None:
        """End every wait, now and later."""
        self._woken.set()
