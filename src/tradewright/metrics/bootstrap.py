"""How sure is a figure: the stationary bootstrap, which keeps neighbours together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.jit import jit
from tradewright.metrics.returns import RISK_FREE

RESAMPLES: Final = 2_000
NAMES: Final = ("mean", "sharpe", "annual_return", "max_drawdown", "total_return")
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and where resampling puts it.

    Parameters
    ----------
    low, high : float
        5 % and 95 % quantile of the resamples (a 90 % interval).
    low_95, high_95 : float
        2.5 % and 97.5 % quantile.
    share_above_zero : float
        Share of resamples above zero.
    """

    low: float
    high: float
    low_95: float
    high_95: float
    share_above_zero: float


@dataclass(frozen=True, slots=True)
class BootstrapResult:
    """Intervals by name of the figure, with how they were made.

    Parameters
    ----------
    intervals : mapping of str to Interval
        ``mean sharpe annual_return max_drawdown total_return``, and with a benchmark
        ``sharpe_difference`` and ``annual_return_difference``.
    block_length : float
        Mean length of the blocks, in sessions.
    resamples : int
        Number of resamples.
    """

    intervals: Mapping[str, Interval]
    block_length: float
    resamples: int


def optimal_block_length(returns: FloatArray) -> float:
    """Return the mean block length for the stationary bootstrap of a mean.

    Parameters
    ----------
    returns : ndarray of shape (n,)
        The series to resample.

    Returns
    -------
    float
        At least 1 and at most ``min(3 sqrt(n), n / 3)``; 1 where the series does not vary.

    References
    ----------
    .. [1] D. N. Politis, H. White, "Automatic Block-Length Selection for the Dependent Bootstrap",
       Econometric Reviews, 2004, with the correction of A. Patton, D. N. Politis, H. White, 2009.
    """
    n = len(returns)
    if n < 8 or float(returns.std()) == 0:
        return 1.0
    centred = returns - returns.mean()
    window = max(5, int(math.log10(n)))
    most = min(math.ceil(math.sqrt(n)) + window, n - 1)
    covariances = np.array([centred[lag:] @ centred[: n - lag] / n for lag in range(most + 1)])
    correlations = np.array(
        [
            covariances[lag]
            * n
            / math.sqrt((centred[lag:] @ centred[lag:]) * (centred[:-lag] @ centred[:-lag]))
            for lag in range(1, most + 1)
        ]
    )
    significant = np.abs(correlations) >= 2.0 * math.sqrt(math.log10(n) / n)
    quiet = next(
        (
            start
            for start in range(1, most - window + 2)
            if not significant[start - 1 : start - 1 + window].any()
        ),
        None,
    )
    if quiet is not None:
        cut = 2 * max(quiet - 1, 1)
    else:
        loud = np.flatnonzero(significant)
        cut = 2 * max(int(loud[-1]) + 1, 1) if len(loud) else 1
    cut = min(cut, most)
    lags = np.arange(1, cut + 1)
    taper = np.where(lags / cut <= 0.5, 1.0, 2.0 * (1.0 - lags / cut))
    spectrum = covariances[0] + 2.0 * float(taper @ covariances[1 : cut + 1])
    slope = 2.0 * float((taper * lags) @ covariances[1 : cut + 1])
    if spectrum == 0:
        return 1.0
    length = (2.0 * slope**2 / (2.0 * spectrum**2)) ** (1 / 3) * n ** (1 / 3)
    return float(min(max(length, 1.0), math.ceil(min(3.0 * math.sqrt(n), n / 3))))


