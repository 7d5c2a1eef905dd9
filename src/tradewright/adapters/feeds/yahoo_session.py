"""The HTTP session that yfinance is given: limited in rate, with time-outs and typed failures."""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from tradewright.adapters.feeds.limits import BusyError, TokenBucket
from tradewright.domain.errors import EdgeError, MissingExtraError, NoDataError, TransientEdgeError

CONNECT_S, READ_S = 5.0, 30.0
CHART: Final = "/v8/finance/chart/"
SECRETS: Final = re.compile(r"(crumb|token|key|cookie|authorization)=[^&\s\"']+", re.IGNORECASE)


def make_session(bucket: TokenBucket, base_url: str = "") -> Any:
    """Return a session for yfinance.

    Parameters
    ----------
    bucket : TokenBucket
        Every request takes a token of it.
    base_url : str
        Where requests go instead of Yahoo's hosts, for example a local server.

    Returns
    -------
    curl_cffi.requests.Session
        Raises `BusyError` on 429, `TransientEdgeError` on 5xx and time-outs, `NoDataError` where
        Yahoo says so, `EdgeError` on an answer that is no JSON.

    Raises
    ------
    MissingExtraError
        If yfinance and its HTTP library are not installed.
    """
    try:
        from curl_cffi import requests
    except ImportError as error:
        raise MissingExtraError("yfinance", "feeds") from error

    class YahooSession(requests.Session):  # type: ignore[type-arg]
        def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> Any:
            bucket.take()
            kwargs["timeout"] = (CONNECT_S, READ_S)
            target = _redirected(url, base_url)
            try:
                response = super().request(method, target, *args, **kwargs)
            except requests.exceptions.RequestException as error:
                if CHART not in url:
                    raise
                raise TransientEdgeError(f"yahoo: no answer: {masked(str(error))}") from error
            if CHART in url:
                _check(response, url)
            return response

    return YahooSession(impersonate="chrome")


def masked(text: str) -> str:
    """Return the first 200 characters of a text without secrets."""
    return SECRETS.sub(r"\1=***", text)[:200]


def _redirected(url: str, base_url: str) -> str:
    if not base_url:
        return url
    return urlunsplit((*urlsplit(base_url)[:2], *urlsplit(url)[2:]))


def _check(response: Any, url: str) -> None:
    status, text = response.status_code, response.text
    symbol = urlsplit(url).path.removeprefix(CHART)
    if status == 429:
        raise BusyError(f"yahoo: too many requests (429) for {symbol}", _wait(response.headers))
    if status >= 500:
        message = f"yahoo: {symbol}: status {status}: {masked(text)}"
        raise BusyError(message, _wait(response.headers))
    try:
        chart = json.loads(text)["chart"]
        error, result = chart["error"], chart["result"]
    except (ValueError, KeyError, TypeError) as problem:
        raise EdgeError(
            f"yahoo: {symbol}: status {status}, the answer is no chart: {masked(text)!r}"
        ) from problem
    if error or not result:
        words = (error or {}).get("description") or "no result"
        raise NoDataError(f"yahoo: {symbol}: {masked(str(words))}")
    if status >= 400:
        raise EdgeError(f"yahoo: {symbol}: status {status}: {masked(text)!r}")
    if not result[0].get("timestamp"):
        raise NoDataError(f"yahoo: {symbol}: no bar in the range that was asked for")


def _wait(headers: Any) -> float | None:
    text = headers.get("retry-after") or ""
    return float(text) if re.fullmatch(r"\d{1,5}", text) else None
