"""Use cases around market data: fetch, import, export, look at, judge."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.services.data.fetching import FetchReport, fetch
    from tradewright.services.data.files import ExportReport, ImportReport, export, import_file
    from tradewright.services.data.looking import (
        list_series,
        load,
        load_adjusted,
        quality,
        quality_of_study,
        sectors,
        show,
        sources,
    )

_ROOM = "tradewright.services.data"
_HOMES = {
    "ExportReport": "files",
    "FetchReport": "fetching",
    "ImportReport": "files",
    "export": "files",
    "fetch": "fetching",
    "import_file": "files",
    "list_series": "looking",
    "load": "looking",
    "load_adjusted": "looking",
    "quality": "looking",
    "quality_of_study": "looking",
    "sectors": "looking",
    "show": "looking",
    "sources": "looking",
}

__all__ = [
    "ExportReport",
    "FetchReport",
    "ImportReport",
    "export",
    "fetch",
    "import_file",
    "list_series",
    "load",
    "load_adjusted",
    "quality",
    "quality_of_study",
    "sectors",
    "show",
    "sources",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {_ROOM!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{_ROOM}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
