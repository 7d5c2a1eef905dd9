"""Target weights for stored instruments: one method, all methods, the frontier, what is held."""

from tradewright.services.portfolio.asking import Question, default_choice, open_request
from tradewright.services.portfolio.comparing import MethodRow, compare_methods
from tradewright.services.portfolio.holdings import show_portfolio
from tradewright.services.portfolio.managed import (
    create_portfolio,
    list_portfolios,
    monitor_and_rebalance,
    show_managed,
    stop_portfolio,
)
from tradewright.services.portfolio.optimising import (
    Optimised,
    PortfolioRequest,
    optimise,
    trace,
)
from tradewright.services.portfolio.rebalancing import (
    AccountPlan,
    method_target,
    rebalance_account,
)
from tradewright.services.portfolio.wishes import parse_constraints, parse_views, parse_weights

__all__ = [
    "AccountPlan",
    "MethodRow",
    "Optimised",
    "PortfolioRequest",
    "Question",
    "compare_methods",
    "create_portfolio",
    "default_choice",
    "list_portfolios",
    "method_target",
    "monitor_and_rebalance",
    "open_request",
    "optimise",
    "parse_constraints",
    "parse_views",
    "parse_weights",
    "rebalance_account",
    "show_managed",
    "show_portfolio",
    "stop_portfolio",
    "trace",
]
