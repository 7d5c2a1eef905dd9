"""Windows and recursions over panels: plain functions on arrays of own bars.

Arrays are (n_rows, n_columns), each column the bars of one instrument without gaps, oldest first.
A window that holds a NaN gives NaN; every window needs all its rows.

The same functions serve panels that grow: while a `Memory` is in use (`features.stream`), an
array is the newest row alone, and the rows before it come from the memory. A feature written with
them, and with operations on single elements, can therefore be updated bar by bar as it stands.
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

from tradewright.features.remembering import in_use

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
    return _over(lambda p: _mean(p, n), n, x, in_blocks=True)


def total(x: Panel, n: int) -> Panel:
    """Return the sum of the last `n` rows."""
    return _over(lambda p: _one("window_sum", (frozen(p), n, 1.0)), n, x, in_blocks=True)


def highest(x: Panel, n: int) -> Panel:
    """Return the largest of the last `n` rows."""
    return _over(lambda p: _one("window_extreme", (frozen(p), n, 1.0)), n, x)


def lowest(x: Panel, n: int) -> Panel:
    """Return the smallest of the last `n` rows."""
    return _over(lambda p: _one("window_extreme", (frozen(p), n, -1.0)), n, x)


def mean_and_variance(x: Panel, n: int) -> tuple[Panel, Panel]:
    """Return mean and population variance of the last `n` rows."""
    m, v = _several(lambda p: _moments(p, n), n, x)
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

    def moments(p: Panel) -> tuple[Panel, ...]:
        source = frozen(p)
        m, v = _moments(source, n)
        third, fourth = np.empty(source.shape), np.empty(source.shape)
        middle = frozen(m)
        spread(
            lambda a, b: kernels.window_shape(source, middle, n, a, b, third, fourth),
            *source.shape,
        )
        return v, third, fourth

    v, third, fourth = _several(moments, n, x)
    skew = ratio(third, v * np.sqrt(v), at_zero=0.0)
    kurtosis = np.where(v == 0.0, 0.0, ratio(fourth, v * v, at_zero=3.0) - 3.0)
    return skew, np.where(np.isnan(v), np.nan, kurtosis)


def covariance(x: Panel, y: Panel, n: int) -> Panel:
    """Return the population covariance of the last `n` rows."""

    def product(p: Panel, q: Panel) -> Panel:
        left, right = frozen(p), frozen(q)
        means = frozen(_mean(left, n)), frozen(_mean(right, n))
        return _one("window_product", (left, right, *means, n))

    return _over(product, n, x, y, in_blocks=True)


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
    fixed = frozen(weights)
    return _over(lambda p: _one("window_dot", (frozen(p), fixed)), len(fixed), x)


def rank(x: Panel, n: int) -> Panel:
    """Return the share of the previous ``n - 1`` rows below this one, ties half, in [0, 1]."""
    return _over(lambda p: _one("window_rank", (frozen(p), n)), n, x)


def quantile(x: Panel, n: int, q: float) -> Panel:
    """Return the `q` quantile of the last `n` rows, linear between order statistics."""
    return _over(lambda p: _one("window_quantile", (frozen(p), n, float(q))), n, x)


def mean_deviation(x: Panel, n: int) -> Panel:
    """Return the mean absolute deviation from the mean of the last `n` rows."""

    def deviation(p: Panel) -> Panel:
        source = frozen(p)
        return _one("window_deviation", (source, frozen(_mean(source, n)), n))

    return _over(deviation, n, x, in_blocks=True)


def ema(x: Panel, n: int, *, start: int = 0) -> Panel:
    """Return the exponential mean from row `start`, seeded with a plain mean of `n` values."""
    late = _late(x, start) if start else x
    return _recursive("smooth", (frozen(late), 2.0 / (n + 1), n), (0.0, 0.0))


def wilder(x: Panel, n: int) -> Panel:
    """Return Wilder's mean, weight ``1/n``, seeded with the mean of `n` values."""
    return _recursive("smooth", (frozen(x), 1.0 / n, n), (0.0, 0.0))


