"""Skill or luck: tests of the mean, and of the Sharpe ratio after many trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import DataError
from tradewright.metrics.returns import kurtosis, skewness

EULER: Final = 0.5772156649015329
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SharpeMoments:
    """What the Sharpe statistics need of a return series, per period.

    Parameters
    ----------
    sharpe : float
        Mean excess return over its standard deviation (ddof 1), not annualised.
    n : int
        Number of returns.
    skew, kurtosis : float
        Third and fourth standardised moments (3 is normal).
    """

    sharpe: float
    n: int
    skew: float = 0.0
    kurtosis: float = 3.0

    @property
    def variance_factor(self) -> float:
        """``1 - skew * SR + (kurtosis - 1) / 4 * SR^2``, by which the estimate's error grows."""
        return 1.0 - self.skew * self.sharpe + (self.kurtosis - 1.0) / 4.0 * self.sharpe**2

    @property
    def standard_error(self) -> float:
        """Standard error of the per-period ratio (Mertens 2002)."""
        return math.sqrt(max(self.variance_factor, 0.0) / max(self.n - 1, 1))


def sharpe_moments(returns: FloatArray, *, risk_free_per_period: float = 0.0) -> SharpeMoments:
    """Estimate the moments of excess returns.

    Parameters
    ----------
    returns : ndarray of shape (n,)
        Simple returns per period.
    risk_free_per_period : float
        Taken off each return.

    Returns
    -------
    SharpeMoments
        With NaN ratio and moments where the returns do not vary.
    """
    excess = np.asarray(returns, dtype=np.float64) - risk_free_per_period
    skew = skewness(excess)
    if math.isnan(skew):
        return SharpeMoments(math.nan, len(excess), math.nan, math.nan)
    ratio = float(excess.mean() / excess.std(ddof=1))
    return SharpeMoments(ratio, len(excess), skew, kurtosis(excess))


def mean_test(returns: FloatArray) -> tuple[float, float]:
    """Return the t-statistic of the mean return and its two-sided p-value (Student, n - 1).

    Examples
    --------
    >>> [round(value, 4) for value in mean_test(np.array([0.01, 0.03, -0.01, 0.02]))]
    [1.4639, 0.2394]
    """
    from scipy.special import stdtr

    n = len(returns)
    deviation = float(returns.std(ddof=1)) if n > 1 else 0.0
    if deviation <= 0:
        return math.nan, math.nan
    t = float(returns.mean()) / (deviation / math.sqrt(n))
    return t, 2.0 * float(stdtr(n - 1, -abs(t)))


def newey_west_test(returns: FloatArray, *, lags: int | None = None) -> tuple[float, float, int]:
    r"""Return the t-statistic of the mean that allows for autocorrelation.

    The variance of the mean is :math:`\frac1n(\gamma_0 + 2\sum_{l=1}^{L}(1-\frac{l}{L+1})\gamma_l)`
    with autocovariances :math:`\gamma_l` (divided by n).

    Parameters
    ----------
    returns : ndarray of shape (n,)
        Simple returns.
    lags : int, optional
        L; ``floor(4 (n / 100)^(2/9))`` unless given.

    Returns
    -------
    t, p, lags : float, float, int
        The statistic, its two-sided normal p-value, and the lags used; NaN without variance.

    References
    ----------
    .. [1] W. K. Newey, K. D. West, "A Simple, Positive Semi-Definite, Heteroskedasticity and
       Autocorrelation Consistent Covariance Matrix", Econometrica, 1987, eq. 5.
    """
    from scipy.special import ndtr

    error, used = newey_west_error(returns, lags=lags)
    if math.isnan(error):
        return math.nan, math.nan, used
    t = float(returns.mean()) / error
    return t, 2.0 * float(ndtr(-abs(t))), used


def newey_west_error(returns: FloatArray, *, lags: int | None = None) -> tuple[float, int]:
    """Return the standard error of the mean of `newey_west_test`, and the lags used."""
    n = len(returns)
    used = math.floor(4 * (n / 100) ** (2 / 9)) if lags is None else lags
    used = max(0, min(used, n - 1))
    if n < 2:
        return math.nan, used
    centred = returns - returns.mean()
    variance = float(centred @ centred) / n
    for lag in range(1, used + 1):
        weight = 1.0 - lag / (used + 1)
        variance += 2.0 * weight * float(centred[lag:] @ centred[:-lag]) / n
    return math.sqrt(variance / n) if variance > 1e-30 else math.nan, used


