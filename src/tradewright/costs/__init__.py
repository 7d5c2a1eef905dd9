"""Fees, spread, slippage, impact and borrow: one object for planning and for charging."""

from tradewright.costs.schedule import CostPlan, Costs

__all__ = ["CostPlan", "Costs"]
