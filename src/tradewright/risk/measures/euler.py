"""Where the risk of a portfolio comes from, and what an order would add."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tradewright.domain.errors import DataError
from tradewright.risk.measures.estimates import FloatArray
from tradewright.risk.measures.panel import check_weights
from tradewright.risk.measures.parametric import normal_tail


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """Risk of a portfolio by instrument.

    Parameters
    ----------
    volatility : float
        Of the portfolio, one session.
    var, es : float
        Gaussian with mean zero, at `level`, one session.
    level : float
        Confidence.
    by_volatility : ndarray of shape (n_instruments,)
        Euler contributions; their sum is `volatility`.
    component_var : ndarray of shape (n_instruments,)
        Their sum is `var`.
    marginal_var : ndarray of shape (n_instruments,)
        Change of `var` for one more unit of weight.
    shares : ndarray of shape (n_instruments,)
        Contributions as a fraction of the whole; they sum to 1, zeros without risk.
    """

    volatility: float
    var: float
    es: float
    level: float
    by_volatility: FloatArray
    component_var: FloatArray
    marginal_var: FloatArray
    shares: FloatArray


def contributions(
    weights: ArrayLike, covariance: ArrayLike, *, level: float = 0.95
) -> Contributions:
    r"""Share the volatility and the parametric value at risk out to the instruments.

    .. math:: RC_i = w_i (\Sigma w)_i / \sigma_p, \qquad \sum_i RC_i = \sigma_p

    which holds exactly because volatility is homogeneous of degree one (Euler). The marginal
    value at risk is :math:`z_c (\Sigma w)_i/\sigma_p`, the component one :math:`w_i` times it.

    Parameters
    ----------
    weights : array_like of shape (n_instruments,)
        Signed fractions of equity.
    covariance : array_like of shape (n_instruments, n_instruments)
        Of simple returns per session.
    level : float
        Confidence.

    Returns
    -------
    Contributions
        A hedge contributes less than zero.

    Raises
    ------
    DataError
        If shapes differ or the covariance gives a negative variance.

    References
    ----------
    .. [1] D. Tasche, "Capital Allocation to Business Units and Sub-Portfolios: the Euler
       Principle", 2008.
    """
    held, sigma = _checked(weights, covariance)
    pull = sigma @ held
    variance = float(held @ pull)
    if variance < -1e-12 * max(float(np.abs(sigma).max()), 1e-300):
        raise DataError("covariance: it gives a negative variance, it is no covariance")
    volatility = math.sqrt(max(variance, 0.0))
    z, es = normal_tail(level)
    if volatility == 0.0:
        zero = np.zeros(len(held))
        return Contributions(0.0, 0.0, 0.0, level, zero, zero, zero, zero)
    slope = pull / volatility
    parts = held * slope
    return Contributions(
        volatility, z * volatility, es * volatility, level, parts, z * parts, z * slope,
        parts / volatility,
    )  # fmt: skip


def grouped(values: ArrayLike, labels: Sequence[str]) -> dict[str, float]:
    """Sum contributions by sector, strategy or any other label.

    Parameters
    ----------
    values : array_like of shape (n,)
        Contributions.
    labels : sequence of str
        Of each; empty text is ``unclassified``.

    Returns
    -------
    dict of str to float
        Sums by label, in the order of first appearance.

    Raises
    ------
    DataError
        If their numbers differ.

    Examples
    --------
    >>> grouped([0.25, 0.5, 0.25], ["tech", "oil", "tech"])
    {'tech': 0.5, 'oil': 0.5}
    """
    array = np.asarray(values, dtype=np.float64)
    if len(array) != len(labels):
        raise DataError(f"labels: {len(labels)}, wanted {len(array)}")
    out: dict[str, float] = {}
    for value, label in zip(array.tolist(), labels, strict=True):
        out[label or "unclassified"] = out.get(label or "unclassified", 0.0) + value
    return out


def contributions_by_strategy(
    weights_by_strategy: Mapping[str, ArrayLike], covariance: ArrayLike, *, level: float = 0.95
) -> dict[str, float]:
    """Share the value at risk out to strategies that hold parts of the same instruments.

    Parameters
    ----------
    weights_by_strategy : mapping of str to array_like of shape (n_instruments,)
        What each strategy holds; the portfolio is their sum.
    covariance : array_like of shape (n_instruments, n_instruments)
        Of simple returns per session.
    level : float
        Confidence.

    Returns
    -------
    dict of str to float
        Component value at risk of each; their sum is that of the portfolio.
    """
    rows = {name: np.asarray(w, dtype=np.float64) for name, w in weights_by_strategy.items()}
    total = np.sum(list(rows.values()), axis=0)
    marginal = contributions(total, covariance, level=level).marginal_var
    return {name: float(row @ marginal) for name, row in rows.items()}


def parametric_var(weights: ArrayLike, covariance: ArrayLike, *, level: float = 0.95) -> float:
    """Return the Gaussian value at risk of weights on a covariance that is at hand."""
    held = np.asarray(weights, dtype=np.float64)
    sigma = np.asarray(covariance, dtype=np.float64)
    return normal_tail(level)[0] * math.sqrt(max(float(held @ sigma @ held), 0.0))


def incremental_var(
    weights: ArrayLike, change: ArrayLike, covariance: ArrayLike, *, level: float = 0.95
) -> float:
    """Return how much an order changes the value at risk: the whole portfolio, with and without.

    Parameters
    ----------
    weights, change : array_like of shape (n_instruments,)
        What is held, and what the order would add to it.
    covariance : array_like of shape (n_instruments, n_instruments)
        Of simple returns per session.
    level : float
        Confidence.

    Returns
    -------
    float
        Negative for an order that hedges.
    """
    held, sigma = _checked(weights, covariance)
    added = check_weights(change, len(held))
    after = parametric_var(held + added, sigma, level=level)
    return after - parametric_var(held, sigma, level=level)


def _checked(weights: ArrayLike, covariance: ArrayLike) -> tuple[FloatArray, FloatArray]:
    sigma = np.asarray(covariance, dtype=np.float64)
    if sigma.ndim != 2 or sigma.shape[0] != sigma.shape[1]:
        raise DataError(f"covariance: shape {sigma.shape}, wanted a square")
    if not np.isfinite(sigma).all():
        raise DataError("covariance: holds a value that is not a finite number")
    return check_weights(weights, len(sigma)), sigma
