"""How large a position may be: sizes, adjustment factors, limits and sizers by name."""

from tradewright.portfolio.sizing.factors import FACTORS
from tradewright.portfolio.sizing.kelly import kelly_from_sharpe, kelly_size
from tradewright.portfolio.sizing.limits import AccountLimits, next_weight
from tradewright.portfolio.sizing.params import (
    REGIME_FACTORS,
    FactorSettings,
    PositionSizingParams,
)
from tradewright.portfolio.sizing.size import PositionSize, SizingInputs, position_size
from tradewright.portfolio.sizing.sizers import Sizer, apply_sizer, create_sizer, sizer_names

__all__ = [
    "FACTORS",
    "REGIME_FACTORS",
    "AccountLimits",
    "FactorSettings",
    "PositionSize",
    "PositionSizingParams",
    "Sizer",
    "SizingInputs",
    "apply_sizer",
    "create_sizer",
    "kelly_from_sharpe",
    "kelly_size",
    "next_weight",
    "position_size",
    "sizer_names",
]
