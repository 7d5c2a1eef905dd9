"""Forecasts to target weights."""

from tradewright.portfolio.decision import DecisionSettings, confidence_of, decide

__all__ = ["DecisionSettings", "confidence_of", "decide"]
