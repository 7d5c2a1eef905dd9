"""Probability of backtest overfitting: does the best of the past stay good on what is left."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tradewright.domain.errors import DataError
from tradewright.jit import jit

BLOCKS: Final = 16
LEAST_ROWS: Final = 2
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Overfitting:
    """What combinatorially symmetric cross-validation says of a choice among trials.

    Parameters
    ----------
    probability : float
        Share of splits in which the best trial of one half ranks no better than the median in the
        other half (PBO), in [0, 1].
    degradation_slope, degradation_intercept : float
        Of the least-squares line of the chosen trial's ratio out of sample on its ratio in
        sample; a negative slope means that the better it looked, the worse it did. NaN where the
        ratios in sample do not vary.
    probability_of_loss : float
        Share of splits in which the chosen trial has a mean at or below zero out of sample.
    median_logit : float
        Median of the logit of the rank out of sample; 0 is the median trial.
    n_trials, n_splits, n_blocks : int
        Trials compared, splits made, blocks the sessions were cut into.
    n_sessions : int
        Sessions used; the first ones are left out where the blocks do not divide them.
    """

    probability: float
    degradation_slope: float
    degradation_intercept: float
    probability_of_loss: float
    median_logit: float
    n_trials: int
    n_splits: int
    n_blocks: int
    n_sessions: int


def backtest_overfitting(
    returns: ArrayLike, *, blocks: int = BLOCKS, risk_free_per_period: float = 0.0
) -> Overfitting:
    r"""Measure how often the trial that was best in one half of time fails in the other half.

    The sessions are cut into S blocks of equal length. For each of the
    :math:`\binom{S}{S/2}` choices of half of the blocks, the trial with the highest Sharpe ratio
    on the chosen half is ranked by its ratio on the other half; with its relative rank
    :math:`\omega = rank / (N + 1)` the logit is :math:`\ln(\omega / (1 - \omega))`, and the
    probability of overfitting is the share of logits at or below zero [1]_.

    Parameters
    ----------
    returns : array_like of shape (n_sessions, n_trials)
        Simple returns of every trial over the same sessions, at least two trials.
    blocks : int
        S, even and at least 2; 16 gives 12 870 splits.
    risk_free_per_period : float
        Taken off each return.

    Returns
    -------
    Overfitting
        The probability, with the slope of degradation and the probability of loss.

    Raises
    ------
    DataError
        If there are fewer than two trials, fewer than two sessions a block, an odd number of
        blocks, or a return that is not finite.

    Notes
    -----
    A trial without variance in a half has the ratio 0 there. Trials of equal ratio share the mean
    of their ranks, so that copies of one trial give the logit 0. Means and variances of all halves
    follow from sums over blocks, so that the work grows with splits times trials, not sessions.

    References
    ----------
    .. [1] D. H. Bailey, J. M. Borwein, M. López de Prado, Q. J. Zhu, "The Probability of Backtest
       Overfitting", Journal of Computational Finance, 2017, section 2.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(0, 0.01, (320, 20))
    >>> edge = noise + np.where(np.arange(20) == 7, 0.005, 0.0)
    >>> backtest_overfitting(edge).probability < 0.05 < backtest_overfitting(noise).probability
    True
    """
    table = np.asarray(returns, dtype=np.float64)
    _check(table, blocks)
    size = len(table) // blocks
    kept = table[len(table) - size * blocks :] - risk_free_per_period
    scale = kept.std()
    kept = kept / scale if scale > 0 else kept
    cut = kept.reshape(blocks, size, -1)
    sums = np.ascontiguousarray(cut.sum(axis=1))
    squares = np.ascontiguousarray((cut * cut).sum(axis=1))
    chosen = _halves(blocks)
    inside, outside, ranks, means = _splits(chosen, sums, squares, size * blocks // 2)
    omega = ranks / (table.shape[1] + 1)
    logits = np.log(omega / (1.0 - omega))
    slope, intercept = _line(inside, outside)
    return Overfitting(
        probability=float(np.mean(logits <= 1e-12)),
        degradation_slope=slope,
        degradation_intercept=intercept,
        probability_of_loss=float(np.mean(means <= 0)),
        median_logit=float(np.median(logits)),
        n_trials=table.shape[1],
        n_splits=len(chosen),
        n_blocks=blocks,
        n_sessions=size * blocks,
    )


def _check(table: FloatArray, blocks: int) -> None:
    if table.ndim != 2 or table.shape[1] < 2:
        found = table.shape[1] if table.ndim == 2 else f"an array of {table.ndim} dimensions"
        raise DataError(f"overfitting: {found} trials, wanted at least 2 to choose from")
    if blocks < 2 or blocks % 2:
        raise DataError(f"overfitting: {blocks} blocks, wanted an even number from 2")
    if len(table) < LEAST_ROWS * blocks:
        raise DataError(
            f"overfitting: {len(table)} sessions, wanted at least {LEAST_ROWS * blocks} "
            f"for {blocks} blocks"
        )
    if not np.isfinite(table).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(table))[0])
        raise DataError(f"overfitting: trial {column} has no finite return in session {row}")


@lru_cache(maxsize=4)
def _halves(blocks: int) -> NDArray[np.bool_]:
    """Return every choice of half of the blocks, one a row; row k and row -1 - k are opposites."""
    count = math.comb(blocks, blocks // 2)
    picked = np.fromiter(
        itertools.chain.from_iterable(itertools.combinations(range(blocks), blocks // 2)),
        dtype=np.int64,
        count=count * (blocks // 2),
    )
    chosen = np.zeros((count, blocks), dtype=np.bool_)
    chosen[np.repeat(np.arange(count), blocks // 2), picked] = True
    chosen.setflags(write=False)
    return chosen


@jit
def _splits(chosen, sums, squares, half):  # type: ignore[no-untyped-def]  # pragma: no cover
    # A row of `chosen` and its mirror are each other's complement: both are judged in one pass.
    count, blocks = chosen.shape
    trials = sums.shape[1]
    inside, outside = np.empty(count), np.empty(count)
    ranks, means = np.empty(count), np.empty(count)
    total, total_squares = np.zeros(trials), np.zeros(trials)
    for block in range(blocks):
        for trial in range(trials):
            total[trial] += sums[block, trial]
            total_squares[trial] += squares[block, trial]
    ratio, other = np.empty(trials), np.empty(trials)
    mean, mean_other = np.empty(trials), np.empty(trials)
    part, part_squares = np.empty(trials), np.empty(trials)
    least = 1e-12
    for split in range((count + 1) // 2):
        part[:] = 0.0
        part_squares[:] = 0.0
        for block in range(blocks):
            if chosen[split, block]:
                for trial in range(trials):
                    part[trial] += sums[block, trial]
                    part_squares[trial] += squares[block, trial]
        for trial in range(trials):
            first = part[trial] / half
            second = (total[trial] - part[trial]) / half
            spread = part_squares[trial] / half - first * first
            spread_other = (total_squares[trial] - part_squares[trial]) / half - second * second
            mean[trial], mean_other[trial] = first, second
            ratio[trial] = first / np.sqrt(spread) if spread > least else 0.0
            other[trial] = second / np.sqrt(spread_other) if spread_other > least else 0.0
        for way in range(2):
            seen, unseen = (ratio, other) if way == 0 else (other, ratio)
            level = mean_other if way == 0 else mean
            row = split if way == 0 else count - 1 - split
            best = np.argmax(seen)
            value = unseen[best]
            below, equal = 0, 0
            for trial in range(trials):
                if unseen[trial] < value:
                    below += 1
                elif unseen[trial] == value:
                    equal += 1
            inside[row], outside[row] = seen[best], value
            ranks[row] = below + (equal + 1) / 2.0
            means[row] = level[best]
    return inside, outside, ranks, means


def _line(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    centred = x - x.mean()
    variance = float(centred @ centred)
    if variance <= 1e-24 * len(x):
        return math.nan, math.nan
    slope = float(centred @ (y - y.mean())) / variance
    return slope, float(y.mean()) - slope * float(x.mean())
