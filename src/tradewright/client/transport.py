"""Send one call, repeat it only where that is safe, and turn refusals into errors."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote, urlsplit

from tradewright.client.errors import ApiError
from tradewright.domain.errors import ConfigError, TransientEdgeError

if TYPE_CHECKING:
    import httpx2

SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
PASSING: Final = frozenset({429, 502, 503, 504})
"""Answers after which the same question may have another answer."""

LONGEST_WAIT_S: Final = 10.0


class Transport:
    """One connection pool to one server; the base of every group of operations.

    Parameters
    ----------
    base_url : str
        Where ``tradewright serve`` listens, for example ``http://127.0.0.1:8000``.
    token : str or None
        Sent as a bearer token; a server without sign-in does not look at it.
    timeout_s : float
        Longest wait for an answer, seconds; > 0.
    tries : int
        Attempts of a call that only reads; a call that acts is sent once. >= 1.
    sleep : callable
        Waits between attempts, seconds.

    Raises
    ------
    ConfigError
        If `base_url` is no http(s) address or a number is out of range.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        token: str | None = None,
        *,
        timeout_s: float = 30.0,
        tries: int = 3,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base_url = _checked_url(base_url)
        if not 0 < timeout_s < float("inf"):
            raise ConfigError(f"timeout_s is {timeout_s}, wanted seconds above 0")
        if tries < 1:
            raise ConfigError(f"tries is {tries}, wanted 1 or more")
        self.token, self.timeout_s, self.tries = token, timeout_s, tries
        self._sleep = sleep
        self._pool: httpx2.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _call(
        self,
        method: str,
        template: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        """Send one call and return its JSON, or its text where it is no JSON."""
        where = _filled(template, path or {})
        asked = {key: value for key, value in (query or {}).items() if value is not None}
        headers = {} if method in SAFE_METHODS else {"Idempotency-Key": secrets.token_hex(16)}
        answer = self._answer(method, where, asked, headers, body)
        if not 200 <= answer.status_code < 300:
            raise ApiError(f"{method} {where}", answer.status_code, _error_body(answer))
        if "json" not in answer.headers.get("content-type", ""):
            return answer.text
        try:
            return answer.json()
        except ValueError as error:
            body = {"detail": f"the answer is no JSON: {answer.text[:80]!r}"}
            raise ApiError(f"{method} {where}", answer.status_code, body) from error

    def _answer(
        self,
        method: str,
        where: str,
        query: Mapping[str, Any],
        headers: Mapping[str, str],
        body: Any,
    ) -> httpx2.Response:
        import httpx2

        last = self.tries if method in SAFE_METHODS else 1
        for attempt in range(1, last + 1):
            wait_s = 0.1 * 2.0 ** (attempt - 1)
            try:
                answer = self._connections().request(
                    method, where, params=query, headers=headers, json=body
                )
            except httpx2.TransportError as error:
                if attempt == last:
                    raise TransientEdgeError(
                        f"{method} {self.base_url}{where}: no answer: "
                        f"{error or type(error).__name__}; is 'tradewright serve' running there?"
                    ) from error
            else:
                if answer.status_code not in PASSING or attempt == last:
                    return answer
                wait_s = max(wait_s, _seconds(answer.headers.get("retry-after", "")))
            self._sleep(min(wait_s, LONGEST_WAIT_S))
        raise AssertionError("the last attempt returns or raises")

    def _connections(self) -> httpx2.Client:
        if self._pool is None:
            import httpx2

            headers = {"Accept": "application/json, text/html;q=0.5"}
            if self.token:
                headers["Authorization"] = f"Bearer {self.token}"
            self._pool = httpx2.Client(
                base_url=self.base_url,
                headers=headers,
                timeout=self.timeout_s,
                follow_redirects=False,
            )
        return self._pool


def _checked_url(text: str) -> str:
    parts = urlsplit(text if isinstance(text, str) else "")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ConfigError(f"base_url is {text!r}, wanted such as http://127.0.0.1:8000")
    return text.rstrip("/")


# Every value is one segment: a name with a slash or dots must not become another path.
def _filled(template: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = str(value)
        if text in ("", ".", ".."):
            raise ConfigError(f"{name} is {text!r}, wanted a name")
        template = template.replace(f"{{{name}}}", quote(text, safe=""))
    return template


def _error_body(answer: httpx2.Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"detail": answer.text[:200]}


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0
