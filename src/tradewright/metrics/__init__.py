"""Formulas on returns, trades and forecasts; statistical tests; pure functions."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "AcceptanceLimits": "acceptance",
    "Evidence": "verdict",
    "METRICS": "glossary",
    "Metric": "glossary",
    "SharpeMoments": "statistics",
    "Verdict": "verdict",
    "accept": "acceptance",
    "annual_return": "returns",
    "buy_and_hold": "benchmark",
    "deflated_sharpe": "statistics",
    "drawdown_series": "drawdowns",
    "drawdown_table": "drawdowns",
    "excursions": "trades",
    "expected_maximum_sharpe": "statistics",
    "expected_shortfall": "returns",
    "format_value": "glossary",
    "judge": "verdict",
    "mean_test": "statistics",
    "minimum_track_record": "statistics",
    "monthly_returns": "sessions",
    "newey_west_test": "statistics",
    "path_risk": "drawdowns",
    "performance": "returns",
    "periods_per_year": "sessions",
    "probabilistic_sharpe": "statistics",
    "relative_performance": "benchmark",
    "returns_of": "returns",
    "session_rows": "sessions",
    "sharpe": "returns",
    "sharpe_moments": "statistics",
    "window_stability": "stability",
    "stationary_bootstrap": "bootstrap",
    "trade_metrics": "trades",
    "value_at_risk": "returns",
    "yearly_returns": "sessions",
}

__all__ = [
    "METRICS",
    "AcceptanceLimits",
    "Evidence",
    "Metric",
    "SharpeMoments",
    "Verdict",
    "accept",
    "annual_return",
    "buy_and_hold",
    "deflated_sharpe",
    "drawdown_series",
    "drawdown_table",
    "excursions",
    "expected_maximum_sharpe",
    "expected_shortfall",
    "format_value",
    "judge",
    "mean_test",
    "minimum_track_record",
    "monthly_returns",
    "newey_west_test",
    "path_risk",
    "performance",
    "periods_per_year",
    "probabilistic_sharpe",
    "relative_performance",
    "returns_of",
    "session_rows",
    "sharpe",
    "sharpe_moments",
    "stationary_bootstrap",
    "trade_metrics",
    "value_at_risk",
    "window_stability",
    "yearly_returns",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tradewright.metrics' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tradewright.metrics.{_HOMES[name]}"), name)
