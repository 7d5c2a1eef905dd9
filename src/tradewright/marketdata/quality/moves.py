"""Find returns that look like errors, and tell real moves of the market from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tradewright.domain.bars import Bars, FloatArray, IntArray
from tradewright.domain.intervals import is_intraday
from tradewright.marketdata.calendars import calendar_of

WINDOW: Final = 60
LEAST: Final = 20
CHUNK: Final = 20_000
SPLITS: Final = np.log(np.array([*range(2, 21), 100], dtype=np.float64))
FLOOR_SHARE: Final = 0.3
VOLUME_CONFIRMS: Final = 1.5
MARKET_CONFIRMS: Final = 3.0
RETURNS_SHARE: Final = 0.2
SCALE_ERROR: Final = np.log(5.0)

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Returns of a panel measured against their own recent past.

    Parameters
    ----------
    log_return : ndarray of shape (n_bars, n_instruments)
        From the last close that exists; NaN at the first.
    z : ndarray of shape (n_bars, n_instruments)
        Robust z of the return; NaN with fewer than 20 earlier ones.
    volume_z : ndarray of shape (n_bars, n_instruments)
        Robust z of log volume.
    volume_ratio : ndarray of shape (n_bars, n_instruments)
        Volume over its trailing median.
    confirmed : ndarray of bool
        Where the market's own move, or lasting new prices on raised volume, confirm the return.
    suspected_split : ndarray of bool
        Where the ratio of closes is near n or 1/n and nothing explains it.
    """

    log_return: FloatArray
    z: FloatArray
    volume_z: FloatArray
    volume_ratio: FloatArray
    confirmed: BoolArray
    suspected_split: BoolArray


def measure_moves(bars: Bars, explained: BoolArray | None = None) -> Moves:
    r"""Measure every return of a panel.

    :math:`z = 0.6745 (r - \mathrm{median}) / \mathrm{MAD}` over the trailing 60 returns of the same
    phase of the session; the MAD is at least 0.3 times its median over all bars, so that quiet
    stretches do not make ordinary moves look wild [1]_.

    Parameters
    ----------
    bars : Bars
        Any interval.
    explained : ndarray of bool of shape (n_bars, n_instruments), optional
        Bars whose move a corporate action explains.

    Returns
    -------
    Moves
        All arrays of the panel's shape.

    Notes
    -----
    Timing: the z of a row uses earlier rows only; confirmation also looks at the next bar, because
    a quality check comes before any decision.
    Missing data: returns bridge gaps; a gap's first return is measured like any other.

    References
    ----------
    .. [1] B. Iglewicz and D. Hoaglin, "How to Detect and Handle Outliers", ASQC, 1993, ch. 3.
    """
    returns = _log_returns(bars.close)
    groups = _phases(bars)
    volume = np.where(bars.volume > 0, bars.volume, np.nan)
    with np.errstate(invalid="ignore"):
        log_volume = np.log(volume)
    z, _ = _robust_z(returns, groups)
    volume_z, centre = _robust_z(log_volume, groups)
    ratio = np.exp(log_volume - centre)
    accepted = np.zeros(returns.shape, bool) if explained is None else explained
    lasting = ~_reverts(returns)
    with np.errstate(invalid="ignore"):
        on_volume = (ratio >= VOLUME_CONFIRMS) | np.isnan(bars.volume)
        confirmed = accepted | _market_agrees(z) | (lasting & on_volume)
        split = _split_like(returns, lasting, ratio) & ~accepted
    return Moves(returns, z, volume_z, ratio, confirmed, split)


def _log_returns(close: FloatArray) -> FloatArray:
    returns = np.full(close.shape, np.nan)
    for column in range(close.shape[1]):
        with np.errstate(invalid="ignore", divide="ignore"):
            rows = np.flatnonzero(close[:, column] > 0)
        returns[rows[1:], column] = np.diff(np.log(close[rows, column]))
    return returns


