"""Whether a rebalance is worth what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import DataError
from tradewright.portfolio.rebalancing.config import RebalancingConfig
from tradewright.portfolio.rebalancing.triggers import Drift


@dataclass(frozen=True, slots=True)
class Benefit:
    """Expected gain of utility beside the cost, both fractions of equity.

    Parameters
    ----------
    gain : float
        Over the expected holding time.
    cost : float
        Of trading.
    multiple : float
        How many times the cost the gain must be.
    """

    gain: float
    cost: float
    multiple: float

    @property
    def pays(self) -> bool:
        """Whether the gain exceeds the cost."""
        return self.gain > self.cost * self.multiple


def utility(
    weights: NDArray[np.float64],
    expected_returns: NDArray[np.float64],
    covariance: NDArray[np.float64],
    risk_aversion: float,
) -> float:
    r"""Return the mean-variance utility :math:`w^T\mu - \frac{1}{2}\lambda w^T\Sigma w`, a year.

    Examples
    --------
    >>> utility(np.array([1.0]), np.array([0.1]), np.array([[0.04]]), 2.5)
    0.05
    """
    return float(
        weights @ expected_returns - 0.5 * risk_aversion * (weights @ covariance @ weights)
    )


def benefit_of(
    drift: Drift,
    after: NDArray[np.float64],
    cost: float,
    config: RebalancingConfig,
    *,
    periods_per_year: float = 252.0,
) -> Benefit:
    r"""Weigh the gain of new weights against their cost.

    :math:`[U(w^*) - U(w)]\,h / ppy > cost \times multiple`.

    Parameters
    ----------
    drift : Drift
        With expected returns and covariance.
    after : ndarray of shape (n,)
        Weights after the trades.
    cost : float
        Estimated cost, a fraction of equity.
    config : RebalancingConfig
        Risk aversion, holding time and multiple.
    periods_per_year : float
        Sessions a year.

    Returns
    -------
    Benefit
        Both sides of the inequality.

    Raises
    ------
    DataError
        If expected returns or covariance are missing.
    """
    mean, covariance = drift.expected_returns, drift.covariance
    if mean is None or covariance is None:
        raise DataError("rebalancing: the cost-benefit test needs expected returns and covariance")
    better = utility(after, mean, covariance, config.risk_aversion)
    now = utility(drift.weights, mean, covariance, config.risk_aversion)
    gain = (better - now) * config.holding_days / periods_per_year
    return Benefit(gain, cost, config.benefit_multiple)
