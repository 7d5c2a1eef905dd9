"""Target weights for stored instruments: one method, all methods, the frontier, what is held."""

from tradewright.services.portfolio.comparing import MethodRow, compare_methods
from tradewright.services.portfolio.holdings import show_portfolio
from tradewright.services.portfolio.optimising import (
    Optimised,
    PortfolioRequest,
    optimise,
    trace,
)
from tradewright.services.portfolio.wishes import parse_constraints, parse_views, parse_weights

__all__ = [
    "MethodRow",
    "Optimised",
    "PortfolioRequest",
    "compare_methods",
    "optimise",
    "parse_constraints",
    "parse_views",
    "parse_weights",
    "show_portfolio",
    "trace",
]
