"""Coarser bars from finer ones, session by session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tradewright.domain.bars import Bars, FloatArray, IntArray
from tradewright.domain.errors import ConfigError, DataError, NoDataError
from tradewright.domain.intervals import INTERVALS, interval_ns, is_intraday, parse_interval
from tradewright.marketdata.calendars import TradingCalendar, calendar_of, group_ends, group_keys


def finer_interval(interval: str, offered: Sequence[str]) -> str | None:
    """Return the coarsest offered interval of which bars of an intraday interval can be made.

    Parameters
    ----------
    interval : str
        What is wanted; bars of whole sessions are not put together here, since prices as traded
        jump at a split between two sessions.
    offered : sequence of str
        What there is.

    Returns
    -------
    str or None
        None where nothing offered divides it.

    Examples
    --------
    >>> finer_interval("4h", ["1m", "30m", "1h", "90m", "1d"])
    '1h'
    """
    if not is_intraday(interval):
        return None
    whole = interval_ns(interval)
    parts = [name for name in offered if is_intraday(name) and interval_ns(name) < whole]
    fitting = [name for name in parts if whole % interval_ns(name) == 0]
    return max(fitting, key=interval_ns, default=None)


def resample(
    bars: Bars, interval: str, *, keep_incomplete: bool = False, keep_begun: bool = True
) -> Bars:
    """Return bars of a coarser interval.

    Open is the first, close the last, high the largest, low the smallest and volume the sum of the
    parts. Bars never cross a session: they start at its open, and the last one ends at its close,
    also on half days and after a clock change.

    Parameters
    ----------
    bars : Bars
        All instruments on one calendar.
    interval : str
        A coarser interval that the finer one divides, for example ``1m`` to ``1h``, ``1d`` to
        ``1wk``.
    keep_incomplete : bool
        Whether a last bar whose end the data do not reach is kept.
    keep_begun : bool
        Whether a first bar is kept whose beginning lies before the data, so that it may be made of
        a part of what traded.

    Returns
    -------
    Bars
        With a note ``resampled_from``. A bar exists where at least one part does.

    Raises
    ------
    ConfigError
        If the interval is not coarser or not a multiple.
    DataError
        If the instruments have different calendars, or a bar lies outside every session.

    Notes
    -----
    Timing: a bar is stamped with its scheduled close, at which all of its parts are known.
    Missing data: missing parts are left out; a bar without any part is NaN.
    """
    interval = parse_interval(interval)
    if interval == bars.interval:
        return bars
    _check_multiple(bars.interval, interval)
    names = {instrument.calendar for instrument in bars.instruments}
    if len(names) > 1:
        raise DataError(f"resample: calendars {', '.join(sorted(names))} differ; do one at a time")
    calendar = calendar_of(names.pop())
    closes = _bucket_closes(bars.ts, interval, calendar)
    if not keep_begun and _is_begun(bars, closes, interval, calendar):
        whole = closes > closes[0]
        if not whole.any():
            raise NoDataError(f"resample: the bars do not fill one whole {interval} bar")
        bars, closes = bars.rows(int(np.argmax(whole)), bars.n_bars), closes[whole]
    starts = np.flatnonzero(np.append(True, np.diff(closes) != 0))
    ends = closes[starts]
    if not keep_incomplete and ends[-1] > bars.ts[-1]:
        starts, ends, last = starts[:-1], ends[:-1], int(starts[-1])
    else:
        last = bars.n_bars
    if not len(starts):
        raise NoDataError(f"resample: the bars do not fill one whole {interval} bar")
    fields: dict[str, Any] = _aggregate(bars, starts, last)
    ended = np.append(starts[1:], last) - 1
    return Bars(
        instruments=bars.instruments,
        ts=ends,
        **fields,
        interval=interval,
        source=bars.source,
        adjustment=bars.adjustment,
        data_version="",
        notes=(*bars.notes, f"resampled_from {bars.interval}"),
        rates={name: line[ended] for name, line in bars.rates.items()},
        actions=bars.actions,
    )


def _check_multiple(finer: str, coarser: str) -> None:
    order = INTERVALS.index
    fits = order(coarser) > order(finer)
    if fits and is_intraday(finer) and is_intraday(coarser):
        fits = interval_ns(coarser) % interval_ns(finer) == 0
    if fits and finer == "1wk":
        fits = False
    if fits and finer == "5d":
        fits = False
    if not fits:
        raise ConfigError(f"bars of {finer} cannot be put together to bars of {coarser}")


# Whether the bar before the first one would have been a part of the same coarse bar.
def _is_begun(bars: Bars, closes: IntArray, interval: str, calendar: TradingCalendar) -> bool:
    session = int(calendar.session_of(bars.ts[:1])[0])
    before = int(bars.ts[0]) - interval_ns(bars.interval) if is_intraday(bars.interval) else 0
    if before <= calendar.opens[session]:
        if session == 0:
            return False
        before = int(calendar.closes[session - 1])
    return bool(_bucket_closes(np.array([before]), interval, calendar)[0] == closes[0])


def _bucket_closes(ts: IntArray, interval: str, calendar: TradingCalendar) -> IntArray:
    session = calendar.session_of(ts)
    if (session < 0).any():
        row = int(np.argmax(session < 0))
        moment = np.datetime64(int(ts[row]), "ns")
        raise DataError(
            f"resample: the bar at {moment}Z lies outside every {calendar.name} session"
        )
    if not is_intraday(interval):
        ends = group_ends(calendar.days, interval)
        keys = group_keys(calendar.days, interval)
        last = ends[np.searchsorted(keys[ends], keys)]
        return calendar.closes[last[session]]
    step = interval_ns(interval)
    opened = calendar.opens[session]
    number = (ts - opened - 1) // step
    return np.minimum(opened + (number + 1) * step, calendar.closes[session])


def _aggregate(bars: Bars, starts: IntArray, last: int) -> dict[str, FloatArray]:
    with np.errstate(invalid="ignore"):
        high = np.fmax.reduceat(bars.high[:last], starts, axis=0)
        low = np.fmin.reduceat(bars.low[:last], starts, axis=0)
    exists = ~np.isnan(bars.volume[:last])
    volume = np.add.reduceat(np.where(exists, bars.volume[:last], 0.0), starts, axis=0)
    volume[~np.logical_or.reduceat(exists, starts, axis=0)] = np.nan
    row = np.arange(last)[:, None]
    present = ~np.isnan(bars.close[:last])
    first_row = np.minimum.reduceat(np.where(present, row, last), starts, axis=0)
    last_row = np.maximum.reduceat(np.where(present, row, -1), starts, axis=0)
    column = np.arange(bars.n_instruments)[None, :]
    empty = last_row < 0
    opened = bars.open[np.minimum(first_row, last - 1), column]
    close = bars.close[np.maximum(last_row, 0), column]
    opened[empty] = np.nan
    close[empty] = np.nan
    return {"open": opened, "high": high, "low": low, "close": close, "volume": volume}