# Rows in groups of one phase of the session each (the first bar of the day moves by the night's
# news); daily bars are one group.
def _phases(bars: Bars) -> list[IntArray]:
    if not is_intraday(bars.interval):
        return [np.arange(bars.n_bars)]
    calendar = calendar_of(bars.instruments[0].calendar)
    session = calendar.session_of(bars.ts)
    if calendar.name in ("24/5", "24/7") or (session < 0).all():
        return [np.arange(bars.n_bars)]
    phase = np.where(session >= 0, bars.ts - calendar.opens[session], -1)
    order = np.argsort(phase, kind="stable")
    edges = np.flatnonzero(np.diff(phase[order])) + 1
    return [np.sort(part) for part in np.split(order, edges)]


def _robust_z(values: FloatArray, groups: list[IntArray]) -> tuple[FloatArray, FloatArray]:
    z = np.full(values.shape, np.nan)
    centre = np.full(values.shape, np.nan)
    for column in range(values.shape[1]):
        for rows in groups:
            seen = rows[~np.isnan(values[rows, column])]
            if len(seen) <= LEAST:
                continue
            z[seen, column], centre[seen, column] = _trailing_z(values[seen, column])
    return z, centre


def _trailing_z(series: FloatArray) -> tuple[FloatArray, FloatArray]:
    size = len(series)
    median = np.full(size, np.nan)
    mad = np.full(size, np.nan)
    for row in range(LEAST, min(WINDOW, size)):
        median[row] = np.median(series[:row])
        mad[row] = np.median(np.abs(series[:row] - median[row]))
    if size > WINDOW:
        windows = sliding_window_view(series, WINDOW)[:-1]
        for first in range(0, len(windows), CHUNK):
            part = windows[first : first + CHUNK]
            middle = np.median(part, axis=1)
            rows = slice(WINDOW + first, WINDOW + first + len(part))
            median[rows] = middle
            mad[rows] = np.median(np.abs(part - middle[:, None]), axis=1)
    floor = max(FLOOR_SHARE * float(np.nanmedian(mad)), 1e-4)
    return 0.6745 * (series - median) / np.maximum(mad, floor), median


def _market_agrees(z: FloatArray) -> BoolArray:
    if z.shape[1] < 5:
        return np.zeros(z.shape, dtype=np.bool_)
    filled = np.where(np.isnan(z), 0.0, z)
    market = np.median(filled, axis=1, keepdims=True)
    wild = np.mean(np.abs(filled) > 5, axis=1, keepdims=True) >= 0.2
    agrees: BoolArray = (np.abs(market) >= MARKET_CONFIRMS) | wild
    same_side: BoolArray = np.sign(market) == np.sign(filled)
    return agrees & same_side


# A price that comes back at once was an error, not news.
def _reverts(returns: FloatArray) -> BoolArray:
    following = np.full(returns.shape, np.nan)
    for column in range(returns.shape[1]):
        rows = np.flatnonzero(~np.isnan(returns[:, column]))
        following[rows[:-1], column] = returns[rows[1:], column]
    with np.errstate(invalid="ignore"):
        back = np.abs(returns + following) < RETURNS_SHARE * np.abs(returns)
    before = np.full(returns.shape, np.nan)
    for column in range(returns.shape[1]):
        rows = np.flatnonzero(~np.isnan(returns[:, column]))
        before[rows[1:], column] = returns[rows[:-1], column]
    with np.errstate(invalid="ignore"):
        came = np.abs(returns + before) < RETURNS_SHARE * np.abs(before)
    result: BoolArray = back | came
    return result


def _split_like(returns: FloatArray, lasting: BoolArray, volume_ratio: FloatArray) -> BoolArray:
    size = np.abs(returns)
    distance = np.min(np.abs(size[..., None] - SPLITS), axis=-1)
    near = (distance < 0.05) & (size > SPLITS[0] - 0.05)
    # A crash on heavy trading is news: a split multiplies volume by no more than its ratio.
    news = lasting & (volume_ratio > 3.0 * np.exp(size))
    suspicious: BoolArray = (near | (size > SCALE_ERROR)) & ~news
    return suspicious
