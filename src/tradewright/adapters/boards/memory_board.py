"""A board inside one process; the twin of the one in Redis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradewright.domain.time import NS_PER_SECOND
from tradewright.ports.clock import Clock


class MemoryBoard:
    """Keeps signals in this process until they expire.

    Parameters
    ----------
    clock : Clock
        Tells when they do.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shown: dict[str, tuple[int, dict[str, Any]]] = {}

    def put(self, signal: Mapping[str, Any], *, ttl_s: int) -> None:
        """Show a signal; see `ports.signal_board.SignalBoard.put`."""
        ends = self._clock.now_ns() + ttl_s * NS_PER_SECOND
        self._shown[str(signal["symbol"])] = (ends, dict(signal))

    def active(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the signals to act on by symbol."""
        now = self._clock.now_ns()
        return {
            symbol: signal
            for symbol, (ends, signal) in sorted(self._shown.items())
            if ends > now and signal["action"] != "HOLD"
        }
