"""What a server answered instead of a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tradewright.domain.errors import EdgeError


class ApiError(EdgeError):
    """The server refused or failed; the message is the server's own sentence.

    Parameters
    ----------
    where : str
        Method and path of the call, or the topic of a stream.
    status_code : int
        HTTP status; 0 where a stream was refused.
    body : mapping
        The error body: ``detail``, ``code``, ``request_id`` and ``errors``.
    """

    def __init__(self, where: str, status_code: int, body: Mapping[str, Any]) -> None:
        self.status_code = status_code
        self.code = str(body.get("code", ""))
        self.detail = str(body.get("detail", "")) or "no reason given"
        self.request_id = str(body.get("request_id", ""))
        self.errors: Sequence[Mapping[str, Any]] = body.get("errors") or ()
        told = " ".join(part for part in (str(status_code or ""), self.code) if part)
        super().__init__(f"{where}: {told}: {self.detail}")
