"""Windows and recursions over panels: plain functions on arrays of own bars.

Arrays are (n_rows, n_columns), each column the bars of one instrument without gaps, oldest first.
A window that holds a NaN gives NaN; every window needs all its rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Panel = NDArray[np.float64]

_WORTH_A_THREAD = 200_000  # values below which starting a thread costs more than it saves


@lru_cache(maxsize=1)
def workers() -> ThreadPoolExecutor:
    """Return the threads that share the columns of large panels."""
    return ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="features")


def spread(work: Callable[[int, int], Any], n_rows: int, n_columns: int) -> None:
    """Call ``work(first, last)`` on ranges of columns, in threads where it pays.

    Parameters
    ----------
    work : callable
        Handles the columns ``first`` to ``last`` (exclusive); releases the lock.
    n_rows, n_columns : int
        Size of the panel.
    """
    parts = min(8, os.cpu_count() or 1, n_columns, n_rows * n_columns // _WORTH_A_THREAD)
    if parts < 2:
        work(0, n_columns)
        return
    # Cuts on multiples of 8 columns keep two threads from writing to one cache line.
    cuts = [n_columns * i // parts // 8 * 8 for i in range(parts)] + [n_columns]
    ranges = [(a, b) for a, b in pairwise(cuts) if b > a]
    for _ in workers().map(lambda r: work(*r), ranges):
        pass


def frozen(x: NDArray[Any]) -> NDArray[Any]:
    """Return the array C-ordered and read-only, the one form the kernels are compiled for."""
    array = np.ascontiguousarray(x).view()
    array.flags.writeable = False
    return array


def mean(x: Panel, n: int) -> Panel:
    """Return the mean of the last `n` rows."""
    return _one("window_sum", (frozen(x), n, 1.0 / n))


def total(x: Panel, n: int) -> Panel:
    """Return the sum of the last `n` rows."""
    return _one("window_sum", (frozen(x), n, 1.0))


def highest(x: Panel, n: int) -> Panel:
    """Return the largest of the last `n` rows."""
    return _one("window_extreme", (frozen(x), n, 1.0))


def lowest(x: Panel, n: int) -> Panel:
    """Return the smallest of the last `n` rows."""
    return _one("window_extreme", (frozen(x), n, -1.0))


def mean_and_variance(x: Panel, n: int) -> tuple[Panel, Panel]:
    """Return mean and population variance of the last `n` rows."""
    from tradewright.features import kernels

    source = frozen(x)
    m, v = np.empty(source.shape), np.empty(source.shape)
    spread(lambda a, b: kernels.window_moments(source, n, a, b, m, v), *source.shape)
    return m, v


def sd(x: Panel, n: int, *, ddof: int = 1) -> Panel:
    """Return the standard deviation of the last `n` rows."""
    _, variance = mean_and_variance(x, n)
    return np.asarray(np.sqrt(variance * (n / (n - ddof))))


def zscore(x: Panel, n: int) -> Panel:
    """Return the distance from the mean of the last `n` rows in sample sd; 0 if all are equal."""
    m, variance = mean_and_variance(x, n)
    return ratio(x - m, np.sqrt(variance * (n / (n - 1))), at_zero=0.0)


def ratio(top: Panel, bottom: Panel, *, at_zero: float = np.nan) -> Panel:
    """Return ``top / bottom``; `at_zero` where the bottom is 0."""
    return _one("quotient", (frozen(top), frozen(bottom), float(at_zero)))


def shape_moments(x: Panel, n: int) -> tuple[Panel, Panel]:
    """Return skewness and excess kurtosis (population moments) of the last `n` rows; 0 if flat."""
    from tradewright.features import kernels

    source = frozen(x)
    m, v = mean_and_variance(source, n)
    third, fourth = np.empty(source.shape), np.empty(source.shape)
    middle = frozen(m)
    spread(lambda a, b: kernels.window_shape(source, middle, n, a, b, third, fourth), *source.shape)
    skew = ratio(third, v * np.sqrt(v), at_zero=0.0)
    kurtosis = np.where(v == 0.0, 0.0, ratio(fourth, v * v, at_zero=3.0) - 3.0)
    return skew, np.where(np.isnan(v), np.nan, kurtosis)


def covariance(x: Panel, y: Panel, n: int) -> Panel:
    """Return the population covariance of the last `n` rows."""
    from tradewright.features import kernels

    left, right = frozen(x), frozen(y)
    left_mean, right_mean = frozen(mean(left, n)), frozen(mean(right, n))
    out = np.empty(left.shape)
    spread(
        lambda a, b: kernels.window_product(left, right, left_mean, right_mean, n, a, b, out),
        *left.shape,
    )
    return out


def correlation(x: Panel, y: Panel, n: int) -> Panel:
    """Return the correlation over the last `n` rows, in [-1, 1]; 0 where one side is flat."""
    _, x_var = mean_and_variance(x, n)
    _, y_var = mean_and_variance(y, n)
    both = np.sqrt(x_var) * np.sqrt(y_var)
    return np.clip(ratio(covariance(x, y, n), both, at_zero=0.0), -1.0, 1.0)


def slope(x: Panel, n: int) -> Panel:
    """Return the least-squares slope per row over the last `n` rows."""
    steps = np.arange(n) - (n - 1) / 2
    weights = steps / (steps @ steps)
    level = mean(x, n)
    return np.asarray(dot(x, weights) - level * weights.sum())


def dot(x: Panel, weights: NDArray[np.float64]) -> Panel:
    """Return the weighted sum of the last rows, weights from the oldest to the newest."""
    return _one("window_dot", (frozen(x), frozen(weights)))


def rank(x: Panel, n: int) -> Panel:
    """Return the share of the previous ``n - 1`` rows below this one, ties half, in [0, 1]."""
    return _one("window_rank", (frozen(x), n))


def quantile(x: Panel, n: int, q: float) -> Panel:
    """Return the `q` quantile of the last `n` rows, linear between order statistics."""
    return _one("window_quantile", (frozen(x), n, float(q)))


def mean_deviation(x: Panel, n: int) -> Panel:
    """Return the mean absolute deviation from the mean of the last `n` rows."""
    return _one("window_deviation", (frozen(x), frozen(mean(x, n)), n))


def ema(x: Panel, n: int, *, start: int = 0) -> Panel:
    """Return the exponential mean from row `start`, seeded with a plain mean of `n` values."""
    late = _one("smooth", (frozen(x[start:]), 2.0 / (n + 1), n))
    return np.concatenate([np.full((min(start, len(x)), x.shape[1]), np.nan), late])


def wilder(x: Panel, n: int) -> Panel:
    """Return Wilder's mean, weight ``1/n``, seeded with the mean of `n` values."""
    return _one("smooth", (frozen(x), 1.0 / n, n))


