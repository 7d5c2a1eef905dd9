"""Moments of a panel of returns: which instruments enter, covariance and mean, both checked."""

from tradewright.portfolio.covariance.checking import check_covariance, nearest_covariance
from tradewright.portfolio.covariance.estimators import COVARIANCES, estimate_covariance
from tradewright.portfolio.covariance.means import MEANS, estimate_mean
from tradewright.portfolio.covariance.moments import EstimationSettings, Moments, estimate_moments
from tradewright.portfolio.covariance.panel import PanelCut, cut_panel

__all__ = [
    "COVARIANCES",
    "MEANS",
    "EstimationSettings",
    "Moments",
    "PanelCut",
    "check_covariance",
    "cut_panel",
    "estimate_covariance",
    "estimate_mean",
    "estimate_moments",
    "nearest_covariance",
]
