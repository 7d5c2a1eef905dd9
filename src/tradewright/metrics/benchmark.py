"""A strategy beside its benchmark."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import DataError
from tradewright.metrics.returns import RISK_FREE, annual_return, total_return

FloatArray = NDArray[np.float64]


def buy_and_hold(close: FloatArray) -> FloatArray:
    """Return the level of equal amounts put into every instrument at the first row and held.

    Parameters
    ----------
    close : ndarray of shape (n, n_instruments)
        Closes; NaN where an instrument has no bar. Instruments without a close in the first row
        are not bought; one that stops trading stays at its last close.

    Returns
    -------
    ndarray of shape (n,)
        1 at the first row; costs are not charged. All NaN if no instrument has a first close.

    Examples
    --------
    >>> buy_and_hold(np.array([[10.0, 20.0], [11.0, np.nan], [12.0, 10.0]])).tolist()
    [1.0, 1.05, 0.85]
    """
    bought = close[:, ~np.isnan(close[0])]
    if bought.shape[1] == 0:
        return np.full(len(close), math.nan)
    if np.isnan(bought).any():
        rows = np.where(np.isnan(bought), 0, np.arange(len(bought))[:, None])
        bought = np.take_along_axis(bought, np.maximum.accumulate(rows, axis=0), axis=0)
    level: FloatArray = (bought / bought[0]).mean(axis=1)
    return level


def relative_performance(
    returns: FloatArray,
    benchmark: FloatArray,
    *,
    periods_per_year: float,
    risk_free: float = RISK_FREE,
) -> dict[str, float]:
    """Compute alpha, beta and the other measures against a benchmark.

    Parameters
    ----------
    returns, benchmark : ndarray of shape (n,)
        Simple returns of the same sessions.
    periods_per_year : float
        Sessions per year.
    risk_free : float
        Annual rate taken off both for alpha.

    Returns
    -------
    dict of str to float
        Names as in `tradewright.metrics.glossary`; NaN where the benchmark does not vary.

    Raises
    ------
    DataError
        If the two series differ in length.

    References
    ----------
    .. [1] M. C. Jensen, "The Performance of Mutual Funds in the Period 1945-1964", Journal of
       Finance, 1968 (alpha, annualised by multiplication here).
    """
    if len(returns) != len(benchmark):
        raise DataError(
            f"benchmark has {len(benchmark)} returns, the strategy {len(returns)}; wanted equal"
        )
    found = {
        "benchmark_return": total_return(benchmark),
        "benchmark_annual_return": annual_return(benchmark, periods_per_year=periods_per_year),
        "excess_return": total_return(returns) - total_return(benchmark),
    }
    names = ("alpha", "beta", "correlation", "tracking_error", "information_ratio")
    if len(returns) < 2 or not np.isfinite(benchmark).all():
        return {**found, **dict.fromkeys((*names, "up_capture", "down_capture"), math.nan)}
    centred = benchmark - benchmark.mean()
    variance = float(centred @ centred)
    beta = float(centred @ (returns - returns.mean())) / variance if variance > 0 else math.nan
    per_session = risk_free / periods_per_year
    alpha = (returns.mean() - per_session) - beta * (benchmark.mean() - per_session)
    spread = returns - benchmark
    deviation = float(spread.std(ddof=1))
    root = math.sqrt(periods_per_year)
    both_vary = variance > 0 and float(returns.std()) > 0
    found.update(
        alpha=float(alpha) * periods_per_year,
        beta=beta,
        correlation=float(np.corrcoef(returns, benchmark)[0, 1]) if both_vary else math.nan,
        tracking_error=deviation * root,
        information_ratio=float(spread.mean()) / deviation * root if deviation > 0 else math.nan,
        up_capture=_capture(returns, benchmark, benchmark > 0),
        down_capture=_capture(returns, benchmark, benchmark < 0),
    )
    return found


def _capture(returns: FloatArray, benchmark: FloatArray, chosen: NDArray[np.bool_]) -> float:
    """Ratio of the geometric mean returns over the chosen sessions."""
    if not chosen.any():
        return math.nan
    ours = annual_return(returns[chosen], periods_per_year=1.0)
    theirs = annual_return(benchmark[chosen], periods_per_year=1.0)
    return ours / theirs if theirs != 0 else math.nan
