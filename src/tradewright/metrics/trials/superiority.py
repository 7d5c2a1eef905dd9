"""Is the best of many trials better than the benchmark: reality check, SPA and StepM."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tradewright.domain.errors import DataError
from tradewright.jit import jit
from tradewright.metrics.bootstrap import optimal_block_length

RESAMPLES: Final = 1_000
AT_ONCE: Final = 128
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Superiority:
    """What the tests of a family of trials against one benchmark say.

    Parameters
    ----------
    reality_check : float
        p-value of White's reality check: that no trial has a mean above the benchmark's.
    spa_lower, spa, spa_upper : float
        p-values of Hansen's test of superior predictive ability; `spa` is the consistent one, the
        others are its bounds. NaN where no trial differs from the benchmark.
    superior : tuple of int
        Columns that StepM finds better than the benchmark, with the chance of any false one held
        at `size`; best first.
    best : int
        Column with the highest mean over the benchmark.
    size : float
        Level of StepM.
    block_length : float
        Mean block length of the stationary bootstrap, in sessions.
    resamples : int
        Number of resamples.
    """

    reality_check: float
    spa_lower: float
    spa: float
    spa_upper: float
    superior: tuple[int, ...]
    best: int
    size: float
    block_length: float
    resamples: int


def superiority(
    returns: ArrayLike,
    benchmark: ArrayLike,
    rng: np.random.Generator,
    *,
    size: float = 0.05,
    resamples: int = RESAMPLES,
    block_length: float | None = None,
) -> Superiority:
    r"""Test a family of trials against a benchmark, allowing for the search among them.

    With :math:`d_{k,t}` the return of trial k over that of the benchmark, its mean
    :math:`\bar d_k` and long-run standard deviation :math:`\omega_k`, the reality check [1]_ asks
    how often :math:`\max_k(\bar d^*_k - \bar d_k)` of a resample exceeds
    :math:`\max_k \bar d_k`; SPA [2]_ does so with :math:`\sqrt n\,\bar d_k/\omega_k`, centred only
    where :math:`\sqrt n\,\bar d_k/\omega_k \ge -\sqrt{2\ln\ln n}`, so that hopeless trials do not
    make the test blind. StepM [3]_ takes out the trials above the critical value and repeats.

    Parameters
    ----------
    returns : array_like of shape (n_sessions, n_trials)
        Simple returns of every trial that was made, not only of the good ones.
    benchmark : array_like of shape (n_sessions,)
        Returns of the same sessions; zeros to test against holding cash.
    rng : numpy.random.Generator
        Source of randomness; the same state gives the same result.
    size : float
        Level of StepM, in (0, 1).
    resamples : int
        Stationary-bootstrap resamples; >= 1.
    block_length : float, optional
        Mean block length; the longer of those that suit the best trial and the mean of all trials
        unless given.

    Returns
    -------
    Superiority
        p-values and the trials that stand out.

    Raises
    ------
    DataError
        If shapes differ, there are fewer than 10 sessions, or a return is not finite.

    Notes
    -----
    A p-value is ``(1 + resamples above what was found) / (resamples + 1)``, so never 0. Checked by
    simulation at 1 000 sessions, where 5 % tests reject 4 to 6 % of families of noise; at a few
    hundred sessions with strong autocorrelation they reject up to 8 %.
    The long-run variance has the kernel weights of the stationary bootstrap (Politis, Romano 1994,
    eq. 7). Trials that equal the benchmark in every session are left out.

    References
    ----------
    .. [1] H. White, "A Reality Check for Data Snooping", Econometrica, 2000.
    .. [2] P. R. Hansen, "A Test for Superior Predictive Ability", Journal of Business and Economic
       Statistics, 2005.
    .. [3] J. P. Romano, M. Wolf, "Stepwise Multiple Testing as Formalized Data Snooping",
       Econometrica, 2005.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> trials = rng.normal(0.0, 0.01, (500, 12)) + np.where(np.arange(12) == 3, 0.003, 0.0)
    >>> found = superiority(trials, np.zeros(500), rng)
    >>> found.spa < 0.01, found.superior
    (True, (3,))
    """
    differences = _differences(returns, benchmark)
    n = len(differences)
    means = differences.mean(axis=0)
    best = int(np.argmax(means))
    varies = differences.std(axis=0) > 1e-15
    if not varies.any():
        return Superiority(math.nan, math.nan, math.nan, math.nan, (), best, size, 1.0, 0)
    if block_length is None:
        longest = (differences[:, best], differences.mean(axis=1))
        block_length = max(optimal_block_length(np.ascontiguousarray(x)) for x in longest)
    columns = np.flatnonzero(varies)
    used = np.ascontiguousarray(differences[:, columns])
    deviations = np.sqrt(long_run_variance(used, block_length) / n)
    resampled = _resampled_means(used, rng, resamples, block_length)
    tested = judge_family(means[columns], deviations, resampled, n=n, size=size)
    return Superiority(
        **{**tested, "superior": tuple(int(columns[k]) for k in tested["superior"])},
        best=best,
        size=size,
        block_length=block_length,
        resamples=resamples,
    )


def judge_family(
    means: FloatArray, deviations: FloatArray, resampled: FloatArray, *, n: int, size: float
) -> dict[str, Any]:
    """Return p-values and superior trials from means, their errors and resampled means.

    Parameters
    ----------
    means, deviations : ndarray of shape (n_trials,)
        Mean over the benchmark, and its standard error.
    resampled : ndarray of shape (resamples, n_trials)
        Means of the resamples.
    n : int
        Sessions.
    size : float
        Level of StepM.

    Returns
    -------
    dict
        ``reality_check, spa_lower, spa, spa_upper`` and ``superior`` (columns, best first).
    """
    scores = means / deviations
    likely = scores >= -math.sqrt(2.0 * math.log(math.log(n)))
    centres = {
        "spa_lower": np.maximum(means, 0.0),
        "spa": np.where(likely, means, 0.0),
        "spa_upper": means,
    }
    best = max(float(scores.max()), 0.0)
    found: dict[str, Any] = {"reality_check": _share((resampled - means).max(axis=1), means.max())}
    for name, centre in centres.items():
        highest = ((resampled - centre) / deviations).max(axis=1)
        found[name] = _share(highest, best) if best > 0 else 1.0
    found["superior"] = _stepwise(scores, (resampled - centres["spa"]) / deviations, size)
    return found


def _share(simulated: FloatArray, found: float) -> float:
    """Return the share above what was found, which counts as one of the resamples itself."""
    return (1 + int(np.sum(simulated > found))) / (len(simulated) + 1)


def _stepwise(scores: FloatArray, simulated: FloatArray, size: float) -> list[int]:
    left = np.ones(len(scores), dtype=np.bool_)
    while left.any():
        highest = simulated[:, left].max(axis=1)
        critical = max(float(np.quantile(highest, 1.0 - size, method="higher")), 0.0)
        better = left & (scores > critical)
        if not better.any():
            break
        left &= ~better
    superior = np.flatnonzero(~left)
    return [int(k) for k in superior[np.argsort(-scores[superior], kind="stable")]]


def long_run_variance(values: FloatArray, block_length: float) -> FloatArray:
    r"""Return the variance of :math:`\sqrt n` times the mean under the stationary bootstrap.

    :math:`\gamma_0 + 2\sum_{i=1}^{n-1} \kappa_i \gamma_i` with
    :math:`\kappa_i = (1 - i/n)(1 - p)^i + (i/n)(1 - p)^{n-i}`, :math:`p` one over the block length.

    Parameters
    ----------
    values : ndarray of shape (n, k)
        Series in columns.
    block_length : float
        Mean block length, >= 1.

    Returns
    -------
    ndarray of shape (k,)
        At least 1e-6 of the variance of a column.

    References
    ----------
    .. [1] D. N. Politis, J. P. Romano, "The Stationary Bootstrap", JASA, 1994, lemma 1.
    """
    n, k = values.shape
    lags = np.arange(1, n)
    stay = 1.0 - 1.0 / block_length
    kappa = (1.0 - lags / n) * stay**lags + (lags / n) * stay ** (n - lags)
    size = 1 << (2 * n - 1).bit_length()
    found = np.empty(k)
    for first in range(0, k, AT_ONCE):
        part = values[:, first : first + AT_ONCE]
        spectrum = np.fft.rfft(part - part.mean(axis=0), size, axis=0)
        covariances = np.fft.irfft(np.abs(spectrum) ** 2, size, axis=0)[:n] / n
        total = covariances[0] + 2.0 * (kappa @ covariances[1:])
        found[first : first + AT_ONCE] = np.maximum(total, 1e-6 * covariances[0])
    return found


def _differences(returns: ArrayLike, benchmark: ArrayLike) -> FloatArray:
    table = np.asarray(returns, dtype=np.float64)
    held = np.asarray(benchmark, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 1 or held.shape != (len(table),):
        raise DataError(
            f"superiority: returns of shape {table.shape} and a benchmark of shape {held.shape}, "
            "wanted (n_sessions, n_trials) and (n_sessions,)"
        )
    if len(table) < 10:
        raise DataError(f"superiority: {len(table)} sessions, wanted at least 10")
    difference: FloatArray = np.subtract(table, held[:, None])
    if not np.isfinite(difference).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(difference))[0])
        raise DataError(f"superiority: trial {column} has no finite return in session {row}")
    return difference


def _resampled_means(
    values: FloatArray, rng: np.random.Generator, resamples: int, block_length: float
) -> FloatArray:
    """Return the mean of every column in each resample: counts of rows times rows."""
    n, k = values.shape
    found = np.empty((resamples, k))
    for first in range(0, resamples, AT_ONCE):
        count = min(AT_ONCE, resamples - first)
        counts = _counts(n, count, 1.0 / block_length, rng)
        found[first : first + count] = counts @ values / n
    return found


@jit
def _counts(n, resamples, jump, rng):  # type: ignore[no-untyped-def]  # pragma: no cover
    counts = np.zeros((resamples, n))
    for sample in range(resamples):
        row = int(rng.random() * n)
        for step in range(n):
            if step > 0:
                if rng.random() < jump:
                    row = int(rng.random() * n)
                else:
                    row += 1
                    if row == n:
                        row = 0
            counts[sample, row] += 1.0
    return counts