def probabilistic_sharpe(moments: SharpeMoments, *, benchmark: float = 0.0) -> float:
    r"""Return the probability that the true Sharpe ratio exceeds a benchmark.

    :math:`\Phi\left[(SR - SR^*)\sqrt{n-1} / \sqrt{1 - \gamma_3 SR + \frac{\gamma_4-1}{4}SR^2}
    \right]`

    Parameters
    ----------
    moments : SharpeMoments
        Estimated from the returns.
    benchmark : float
        Per-period ratio to beat.

    Returns
    -------
    float
        In [0, 1]; NaN where the ratio is undefined.

    References
    ----------
    .. [1] D. H. Bailey, M. López de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk,
       2012, eq. 11.

    Examples
    --------
    >>> round(probabilistic_sharpe(SharpeMoments(0.458, 24, -2.448, 10.164)), 3)
    0.913
    """
    from scipy.special import ndtr

    factor = moments.variance_factor
    if moments.n < 2 or not factor > 0:
        return math.nan
    return float(ndtr((moments.sharpe - benchmark) * math.sqrt(moments.n - 1) / math.sqrt(factor)))


def expected_maximum_sharpe(variance: float, n_trials: int) -> float:
    r"""Return the best ratio that luck alone gives over some trials without skill.

    :math:`\sqrt{V}\,[(1-\gamma)\Phi^{-1}(1-1/N) + \gamma\,\Phi^{-1}(1-1/(Ne))]`, 0 for one trial.

    Parameters
    ----------
    variance : float
        Variance of the per-period ratios over the trials, >= 0.
    n_trials : int
        Number of trials N, >= 1.

    Returns
    -------
    float
        Per-period ratio.

    Raises
    ------
    DataError
        If `n_trials` is below 1 or `variance` negative.

    References
    ----------
    .. [1] D. H. Bailey, M. López de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio
       Management, 2014, eq. 1.

    Examples
    --------
    >>> round(expected_maximum_sharpe(0.5 / 250, 100), 4)
    0.1132
    """
    from scipy.special import ndtri

    if n_trials < 1 or not variance >= 0:
        raise DataError(f"deflated Sharpe: {n_trials} trials with variance {variance}")
    if n_trials == 1:
        return 0.0
    high = (1 - EULER) * ndtri(1 - 1 / n_trials) + EULER * ndtri(1 - 1 / (n_trials * math.e))
    return math.sqrt(variance) * float(high)


def deflated_sharpe(
    moments: SharpeMoments, trial_sharpes: Sequence[float] = (), *, n_trials: int | None = None
) -> float:
    """Return the probabilistic Sharpe ratio over the best that luck gives in so many trials.

    Parameters
    ----------
    moments : SharpeMoments
        Of the chosen strategy.
    trial_sharpes : sequence of float
        Per-period ratio of every configuration tried, NaN where undefined.
    n_trials : int, optional
        Trials counted; the length of `trial_sharpes` unless given.

    Returns
    -------
    float
        In [0, 1]; with one trial the probabilistic Sharpe ratio over 0.

    Notes
    -----
    A trial that was counted but whose ratio is not known spreads like one ratio estimated without
    skill, with variance ``1 / (n - 1)``: the known ratios may look alike and must not make the
    unknown ones look alike too. The spread is never less than that of the known ratios.

    References
    ----------
    .. [1] D. H. Bailey, M. López de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio
       Management, 2014, eq. 2.

    Examples
    --------
    >>> round(deflated_sharpe(SharpeMoments(0.1, 2500), [0.1]), 6)
    1.0
    """
    count = max(1, len(trial_sharpes) if n_trials is None else n_trials)
    usable = np.array([value for value in trial_sharpes if math.isfinite(value)])
    known = float(usable.var(ddof=1)) if len(usable) > 1 else 0.0
    unknown = max(count - max(len(usable), 1), 0) / max(moments.n - 1, 1)
    variance = max(known, (known * max(len(usable) - 1, 0) + unknown) / max(count - 1, 1))
    return probabilistic_sharpe(moments, benchmark=expected_maximum_sharpe(variance, count))


def minimum_track_record(
    moments: SharpeMoments, *, benchmark: float = 0.0, confidence: float = 0.95
) -> float:
    r"""Return how many returns are needed for the ratio to be above a benchmark with confidence.

    :math:`1 + (1 - \gamma_3 SR + \frac{\gamma_4-1}{4}SR^2)(z_\alpha/(SR - SR^*))^2`

    Parameters
    ----------
    moments : SharpeMoments
        Estimated from the returns.
    benchmark : float
        Per-period ratio to beat.
    confidence : float
        In (0.5, 1).

    Returns
    -------
    float
        Number of periods; infinite where the ratio does not exceed the benchmark.

    References
    ----------
    .. [1] D. H. Bailey, M. López de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk,
       2012, eq. 14.

    Examples
    --------
    >>> daily = SharpeMoments(2 / 252**0.5, 500)
    >>> round(minimum_track_record(daily, benchmark=1 / 252**0.5) / 252, 2)
    2.73
    """
    from scipy.special import ndtri

    if math.isnan(moments.sharpe):
        return math.nan
    if moments.sharpe <= benchmark:
        return math.inf
    needed = float(ndtri(confidence)) / (moments.sharpe - benchmark)
    return 1.0 + moments.variance_factor * needed**2
