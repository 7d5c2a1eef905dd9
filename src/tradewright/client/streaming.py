"""The live stream: snapshots, then changes in order; a broken connection is opened again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NotRequired, TypedDict

from tradewright.client.errors import ApiError
from tradewright.domain.errors import ConfigError, TransientEdgeError

PATH: Final = "/api/v1/ws/live"
LARGEST_MESSAGE: Final = 16 << 20


class StreamMessage(TypedDict):
    """One message of a topic: the snapshot first, then each change, numbered without a gap."""

    type: str
    topic: str
    ts: str
    data: Any
    seq: NotRequired[int]


def stream(
    base_url: str,
    topics: Iterable[str],
    *,
    headers: Mapping[str, str],
    timeout_s: float,
    reconnects: int,
) -> Iterator[StreamMessage]:
    """Yield the messages of topics, with a new snapshot after every new connection.

    Parameters
    ----------
    base_url : str
        Of the server, http or https.
    topics : iterable of str
        What is asked for.
    headers : mapping
        Sent when the connection is opened.
    timeout_s : float
        Longest wait for the connection, seconds.
    reconnects : int
        New connections in a row without a message between them; then the error goes on.

    Yields
    ------
    StreamMessage
        Until the caller stops.
    """
    wanted = [topics] if isinstance(topics, str) else list(topics)
    if not wanted:
        raise ConfigError("topics: none was given, wanted such as 'paper.status' or 'paper.*'")
    url = "ws" + base_url.removeprefix("http") + PATH
    left = reconnects
    while True:
        try:
            for message in _one_connection(url, wanted, headers, timeout_s):
                left = reconnects
                yield message
            reason = "the server closed the stream"
        except (OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
        if left <= 0:
            raise TransientEdgeError(f"stream {url}: {reason}")
        left -= 1
        time.sleep(0.1 * 2.0 ** (reconnects - left - 1))


def _one_connection(
    url: str, topics: list[str], headers: Mapping[str, str], timeout_s: float
) -> Iterator[StreamMessage]:
    from websockets.exceptions import ConnectionClosed, InvalidStatus
    from websockets.sync.client import connect

    try:
        link = connect(
            url,
            additional_headers=dict(headers),
            open_timeout=timeout_s,
            max_size=LARGEST_MESSAGE,
            proxy=None,
        )
    except InvalidStatus as error:
        raise ApiError(f"stream {url}", error.response.status_code, {}) from error
    with link:
        link.send(json.dumps({"type": "subscribe", "topics": topics}))
        seen: dict[str, int] = {}
        try:
            for text in link:
                message = json.loads(text)
                if message["type"] == "error":
                    raise ApiError(f"stream {', '.join(topics)}", 0, message["data"])
                if message["type"] == "gap" or _has_gap(message, seen):
                    return  # a new connection brings a new snapshot
                if "topic" in message:
                    yield message
        except ConnectionClosed:
            return


def _has_gap(message: Mapping[str, Any], seen: dict[str, int]) -> bool:
    topic, number = message.get("topic"), message.get("seq")
    if topic is None or number is None:
        return False
    before, seen[topic] = seen.get(topic), int(number)
    return before is not None and seen[topic] != before + 1
