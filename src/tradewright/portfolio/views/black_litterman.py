"""Views of an investor, mixed with what the market's weights imply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, nearest

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An opinion on the yearly excess return of a portfolio.

    Parameters
    ----------
    portfolio : mapping of str to float
        ``{"AAPL": 1}`` is absolute, ``{"AAPL": 1, "MSFT": -1}`` says the first beats the second.
    value : float
        Its expected excess return a year.
    confidence : float, optional
        In (0, 1]: how far the posterior goes from the prior to the view; 1 is certainty.
    variance : float, optional
        Variance of the view a year, instead of a confidence.

    Raises
    ------
    ConfigError
        If both are given, or a value is out of its range.
    """

    portfolio: Mapping[str, float]
    value: float
    confidence: float | None = None
    variance: float | None = None

    def __post_init__(self) -> None:
        if not self.portfolio or not any(self.portfolio.values()):
            raise ConfigError("a view needs at least one instrument")
        if not np.isfinite(self.value):
            raise ConfigError(f"value of a view is {self.value}, wanted a finite number")
        if self.confidence is not None and self.variance is not None:
            raise ConfigError("a view takes a confidence or a variance, not both")
        if self.confidence is not None and not 0 < self.confidence <= 1:
            raise ConfigError(f"confidence of a view is {self.confidence}, wanted above 0 to 1")
        if self.variance is not None and not self.variance >= 0:
            raise ConfigError(f"variance of a view is {self.variance}, wanted at least 0")


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Expected excess returns after the views.

    Parameters
    ----------
    prior : ndarray of shape (n,)
        Π, what the market's weights imply.
    mean : ndarray of shape (n,)
        After the views.
    covariance : ndarray of shape (n, n)
        Of returns, with the uncertainty of the mean.
    risk_aversion : float
        δ.
    """

    prior: FloatArray
    mean: FloatArray
    covariance: FloatArray
    risk_aversion: float


def black_litterman(
    covariance: FloatArray,
    symbols: Sequence[str],
    market_weights: FloatArray,
    views: Sequence[View] = (),
    *,
    tau: float = 0.05,
    risk_aversion: float = 2.5,
) -> Posterior:
    r"""Mix views with the returns that market weights imply.

    .. math:: \Pi = \delta \Sigma w, \qquad
              \mu = [(\tau\Sigma)^{-1} + P'\Omega^{-1}P]^{-1}[(\tau\Sigma)^{-1}\Pi + P'\Omega^{-1}Q]

    computed in the form that allows a view without variance [1]_. A view of confidence c has
    :math:`\omega = \tau\,p\Sigma p'\,(1 - c)/c`, which moves its portfolio's return by the share c
    of the way to the view, as Idzorek asks for [2]_; without confidence c is ½, the choice of [1]_.

    Parameters
    ----------
    covariance : ndarray of shape (n, n)
        A year.
    symbols : sequence of str
        Instruments in order.
    market_weights : ndarray of shape (n,)
        Of the equilibrium.
    views : sequence of View
        Opinions.
    tau : float
        Uncertainty of the prior mean as a share of the covariance.
    risk_aversion : float
        δ of the market.

    Returns
    -------
    Posterior
        Prior and posterior moments.

    Raises
    ------
    ConfigError
        If a view names an unknown instrument or a parameter is not positive.

    References
    ----------
    .. [1] G. He and R. Litterman, "The intuition behind Black-Litterman model portfolios",
       Goldman Sachs, 1999.
    .. [2] T. Idzorek, "A step-by-step guide to the Black-Litterman model", 2005; closed form of
       J. Walters, "The Black-Litterman model in detail", SSRN 1314585, 2014.

    Examples
    --------
    >>> view = View(portfolio={"A": 1.0}, value=0.10, confidence=0.5)
    >>> black_litterman(np.diag([0.04, 0.04]), ["A", "B"], np.array([0.5, 0.5]), [view]).mean
    array([0.075, 0.05 ])
    """
    for name, value in (("tau", tau), ("risk_aversion", risk_aversion)):
        if not value > 0:
            raise ConfigError(f"{name} is {value}, wanted above 0")
    prior = risk_aversion * covariance @ market_weights
    uncertainty = tau * covariance
    if not views:
        return Posterior(prior, prior, covariance + uncertainty, risk_aversion)
    picks = np.zeros((len(views), len(symbols)))
    for row, view in enumerate(views):
        for name, weight in view.portfolio.items():
            if name not in symbols:
                raise ConfigError(f"view of {name!r}, which is not there; {nearest(name, symbols)}")
            picks[row, list(symbols).index(name)] = weight
    values = np.array([view.value for view in views])
    spread = picks @ uncertainty @ picks.T
    omega = np.array([_variance(v, spread[i, i]) for i, v in enumerate(views)])
    total = spread + np.diag(omega)
    # Two certain views of one portfolio make the matrix singular; least squares shares them.
    gain = np.linalg.lstsq(total, picks @ uncertainty, rcond=None)[0].T
    mean = prior + gain @ (values - picks @ prior)
    left = uncertainty - gain @ picks @ uncertainty
    return Posterior(prior, mean, covariance + (left + left.T) / 2.0, risk_aversion)


def _variance(view: View, spread: float) -> float:
    if view.variance is not None:
        return view.variance
    confidence = 0.5 if view.confidence is None else view.confidence
    return float(spread * (1.0 - confidence) / confidence)
