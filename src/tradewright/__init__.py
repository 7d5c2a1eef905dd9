"""From raw market data to forecasts, honest backtests, paper and live orders.

The names below are the whole public Python API; each loads what it needs on first use, so that
``import tradewright`` stays quick. Larger building blocks are imported from their room, for
example ``tradewright.features``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tradewright.version import __version__

if TYPE_CHECKING:
    from tradewright.app.python_api import fetch_bars
    from tradewright.client import Client
    from tradewright.costs import Costs
    from tradewright.domain import errors
    from tradewright.domain.bars import Bars
    from tradewright.domain.decisions import Orders, Signals, TargetWeights
    from tradewright.domain.rules import FillRules
    from tradewright.marketdata import read_bars, sample_bars, synthetic_bars
    from tradewright.portfolio.constraints import OptimizationConstraints
    from tradewright.portfolio.optimisation import PortfolioOptimizer
    from tradewright.services.backtest import BacktestConfig, backtest, backtest_async
    from tradewright.services.decisions import explain_decision
    from tradewright.services.leaks import leak_check
    from tradewright.services.paper.parity import parity
    from tradewright.services.runs import Run, compare
    from tradewright.services.stress import stress
    from tradewright.services.studies import Study
    from tradewright.services.sweep import Sweep, sweep
    from tradewright.services.walking.rules import RuleWalk, walk_forward
    from tradewright.services.walking.walk import Walk
    from tradewright.strategies import Strategy
    from tradewright.training.leak_guard import LeakReport
    from tradewright.training.splits import WalkForward

_HOMES = {
    "Bars": "domain.bars",
    "BacktestConfig": "services.backtest",
    "Client": "client",
    "Costs": "costs",
    "FillRules": "domain.rules",
    "LeakReport": "training.leak_guard",
    "OptimizationConstraints": "portfolio.constraints",
    "Orders": "domain.decisions",
    "PortfolioOptimizer": "portfolio.optimisation",
    "Run": "services.runs",
    "Signals": "domain.decisions",
    "Strategy": "strategies",
    "Study": "services.studies",
    "Sweep": "services.sweep",
    "TargetWeights": "domain.decisions",
    "RuleWalk": "services.walking.rules",
    "Walk": "services.walking.walk",
    "WalkForward": "training.splits",
    "backtest": "services.backtest",
    "backtest_async": "services.backtest",
    "compare": "services.runs",
    "errors": "domain.errors",
    "explain_decision": "services.decisions",
    "fetch_bars": "app.python_api",
    "leak_check": "services.leaks",
    "parity": "services.paper.parity",
    "read_bars": "marketdata",
    "sample_bars": "marketdata",
    "stress": "services.stress",
    "synthetic_bars": "marketdata",
    "sweep": "services.sweep",
    "walk_forward": "services.walking.rules",
}

__all__ = [
    "BacktestConfig",
    "Bars",
    "Client",
    "Costs",
    "FillRules",
    "LeakReport",
    "OptimizationConstraints",
    "Orders",
    "PortfolioOptimizer",
    "RuleWalk",
    "Run",
    "Signals",
    "Strategy",
    "Study",
    "Sweep",
    "TargetWeights",
    "Walk",
    "WalkForward",
    "__version__",
    "backtest",
    "backtest_async",
    "compare",
    "errors",
    "explain_decision",
    "fetch_bars",
    "leak_check",
    "parity",
    "read_bars",
    "sample_bars",
    "stress",
    "sweep",
    "synthetic_bars",
    "walk_forward",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home on first use, with the default workspace plugged in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tradewright' has no attribute {name!r}")
    importlib.import_module("tradewright.app.python_api")
    home = importlib.import_module(f"tradewright.{_HOMES[name]}")
    globals()[name] = home if name == "errors" else getattr(home, name)
    return globals()[name]


def __dir__() -> list[str]:
    return __all__
