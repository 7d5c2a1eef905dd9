"""Performance of many series at once: the figures of `performance`, one column a series."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tradewright.domain.errors import DataError
from tradewright.jit import jit
from tradewright.metrics.returns import RISK_FREE

FloatArray = NDArray[np.float64]
LANES: Final = 32
"""Columns that are walked side by side."""
COLUMNS: Final = (
    *("level", "top", "fall", "low", "high", "total", "squares", "cubes", "fourths"),
    *("gains", "losses", "down", "over", "under", "wins"),
)


def performance_panel(
    returns: ArrayLike,
    *,
    periods_per_year: float,
    risk_free: float = RISK_FREE,
    tails: bool = False,
    workers: int | None = None,
) -> dict[str, FloatArray]:
    """Compute the figures of `performance` and the drawdown for many series in one pass.

    Parameters
    ----------
    returns : array_like of shape (n_sessions, n_series)
        Simple returns as fractions, finite and not below -1.
    periods_per_year, risk_free : float
        As for `performance`.
    tails : bool
        Whether to compute what needs sorted returns too: value at risk, expected shortfall and
        tail ratio.
    workers : int, optional
        Threads; all cores unless given. The result does not depend on it.

    Returns
    -------
    dict of str to ndarray of shape (n_series,)
        The names of `performance`, with ``max_drawdown`` and ``calmar`` of the session levels;
        NaN where a figure is not defined.

    Raises
    ------
    DataError
        If the shape is another one, or a return is NaN, infinite or below -1.

    Examples
    --------
    >>> found = performance_panel([[0.01, 0.0], [-0.01, 0.0], [0.02, 0.0]], periods_per_year=252)
    >>> found["total_return"].round(6).tolist(), found["sharpe"].round(3).tolist()
    ([0.019898, 0.0], [6.846, nan])
    """
    table = np.ascontiguousarray(returns, dtype=np.float64)
    if table.ndim != 2:
        raise DataError(f"returns: {table.ndim} dimensions, wanted (n_sessions, n_series)")
    n, k = table.shape
    sums = np.zeros((len(COLUMNS), k))
    sorted_figures = np.full((6, k), math.nan)
    threads = workers or os.cpu_count() or 1
    edges = np.linspace(0, k, 4 * threads + 1).astype(np.int64)
    edges[1:-1] = edges[1:-1] // LANES * LANES
    excess = risk_free / periods_per_year

    def work(part: int) -> None:
        first, after = int(edges[part]), int(edges[part + 1])
        _walk(table, sums, first, after, excess)
        if tails and n:
            _sort(table, sorted_figures, first, after)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(len(edges) - 1)))
    raw = dict(zip(COLUMNS, sums, strict=True))
    _check(table, raw)
    return _figures(raw, sorted_figures, n, periods_per_year, excess)


def _check(table: FloatArray, raw: dict[str, FloatArray]) -> None:
    bad = ~np.isfinite(raw["total"]) | (raw["low"] < -1.0)
    if bad.any() and len(table):
        column = int(np.argmax(bad))
        series = table[:, column]
        row = int(np.argmax(~np.isfinite(series) | (series < -1.0)))
        raise DataError(
            f"returns: session {row} of series {column} is {series[row]}, wanted a finite number "
            "not below -1"
        )


def _figures(
    raw: dict[str, FloatArray], tails: FloatArray, n: int, ppy: float, excess: float
) -> dict[str, FloatArray]:
    if n == 0:
        raw = {name: np.full_like(values, math.nan) for name, values in raw.items()}
    count = max(n, 1)
    mean = raw["total"] / count
    size = np.maximum(np.abs(raw["low"] - excess), np.abs(raw["high"] - excess))
    varies = (raw["high"] - raw["low"] > 1e-14 * np.maximum(1.0, size)) & (n > 1)
    variance = np.where(varies, raw["squares"] / max(n - 1, 1), math.nan)
    biased = np.where(varies, raw["squares"] / count, math.nan)
    root = math.sqrt(ppy)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        growth = np.expm1(np.minimum(np.log(raw["level"]) * ppy / count, 710.0))
        annual = np.where(
            raw["level"] > 0, growth, np.where(np.isnan(raw["level"]), math.nan, -1.0)
        )
        falls = raw["down"] > 0
        downside = np.sqrt(raw["down"] / count)
        figures = {
            "total_return": raw["level"] - 1.0,
            "annual_return": annual,
            "annual_volatility": np.sqrt(raw["squares"] / (n - 1)) * root
            if n > 1
            else np.full_like(mean, math.nan),
            "sharpe": (mean - excess) / np.sqrt(variance) * root,
            "sortino": np.where(falls & (n > 1), (mean - excess) / downside * root, math.nan),
            "omega": np.where(raw["under"] > 0, raw["over"] / raw["under"], math.nan),
            "skew": raw["cubes"] / count / biased**1.5,
            "kurtosis": raw["fourths"] / count / biased**2 - 3.0,
            "best_session": raw["high"],
            "worst_session": raw["low"],
            "positive_sessions": raw["wins"] / count,
            "gain_to_pain": np.where(
                raw["losses"] > 0, (raw["gains"] - raw["losses"]) / raw["losses"], math.nan
            ),
            "max_drawdown": raw["fall"],
            "calmar": np.where(raw["fall"] < 0, annual / -raw["fall"], math.nan),
        }
    if not np.isnan(tails).all():
        figures.update(zip(("var_95", "cvar_95", "var_99", "cvar_99"), tails[:4], strict=True))
        high, low = np.abs(tails[4]), np.abs(tails[5])
        figures["tail_ratio"] = np.where(low > 0, high / np.where(low > 0, low, 1.0), math.nan)
    return figures


@jit(nogil=True)
def _walk(table, out, first, after, excess):  # type: ignore[no-untyped-def]  # pragma: no cover
    # Two passes over a few columns that stay in the cache: sums and levels, then central moments.
    n = table.shape[0]
    block = np.empty((n, LANES))
    for start in range(first, after, LANES):
        width = min(LANES, after - start)
        for t in range(n):
            for j in range(width):
                block[t, j] = table[t, start + j]
        sums = np.zeros((15, LANES))
        _levels(block, width, sums, excess)
        _moments(block, width, sums)
        for row in range(15):
            for j in range(width):
                out[row, start + j] = sums[row, j]


@jit(nogil=True)
def _levels(block, width, sums, excess):  # type: ignore[no-untyped-def]  # pragma: no cover
    sums[0, :] = 1.0
    sums[1, :] = 1.0
    sums[3, :] = np.inf
    sums[4, :] = -np.inf
    for t in range(len(block)):
        for j in range(LANES):
            r = block[t, j] if j < width else 0.0
            over = r - excess
            sums[0, j] *= 1.0 + r
            sums[1, j] = max(sums[1, j], sums[0, j])
            sums[2, j] = min(sums[2, j], sums[0, j] / sums[1, j] - 1.0)
            sums[3, j] = min(sums[3, j], r)
            sums[4, j] = max(sums[4, j], r)
            sums[5, j] += r
            sums[9, j] += max(r, 0.0)
            sums[10, j] -= min(r, 0.0)
            under = min(over, 0.0)
            sums[11, j] += under * under
            sums[12, j] += max(over, 0.0)
            sums[13, j] -= under
            sums[14, j] += 1.0 if r > 0.0 else 0.0


@jit(nogil=True)
def _moments(block, width, sums):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = len(block)
    means = sums[5] / max(n, 1)
    for t in range(n):
        for j in range(LANES):
            centred = (block[t, j] if j < width else 0.0) - means[j]
            square = centred * centred
            sums[6, j] += square
            sums[7, j] += square * centred
            sums[8, j] += square * square


@jit(nogil=True)
def _sort(table, out, first, after):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = table.shape[0]
    for column in range(first, after):
        ordered = np.sort(table[:, column].copy())
        for at, level in enumerate((0.05, 0.01)):
            cut = _quantile(ordered, level)
            total, count = 0.0, 0
            while count < n and ordered[count] <= cut:
                total += ordered[count]
                count += 1
            out[2 * at, column] = -cut
            out[2 * at + 1, column] = -total / max(count, 1)
        out[4, column] = _quantile(ordered, 0.95)
        out[5, column] = _quantile(ordered, 0.05)


@jit(nogil=True)
def _quantile(ordered, level):  # type: ignore[no-untyped-def]  # pragma: no cover
    # Linear between neighbours, as NumPy does it.
    place = level * (len(ordered) - 1)
    below = int(np.floor(place))
    above = min(below + 1, len(ordered) - 1)
    share = place - below
    gap = ordered[above] - ordered[below]
    return ordered[above] - gap * (1.0 - share) if share >= 0.5 else ordered[below] + gap * share
