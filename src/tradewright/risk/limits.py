"""Limits on weights, drawdown and single positions: pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, RiskError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """Limits of a run; None is off.

    Parameters
    ----------
    max_position : float or None
        Largest absolute weight of one instrument.
    max_gross : float or None
        Largest sum of absolute weights.
    max_sector : float or None
        Largest sum of absolute weights of one sector.
    max_drawdown : float or None
        Fall from the high-water mark of equity, as a positive fraction, after which the run may
        only reduce positions.
    stop_loss : float or None
        Loss of one position against its average cost, as a positive fraction, at which it is
        closed.

    Raises
    ------
    ConfigError
        If a limit is not positive, or a loss limit is above 1.
    """

    max_position: float | None = None
    max_gross: float | None = None
    max_sector: float | None = None
    max_drawdown: float | None = None
    stop_loss: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_position", "max_gross", "max_sector", "max_drawdown", "stop_loss"):
            value = getattr(self, name)
            most = 1.0 if name in ("max_drawdown", "stop_loss") else float("inf")
            if value is not None and not 0 < value <= most:
                raise ConfigError(f"risk.{name} is {value}, wanted above 0 and at most {most:g}")

    @property
    def needs_equity(self) -> bool:
        """Whether the limits look at profit and loss on every bar."""
        return self.max_drawdown is not None or self.stop_loss is not None

    @property
    def limits_weights(self) -> bool:
        """Whether any limit cuts target weights."""
        return any(
            limit is not None for limit in (self.max_position, self.max_gross, self.max_sector)
        )


@dataclass(frozen=True, slots=True)
class LimitReport:
    """What `limit_weights` cut: (rule, instrument or sector, value found, limit)."""

    cuts: tuple[tuple[str, str, float, float], ...] = ()


def limit_weights(
    weights: FloatArray,
    limits: RiskLimits,
    *,
    symbols: Sequence[str],
    sectors: Sequence[str] = (),
    held: FloatArray | None = None,
) -> tuple[FloatArray, LimitReport]:
    """Cut target weights to the limits: position, then sector, then gross.

    A position is cut to `max_position`; the names of a sector above `max_sector`, and all names
    above `max_gross`, are scaled down together.

    Parameters
    ----------
    weights : ndarray of shape (n_instruments,)
        Signed target weights; NaN means leave as it is.
    limits : RiskLimits
        The limits.
    symbols : sequence of str
        Names of the columns.
    sectors : sequence of str
        Sector of each column; empty text is a name without sector, which has no sector limit.
    held : ndarray of shape (n_instruments,), optional
        Weights held now; what is left as it is counts with these.

    Returns
    -------
    weights : ndarray of shape (n_instruments,)
        No larger than given in any column; NaN stays NaN.
    report : LimitReport
        Each cut with its rule, name, value and limit.

    Raises
    ------
    RiskError
        If a weight is infinite.

    Notes
    -----
    Timing: uses the row given, nothing else.
    Missing data: NaN stays NaN; without `held` it counts as nothing.

    Examples
    --------
    >>> limits = RiskLimits(max_position=0.25, max_gross=0.4)
    >>> limit_weights(np.array([0.5, -0.25]), limits, symbols=("A", "B"))[0]
    array([ 0.2, -0.2])
    """
    if np.isinf(weights).any():
        column = int(np.argmax(np.isinf(weights)))
        raise RiskError(f"target weight of {symbols[column]} is infinite")
    asked = ~np.isnan(weights)
    out = weights.copy()
    kept = np.zeros_like(out) if held is None else np.where(asked, 0.0, np.abs(held))
    cuts: list[tuple[str, str, float, float]] = []
    if limits.max_position is not None:
        for column in np.flatnonzero(asked & (np.abs(out) > limits.max_position)).tolist():
            cuts.append(
                ("max_position", symbols[column], float(abs(out[column])), limits.max_position)
            )
            out[column] = np.sign(out[column]) * limits.max_position
    if limits.max_sector is not None:
        labels = np.array(sectors if len(sectors) else [""] * len(symbols))
        for sector in sorted(set(labels.tolist()) - {""}):
            _scale(out, asked & (labels == sector), kept[labels == sector].sum(), limits.max_sector)
            if (found := _gross(weights, labels == sector)) > limits.max_sector:
                cuts.append(("max_sector", sector, found, limits.max_sector))
    if limits.max_gross is not None:
        found = float(np.abs(out[asked]).sum() + kept.sum())
        if found > limits.max_gross:
            cuts.append(("max_gross", "all", found, limits.max_gross))
        _scale(out, asked, float(kept.sum()), limits.max_gross)
    return out, LimitReport(tuple(cuts))


def drawdown_breached(equity_minor: int, high_water_minor: int, limit: float | None) -> bool:
    """Return whether equity fell from its high-water mark by the limit or more.

    Examples
    --------
    >>> drawdown_breached(85, 100, 0.15), drawdown_breached(86, 100, 0.15)
    (True, False)
    """
    if limit is None or high_water_minor <= 0:
        return False
    return high_water_minor - equity_minor >= limit * high_water_minor


def stop_loss_breached(qty: int, average_cost: float, px: float, limit: float | None) -> bool:
    """Return whether a position lost the limit or more against its average cost.

    Parameters
    ----------
    qty : int
        Signed quantity; only the sign matters.
    average_cost, px : float
        Average price paid and last price, in the same unit; NaN is never a breach.
    limit : float or None
        Positive fraction; None is off.

    Returns
    -------
    bool
        True at the limit and beyond.

    Examples
    --------
    >>> stop_loss_breached(1, 100.0, 92.0, 0.08), stop_loss_breached(-1, 100.0, 92.0, 0.08)
    (True, False)
    """
    if limit is None or not qty or not average_cost > 0:
        return False
    loss = (average_cost - px) / average_cost * (1 if qty > 0 else -1)
    return loss >= limit - 1e-12


def reduce_only_quantity(target: int, held: int) -> int:
    """Return the target nearest to the wanted one that makes no position larger or opposite.

    Examples
    --------
    >>> reduce_only_quantity(7, 5), reduce_only_quantity(2, 5), reduce_only_quantity(-3, 5)
    (5, 2, 0)
    """
    return max(0, min(target, held)) if held >= 0 else min(0, max(target, held))


def _gross(weights: FloatArray, columns: NDArray[np.bool_]) -> float:
    return float(np.nansum(np.abs(weights[columns])))


def _scale(out: FloatArray, columns: NDArray[np.bool_], kept: float, limit: float) -> None:
    gross = float(np.abs(out[columns]).sum())
    free = max(limit - float(kept), 0.0)
    if gross > free:
        out[columns] *= free / gross
