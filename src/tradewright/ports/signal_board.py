"""Where other programs read the signals in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class SignalBoard(Protocol):
    """Shows the newest signal of each instrument until it expires; nothing durable lives there."""

    def put(self, signal: Mapping[str, Any], *, ttl_s: int) -> None:
        """Show a signal in place of the former one of its instrument.

        Parameters
        ----------
        signal : mapping
            See `domain.signals.Signal.to_dict`; HOLD takes the instrument off the active ones.
        ttl_s : int
            Seconds after which it is gone.

        Raises
        ------
        TransientEdgeError
            If the board does not answer; the same signal may be put again.
        """
        ...

    def active(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the signals to act on by symbol; those that expired are not among them."""
        ...