def strength(x: Panel, n: int) -> Panel:
    """Return the relative strength index of a panel."""
    return _one("strength", (frozen(x), n))


def weighted_mean(x: Panel, halflife: float) -> Panel:
    """Return the exponential mean with a half-life in rows, weights normalised from the start."""
    return _one("weighted_mean", (frozen(x), float(2.0 ** (-1.0 / halflife))))


def running_sum(x: Panel, restart: NDArray[np.bool_]) -> Panel:
    """Return the sum since the last row where `restart` is true; NaN adds nothing."""
    return _one("running_sum", (frozen(x), frozen(restart)))


def true_range(high: Panel, low: Panel, close: Panel) -> Panel:
    """Return the range of each row, widened to the close of the row before."""
    return _one("span", (frozen(high), frozen(low), frozen(close)))


def signed(size: Panel, x: Panel) -> Panel:
    """Return `size` with the sign of the change of `x`; NaN in the first row."""
    return _one("signed", (frozen(size), frozen(x)))


def lag(x: Panel, k: int) -> Panel:
    """Return the value `k` rows earlier."""
    out = np.full(x.shape, np.nan)
    if k < len(x):
        out[k:] = x[: len(x) - k]
    return out


def _one(kernel: str, arguments: tuple[Any, ...]) -> Panel:
    from tradewright.features import kernels

    run = getattr(kernels, kernel)
    shape = arguments[0].shape
    out = np.empty(shape)
    spread(lambda a, b: run(*arguments, a, b, out), *shape)
    return out
