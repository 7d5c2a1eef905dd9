"""Paper trading: the same strategy, loop and venue as a backtest, written down as it happens."""

from tradewright.services.paper.trading import PaperTrading

__all__ = ["PaperTrading"]
