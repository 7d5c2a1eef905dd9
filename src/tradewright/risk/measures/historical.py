"""Value at risk and expected shortfall from the losses that happened."""

from __future__ import annotations

import math

import numpy as np

from tradewright.metrics.returns import expected_shortfall, value_at_risk
from tradewright.risk.measures.estimates import FloatArray, MeasureSettings, Tail


def historical(returns: FloatArray, settings: MeasureSettings) -> Tail:
    r"""Take the quantile of past returns, every session with the same weight.

    .. math:: VaR = -Q_{1-c}(r)\sqrt h, \qquad ES = -\mathrm{mean}(r \mid r \le Q_{1-c})\sqrt h

    with linear interpolation between order statistics, as `tradewright.metrics` has it.

    Parameters
    ----------
    returns : ndarray of shape (n,)
        Finite returns.
    settings : MeasureSettings
        Level and horizon; longer horizons are scaled by the square root of time.

    Returns
    -------
    tuple
        Value at risk, expected shortfall, notes.
    """
    root = math.sqrt(settings.horizon)
    var = value_at_risk(returns, level=settings.level)
    return var * root, expected_shortfall(returns, level=settings.level) * root, ()


def age_weights(n: int, decay: float) -> FloatArray:
    r"""Return weights that fall with age and sum to 1, oldest first.

    .. math:: w_k = \lambda^{k-1}(1-\lambda)/(1-\lambda^n), \quad k = 1 \text{ for the newest}

    Examples
    --------
    >>> age_weights(100, 0.98)[[-1, -2, -3, -65]].round(4).tolist()
    [0.0231, 0.0226, 0.0221, 0.0063]
    """
    ages = np.arange(n - 1, -1, -1)
    return np.asarray(decay**ages * (1.0 - decay) / (1.0 - decay**n), dtype=np.float64)


def age_weighted(returns: FloatArray, settings: MeasureSettings) -> Tail:
    r"""Take the quantile of past returns with newer sessions weighing more.

    The value at risk is the loss at which the weights, summed from the worst return on, first
    reach 1 - level; the expected shortfall is the weighted mean of exactly that mass, the return
    at the boundary entering with the part of its weight that is needed (a coherent measure).

    Parameters
    ----------
    returns : ndarray of shape (n,)
        Finite returns, oldest first.
    settings : MeasureSettings
        Level, horizon and ``age_decay``; longer horizons are scaled by the square root of time.

    Returns
    -------
    tuple
        Value at risk, expected shortfall, notes.

    References
    ----------
    .. [1] J. Boudoukh, M. Richardson, R. Whitelaw, "The Best of Both Worlds", Risk 11(5), 1998.
    .. [2] C. Acerbi, D. Tasche, "On the coherence of expected shortfall", Journal of Banking and
       Finance 26, 2002, eq. 3.13.
    """
    order = np.argsort(returns, kind="stable")
    weights = age_weights(len(returns), settings.age_decay)[order]
    worst, mass = returns[order], 1.0 - settings.level
    summed = np.cumsum(weights)
    at = min(int(np.searchsorted(summed, mass - 1e-12)), len(worst) - 1)
    below = float(summed[at - 1]) if at else 0.0
    tail = float(weights[:at] @ worst[:at]) + (mass - below) * float(worst[at])
    root = math.sqrt(settings.horizon)
    return -float(worst[at]) * root, -tail / mass * root, ()
