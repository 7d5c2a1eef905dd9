"""The Strategy protocol and reference strategies."""

from tradewright.strategies.catalogue import StrategyInfo, catalogue, create_strategy
from tradewright.strategies.forecast import ForecastStrategy
from tradewright.strategies.protocol import Bar, Context, Strategy, is_strategy
from tradewright.strategies.reference import BuyAndHold, MeanReversion, MomentumTopN, SmaCross

__all__ = [
    "Bar",
    "BuyAndHold",
    "Context",
    "ForecastStrategy",
    "MeanReversion",
    "MomentumTopN",
    "SmaCross",
    "Strategy",
    "StrategyInfo",
    "catalogue",
    "create_strategy",
    "is_strategy",
]
