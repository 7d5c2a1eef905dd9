"""Value at risk of a portfolio by Monte Carlo: a t-copula over what each instrument has shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtri, stdtrit

from tradewright.domain.errors import DataError
from tradewright.jit import jit
from tradewright.metrics.returns import expected_shortfall, value_at_risk
from tradewright.risk.measures.dependence import nearest_correlation
from tradewright.risk.measures.estimates import (
    ENOUGH,
    FloatArray,
    MeasureSettings,
    RiskEstimate,
)
from tradewright.risk.measures.panel import check_panel, check_weights

_DOFS: Final = (2.1, 60.0)
_BLOCK: Final = 1_000_000  # draws held at once


@dataclass(frozen=True, slots=True)
class TCopula:
    """A fitted t-copula with the sample's own margins.

    Parameters
    ----------
    dof : float
        Degrees of freedom of the copula.
    correlation : ndarray of shape (n_instruments, n_instruments)
        Of the normal scores, positive definite.
    knots : ndarray of shape (n,)
        Quantiles of the standard t at k / (n + 1).
    margins : ndarray of shape (n_instruments, n)
        Each instrument's returns in increasing order: the values at the knots.
    """

    dof: float
    correlation: FloatArray
    knots: FloatArray
    margins: FloatArray


def fit_copula(returns: FloatArray) -> TCopula:
    """Fit the copula: correlation of normal scores, degrees of freedom by likelihood.

    Parameters
    ----------
    returns : ndarray of shape (n, n_instruments)
        Finite returns, at least 30 rows.

    Returns
    -------
    TCopula
        Ready to be drawn from.

    Raises
    ------
    DataError
        If an instrument's returns do not vary.

    Notes
    -----
    The likelihood is the copula's own, on ranks k / (n + 1) (canonical maximum likelihood).

    References
    ----------
    .. [1] A. J. McNeil, R. Frey, P. Embrechts, "Quantitative Risk Management", 2nd ed.,
       Princeton, 2015, ch. 7.5.
    """
    from scipy.optimize import minimize_scalar

    n = len(returns)
    if (np.ptp(returns, axis=0) <= 0).any():
        column = int(np.argmin(np.ptp(returns, axis=0)))
        raise DataError(f"returns: column {column} does not vary, it has no margin to draw from")
    order = np.argsort(returns, axis=0, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(n)[:, None], axis=0)
    probabilities = np.arange(1, n + 1) / (n + 1)
    correlation = nearest_correlation(np.corrcoef(ndtri(probabilities)[ranks], rowvar=False))
    correlation = 0.999 * np.atleast_2d(correlation) + 0.001 * np.eye(returns.shape[1])
    inverse = np.linalg.inv(correlation)
    log_determinant = float(np.linalg.slogdet(correlation)[1])

    def loss(log_dof: float) -> float:
        dof = math.exp(log_dof)
        scores = stdtrit(dof, probabilities)
        rows = scores[ranks]
        squares = np.einsum("ij,ij->i", rows @ inverse, rows)
        return -_copula_likelihood(dof, scores, squares, returns.shape[1], log_determinant)

    dof = _DOFS[1]
    if returns.shape[1] > 1:
        bounds = (math.log(_DOFS[0]), math.log(_DOFS[1]))
        found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 0.02})
        dof = math.exp(float(found.x))
    margins = np.ascontiguousarray(np.sort(returns, axis=0).T)
    return TCopula(dof, correlation, stdtrit(dof, probabilities), margins)


def simulate_portfolio(
    weights: FloatArray,
    returns: FloatArray,
    settings: MeasureSettings | None = None,
    *,
    copula: TCopula | None = None,
) -> RiskEstimate:
    """Measure a portfolio by seeded Monte Carlo.

    Parameters
    ----------
    weights : ndarray of shape (n_instruments,)
        Signed fractions of equity, held unchanged over the horizon.
    returns : ndarray of shape (n, n_instruments)
        Simple returns per session, oldest first.
    settings : MeasureSettings, optional
        Level, horizon, window, paths (10 000) and seed.
    copula : TCopula, optional
        Fitted before; fitted here by default.

    Returns
    -------
    RiskEstimate
        With method ``monte_carlo``.

    Raises
    ------
    DataError
        If a return is NaN, fewer than 30 rows are given, or shapes differ.

    Notes
    -----
    A margin is the sample's own between its extremes; beyond them it grows in proportion to the
    copula's t-score, so that paths may lose more than the worst session on record.
    Missing data: refused.
    """
    chosen = settings or MeasureSettings()
    panel = check_panel(returns, window=chosen.window)
    held = check_weights(weights, panel.shape[1])
    fitted = fit_copula(panel) if copula is None else copula
    profit = _draw(fitted, held, chosen)
    return RiskEstimate(
        "monte_carlo",
        value_at_risk(profit, level=chosen.level),
        expected_shortfall(profit, level=chosen.level),
        chosen.level,
        chosen.horizon,
        len(panel),
        len(panel) < ENOUGH,
        (f"{fitted.dof:.1f} degrees of freedom",),
    )


def _draw(copula: TCopula, weights: FloatArray, settings: MeasureSettings) -> FloatArray:
    random = np.random.default_rng(settings.seed)
    factor = np.linalg.cholesky(copula.correlation).T
    n_instruments = len(weights)
    block = max(1, _BLOCK // n_instruments)
    profit = np.zeros(settings.paths)
    for first in range(0, settings.paths, block):
        last = min(first + block, settings.paths)
        levels = np.ones((last - first, n_instruments))
        for _ in range(settings.horizon):
            scores = random.standard_normal((last - first, n_instruments)) @ factor
            chi = random.chisquare(copula.dof, last - first)
            scores *= np.sqrt(copula.dof / chi)[:, None]
            _grow(levels, scores, copula.knots, copula.margins)
        profit[first:last] = (levels - 1.0) @ weights
    return profit


def _copula_likelihood(
    dof: float, scores: FloatArray, squares: FloatArray, n_instruments: int, log_determinant: float
) -> float:
    n, d = len(squares), n_instruments
    joint = gammaln((dof + d) / 2) - gammaln(dof / 2) - d / 2 * math.log(dof * math.pi)
    joint = n * (joint - 0.5 * log_determinant)
    joint -= (dof + d) / 2 * float(np.log1p(squares / dof).sum())
    single = gammaln((dof + 1) / 2) - gammaln(dof / 2) - 0.5 * math.log(dof * math.pi)
    margins = n * single - (dof + 1) / 2 * float(np.log1p(scores * scores / dof).sum())
    return float(joint - d * margins)


@jit
def _grow(
    levels: FloatArray,
    scores: FloatArray,
    knots: FloatArray,
    margins: NDArray[np.float64],
) -> None:
    # Each score through its instrument's margin, onto the level it has reached.
    n = len(knots)
    table = np.empty(4097, np.int64)  # where to begin the search, by a score squeezed into 0..1
    at = 0
    for i in range(len(table)):
        u = (i / (len(table) - 1)) * 2.0 - 1.0
        score = u / (1.0 - abs(u)) if abs(u) < 1.0 else np.sign(u) * 1e300
        while at < n - 2 and knots[at + 1] <= score:
            at += 1
        table[i] = at
    for row in range(scores.shape[0]):
        for column in range(scores.shape[1]):
            x = scores[row, column]
            values = margins[column]
            if x <= knots[0]:
                middle = values[n // 2]
                move = middle + (values[0] - middle) * (x / knots[0])
            elif x >= knots[n - 1]:
                middle = values[n // 2]
                move = middle + (values[n - 1] - middle) * (x / knots[n - 1])
            else:
                u = x / (1.0 + abs(x))
                k = table[int((u + 1.0) * 0.5 * (len(table) - 1))]
                while knots[k + 1] < x:
                    k += 1
                share = (x - knots[k]) / (knots[k + 1] - knots[k])
                move = values[k] + share * (values[k + 1] - values[k])
            levels[row, column] *= max(1.0 + move, 0.0)
