"""Time as an argument."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Tells and waits for time; stepped in a backtest, the wall clock when trading."""

    def now_ns(self) -> int:
        """Return the current time, UTC nanoseconds."""
        ...

    def sleep_until(self, ts_ns: int) -> bool:
        """Wait until a time; return False when woken early because the run was asked to stop."""
        ...
