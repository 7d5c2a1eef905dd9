"""What weights may look like: limits of an optimisation and of a whole portfolio."""

from tradewright.portfolio.constraints.linear_text import parse_linear
from tradewright.portfolio.constraints.portfolio_limits import (
    CEILING,
    PortfolioLimits,
    apply_limits,
)
from tradewright.portfolio.constraints.weights import SOFT, OptimizationConstraints

__all__ = [
    "CEILING",
    "SOFT",
    "OptimizationConstraints",
    "PortfolioLimits",
    "apply_limits",
    "parse_linear",
]
