"""Forecasts to decisions: rows of target weights, or one signal an instrument with its reasons."""

from tradewright.portfolio.decision.combining import Combined, combine
from tradewright.portfolio.decision.engine import DecisionEngine, check_forecast
from tradewright.portfolio.decision.explaining import explain, headline
from tradewright.portfolio.decision.filters import FILTERS
from tradewright.portfolio.decision.history import (
    SignalHistory,
    SignalQuery,
    check_signal,
    score_of,
)
from tradewright.portfolio.decision.market import MarketView, PortfolioView
from tradewright.portfolio.decision.outcomes import SignalOutcome, outcomes_of, performance_of
from tradewright.portfolio.decision.protection import Protection, protect
from tradewright.portfolio.decision.settings import STOP_MODES, SignalSettings
from tradewright.portfolio.decision.skill import skill_of
from tradewright.portfolio.decision.sources import SourceView, view_of
from tradewright.portfolio.decision.weights import DecisionSettings, confidence_of, decide

__all__ = [
    "FILTERS",
    "STOP_MODES",
    "Combined",
    "DecisionEngine",
    "DecisionSettings",
    "MarketView",
    "PortfolioView",
    "Protection",
    "SignalHistory",
    "SignalOutcome",
    "SignalQuery",
    "SignalSettings",
    "SourceView",
    "check_forecast",
    "check_signal",
    "combine",
    "confidence_of",
    "decide",
    "explain",
    "headline",
    "outcomes_of",
    "performance_of",
    "protect",
    "score_of",
    "skill_of",
    "view_of",
]
