"""Tear sheets, comparisons and charts, drawn from plain values."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.reports.compare_page import ComparisonContent, render_comparison
    from tradewright.reports.content import ReportContent
    from tradewright.reports.drawing import draw_equity
    from tradewright.reports.page import render_report

_HOMES = {
    "ComparisonContent": "compare_page",
    "ReportContent": "content",
    "draw_equity": "drawing",
    "render_comparison": "compare_page",
    "render_report": "page",
}

__all__ = [
    "ComparisonContent",
    "ReportContent",
    "draw_equity",
    "render_comparison",
    "render_report",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tradewright.reports' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tradewright.reports.{_HOMES[name]}"), name)
