"""Labels, purged splits, walk-forward fitting and the leak guard: the room that looks forward."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.training.splits import WalkForward, Window
    from tradewright.training.walk_forward import FitSettings, WalkForwardResult, fit_predict

_HOMES = {
    "FitSettings": "walk_forward",
    "WalkForward": "splits",
    "WalkForwardResult": "walk_forward",
    "Window": "splits",
    "fit_predict": "walk_forward",
}

__all__ = ["FitSettings", "WalkForward", "WalkForwardResult", "Window", "fit_predict"]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tradewright.training' has no attribute {name!r}")
    module = importlib.import_module(f"tradewright.training.{_HOMES[name]}")
    return getattr(module, name)
