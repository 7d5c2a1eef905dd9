"""Proof that features, labels, fits and universes use the past only."""

from tradewright.training.leak_guard.fitted import check_fitted, check_labels
from tradewright.training.leak_guard.guard import check
from tradewright.training.leak_guard.report import Check, LeakReport
from tradewright.training.leak_guard.subjects import GuardSettings, SideTable

__all__ = [
    "Check",
    "GuardSettings",
    "LeakReport",
    "SideTable",
    "check",
    "check_fitted",
    "check_labels",
]
