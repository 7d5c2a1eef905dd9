"""Stages of a job: how far it is, in words and as a fraction, and how long each took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

Progress = Callable[[float, str], None]
SHARES: Final = {
    "data": 0.03,
    "data health": 0.03,
    "features": 0.04,
    "leak guard": 0.25,
    "fit": 0.40,
    "backtest": 0.05,
    "controls": 0.08,
    "windows": 0.04,
    "sensitivity": 0.06,
    "report": 0.02,
}
"""Stages in order, with the share of the time each usually takes."""


class Stages:
    """Reports progress that never falls, and keeps the seconds of each stage.

    Parameters
    ----------
    progress : callable, optional
        ``progress(fraction, message)``; it may raise `CancelledError` to stop the work.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self._progress = progress
        self._done = 0.0
        self._last = 0.0
        self.seconds: dict[str, float] = {}
        self.current = ""

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        """Time a stage; the value given reports the fraction done of it."""
        started = time.perf_counter()
        self.current = name
        share = SHARES[name]
        self._tell(self._done, name)

        def report(fraction: float, message: str) -> None:
            inside = min(max(fraction, 0.0), 1.0)
            text = message.removeprefix(f"{name}: ")
            self._tell(self._done + share * inside, f"{name}: {text}" if text else name)

        try:
            yield report
        finally:
            self.seconds[name] = round(time.perf_counter() - started, 3)
        self._done += share

    def finish(self) -> None:
        """Report that all is done."""
        self._tell(1.0, "done")

    def _tell(self, fraction: float, message: str) -> None:
        self._last = max(self._last, min(fraction, 1.0))
        if self._progress is not None:
            self._progress(self._last, message)
