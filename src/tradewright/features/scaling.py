"""Scalers as numbers: fitted on the rows they are given, kept as JSON, applied anywhere.

They hold no state of their own; training fits them inside each fold and stores what they return.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, DataError, nearest
from tradewright.features.specs import Panel

State = dict[str, Any]
_FLAT: Final = 1e-12  # spread over size below which a column counts as constant
_KNOTS: Final = 101


@dataclass(frozen=True, slots=True)
class Scaler:
    """A kind of scaling: a pure fit and its transform.

    Parameters
    ----------
    name : str
        ``standard``, ``robust``, ``minmax`` or ``quantile``.
    centre_and_spread : callable or None
        Returns both per column; None for the quantile scaler.
    """

    name: str
    centre_and_spread: Callable[[Panel], tuple[Panel, Panel]] | None

    def fit(self, x: Panel) -> State:
        """Learn the numbers of a scaling.

        Parameters
        ----------
        x : ndarray of shape (n_rows, n_columns)
            Training rows only; NaN is left out.

        Returns
        -------
        dict
            JSON-ready: the kind and lists of numbers.

        Raises
        ------
        DataError
            If a column has no value, or an infinite one.

        Notes
        -----
        A constant column is scaled to 0, with a warning.
        """
        _check(x)
        if self.centre_and_spread is None:
            knots = np.nanquantile(x, np.linspace(0.0, 1.0, _KNOTS), axis=0)
            _warn_flat(knots[-1] - knots[0], knots[0])
            return {"scaler": self.name, "knots": knots.T.tolist()}
        centre, spread = self.centre_and_spread(x)
        spread = np.where(_warn_flat(spread, centre), 0.0, spread)
        return {"scaler": self.name, "centre": centre.tolist(), "spread": spread.tolist()}

    def transform(self, state: State, x: Panel) -> Panel:
        """Apply fitted numbers.

        Parameters
        ----------
        state : dict
            What `fit` returned.
        x : ndarray of shape (n_rows, n_columns)
            Any rows.

        Returns
        -------
        ndarray of shape (n_rows, n_columns)
            NaN stays NaN; a column that was constant in training gives 0.

        Raises
        ------
        DataError
            If the number of columns differs from that of the fit.
        """
        columns = len(state["knots" if self.centre_and_spread is None else "centre"])
        if x.ndim != 2 or x.shape[1] != columns:
            raise DataError(f"scaler {self.name}: shape {x.shape}, fitted on {columns} columns")
        if self.centre_and_spread is None:
            return _to_normal(np.asarray(state["knots"], dtype=np.float64), x)
        centre, spread = np.asarray(state["centre"]), np.asarray(state["spread"])
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = (x - centre) / spread
        return np.where((spread == 0.0) & ~np.isnan(x), 0.0, scaled)

    def inverse(self, state: State, z: Panel) -> Panel:
        """Undo `transform`; exact up to rounding inside the range seen in training.

        Parameters
        ----------
        state : dict
            What `fit` returned.
        z : ndarray of shape (n_rows, n_columns)
            Scaled values.

        Returns
        -------
        ndarray of shape (n_rows, n_columns)
        """
        if self.centre_and_spread is None:
            return _from_normal(np.asarray(state["knots"], dtype=np.float64), z)
        return np.asarray(z * np.asarray(state["spread"]) + np.asarray(state["centre"]))


def _standard(x: Panel) -> tuple[Panel, Panel]:
    return np.nanmean(x, axis=0), np.nanstd(x, axis=0)


def _robust(x: Panel) -> tuple[Panel, Panel]:
    low, middle, high = np.nanquantile(x, [0.25, 0.5, 0.75], axis=0)
    return middle, high - low


def _minmax(x: Panel) -> tuple[Panel, Panel]:
    low, high = np.nanmin(x, axis=0), np.nanmax(x, axis=0)
    return low, high - low


_SCALERS: Final = {
    "standard": Scaler("standard", _standard),
    "robust": Scaler("robust", _robust),
    "minmax": Scaler("minmax", _minmax),
    "quantile": Scaler("quantile", None),
}


def create_scaler(name: str) -> Scaler:
    """Return a scaler by name.

    Parameters
    ----------
    name : str
        ``standard`` (mean, population sd), ``robust`` (median, interquartile range), ``minmax``
        (to [0, 1]) or ``quantile`` (ranks to the normal distribution, within ±3.09 sd).

    Raises
    ------
    ConfigError
        If there is no such scaler.

    Examples
    --------
    >>> scaler = create_scaler("standard")
    >>> state = scaler.fit(np.array([[1.0], [3.0]]))
    >>> scaler.transform(state, np.array([[5.0]]))
    array([[3.]])
    """
    if name not in _SCALERS:
        raise ConfigError(f"scaler {name!r} is not known; {nearest(name, _SCALERS)}")
    return _SCALERS[name]


def select_by_variance(x: Panel, *, minimum: float) -> NDArray[np.bool_]:
    """Return which columns vary: variance over squared mean size above a minimum.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_columns)
        Training rows only.
    minimum : float
        Smallest relative variance; 0 keeps all that are not constant.

    Returns
    -------
    ndarray of bool, shape (n_columns,)
    """
    _check(x)
    variance = np.nanvar(x, axis=0)
    size = np.nanmean(np.abs(x), axis=0) ** 2
    kept: NDArray[np.bool_] = variance > np.maximum(minimum, _FLAT**2) * size
    return kept


def select_by_correlation(x: Panel, *, maximum: float) -> NDArray[np.bool_]:
    """Return which columns stay when each must differ from all kept before it.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_columns)
        Training rows only; rows with a NaN are left out.
    maximum : float
        Largest absolute rank correlation with a column kept earlier.

    Returns
    -------
    ndarray of bool, shape (n_columns,)
        The first column of each cluster, in order.
    """
    _check(x)
    full = x[~np.isnan(x).any(axis=1)]
    if len(full) < 3:
        raise DataError(f"selection by correlation needs 3 complete rows, found {len(full)}")
    ranks = np.argsort(np.argsort(full, axis=0, kind="stable"), axis=0, kind="stable")
    centred = ranks - ranks.mean(axis=0)
    unit = centred / np.sqrt((centred**2).sum(axis=0))
    kept = np.zeros(x.shape[1], dtype=np.bool_)
    for column in range(x.shape[1]):
        likeness = np.abs(unit[:, kept].T @ unit[:, column])
        kept[column] = not (likeness > maximum).any()
    return kept


def mutual_information(x: Panel, y: NDArray[np.float64], *, bins: int = 10) -> Panel:
    """Return the mutual information of every column with a target, in nats.

    Both sides are cut into equally filled bins; the estimate is reduced by its expected value
    under independence, ``(bins - 1)² / (2 n)`` (Miller and Madow), and not below 0.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_columns)
        Training rows only.
    y : ndarray of shape (n_rows,)
        Target.
    bins : int
        Bins of each side.

    Returns
    -------
    ndarray of shape (n_columns,)
    """
    out = np.zeros(x.shape[1])
    for column in range(x.shape[1]):
        known = ~(np.isnan(x[:, column]) | np.isnan(y))
        n = int(known.sum())
        if n < bins * bins:
            continue
        a, b = _bins(x[known, column], bins), _bins(y[known], bins)
        joint = np.bincount(a * bins + b, minlength=bins * bins).reshape(bins, bins) / n
        product = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
        filled = joint > 0
        raw = float((joint[filled] * np.log(joint[filled] / product[filled])).sum())
        out[column] = max(0.0, raw - (bins - 1) ** 2 / (2 * n))
    return out


def _bins(values: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    edges = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])
    return np.searchsorted(edges, values, side="right").astype(np.int64)


def _to_normal(knots: Panel, x: Panel) -> Panel:
    from scipy.special import ndtri

    shares = np.linspace(0.001, 0.999, _KNOTS)
    out = np.empty(x.shape)
    for column, points in enumerate(knots):
        # Ties give the middle of their shares, so that steps are symmetric.
        low = np.interp(x[:, column], points, shares)
        high = 1.0 - np.interp(-x[:, column], -points[::-1], 1.0 - shares[::-1])
        out[:, column] = 0.0 if points[0] == points[-1] else ndtri((low + high) / 2.0)
    return np.where(np.isnan(x), np.nan, out)


def _from_normal(knots: Panel, z: Panel) -> Panel:
    from scipy.special import ndtr

    shares = np.linspace(0.001, 0.999, _KNOTS)
    return np.column_stack(
        [np.interp(ndtr(z[:, column]), shares, points) for column, points in enumerate(knots)]
    )


def _check(x: Panel) -> None:
    if x.ndim != 2 or not len(x):
        raise DataError(f"scaler: shape {x.shape}, wanted (n_rows, n_columns) with rows")
    if np.isinf(x).any():
        row, column = (int(i) for i in np.argwhere(np.isinf(x))[0])
        raise DataError(f"scaler: row {row}, column {column} is infinite")
    empty = np.isnan(x).all(axis=0)
    if empty.any():
        raise DataError(f"scaler: column {int(np.argmax(empty))} has no value in training")


def _warn_flat(spread: Panel, centre: Panel) -> NDArray[np.bool_]:
    flat: NDArray[np.bool_] = np.abs(spread) <= _FLAT * np.abs(centre)
    if flat.any():
        named = ", ".join(str(i) for i in np.flatnonzero(flat)[:5])
        warnings.warn(f"constant columns are scaled to 0: {named}", UserWarning, stacklevel=3)
    return flat
