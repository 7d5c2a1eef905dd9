"""How long a way out would take, what it would cost, and how much stands in one place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from tradewright.domain.errors import DataError
from tradewright.risk.measures.estimates import FloatArray
from tradewright.risk.measures.euler import grouped

SHARE_OF_VOLUME: Final = 0.10
SHARE_OF_VALUE: Final = 0.95
_SPREADS: Final = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Liquidity:
    """Days to sell.

    Parameters
    ----------
    days : ndarray of shape (n_instruments,)
        Sessions to close each position; infinite where nothing trades.
    days_to_95 : float
        Sessions until 95 % of the gross value is closed, all positions at once.
    """

    days: FloatArray
    days_to_95: float


def days_to_liquidate(
    quantities: ArrayLike,
    prices: ArrayLike,
    daily_volume: ArrayLike,
    *,
    share: float = SHARE_OF_VOLUME,
) -> Liquidity:
    r"""Return the sessions a way out takes at a share of the daily volume.

    .. math:: d_i = |q_i| / (s \cdot ADV_i)

    The days to 95 % are the least `d` at which
    :math:`\sum_i v_i \min(d/d_i, 1) \ge 0.95 \sum_i v_i`.

    Parameters
    ----------
    quantities : array_like of shape (n_instruments,)
        Signed units held.
    prices : array_like of shape (n_instruments,)
        Last prices; > 0 where something is held.
    daily_volume : array_like of shape (n_instruments,)
        Average units traded in a session; NaN is unknown and counts as none.
    share : float
        Share of the volume taken, in (0, 1].

    Returns
    -------
    Liquidity
        Infinite where a position cannot be closed.

    Raises
    ------
    DataError
        If shapes differ, or something is held without a price.

    Examples
    --------
    >>> found = days_to_liquidate([1000, 500], [10.0, 20.0], [5000, 50_000])
    >>> found.days.tolist(), round(found.days_to_95, 6)
    ([2.0, 0.1], 1.8)
    """
    held, px, volume = (np.asarray(x, dtype=np.float64) for x in (quantities, prices, daily_volume))
    if not held.shape == px.shape == volume.shape or held.ndim != 1:
        raise DataError(f"quantities {held.shape}, prices {px.shape}, volume {volume.shape} differ")
    open_ = held != 0
    if not (px[open_] > 0).all():
        column = int(np.flatnonzero(open_ & ~(px > 0))[0])
        raise DataError(f"prices: column {column} is held and has the price {px[column]}")
    taken = share * np.where(volume > 0, volume, 0.0)
    days = np.zeros(len(held))
    with np.errstate(divide="ignore"):
        days[open_] = np.abs(held[open_]) / taken[open_]
    value = np.where(open_, np.abs(held) * np.where(open_, px, 0.0), 0.0)
    return Liquidity(days, _days_to(days, value, SHARE_OF_VALUE))


def liquidity_adjusted_var(
    var: float, weights: ArrayLike, mean_spread: ArrayLike, sd_spread: ArrayLike
) -> float:
    r"""Return the value at risk with the cost of a way out in a thin market.

    .. math:: LVaR = VaR + \tfrac12 \sum_i |w_i| (\bar s_i + 3\,\sigma_{s,i})

    Parameters
    ----------
    var : float
        Value at risk, positive for a loss.
    weights : array_like of shape (n_instruments,)
        Signed fractions of equity.
    mean_spread, sd_spread : array_like of shape (n_instruments,)
        Relative bid-ask spread, as a fraction of the mid.

    Returns
    -------
    float
        Never below `var`.

    Raises
    ------
    DataError
        If a spread that is needed is not known: unknown is not zero.

    References
    ----------
    .. [1] A. Bangia, F. Diebold, T. Schuermann, J. Stroughair, "Modeling Liquidity Risk", Risk
       12(1), 1999, with the scaling 3 of their exogenous spread cost.

    Examples
    --------
    >>> round(liquidity_adjusted_var(0.02, [0.5, -0.5], [0.001, 0.002], [0.0, 0.001]), 6)
    0.0215
    """
    held, mean, deviation = (
        np.asarray(x, dtype=np.float64) for x in (weights, mean_spread, sd_spread)
    )
    spread = mean + _SPREADS * deviation
    needed = held != 0
    if not np.isfinite(spread[needed]).all() or (spread[needed] < 0).any():
        column = int(np.flatnonzero(needed & ~(spread >= 0))[0])
        raise DataError(f"spread: column {column} is held and its spread is {spread[column]}")
    return var + 0.5 * float(np.abs(held[needed]) @ spread[needed])


@dataclass(frozen=True, slots=True, eq=False)
class Concentration:
    """How much of the gross value stands in few places.

    Parameters
    ----------
    herfindahl : float
        Sum of squared shares of gross value; 1 is a single position, 0 is nothing held.
    effective : float
        Positions of equal size with the same index; 0 where nothing is held.
    top_1, top_5, top_10 : float
        Share of gross value in the largest positions.
    by_sector, by_currency, by_broker : dict of str to float
        Gross weight by group, as a fraction of equity.
    """

    herfindahl: float
    effective: float
    top_1: float
    top_5: float
    top_10: float
    by_sector: dict[str, float]
    by_currency: dict[str, float]
    by_broker: dict[str, float]


def concentration(
    weights: ArrayLike,
    *,
    sectors: Sequence[str] = (),
    currencies: Sequence[str] = (),
    brokers: Sequence[str] = (),
) -> Concentration:
    """Measure how concentrated a portfolio is.

    Parameters
    ----------
    weights : array_like of shape (n_instruments,)
        Signed fractions of equity.
    sectors, currencies, brokers : sequence of str
        Of each instrument; left out where not known.

    Returns
    -------
    Concentration
        Shares of gross value, and gross weights by group.

    Examples
    --------
    >>> found = concentration([0.3, -0.1], sectors=["tech", "oil"])
    >>> round(found.herfindahl, 4), round(found.effective, 4), found.by_sector
    (0.625, 1.6, {'tech': 0.3, 'oil': 0.1})
    """
    gross = np.abs(np.asarray(weights, dtype=np.float64))
    total = math.fsum(gross.tolist())
    shares = np.sort(gross)[::-1] / total if total > 0 else np.zeros(len(gross))
    index = float(shares @ shares)
    blank = [""] * len(gross)
    top = [float(shares[:count].sum()) for count in (1, 5, 10)]
    return Concentration(
        herfindahl=index,
        effective=1.0 / index if index > 0 else 0.0,
        top_1=top[0],
        top_5=top[1],
        top_10=top[2],
        by_sector=grouped(gross, list(sectors) or blank),
        by_currency=grouped(gross, list(currencies) or blank),
        by_broker=grouped(gross, list(brokers) or blank),
    )


def _days_to(days: FloatArray, value: FloatArray, share: float) -> float:
    total = math.fsum(value.tolist())
    if total <= 0:
        return 0.0
    wanted = share * total
    order = np.argsort(days, kind="stable")
    done = 0.0
    for at, i in enumerate(order.tolist()):
        # Up to days[i], what is left sells at a constant rate: value over its own days.
        rest = order[at:]
        finite = rest[np.isfinite(days[rest]) & (days[rest] > 0)]
        rate = float((value[finite] / days[finite]).sum())
        reached = done + rate * float(days[i]) if math.isfinite(days[i]) else math.inf
        if reached >= wanted * (1 - 1e-12):
            return (wanted - done) / rate if rate > 0 else math.inf
        done += float(value[i])
    return math.inf