def strength(x: Panel, n: int) -> Panel:
    """Return the relative strength index of a panel."""
    return _recursive("strength", (frozen(x), n), (0.0, 0.0, 0.0, np.nan))


def weighted_mean(x: Panel, halflife: float) -> Panel:
    """Return the exponential mean with a half-life in rows, weights normalised from the start."""
    decay = float(2.0 ** (-1.0 / halflife))
    return _recursive("weighted_mean", (frozen(x), decay), (0.0, 0.0))


def running_sum(x: Panel, restart: NDArray[np.bool_]) -> Panel:
    """Return the sum since the last row where `restart` is true; NaN adds nothing."""
    return _recursive("running_sum", (frozen(x), frozen(restart)), (0.0,))


def true_range(high: Panel, low: Panel, close: Panel) -> Panel:
    """Return the range of each row, widened to the close of the row before."""

    def widened(*three: Panel) -> Panel:
        return _one("span", tuple(frozen(p) for p in three))

    return _over(widened, 2, high, low, close)


def signed(size: Panel, x: Panel) -> Panel:
    """Return `size` with the sign of the change of `x`; NaN in the first row."""
    return _over(lambda p, q: _one("signed", (frozen(p), frozen(q))), 2, size, x)


def lag(x: Panel, k: int) -> Panel:
    """Return the value `k` rows earlier."""

    def earlier(p: Panel) -> Panel:
        out = np.full(p.shape, np.nan)
        if k < len(p):
            out[k:] = p[: len(p) - k]
        return out

    return _over(earlier, k + 1, x)


def begun_with(x: Panel, first: Panel) -> Panel:
    """Return the values, but those of another panel in the first row."""
    memory = in_use()
    if memory is not None:
        return np.where(memory.counts > 1, x, first)
    return np.concatenate((first[:1], x[1:]))


def _late(x: Panel, k: int) -> Panel:
    # The values from row `k` on, NaN before.
    memory = in_use()
    if memory is not None:
        return np.where(memory.counts > k, x, np.nan)
    out = np.empty(x.shape)
    out[:k] = np.nan
    out[k:] = x[k:]
    return out


def _mean(x: Panel, n: int) -> Panel:
    return _one("window_sum", (frozen(x), n, 1.0 / n))


def _moments(x: Panel, n: int) -> tuple[Panel, Panel]:
    from tradewright.features import kernels

    source = frozen(x)
    m, v = np.empty(source.shape), np.empty(source.shape)
    spread(lambda a, b: kernels.window_moments(source, n, a, b, m, v), *source.shape)
    return m, v


def _over(work: Callable[..., Panel], rows: int, *panels: Panel, in_blocks: bool = False) -> Panel:
    # Work on windows of that many rows; its rows before the newest may come from the memory.
    memory = in_use()
    if memory is None:
        return work(*panels)
    return memory.over(lambda *p: (work(*p),), rows, panels, in_blocks=in_blocks)[0]


def _several(work: Callable[..., tuple[Panel, ...]], rows: int, x: Panel) -> tuple[Panel, ...]:
    memory = in_use()
    return work(x) if memory is None else memory.over(work, rows, (x,), in_blocks=True)


def _recursive(kernel: str, arguments: tuple[Any, ...], start: tuple[float, ...]) -> Panel:
    # A recursion that remembers one quantity for each value it starts from.
    memory = in_use()
    if memory is not None:
        return memory.recur(lambda state: _one(kernel, (*arguments, state)), start)
    state = np.repeat(np.array(start)[:, None], arguments[0].shape[1], axis=1)
    return _one(kernel, (*arguments, state))


def _one(kernel: str, arguments: tuple[Any, ...]) -> Panel:
    from tradewright.features import kernels

    run = getattr(kernels, kernel)
    shape = arguments[0].shape
    out = np.empty(shape)
    spread(lambda a, b: run(*arguments, a, b, out), *shape)
    return out
