"""Causal transforms: every row uses that row and earlier ones only."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.features.arrays import crossed_above, crossed_below, ema, rsi, sma
    from tradewright.features.document import catalogue
    from tradewright.features.evaluate import (
        DEFAULT_13,
        check_inputs,
        compute,
        technical_indicators,
    )
    from tradewright.features.own_bars import OwnBars
    from tradewright.features.parsing import parse_features
    from tradewright.features.registry import About, feature, forget
    from tradewright.features.scaling import Scaler, create_scaler
    from tradewright.features.specs import FeatureSpec, FeatureTable, Parameter, Role, memory
    from tradewright.features.stream import FeatureStream, is_bar_by_bar

_HOMES = {
    "DEFAULT_13": "evaluate",
    "About": "registry",
    "FeatureSpec": "specs",
    "FeatureStream": "stream",
    "FeatureTable": "specs",
    "OwnBars": "own_bars",
    "Parameter": "specs",
    "Role": "specs",
    "Scaler": "scaling",
    "catalogue": "document",
    "check_inputs": "evaluate",
    "compute": "evaluate",
    "create_scaler": "scaling",
    "crossed_above": "arrays",
    "crossed_below": "arrays",
    "ema": "arrays",
    "feature": "registry",
    "forget": "registry",
    "is_bar_by_bar": "stream",
    "memory": "specs",
    "parse_features": "parsing",
    "rsi": "arrays",
    "sma": "arrays",
    "technical_indicators": "evaluate",
}

__all__ = [
    "DEFAULT_13",
    "About",
    "FeatureSpec",
    "FeatureStream",
    "FeatureTable",
    "OwnBars",
    "Parameter",
    "Role",
    "Scaler",
    "catalogue",
    "check_inputs",
    "compute",
    "create_scaler",
    "crossed_above",
    "crossed_below",
    "ema",
    "feature",
    "forget",
    "is_bar_by_bar",
    "memory",
    "parse_features",
    "rsi",
    "sma",
    "technical_indicators",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tradewright.features' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"tradewright.features.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
