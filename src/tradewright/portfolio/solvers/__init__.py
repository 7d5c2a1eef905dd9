"""Numerical solvers behind the methods: conic, active set, risk budgets, hierarchical."""

from tradewright.portfolio.solvers.active_set import nonnegative_quadratic
from tradewright.portfolio.solvers.conic import ConicProgramme, ConicSolution
from tradewright.portfolio.solvers.hierarchical import hierarchical_weights
from tradewright.portfolio.solvers.risk_budgets import budget_weights

__all__ = [
    "ConicProgramme",
    "ConicSolution",
    "budget_weights",
    "hierarchical_weights",
    "nonnegative_quadratic",
]
