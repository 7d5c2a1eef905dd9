"""Counts over a sliding window of time: orders, the same order again, fills, rejects."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Final

from tradewright.domain.time import NS_PER_SECOND

MINUTE_NS: Final = 60 * NS_PER_SECOND


class Window:
    """Times of the events of the last seconds.

    Parameters
    ----------
    span_ns : int
        Length of the window; an event exactly that old has left it.
    """

    __slots__ = ("_span", "_times")

    def __init__(self, span_ns: int) -> None:
        self._span = span_ns
        self._times: deque[int] = deque()

    def add(self, ts: int) -> None:
        """Count an event."""
        self._times.append(ts)

    def count(self, ts: int) -> int:
        """Return how many events of the window there are now."""
        oldest = ts - self._span
        times = self._times
        while times and times[0] <= oldest:
            times.popleft()
        return len(times)


class Flow:
    """What a scope sends and gets back, by the clock."""

    def __init__(self) -> None:
        self.second = Window(NS_PER_SECOND)
        self.minute = Window(MINUTE_NS)
        self.refused = Window(MINUTE_NS)
        self.rejects = Window(MINUTE_NS)
        self._fills: dict[Hashable, Window] = {}
        self._sent: dict[Hashable, int] = {}

    def sent(self, body: Hashable, ts: int) -> None:
        """Count an order that was approved."""
        self.second.add(ts)
        self.minute.add(ts)
        self._sent[body] = ts
        if len(self._sent) > 4096:
            for old in [key for key, at in self._sent.items() if ts - at > MINUTE_NS]:
                del self._sent[old]

    def is_repeat(self, body: Hashable, ts: int, within_ns: int) -> bool:
        """Whether the same order was sent within a time."""
        at = self._sent.get(body)
        return at is not None and ts - at < within_ns

    def filled(self, symbol: str, side: int, ts: int) -> int:
        """Count a fill; return how many of this instrument and side the last minute had."""
        window = self._fills.setdefault((symbol, side), Window(MINUTE_NS))
        window.add(ts)
        return window.count(ts)

    def rejected(self, ts: int) -> int:
        """Count a reject of the venue; return how many the last minute had."""
        self.rejects.add(ts)
        return self.rejects.count(ts)

    def restart(self) -> None:
        """Forget the counts; what was sent stays known, so that a repeat is still seen."""
        self.second, self.minute = Window(NS_PER_SECOND), Window(MINUTE_NS)
        self.refused, self.rejects = Window(MINUTE_NS), Window(MINUTE_NS)
        self._fills.clear()
