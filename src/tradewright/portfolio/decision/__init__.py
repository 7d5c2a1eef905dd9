"""Forecasts to decisions: rows of target weights, or one signal an instrument with its reasons."""

from tradewright.portfolio.decision.weights import DecisionSettings, confidence_of, decide

__all__ = ["DecisionSettings", "confidence_of", "decide"]
