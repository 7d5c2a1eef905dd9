"""Ask a source no faster than it allows, and again when it may work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from tradewright.domain.errors import TransientEdgeError

T = TypeVar("T")


class BusyError(TransientEdgeError):
    """A source asks to wait; `retry_after_s` says for how long, where it said so."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class TokenBucket:
    """Let requests pass at a steady rate with short bursts.

    Parameters
    ----------
    rate_per_s : float
        Tokens that come back in a second; > 0.
    burst : int
        Most tokens held; at least 1.
    now, sleep : callable
        Seconds of a steady clock, and how to wait.
    """

    rate_per_s: float
    burst: int = 2
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _tokens: float = field(default=-1.0, init=False)
    _at: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def take(self) -> float:
        """Take one token, waiting for it if needed; return the seconds waited."""
        with self._lock:
            moment = self.now()
            if self._tokens < 0:
                self._tokens, self._at = float(self.burst), moment
            filled = self._tokens + (moment - self._at) * self.rate_per_s
            self._tokens, self._at = min(float(self.burst), filled), moment
            wait = max(0.0, (1.0 - self._tokens) / self.rate_per_s)
            if wait:
                self.sleep(wait)
                self._tokens, self._at = 1.0, max(self.now(), moment + wait)
            self._tokens -= 1.0
            return wait


@dataclass(frozen=True, slots=True)
class Backoff:
    """Repeat what failed for a passing reason, waiting longer each time.

    The wait before try n is uniform in ``[0, min(cap, base * 2**(n - 1)))`` (full jitter) [1]_, or
    what the source asked for.

    Parameters
    ----------
    tries : int
        Attempts in all.
    base_s, cap_s : float
        First and longest bound of the wait, seconds.
    sleep : callable
        How to wait.
    jitter : numpy.random.Generator
        Source of the random waits.

    References
    ----------
    .. [1] M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    tries: int = 5
    base_s: float = 1.0
    cap_s: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    jitter: np.random.Generator = field(default_factory=np.random.default_rng)

    def call(self, action: Callable[[], T]) -> T:
        """Return the result of an action, repeating it on a `TransientEdgeError`.

        Raises
        ------
        TransientEdgeError
            The last failure, when every try failed.
        """
        for attempt in range(1, self.tries + 1):
            try:
                return action()
            except TransientEdgeError as error:
                if attempt == self.tries:
                    raise
                asked = getattr(error, "retry_after_s", None)
                bound = min(self.cap_s, self.base_s * 2.0 ** (attempt - 1))
                wait = float(self.jitter.uniform(0.0, bound)) if asked is None else asked
                self.sleep(min(wait, self.cap_s))
        raise TransientEdgeError("no try was allowed")
