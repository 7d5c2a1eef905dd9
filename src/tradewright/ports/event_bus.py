"""Notices between parts of the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

Handler = Callable[[str, Mapping[str, Any]], None]


class EventBus(Protocol):
    """Delivers notices; a lost one costs freshness, never truth."""

    def publish(self, topic: str, payload: Mapping[str, Any]) -> None:
        """Hand a notice to every subscriber of the topic; never raises for a subscriber's error."""
        ...

    def subscribe(self, topic: str, handler: Handler) -> Callable[[], None]:
        """Call `handler(topic, payload)` for each notice; ``*`` is every topic.

        Returns
        -------
        callable
            Ends the subscription.
        """
        ...
