"""Targets to orders: the one conversion to exact numbers, derived ids, order states."""

from tradewright.execution.ids import derive_order_id
from tradewright.execution.plan import PlannedOrder, plan_order, target_quantity
from tradewright.execution.rounding import (
    Rounding,
    lot_units,
    round_price,
    round_quantity,
    round_to_tick,
    tick_units,
)
from tradewright.execution.staged import StagedRebalance, StageStatus, StageView
from tradewright.execution.states import TRANSITIONS, OrderBook, TrackedOrder

__all__ = [
    "TRANSITIONS",
    "OrderBook",
    "PlannedOrder",
    "Rounding",
    "StageStatus",
    "StageView",
    "StagedRebalance",
    "TrackedOrder",
    "derive_order_id",
    "lot_units",
    "plan_order",
    "round_price",
    "round_quantity",
    "round_to_tick",
    "target_quantity",
    "tick_units",
]
