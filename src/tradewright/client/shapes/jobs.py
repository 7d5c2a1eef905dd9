"""Types of jobs; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from tradewright.client.shapes.shared import Job


class PageJob(TypedDict):
    """Page[Job]."""

    items: list[Job]
    next_cursor: NotRequired[str | None]
