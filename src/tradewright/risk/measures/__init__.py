"""How bad can it get: value at risk and its record, contributions, liquidity, stress."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "METHODS": "estimates",
    "SHOCKS": "stress",
    "Concentration": "liquidity",
    "Contributions": "euler",
    "Correlations": "dependence",
    "CoverageRecord": "coverage",
    "CoverageTest": "coverage",
    "Liquidity": "liquidity",
    "MeasureSettings": "estimates",
    "Portfolio": "stress",
    "RiskEstimate": "estimates",
    "Shock": "stress",
    "StressResult": "stress",
    "acerbi_szekely": "coverage",
    "betas": "dependence",
    "christoffersen": "coverage",
    "concentration": "liquidity",
    "contributions": "euler",
    "contributions_by_strategy": "euler",
    "correlations": "dependence",
    "covariance": "panel",
    "currency": "stress",
    "days_to_liquidate": "liquidity",
    "grouped": "euler",
    "historical_replay": "stress",
    "incremental_var": "euler",
    "instant_loss": "stress",
    "kupiec": "coverage",
    "liquidity_adjusted_var": "liquidity",
    "measure": "estimates",
    "parametric_var": "euler",
    "rates": "stress",
    "record_of": "coverage",
    "reverse_stress": "stress",
    "simulate_portfolio": "copula",
    "single_name": "stress",
    "spreads": "stress",
    "standard_stress": "stress",
}

__all__ = [
    "METHODS",
    "SHOCKS",
    "Concentration",
    "Contributions",
    "Correlations",
    "CoverageRecord",
    "CoverageTest",
    "Liquidity",
    "MeasureSettings",
    "Portfolio",
    "RiskEstimate",
    "Shock",
    "StressResult",
    "acerbi_szekely",
    "betas",
    "christoffersen",
    "concentration",
    "contributions",
    "contributions_by_strategy",
    "correlations",
    "covariance",
    "currency",
    "days_to_liquidate",
    "grouped",
    "historical_replay",
    "incremental_var",
    "instant_loss",
    "kupiec",
    "liquidity_adjusted_var",
    "measure",
    "parametric_var",
    "rates",
    "record_of",
    "reverse_stress",
    "simulate_portfolio",
    "single_name",
    "spreads",
    "standard_stress",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tradewright.risk.measures' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tradewright.risk.measures.{_HOMES[name]}"), name)
