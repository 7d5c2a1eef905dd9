"""Lists in pages: an opaque, signed cursor that says after which row to go on."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from tradewright.domain.errors import ConfigError

Row = TypeVar("Row")
Item = TypeVar("Item")

_KEY: Final = secrets.token_bytes(32)
"""Cursors live as long as the server; an older one is refused with a sentence."""


class PageQuery(BaseModel):
    """Which part of a list is wanted."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=500, description="Rows in one reply")] = 50
    cursor: Annotated[
        str | None, Field(max_length=400, description="`next_cursor` of the reply before")
    ] = None


class Page(BaseModel, Generic[Item]):
    """A part of a list, and where the next part begins."""

    items: list[Item]
    next_cursor: str | None = None


def cut_page(
    rows: Sequence[Row], query: PageQuery, *, key: Callable[[Row], Sequence[int | str]], scope: str
) -> tuple[Sequence[Row], str | None]:
    """Return the rows after the cursor, and the cursor of the next part.

    Parameters
    ----------
    rows : sequence
        The whole list in its order.
    query : PageQuery
        Limit and cursor.
    key : callable
        Identity of a row, so that rows added in front neither repeat nor skip one.
    scope : str
        Name of the list; a cursor of another list is refused.

    Returns
    -------
    tuple
        Rows of the page, and the next cursor or None.

    Raises
    ------
    ConfigError
        If the cursor is not one of this list.
    """
    first = 0
    if query.cursor:
        last = _read(query.cursor, scope)
        keys = [list(key(row)) for row in rows]
        if last not in keys:
            raise ConfigError("cursor: its row is gone; start again without a cursor")
        first = keys.index(last) + 1
    page = rows[first : first + query.limit]
    more = first + query.limit < len(rows)
    return page, _write(list(key(page[-1])), scope) if more and page else None


def _write(last: Sequence[int | str], scope: str) -> str:
    content = json.dumps([scope, last], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_sign(content) + content).decode().rstrip("=")


def _read(cursor: str, scope: str) -> list[int | str]:
    refusal = ConfigError("cursor: not one of this list; start again without a cursor")
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise refusal from None
    mark, content = raw[:12], raw[12:]
    if not hmac.compare_digest(mark, _sign(content)):
        raise refusal
    where, last = json.loads(content)
    if where != scope:
        raise refusal
    return list(last)


def _sign(content: bytes) -> bytes:
    return hmac.digest(_KEY, content, hashlib.sha256)[:12]