@jit
def _resample(values, resamples, jump, shift, rng):  # type: ignore[no-untyped-def]  # pragma: no cover
    n, k = values.shape
    out = np.empty((resamples, k, 4))  # mean, standard deviation, log growth, deepest fall
    for sample in range(resamples):
        total = np.zeros(k)
        squares = np.zeros(k)
        growth = np.zeros(k)
        top = np.zeros(k)
        fall = np.zeros(k)
        row = int(rng.random() * n)
        for step in range(n):
            if step > 0:
                if rng.random() < jump:
                    row = int(rng.random() * n)
                else:
                    row += 1
                    if row == n:
                        row = 0
            for j in range(k):
                r = values[row, j]
                centred = r - shift[j]
                total[j] += centred
                squares[j] += centred * centred
                growth[j] += math.log1p(max(r, -0.9999999999))
                top[j] = max(top[j], growth[j])
                fall[j] = min(fall[j], growth[j] - top[j])
        for j in range(k):
            mean = total[j] / n
            out[sample, j, 0] = mean + shift[j]
            out[sample, j, 1] = math.sqrt(max((squares[j] - n * mean * mean) / (n - 1), 0.0))
            out[sample, j, 2] = growth[j]
            out[sample, j, 3] = math.expm1(fall[j])
    return out


def stationary_bootstrap(
    returns: FloatArray,
    rng: np.random.Generator,
    *,
    periods_per_year: float,
    benchmark: FloatArray | None = None,
    risk_free: float = RISK_FREE,
    resamples: int = RESAMPLES,
    block_length: float | None = None,
) -> BootstrapResult:
    """Resample blocks of sessions, of random length, and measure each resample.

    Parameters
    ----------
    returns : ndarray of shape (n,)
        Simple returns per session, n >= 2.
    rng : numpy.random.Generator
        Source of randomness; the same state gives the same result.
    periods_per_year : float
        Sessions per year.
    benchmark : ndarray of shape (n,), optional
        Resampled with the same rows, for intervals of the differences.
    risk_free : float
        Annual rate for the Sharpe ratio.
    resamples : int
        Number of resamples.
    block_length : float, optional
        Mean block length; `optimal_block_length` unless given.

    Returns
    -------
    BootstrapResult
        Percentile intervals.

    References
    ----------
    .. [1] D. N. Politis, J. P. Romano, "The Stationary Bootstrap", Journal of the American
       Statistical Association, 1994.

    Examples
    --------
    >>> flat = np.array([0.01, 0.01, 0.01, 0.01])
    >>> found = stationary_bootstrap(flat, np.random.default_rng(1), periods_per_year=252)
    >>> found.intervals["max_drawdown"].low, round(found.intervals["mean"].low, 4)
    (0.0, 0.01)
    """
    length = optimal_block_length(returns) if block_length is None else block_length
    columns = [returns] if benchmark is None else [returns, benchmark]
    values = np.ascontiguousarray(np.column_stack(columns), dtype=np.float64)
    raw = _resample(values, resamples, 1.0 / length, values.mean(axis=0), rng)
    ours = _figures(raw[:, 0], len(returns), periods_per_year, risk_free)
    if benchmark is not None:
        theirs = _figures(raw[:, 1], len(returns), periods_per_year, risk_free)
        for name in ("sharpe", "annual_return"):
            ours[f"{name}_difference"] = ours[name] - theirs[name]
    intervals = {name: _interval(values) for name, values in ours.items()}
    return BootstrapResult(intervals, length, resamples)


def _figures(
    raw: FloatArray, n: int, periods_per_year: float, risk_free: float
) -> dict[str, FloatArray]:
    mean, deviation, growth, fall = raw.T
    excess = mean - risk_free / periods_per_year
    varies = deviation > 1e-12
    sharpe = np.where(varies, excess / np.where(varies, deviation, 1.0), math.nan)
    yearly = np.minimum(growth * periods_per_year / n, 700.0)
    return {
        "mean": mean,
        "sharpe": sharpe * math.sqrt(periods_per_year),
        "annual_return": np.expm1(yearly),
        "max_drawdown": fall,
        "total_return": np.expm1(np.minimum(growth, 700.0)),
    }


def _interval(values: FloatArray) -> Interval:
    kept = values[~np.isnan(values)]
    if len(kept) == 0:
        return Interval(math.nan, math.nan, math.nan, math.nan, math.nan)
    low_95, low, high, high_95 = np.quantile(kept, [0.025, 0.05, 0.95, 0.975])
    above = float(np.mean(kept > 0))
    return Interval(float(low), float(high), float(low_95), float(high_95), above)
