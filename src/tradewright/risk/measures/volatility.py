"""Value at risk and expected shortfall that follow the volatility of the day."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from tradewright.domain.errors import DataError
from tradewright.jit import jit
from tradewright.metrics.returns import expected_shortfall, value_at_risk
from tradewright.risk.measures.estimates import FloatArray, MeasureSettings, Tail
from tradewright.risk.measures.parametric import normal_tail

_PERCENT: Final = 100.0  # the optimiser works on returns near 1


def ewma_variance(returns: FloatArray, decay: float) -> float:
    r"""Return the exponentially weighted variance about zero for the next session.

    .. math:: v = \sum_k w_k r_{n-k}^2, \quad w_k = \lambda^{k-1}(1-\lambda)/(1-\lambda^n)

    References
    ----------
    .. [1] J.P. Morgan/Reuters, "RiskMetrics Technical Document", 4th ed., 1996, ch. 5.

    Examples
    --------
    >>> round(ewma_variance(np.array([0.01, 0.02]), 0.5), 8)  # (1 * 0.0001 + 2 * 0.0004) / 3
    0.0003
    """
    ages = np.arange(len(returns) - 1, -1, -1)
    weights = decay**ages
    return float(weights @ (returns * returns) / weights.sum())


def ewma(returns: FloatArray, settings: MeasureSettings) -> Tail:
    r"""Assume normal returns about zero with exponentially weighted variance.

    .. math:: VaR = z_c\sqrt{h v}, \qquad ES = \sqrt{h v}\,\varphi(z_c)/(1-c)

    Parameters
    ----------
    returns : ndarray of shape (n,)
        Finite returns, oldest first.
    settings : MeasureSettings
        Level, horizon and ``ewma_decay``.

    Returns
    -------
    tuple
        Value at risk, expected shortfall, notes.
    """
    spread = math.sqrt(ewma_variance(returns, settings.ewma_decay) * settings.horizon)
    z, es = normal_tail(settings.level)
    return z * spread, es * spread, ()


@dataclass(frozen=True, slots=True)
class Garch:
    r"""A fitted GARCH(1,1) with constant mean, in the units of the returns.

    .. math:: \sigma_t^2 = \omega + \alpha (r_{t-1}-\mu)^2 + \beta \sigma_{t-1}^2

    Parameters
    ----------
    mean, omega, alpha, beta : float
        Parameters of greatest Gaussian likelihood.
    variances : ndarray of shape (n + 1,)
        Of each session of the sample and, last, of the next one.
    """

    mean: float
    omega: float
    alpha: float
    beta: float
    variances: FloatArray

    def standardised(self, returns: FloatArray) -> FloatArray:
        """Return the returns less their mean over their own day's volatility."""
        scaled: FloatArray = (returns - self.mean) / np.sqrt(self.variances[: len(returns)])
        return scaled


