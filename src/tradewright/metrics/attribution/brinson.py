"""The return over a benchmark, split into where money was put and what was picked there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tradewright.domain.errors import DataError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Brinson:
    """Effects by sector, linked over all periods; they sum to the excess return.

    Parameters
    ----------
    allocation, selection, interaction : ndarray of shape (n_sectors,)
        Fractions of return.
    portfolio_return, benchmark_return : float
        Compounded over all periods.
    """

    allocation: FloatArray
    selection: FloatArray
    interaction: FloatArray
    portfolio_return: float
    benchmark_return: float

    @property
    def total(self) -> FloatArray:
        """All three effects by sector."""
        return np.add(self.allocation, np.add(self.selection, self.interaction))


def brinson_fachler(
    weights: ArrayLike,
    contributions: ArrayLike,
    benchmark_weights: ArrayLike,
    benchmark_returns: ArrayLike,
) -> Brinson:
    r"""Split the return over a benchmark by sector.

    In one period, with portfolio weights w and contributions c, benchmark weights b and sector
    returns :math:`r^b_s`, benchmark return :math:`r^b = \sum b_s r^b_s` [1]_:

    - allocation :math:`(w_s - b_s)(r^b_s - r^b)`,
    - selection :math:`b_s(r^p_s - r^b_s)` with :math:`r^p_s = c_s / w_s`,
    - interaction :math:`(w_s - b_s)(r^p_s - r^b_s)`.

    Periods are linked with :math:`k_t/k`, :math:`k_t = \ln\frac{1+r^p_t}{1+r^b_t}/(r^p_t-r^b_t)`
    and k the same of the compounded returns [2]_, so that the sums are exact.

    Parameters
    ----------
    weights : array_like of shape (n_periods, n_sectors)
        Of the portfolio at the start of each period, cash as a sector of its own; sum 1.
    contributions : array_like of shape (n_periods, n_sectors)
        Profit of each sector over the portfolio's value at the start of the period.
    benchmark_weights, benchmark_returns : array_like of shape (n_periods, n_sectors)
        Weights sum to 1; returns are simple.

    Returns
    -------
    Brinson
        ``total.sum() == portfolio_return - benchmark_return`` to rounding.

    Raises
    ------
    DataError
        If shapes differ, weights do not sum to 1, or everything is lost in a period.

    Notes
    -----
    A sector that was not held at the start but traded within the period has no return of its own:
    what it earned is interaction. A sector outside the benchmark has the benchmark's return there,
    and so no allocation effect but that of what it displaced, unless one is given.

    References
    ----------
    .. [1] G. P. Brinson, N. Fachler, "Measuring Non-US Equity Portfolio Performance", Journal of
       Portfolio Management, 1985.
    .. [2] D. R. Cariño, "Combining Attribution Effects Over Time", Journal of Performance
       Measurement, 1999.

    Examples
    --------
    >>> found = brinson_fachler(
    ...     [[0.4, 0.3, 0.3]], [[0.08, -0.015, 0.018]], [[0.4, 0.2, 0.4]], [[0.1, -0.04, 0.08]]
    ... )
    >>> [round(float(x.sum()), 4) for x in (found.allocation, found.selection, found.interaction)]
    [-0.012, 0.03, 0.001]
    """
    w, c, b, r = (
        np.asarray(x, dtype=np.float64)
        for x in (weights, contributions, benchmark_weights, benchmark_returns)
    )
    _check(w, c, b, r)
    ours, theirs = c.sum(axis=1), (b * r).sum(axis=1)
    if (ours <= -1).any() or (theirs <= -1).any():
        raise DataError("attribution: everything is lost in a period, returns cannot be linked")
    held = np.abs(w) > 1e-12
    own = np.where(held, c / np.where(held, w, 1.0), r)
    allocation = (w - b) * (r - theirs[:, None])
    selection = b * (own - r)
    interaction = (w - b) * (own - r) + np.where(held, 0.0, c - w * own)
    total = math.expm1(float(np.log1p(ours).sum()))
    held_total = math.expm1(float(np.log1p(theirs).sum()))
    link = carino(ours, theirs) / carino(np.array([total]), np.array([held_total]))[0]
    return Brinson(
        allocation=link @ allocation,
        selection=link @ selection,
        interaction=link @ interaction,
        portfolio_return=total,
        benchmark_return=held_total,
    )


def carino(ours: FloatArray, theirs: FloatArray) -> FloatArray:
    r"""Return :math:`(\ln(1+r^p) - \ln(1+r^b))/(r^p-r^b)`, its limit :math:`1/(1+r^p)` if equal."""
    gap = ours - theirs
    same = np.abs(gap) < 1e-9
    safe = np.where(same, 1.0, gap)
    ratio: FloatArray = np.where(
        same, 1.0 / (1.0 + (ours + theirs) / 2.0), np.log1p(safe / (1.0 + theirs)) / safe
    )
    return ratio


def _check(w: FloatArray, c: FloatArray, b: FloatArray, r: FloatArray) -> None:
    if w.ndim != 2 or not (w.shape == c.shape == b.shape == r.shape):
        raise DataError(
            f"attribution: shapes {w.shape}, {c.shape}, {b.shape}, {r.shape}, wanted four of "
            "(n_periods, n_sectors)"
        )
    for name, table in (("portfolio", w), ("benchmark", b)):
        off = np.abs(table.sum(axis=1) - 1.0)
        if not (off <= 1e-9).all():
            row = int(np.argmax(~(off <= 1e-9)))
            raise DataError(
                f"attribution: weights of the {name} in period {row} sum to "
                f"{table[row].sum():.9f}, wanted 1"
            )
