"""REST and WebSocket over services; its schema is the contract with the web page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.api.application import create_app
    from tradewright.api.deps import ApiSettings
    from tradewright.api.reference import write_openapi

_HOMES = {
    "ApiSettings": "tradewright.api.deps",
    "create_app": "tradewright.api.application",
    "write_openapi": "tradewright.api.reference",
}

__all__ = ["ApiSettings", "create_app", "write_openapi"]


def __getattr__(name: str) -> Any:
    """Load a public name on first use, so that the command line answers at once."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
