"""One error body for every refusal, and no way for anything else to leave the server."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from tradewright.domain import errors

LOG = logging.getLogger("tradewright.api")

STATUS_OF: Final[tuple[tuple[type[errors.TradewrightError], int, str], ...]] = (
    (errors.NoDataError, 404, "not_found"),
    (errors.ConfigError, 422, "invalid_request"),
    (errors.DataError, 422, "invalid_data"),
    (errors.ModelError, 409, "model_unusable"),
    (errors.RiskError, 409, "risk_refused"),
    (errors.RefusedError, 409, "conflict"),
    (errors.StrategyError, 409, "strategy_failed"),
    (errors.CancelledError, 409, "cancelled"),
    (errors.TransientEdgeError, 503, "dependency_down"),
    (errors.EdgeError, 502, "dependency_failed"),
)
"""Class of error to status and code, most special first."""

CODE_OF: Final = {
    400: "invalid_request",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "payload_too_large",
    421: "wrong_host",
    422: "invalid_request",
    503: "dependency_down",
}
_FILE_PATH = re.compile(r"(?<![\w:/.])/(?!api/)(?:[\w.\-@+]+/)+([\w.\-@+]+)")
INTERNAL = "Something went wrong on the server; its log has the details under this request id"


def error_body(
    status: int,
    detail: str,
    *,
    request_id: str,
    code: str | None = None,
    fields: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """Return the error document.

    Parameters
    ----------
    status : int
        HTTP status.
    detail : str
        One plain sentence: what, found, wanted.
    request_id : str
        Of the request refused.
    code : str, optional
        Stable name of the case; from the status if not given.
    fields : sequence of mapping
        ``field``, ``message``, ``code`` of every wrong field.

    Returns
    -------
    dict
        The body of spec "error body".
    """
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body: dict[str, Any] = {
        "detail": detail,
        "status_code": status,
        "timestamp": moment,
        "request_id": request_id,
        "code": code or CODE_OF.get(status, "internal" if status >= 500 else "invalid_request"),
    }
    if fields:
        body["errors"] = list(fields)
    return body


def public_text(error: BaseException) -> str:
    """Return an error's message without the folders of this machine.

    Examples
    --------
    >>> public_text(ValueError("damaged (/srv/data/runs/r1/equity.parquet)"))
    'damaged (equity.parquet)'
    """
    return _FILE_PATH.sub(r"\1", str(error))


def status_of(error: errors.TradewrightError) -> tuple[int, str]:
    """Return the HTTP status and code that an error of ours stands for."""
    for kind, status, code in STATUS_OF:
        if isinstance(error, kind):
            return status, code
    return 500, "internal"


def add_error_handlers(app: FastAPI) -> None:
    """Let every error leave in the one body."""

    def reply(
        request: Request,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        fields: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> JSONResponse:
        request_id = request.scope.get("request_id", "")
        body = error_body(status, detail, request_id=request_id, code=code, fields=fields)
        return JSONResponse(body, status, headers=dict(headers or {}))

    async def ours(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, errors.TradewrightError)
        status, code = status_of(error)
        if status == 500:
            LOG.error("internal error", exc_info=error)
            return reply(request, 500, INTERNAL)
        headers = {"Retry-After": "2"} if status == 503 else None
        return reply(request, status, public_text(error), code=code, headers=headers)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        fields = [_field(item) for item in error.errors()]
        first = fields[0]
        more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
        detail = f"{first['field']}: {first['message']}{more}"
        return reply(request, 422, detail, fields=fields)

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        detail = error.detail
        if error.status_code == 404 and detail == HTTPStatus.NOT_FOUND.phrase:
            detail = f"There is nothing at {request.url.path}"
        if error.status_code == 405:
            detail = f"{request.method} is not possible at {request.url.path}"
        return reply(request, error.status_code, detail, headers=error.headers)

    app.add_exception_handler(errors.TradewrightError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def _field(item: Mapping[str, Any]) -> dict[str, str]:
    path = ".".join(str(part) for part in item["loc"])
    message = str(item["msg"])
    if item["type"] == "extra_forbidden":
        message = "unknown field"
    if item["type"] == "json_invalid":
        path, message = "body", "not valid JSON"
    return {"field": path, "message": message, "code": str(item["type"])}
