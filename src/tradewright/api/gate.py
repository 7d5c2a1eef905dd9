"""What every request passes first: its id, the host it came to, the site it came from."""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradewright.api.errors import INTERNAL, error_body

LOG = logging.getLogger("tradewright.api")

API_VERSION: Final = "1"
LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",
}


class Gate:
    """The outermost layer: nothing passes in unchecked, nothing leaves without its headers.

    In this order: request id, timing, trusted host, same site on writes, body limit. Whatever
    the application raises leaves as the one error body.

    Parameters
    ----------
    app : ASGI application
        What stands behind it.
    allowed_hosts : sequence of str
        Names in ``Host`` that are answered; a page of another name that resolves to this machine
        (DNS rebinding) is refused.
    max_body_bytes : int
        Largest request body.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed_hosts: Sequence[str] = LOOPBACK,
        max_body_bytes: int = 1 << 20,
    ) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in allowed_hosts)
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request through, or refuse it."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if not self._is_our_host(headers) or _is_foreign(headers):
            await receive()  # websocket.connect; closing before accepting answers 403
            await send({"type": "websocket.close", "code": 1008, "reason": "foreign origin"})
            return
        await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        asked = headers.get("x-request-id", "")
        request_id = asked if REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)
        scope["request_id"] = request_id
        started_s, has_started = time.perf_counter(), False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                out = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    out.setdefault(name, value)
                out["X-Request-ID"] = request_id
                out["X-API-Version"] = API_VERSION
                out["Server-Timing"] = f"app;dur={(time.perf_counter() - started_s) * 1000:.1f}"
                if scope["path"].startswith("/api/"):
                    out.setdefault("Cache-Control", "no-store")
            await send(message)

        async def refuse(status: int, detail: str, code: str | None = None) -> None:
            body = error_body(status, detail, request_id=request_id, code=code)
            await _send_json(send_with_headers, status, body)

        if not self._is_our_host(headers):
            await refuse(421, "This server answers to localhost only", "wrong_host")
        elif scope["method"] not in SAFE_METHODS and _is_foreign(headers):
            await refuse(403, "A page of another site may not act here", "cross_site")
        elif int(_digits(headers.get("content-length", "0"))) > self._max_body_bytes:
            await refuse(413, self._too_large())
        else:
            try:
                await self._app(scope, self._limited(receive), send_with_headers)
            except Exception:  # the last stop: log with the stack, answer without it
                LOG.exception("request %s failed", request_id)
                if has_started:
                    raise
                await refuse(500, INTERNAL)

    def _limited(self, receive: Receive) -> Receive:
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._max_body_bytes:
                raise HTTPException(413, self._too_large())
            return message

        return limited

    def _too_large(self) -> str:
        return f"The body is larger than {self._max_body_bytes} bytes"

    def _is_our_host(self, headers: Headers) -> bool:
        host = headers.get("host", "").lower()
        name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
        return name in self._hosts


def _is_foreign(headers: Headers) -> bool:
    """Whether a browser says that another site's page is asking; programs say nothing."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    if origin is None:
        return False
    return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


def _digits(text: str) -> str:
    return text if text.isascii() and text.isdigit() else "0"


async def _send_json(send: Send, status: int, body: object) -> None:
    content = json.dumps(body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
