"""Types of system; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from typing import Literal, TypedDict


class ComponentHealth(TypedDict):
    """Whether one part works."""

    status: Literal["ok", "empty", "failed"]
    detail: str


class Health(TypedDict):
    """Whether the server and its parts work."""

    status: Literal["ok", "degraded"]
    version: str
    api_version: str
    environment: str
    mode: Literal["SIMULATION", "PAPER"]
    sign_in: bool
    now: str
    components: dict[str, ComponentHealth]
