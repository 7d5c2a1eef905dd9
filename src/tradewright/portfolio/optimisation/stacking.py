"""Several methods in one portfolio, by how they did on rows they had not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, DataError
from tradewright.portfolio.covariance.estimators import estimate_covariance
from tradewright.portfolio.covariance.means import estimate_mean
from tradewright.portfolio.optimisation.methods import OptimizationMethod
from tradewright.portfolio.optimisation.problem import RIDGE
from tradewright.portfolio.solvers.active_set import nonnegative_quadratic

FloatArray = NDArray[np.float64]
EMBARGO: Final = 5
Fit = Callable[[OptimizationMethod, FloatArray], FloatArray]
"""Weights of a method from rows of returns."""


def method_shares(
    returns: FloatArray,
    methods: Sequence[OptimizationMethod],
    fit: Fit,
    *,
    folds: int = 5,
    risk_free_rate: float = 0.0,
    periods_per_year: float = 252.0,
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return the share of each method in the stack, by cross-validation.

    The rows are cut into blocks. Each method is fitted without a block (and without five rows on
    either side of it) and earns the block's returns with those weights. The shares are the
    long-only portfolio of maximum Sharpe ratio of these returns, from their shrunk mean and
    covariance [1]_.

    Parameters
    ----------
    returns : ndarray of shape (n_periods, n_instruments)
        Past returns without gaps, all known at the decision.
    methods : sequence of OptimizationMethod
        Two or more.
    fit : callable
        ``fit(method, rows)``.
    folds : int
        Blocks, 2 or more.
    risk_free_rate : float
        A year.
    periods_per_year : float
        For annualising.

    Returns
    -------
    shares : ndarray of shape (n_methods,)
        At least 0, sum 1; equal where no method beats the risk-free rate.
    notes : tuple of str
        Sentences for the message.

    Raises
    ------
    ConfigError
        If there are fewer than two methods or folds.
    DataError
        If a block would have fewer than ten rows.

    References
    ----------
    .. [1] D. H. Wolpert, "Stacked generalization", Neural Networks 5, 1992.
    """
    if len(methods) < 2 or len(set(methods)) != len(methods):
        raise ConfigError("a stack needs two or more different methods")
    if folds < 2:
        raise ConfigError(f"folds of a stack is {folds}, wanted 2 or more")
    edges = np.linspace(0, len(returns), folds + 1).astype(int)
    if np.diff(edges).min() < 10:
        raise DataError(f"{len(returns)} periods are too few for {folds} folds of a stack")
    earned = np.empty((len(returns), len(methods)))
    for first, last in pairwise(edges):
        seen = np.ones(len(returns), dtype=np.bool_)
        seen[max(first - EMBARGO, 0) : last + EMBARGO] = False
        for column, method in enumerate(methods):
            earned[first:last, column] = returns[first:last] @ fit(method, returns[seen])
    mean, _ = estimate_mean(earned, periods_per_year=periods_per_year)
    covariance = estimate_covariance(earned, periods_per_year=periods_per_year)
    covariance[np.diag_indices_from(covariance)] += RIDGE * float(np.diagonal(covariance).mean())
    raw, _ = nonnegative_quadratic(covariance, mean - risk_free_rate)
    total = float(raw.sum())
    if not total > 0:
        equal = np.full(len(methods), 1.0 / len(methods))
        return equal, ("no method beat the risk-free rate: equal shares",)
    shares = raw / total
    told = ", ".join(
        f"{method.value} {share:.0%}" for method, share in zip(methods, shares, strict=True)
    )
    return shares, (f"stacked by cross-validation: {told}",)
