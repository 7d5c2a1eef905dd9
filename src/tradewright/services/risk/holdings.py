"""What a stored run held, and the returns of what it held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.currencies.worth import worth_of
from tradewright.domain.errors import NoDataError
from tradewright.domain.instruments import Instrument
from tradewright.domain.money import QTY_UNIT, minor_exponent
from tradewright.domain.time import NS_PER_DAY, parse_date

if TYPE_CHECKING:
    from tradewright.services.runs import Run

FloatArray = NDArray[np.float64]
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A run between two dates, and its positions at the end of them.

    Parameters
    ----------
    ts : ndarray of shape (n,), int64
        Session closes of the range; the first is the start.
    equity : ndarray of shape (n,)
        In the base currency.
    returns, market : ndarray of shape (n - 1,)
        Of the run and of its benchmark.
    instruments : sequence of Instrument
        Of the run.
    quantities, prices, weights : ndarray of shape (n_instruments,)
        Signed units, last known prices, fractions of equity at the end.
    worths : ndarray of shape (n_instruments,)
        What a price of 1 is worth at the end in the base currency, per unit.
    stale : tuple of str
        Held, and without a bar at the end: the last known price stands.
    history : ndarray of shape (m, n_instruments)
        Returns of the instruments over the sessions up to the end, also before the range, in the
        base currency.
    history_market : ndarray of shape (m,)
        The benchmark's over the same sessions; NaN where it has none.
    volumes : ndarray of shape (n_instruments,)
        Mean units traded in the last 20 sessions.
    """

    ts: NDArray[np.int64]
    equity: FloatArray
    returns: FloatArray
    market: FloatArray
    instruments: tuple[Instrument, ...]
    quantities: FloatArray
    prices: FloatArray
    weights: FloatArray
    worths: FloatArray
    stale: tuple[str, ...]
    history: FloatArray
    history_market: FloatArray
    volumes: FloatArray


def holdings_of(run: Run, first: str | date | None = None, last: str | date | None = None) -> Held:
    """Cut a run to a range of dates and find what it held at the end of it.

    Parameters
    ----------
    run : Run
        Stored or fresh.
    first, last : str or date, optional
        First and last day, both included; the whole run by default.

    Returns
    -------
    Held
        Positions, returns and the history of the instruments.

    Raises
    ------
    NoDataError
        If the range has fewer than two sessions.
    """
    outcome, timeline = run.outcome, run.timeline
    stamps = outcome.ts[timeline.rows]
    begin = -1 if first is None else (parse_date(first) - _EPOCH).days * NS_PER_DAY
    end = stamps[-1] if last is None else (parse_date(last) - _EPOCH).days * NS_PER_DAY + NS_PER_DAY
    chosen = np.flatnonzero((stamps >= begin) & (stamps <= end))
    if len(chosen) < 2:
        raise NoDataError(f"run {run.run_id}: {len(chosen)} sessions from {first} to {last}")
    at, final = slice(int(chosen[0]), int(chosen[-1]) + 1), int(timeline.rows[chosen[-1]])
    scale = 10.0 ** minor_exponent(outcome.currency)
    close = _filled(run.bars.close[: final + 1])
    prices = close[-1]
    worth = worth_of(run.bars, outcome.currency)
    lines = np.ones((1, len(prices))) if worth is None else worth.lines()
    worths = lines[final if len(lines) > 1 else 0]
    fills = outcome.fills[outcome.fills["bar"] <= final]
    signed = fills["qty"].astype(np.float64) * fills["side"] / QTY_UNIT
    quantities = np.zeros(len(outcome.instruments))
    np.add.at(quantities, fills["instrument"], signed)
    equity = timeline.levels[at] / scale
    rows = timeline.rows[: chosen[-1] + 1]
    sessions = close[rows] * (lines[rows] if len(lines) > 1 else lines)
    held = quantities != 0
    late = held & ~np.isfinite(run.bars.close[final])
    benchmark = np.asarray(run.benchmarks[0].levels, dtype=np.float64)[: chosen[-1] + 1]
    return Held(
        ts=stamps[at],
        equity=equity,
        returns=timeline.returns[at.start : at.stop - 1],
        market=benchmark[at][1:] / benchmark[at][:-1] - 1.0,
        instruments=outcome.instruments,
        quantities=quantities,
        prices=prices,
        weights=np.where(held, quantities * np.where(held, prices * worths, 0.0), 0.0) / equity[-1],
        worths=worths,
        stale=tuple(i.symbol for i, s in zip(outcome.instruments, late.tolist(), strict=True) if s),
        history=sessions[1:] / sessions[:-1] - 1.0,
        history_market=benchmark[1:] / benchmark[:-1] - 1.0,
        volumes=_mean_volume(run.bars.volume[rows[-20:]]),
    )


def _filled(close: FloatArray) -> FloatArray:
    rows = np.where(np.isnan(close), 0, np.arange(len(close))[:, None])
    return np.take_along_axis(close, np.maximum.accumulate(rows, axis=0), axis=0)


def _mean_volume(volume: FloatArray) -> FloatArray:
    known = np.isfinite(volume)
    out: FloatArray = np.where(known, volume, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return out
