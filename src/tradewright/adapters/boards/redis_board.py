"""Signals in force in Redis, for other programs to read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from tradewright.domain.errors import ConfigError, MissingExtraError, TransientEdgeError

TIMEOUT_S: Final = 2.0
SCHEMES: Final = ("redis", "rediss", "unix")


class RedisBoard:
    """Keys ``PREFIXsignal:SYMBOL`` (JSON) and the set ``PREFIXsignal:active`` of their symbols.

    Parameters
    ----------
    url : str
        ``redis://[:password@]host:port/db``.
    prefix : str
        Before each key.

    Raises
    ------
    ConfigError
        If the address is none.
    MissingExtraError
        If the client is not installed.

    Notes
    -----
    Every key has a time to live; the set lives as long as its longest signal, and a symbol in it
    whose own key has expired is not active. After a flush the next signals fill it again. No
    message of an error shows the address, which may hold a password.
    """

    def __init__(self, url: str, *, prefix: str = "tw:local:") -> None:
        try:
            import redis
        except ModuleNotFoundError:
            raise MissingExtraError("redis", "redis") from None
        try:
            parts = urlsplit(url)
            if parts.scheme not in SCHEMES:
                raise ValueError
            self._client = redis.Redis.from_url(
                url,
                decode_responses=True,
                socket_timeout=TIMEOUT_S,
                socket_connect_timeout=TIMEOUT_S,
                retry=None,
            )
        except ValueError:
            raise ConfigError("redis.url: wanted redis://host:port/db") from None
        self._faults = (redis.RedisError, OSError)
        self._prefix = f"{prefix}signal:"

    def put(self, signal: Mapping[str, Any], *, ttl_s: int) -> None:
        """Show a signal; see `ports.signal_board.SignalBoard.put`."""
        symbol, active = str(signal["symbol"]), f"{self._prefix}active"
        text = json.dumps(dict(signal), allow_nan=False)
        try:
            left = int(self._client.ttl(active))
            with self._client.pipeline(transaction=True) as steps:
                steps.set(self._prefix + symbol, text, ex=ttl_s)
                if signal["action"] == "HOLD":
                    steps.srem(active, symbol)
                else:
                    steps.sadd(active, symbol)
                steps.expire(active, max(ttl_s, left))
                steps.execute()
        except self._faults as error:
            raise self._silent(error) from None

    def active(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the signals to act on by symbol."""
        try:
            symbols = sorted(str(s) for s in self._client.smembers(f"{self._prefix}active"))
            texts = self._client.mget([self._prefix + s for s in symbols]) if symbols else []
        except self._faults as error:
            raise self._silent(error) from None
        found = zip(symbols, texts, strict=True)
        return {symbol: json.loads(text) for symbol, text in found if text is not None}

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    @staticmethod
    def _silent(error: Exception) -> TransientEdgeError:
        return TransientEdgeError(f"redis does not answer: {type(error).__name__}")
