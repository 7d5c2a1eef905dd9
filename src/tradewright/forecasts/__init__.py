"""Fitted models at inference: linear, trees, boosting, ensembles and the baselines beside them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.forecasts.catalogue import create_model, load_model, model_class, model_types
    from tradewright.forecasts.model import Model
    from tradewright.forecasts.regimes import RegimeSettings, RegimeTracker
    from tradewright.forecasts.rows import Prediction, Rows
    from tradewright.forecasts.safe_files import content_hash

_HOMES = {
    "Model": "model",
    "Prediction": "rows",
    "RegimeSettings": "regimes",
    "RegimeTracker": "regimes",
    "Rows": "rows",
    "content_hash": "safe_files",
    "create_model": "catalogue",
    "load_model": "catalogue",
    "model_class": "catalogue",
    "model_types": "catalogue",
}

__all__ = [
    "Model",
    "Prediction",
    "RegimeSettings",
    "RegimeTracker",
    "Rows",
    "content_hash",
    "create_model",
    "load_model",
    "model_class",
    "model_types",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tradewright.forecasts' has no attribute {name!r}")
    module = importlib.import_module(f"tradewright.forecasts.{_HOMES[name]}")
    return getattr(module, name)
