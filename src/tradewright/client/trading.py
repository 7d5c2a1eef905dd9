"""The client: every operation of the interface, and the live stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tradewright.client.operations import Operations
from tradewright.client.streaming import StreamMessage, stream


class Client(Operations):
    """A program's way to a running ``tradewright serve``.

    Every operation of the OpenAPI document is a method of its name in snake case; it takes the
    path's values by position and the rest by keyword, and returns JSON as typed dictionaries:
    money is decimal text, fractions are fractions, times are RFC 3339 UTC.

    Parameters
    ----------
    base_url, token, timeout_s, tries, sleep
        As for `tradewright.client.transport.Transport`.

    Notes
    -----
    Calls that read are repeated after a broken connection or a passing refusal (429, 502, 503,
    504); calls that act are sent once, with an ``Idempotency-Key``.

    Examples
    --------
    >>> import tradewright as tw
    >>> with tw.Client("http://127.0.0.1:8000") as client:  # doctest: +SKIP
    ...     client.get_health()["status"]
    'ok'
    """

    def stream_data(
        self, topics: str | Iterable[str] = "paper.*", *, reconnects: int = 5
    ) -> Iterator[StreamMessage]:
        """Follow topics live: the snapshot of each, then its changes.

        Parameters
        ----------
        topics : str or iterable of str
            ``paper.status``, ``paper.equity``, ``paper.position``, ``paper.order``,
            ``paper.fill``, ``jobs``, or ``paper.*`` for all of the paper account.
        reconnects : int
            New connections in a row; each brings new snapshots. >= 0.

        Yields
        ------
        StreamMessage
            ``type``, ``topic``, ``ts``, ``data`` and, of a change, ``seq``; until the caller stops.

        Raises
        ------
        ApiError
            If a topic does not exist or the server refuses the stream.
        TransientEdgeError
            If the server cannot be reached any more.
        """
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return stream(
            self.base_url, topics, headers=headers, timeout_s=self.timeout_s, reconnects=reconnects
        )


TradingAPIClient = Client
