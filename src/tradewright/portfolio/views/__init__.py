"""Expected returns from views, forecasts and factor scores."""

from tradewright.portfolio.views.black_litterman import Posterior, View, black_litterman
from tradewright.portfolio.views.factor_scores import factor_returns, factor_scores
from tradewright.portfolio.views.forecast_views import forecast_views

__all__ = [
    "Posterior",
    "View",
    "black_litterman",
    "factor_returns",
    "factor_scores",
    "forecast_views",
]
