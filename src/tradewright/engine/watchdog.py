"""Ends a strategy that does not come back from a bar."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from types import CodeType, TracebackType
from typing import Any, Final

from tradewright.domain.errors import StrategyError
from tradewright.engine.tape import Cursor
from tradewright.strategies.protocol import HOOKS

LOOKS: Final = 8
"""Looks at the strategy within its limit."""
MOST_PAUSE_S: Final = 1.0


class Watchdog:
    """Raises `StrategyError` in the loop's thread where a hook does not end in time.

    It looks at the loop from another thread, so that a bar costs nothing. What it raises is found
    by Python code that runs; a call into a library is ended when it returns.

    Parameters
    ----------
    strategy : object
        Whose hooks are watched.
    cursor : Cursor
        Moved by the loop: a row that stays means a hook that does not end, if one is running.
    limit_s : float or None
        Seconds a bar may take; None watches nothing.
    """

    def __init__(self, strategy: Any, cursor: Cursor, limit_s: float | None) -> None:
        self._cursor, self._limit_s = cursor, limit_s
        self._codes = {code for name in HOOKS if (code := _code_of(strategy, name)) is not None}
        self._loop = threading.get_ident()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Watchdog:
        if self._limit_s is not None and self._codes:
            self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._thread is not None:
            try:
                self._done.set()
                self._thread.join()
                self._thread = None
            except StrategyError:  # raised as the last hook ended: it came back after all
                continue

    def _watch(self) -> None:
        limit_s = self._limit_s or 0.0
        row, since = self._cursor.row, time.monotonic()
        while not self._done.wait(min(limit_s / LOOKS, MOST_PAUSE_S)):
            now = time.monotonic()
            if self._cursor.row != row or not self._is_in_a_hook():
                row, since = self._cursor.row, now
            elif now - since >= limit_s:
                since = now  # once more later, where the strategy swallows it
                self._raise(limit_s)

    def _is_in_a_hook(self) -> bool:
        frame = sys._current_frames().get(self._loop)
        while frame is not None:
            if frame.f_code in self._codes:
                return True
            frame = frame.f_back
        return False

    def _raise(self, limit_s: float) -> None:
        class StuckStrategyError(StrategyError):
            def __init__(self) -> None:
                super().__init__(f"no end after {limit_s:g} s (max_seconds_per_bar)")

        StuckStrategyError.__name__ = StuckStrategyError.__qualname__ = StrategyError.__name__
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(self._loop), ctypes.py_object(StuckStrategyError)
        )


def _code_of(strategy: Any, name: str) -> CodeType | None:
    hook = getattr(strategy, name, None)
    code = getattr(getattr(hook, "__func__", hook), "__code__", None)
    return code if isinstance(code, CodeType) else None
