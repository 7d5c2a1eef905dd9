"""Notices inside one process."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from tradewright.ports.event_bus import Handler

LOG = logging.getLogger("tradewright.bus")


class InProcessBus:
    """Calls subscribers in the publisher's thread; a failing one is logged and skipped."""

    def __init__(self) -> None:
        self._handlers: dict[str, list[Handler]] = defaultdict(list)
        self._lock = threading.Lock()

    def publish(self, topic: str, payload: Mapping[str, Any]) -> None:
        """Hand a notice to the subscribers of its topic and of ``*``."""
        with self._lock:
            handlers = [*self._handlers[topic], *self._handlers["*"]]
        for handler in handlers:
            try:
                handler(topic, payload)
            except Exception:  # a subscriber's fault must not stop the publisher
                LOG.exception("subscriber of %s failed", topic)

    def subscribe(self, topic: str, handler: Handler) -> Callable[[], None]:
        """Call `handler(topic, payload)` for each notice; the value returned ends it."""
        with self._lock:
            self._handlers[topic].append(handler)

        def end() -> None:
            with self._lock:
                if handler in self._handlers[topic]:
                    self._handlers[topic].remove(handler)

        return end