def fit_garch(returns: FloatArray) -> Garch:
    """Fit a GARCH(1,1) by Gaussian quasi-likelihood.

    The first variance is the exponentially weighted mean of the first 75 squares (decay 0.94),
    as the arch package begins; the recursion is compiled, the search is bounded so that the
    process stays stationary.

    Parameters
    ----------
    returns : ndarray of shape (n,)
        Finite, not all equal, at least 30.

    Returns
    -------
    Garch
        Parameters and the variance of every session and the next.

    Raises
    ------
    DataError
        If the returns do not vary, or no likelihood can be found.

    References
    ----------
    .. [1] T. Bollerslev, "Generalized Autoregressive Conditional Heteroskedasticity", Journal of
       Econometrics 31, 1986.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    unit = float(returns.std())
    if not np.ptp(returns) > 0 or not unit > 1e-14:
        raise DataError("returns: they do not vary, a volatility model cannot be fitted")
    x = returns / unit

    def loss(parameters: FloatArray) -> float:
        mean, log_omega, persistence, share = parameters
        return float(
            _negative_likelihood(x, mean, math.exp(log_omega), persistence, share, _begin(x, mean))
        )

    best = None
    with threadpool_limits(limits=1):  # threads only spin on four parameters
        for persistence, share in ((0.97, 0.08), (0.90, 0.15), (0.50, 0.30)):
            found = minimize(
                loss,
                np.array([x.mean(), math.log(1.0 - persistence), persistence, share]),
                method="L-BFGS-B",
                bounds=[(-3.0, 3.0), (-16.0, 3.0), (0.0, 0.99999), (0.0, 1.0)],
                options={"ftol": 1e-13, "gtol": 1e-8, "maxiter": 400},
            )
            if best is None or found.fun < best.fun - 1e-9:
                best = found
    if best is None or not math.isfinite(best.fun):
        raise DataError("returns: no GARCH(1,1) describes them")
    mean, log_omega, persistence, share = (float(value) for value in best.x)
    omega, alpha = math.exp(log_omega), persistence * share
    beta = persistence - alpha
    variances = _variances(x, mean, omega, alpha, beta, _begin(x, mean))
    square = unit * unit
    return Garch(mean * unit, omega * square, alpha, beta, variances * square)


def filter_garch(fit: Garch, returns: FloatArray) -> FloatArray:
    """Return the variances of a sample, and of the session after it, under fitted parameters."""
    scale = _PERCENT
    first = _begin(returns * scale, fit.mean * scale) / scale**2
    out: FloatArray = _variances(returns, fit.mean, fit.omega, fit.alpha, fit.beta, first)
    return out


def filtered_historical(returns: FloatArray, settings: MeasureSettings) -> Tail:
    r"""Draw past shocks, each in units of its day's GARCH volatility, on today's volatility.

    One session: :math:`VaR = -(\mu + \sigma_{n+1} Q_{1-c}(z))` with the standardised returns
    :math:`z`. Longer horizons draw whole paths of `z` with replacement, seeded, and let the
    variance follow its recursion.

    Parameters
    ----------
    returns : ndarray of shape (n,)
        Finite returns, oldest first.
    settings : MeasureSettings
        Level, horizon, paths and seed.

    Returns
    -------
    tuple
        Value at risk, expected shortfall, notes with the persistence of the fit.

    References
    ----------
    .. [1] G. Barone-Adesi, K. Giannopoulos, L. Vosper, "VaR without correlations for portfolios
       of derivative securities", Journal of Futures Markets 19, 1999.
    """
    fit = fit_garch(returns)
    shocks = fit.standardised(returns)
    notes = (f"persistence {fit.alpha + fit.beta:.4f}",)
    if settings.horizon == 1:
        spread = math.sqrt(float(fit.variances[-1]))
        var = value_at_risk(shocks, level=settings.level) * spread - fit.mean
        es = expected_shortfall(shocks, level=settings.level) * spread - fit.mean
        return var, es, notes
    random = np.random.default_rng(settings.seed)
    drawn = random.choice(shocks, size=(settings.paths, settings.horizon))
    final = _paths(drawn, fit.mean, fit.omega, fit.alpha, fit.beta, float(fit.variances[-1]))
    level = settings.level
    return value_at_risk(final, level=level), expected_shortfall(final, level=level), notes


def _begin(x: FloatArray, mean: float) -> float:
    first = x[:75] - mean
    weights = 0.94 ** np.arange(len(first))
    return max(float(weights @ (first * first) / weights.sum()), 1e-10)


@jit
def _variances(  # noqa: PLR0917
    x: FloatArray, mean: float, omega: float, alpha: float, beta: float, first: float
) -> FloatArray:
    out = np.empty(len(x) + 1)
    out[0] = omega + (alpha + beta) * first
    for t in range(len(x)):
        shock = x[t] - mean
        out[t + 1] = omega + alpha * shock * shock + beta * out[t]
    return out


@jit
def _negative_likelihood(  # noqa: PLR0917
    x: FloatArray, mean: float, omega: float, persistence: float, share: float, first: float
) -> float:
    alpha = persistence * share
    beta = persistence - alpha
    variance = omega + persistence * first
    total = 0.0
    for t in range(len(x)):
        shock = x[t] - mean
        total += np.log(variance) + shock * shock / variance
        variance = omega + alpha * shock * shock + beta * variance
    return 0.5 * total / len(x)


@jit
def _paths(  # noqa: PLR0917
    shocks: FloatArray, mean: float, omega: float, alpha: float, beta: float, first: float
) -> FloatArray:
    out = np.empty(shocks.shape[0])
    for i in range(shocks.shape[0]):
        variance, level = first, 1.0
        for h in range(shocks.shape[1]):
            move = np.sqrt(variance) * shocks[i, h]
            level *= max(1.0 + mean + move, 0.0)
            variance = omega + alpha * move * move + beta * variance
        out[i] = level - 1.0
    return out
