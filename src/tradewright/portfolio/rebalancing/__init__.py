"""Back to the targets: triggers, order of the rules, plans, cost benefit, tax lots."""

from tradewright.portfolio.rebalancing.allocation import CASH, Allocation, parse_allocation
from tradewright.portfolio.rebalancing.benefit import Benefit, benefit_of, utility
from tradewright.portfolio.rebalancing.config import RebalancingConfig
from tradewright.portfolio.rebalancing.lots import LOT_METHODS, Disposal, Lot, dispose
from tradewright.portfolio.rebalancing.plan import (
    PlannedTrade,
    RebalancePlan,
    band_edges,
    plan_rebalance,
)
from tradewright.portfolio.rebalancing.rules import Rebalancer, RebalanceState, Review
from tradewright.portfolio.rebalancing.tax import (
    Harvest,
    PastTrade,
    TaxRates,
    harvest_candidates,
    tax_of,
    wash_blocks,
)
from tradewright.portfolio.rebalancing.tax_plan import TaxSituation
from tradewright.portfolio.rebalancing.triggers import Drift, Trigger, triggered

__all__ = [
    "CASH",
    "LOT_METHODS",
    "Allocation",
    "Benefit",
    "Disposal",
    "Drift",
    "Harvest",
    "Lot",
    "PastTrade",
    "PlannedTrade",
    "RebalancePlan",
    "RebalanceState",
    "Rebalancer",
    "RebalancingConfig",
    "Review",
    "TaxRates",
    "TaxSituation",
    "Trigger",
    "band_edges",
    "benefit_of",
    "dispose",
    "harvest_candidates",
    "parse_allocation",
    "plan_rebalance",
    "tax_of",
    "triggered",
    "utility",
    "wash_blocks",
]
