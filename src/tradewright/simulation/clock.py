"""Time that moves when it is told to."""

from __future__ import annotations

from tradewright.domain.errors import ConfigError


class SteppedClock:
    """A clock for backtests: it stands still until it is stepped.

    Parameters
    ----------
    start_ns : int
        First time, UTC nanoseconds.

    Examples
    --------
    >>> clock = SteppedClock(5)
    >>> clock.sleep_until(9), clock.now_ns()
    (True, 9)
    """

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """Return the current time, UTC nanoseconds."""
        return self._now_ns

    def sleep_until(self, ts_ns: int) -> bool:
        """Step to a time at once; a time that has passed changes nothing. Returns True."""
        self._now_ns = max(self._now_ns, ts_ns)
        return True

    def step_to(self, ts_ns: int) -> None:
        """Step to a time.

        Raises
        ------
        ConfigError
            If it lies before the current one.
        """
        if ts_ns < self._now_ns:
            raise ConfigError(f"clock stands at {self._now_ns}, cannot step back to {ts_ns}")
        self._now_ns = ts_ns
