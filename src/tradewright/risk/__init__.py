"""May this be traded, and how much of it: limits on weights, orders and losses."""

from tradewright.risk.limits import (
    LimitReport,
    RiskLimits,
    drawdown_breached,
    limit_weights,
    reduce_only_quantity,
    stop_loss_breached,
)

__all__ = [
    "LimitReport",
    "RiskLimits",
    "drawdown_breached",
    "limit_weights",
    "reduce_only_quantity",
    "stop_loss_breached",
]
