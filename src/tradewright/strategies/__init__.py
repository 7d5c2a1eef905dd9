"""The Strategy protocol and reference strategies."""

from tradewright.strategies.allocation import Allocation, MethodSplit
from tradewright.strategies.catalogue import StrategyInfo, catalogue, create_strategy
from tradewright.strategies.forecast import ForecastStrategy
from tradewright.strategies.managed_portfolio import ManagedPortfolio, PortfolioTerms
from tradewright.strategies.protocol import Bar, Context, Strategy, is_strategy
from tradewright.strategies.reference import BuyAndHold, MeanReversion, MomentumTopN, SmaCross
from tradewright.strategies.signal_replay import DatedSignal, SignalReplay

__all__ = [
    "Allocation",
    "Bar",
    "BuyAndHold",
    "Context",
    "DatedSignal",
    "ForecastStrategy",
    "ManagedPortfolio",
    "MeanReversion",
    "MethodSplit",
    "MomentumTopN",
    "PortfolioTerms",
    "SignalReplay",
    "SmaCross",
    "Strategy",
    "StrategyInfo",
    "catalogue",
    "create_strategy",
    "is_strategy",
]
