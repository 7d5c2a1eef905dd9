"""Several strategies on one account: budgets, netting, and who made what."""

from tradewright.engine.sleeves.account import Sleeve, Sleeves
from tradewright.engine.sleeves.book import SleeveBook

__all__ = ["Sleeve", "SleeveBook", "Sleeves"]
