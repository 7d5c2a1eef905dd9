"""Target weights by twelve methods, under constraints and costs."""

from tradewright.portfolio.optimisation.feasibility import violations
from tradewright.portfolio.optimisation.frontier import Frontier, FrontierPoint, trace_frontier
from tradewright.portfolio.optimisation.inputs import MethodInputs
from tradewright.portfolio.optimisation.methods import OptimizationMethod, parse_method
from tradewright.portfolio.optimisation.optimizer import PortfolioOptimizer
from tradewright.portfolio.optimisation.problem import (
    InfeasibleError,
    Problem,
    SolverError,
    build_problem,
)
from tradewright.portfolio.optimisation.result import OptimizationResult
from tradewright.portfolio.optimisation.result_cache import ResultCache

__all__ = [
    "Frontier",
    "FrontierPoint",
    "InfeasibleError",
    "MethodInputs",
    "OptimizationMethod",
    "OptimizationResult",
    "PortfolioOptimizer",
    "Problem",
    "ResultCache",
    "SolverError",
    "build_problem",
    "parse_method",
    "trace_frontier",
    "violations",
]
