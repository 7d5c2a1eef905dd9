"""Other ways it could have gone: round trips in another order, sessions in other blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import DataError
from tradewright.jit import jit
from tradewright.metrics.bootstrap import optimal_block_length

QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
PATHS: Final = 2_000
HALF: Final = 0.5
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PathOutcomes:
    """Where simulated paths end and how deep they fall.

    Parameters
    ----------
    terminal : tuple of float
        Quantiles 5, 25, 50, 75 and 95 % of the total return.
    drawdown : tuple of float
        The same of the deepest drawdown, <= 0: the first is the worst.
    probability_of_loss : float
        Share of paths that end below where they began.
    probability_of_half : float
        Share of paths that at some time have lost half of what they began with.
    worse_drawdown : float
        Share of paths that fall at least as deep as what happened.
    paths, sessions : int
        Paths simulated, and steps of each.
    block_length : float
        Mean block length; 1 where the steps were shuffled.
    """

    terminal: tuple[float, ...]
    drawdown: tuple[float, ...]
    probability_of_loss: float
    probability_of_half: float
    worse_drawdown: float
    paths: int
    sessions: int
    block_length: float


def resampled_paths(
    returns: FloatArray,
    rng: np.random.Generator,
    *,
    sessions: int | None = None,
    paths: int = PATHS,
    block_length: float | None = None,
) -> PathOutcomes:
    """Draw equity paths from blocks of the sessions that were seen.

    Parameters
    ----------
    returns : ndarray of shape (n,)
        Simple returns per session, n >= 2.
    rng : numpy.random.Generator
        Source of randomness; the same state gives the same result.
    sessions : int, optional
        Length of each path; n unless given.
    paths : int
        Number of paths, >= 1.
    block_length : float, optional
        Mean block length; `optimal_block_length` unless given.

    Returns
    -------
    PathOutcomes
        A path that loses everything stays at -1.

    Raises
    ------
    DataError
        If there are fewer than two returns, or no path or session is asked for.

    References
    ----------
    .. [1] D. N. Politis, J. P. Romano, "The Stationary Bootstrap", JASA, 1994.

    Examples
    --------
    >>> found = resampled_paths(np.array([0.01, 0.02] * 50), np.random.default_rng(1))
    >>> found.probability_of_loss, found.drawdown[0]
    (0.0, 0.0)
    """
    length = optimal_block_length(returns) if block_length is None else block_length
    steps = len(returns) if sessions is None else sessions
    if len(returns) < 2 or steps < 1 or paths < 1:
        raise DataError(
            f"paths: {len(returns)} returns, {paths} paths of {steps} sessions, wanted at least "
            "2 returns, 1 path and 1 session"
        )
    series = np.ascontiguousarray(returns, dtype=np.float64)
    drawn = _blocks(series, paths, steps, 1.0 / length, rng)
    return _told(drawn, _fall(np.concatenate(([0.0], np.cumsum(_logs(series))))), steps, length)


def shuffled_trades(
    profits: FloatArray, rng: np.random.Generator, *, start_equity: float, paths: int = PATHS
) -> PathOutcomes:
    """Put the same round trips into other orders: the end is the same, the way there is not.

    Parameters
    ----------
    profits : ndarray of shape (n_trips,)
        Profit of each round trip in the order they ended, major units, n_trips >= 2.
    rng : numpy.random.Generator
        Source of randomness; the same state gives the same result.
    start_equity : float
        Major units, > 0.
    paths : int
        Number of orders tried, >= 1.

    Returns
    -------
    PathOutcomes
        Equity is looked at only where a round trip ends.

    Raises
    ------
    DataError
        If there are fewer than two round trips or the start is not above 0.
    """
    if len(profits) < 2 or not start_equity > 0 or paths < 1:
        raise DataError(
            f"shuffled trades: {len(profits)} round trips from {start_equity:g}, wanted at least "
            "2 and a start above 0"
        )
    shares = np.asarray(profits, dtype=np.float64) / start_equity
    orders = rng.permuted(np.broadcast_to(shares, (paths, len(shares))), axis=1)
    levels = np.log(np.maximum(1.0 + np.cumsum(orders, axis=1), 1e-10))
    own = np.log(np.maximum(1.0 + np.cumsum(shares), 1e-10))
    walked = np.concatenate([np.zeros((paths, 1)), levels], axis=1)
    drawn = np.column_stack(
        [walked[:, -1], walked.min(axis=1), (walked - np.maximum.accumulate(walked, 1)).min(axis=1)]
    )
    return _told(drawn, _fall(np.concatenate(([0.0], own))), len(shares), 1.0)


def _told(drawn: FloatArray, own_fall: float, steps: int, length: float) -> PathOutcomes:
    end, lowest, fall = drawn.T
    return PathOutcomes(
        terminal=tuple(float(x) for x in np.expm1(np.quantile(end, QUANTILES))),
        drawdown=tuple(float(x) for x in np.expm1(np.quantile(fall, QUANTILES))),
        probability_of_loss=float(np.mean(end < -1e-12)),
        probability_of_half=float(np.mean(lowest <= math.log(HALF))),
        worse_drawdown=float(np.mean(fall <= own_fall + 1e-12)),
        paths=len(drawn),
        sessions=steps,
        block_length=float(length),
    )


def _logs(returns: FloatArray) -> FloatArray:
    return np.log1p(np.maximum(returns, -0.9999999999))


def _fall(logs: FloatArray) -> float:
    return float((logs - np.maximum.accumulate(logs)).min())


@jit
def _blocks(returns, paths, steps, jump, rng):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = len(returns)
    logs = np.log1p(np.maximum(returns, -0.9999999999))
    out = np.empty((paths, 3))  # end, lowest level, deepest fall, as logs
    for path in range(paths):
        row = int(rng.random() * n)
        level = top = lowest = fall = 0.0
        for step in range(steps):
            if step > 0:
                row = int(rng.random() * n) if rng.random() < jump else (row + 1) % n
            level += logs[row]
            lowest = min(lowest, level)
            top = max(top, level)
            fall = min(fall, level - top)
        out[path] = level, lowest, fall
    return out
