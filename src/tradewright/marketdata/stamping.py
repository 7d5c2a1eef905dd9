"""Turn what a source stamps on a bar into the instant at which the bar closed."""

from __future__ import annotations

from typing import Final

import numpy as np

from tradewright.domain.bars import IntArray
from tradewright.domain.errors import ConfigError, nearest
from tradewright.domain.intervals import interval_ns, is_intraday
from tradewright.domain.time import NS_PER_DAY
from tradewright.marketdata.calendars import Days, TradingCalendar, group_keys

STAMPS: Final = ("open", "close", "session_date")


def close_stamps(ts: IntArray, *, stamp: str, interval: str, calendar: TradingCalendar) -> IntArray:
    """Return the close instant of bars.

    Parameters
    ----------
    ts : ndarray of int64
        The source's stamps, UTC nanoseconds; for ``session_date`` midnight UTC of the date.
    stamp : str
        ``open``, ``close`` or ``session_date``.
    interval : str
        Length of the bars.
    calendar : TradingCalendar
        Sessions: a bar that starts inside one ends no later than its close.

    Returns
    -------
    ndarray of int64
        UTC nanoseconds. A week or month is closed by its last session.

    Raises
    ------
    ConfigError
        If the stamp is not one of the three.
    """
    if stamp not in STAMPS:
        raise ConfigError(f"stamp is {stamp!r}; {nearest(stamp, STAMPS)}")
    if stamp == "close":
        return ts
    if is_intraday(interval):
        if stamp == "session_date":
            raise ConfigError(f"bars of {interval} cannot be stamped with a session date")
        ends = ts + interval_ns(interval)
        session = calendar.session_of(ts + 1)
        limit = calendar.closes[np.maximum(session, 0)]
        return np.where((session >= 0) & (ends > limit), limit, ends)
    days = (ts // NS_PER_DAY).astype("datetime64[D]")
    return calendar.close_stamps(last_days(days, interval, calendar))


def last_days(days: Days, interval: str, calendar: TradingCalendar) -> Days:
    """Return the last session of the week or month that each date lies in."""
    if interval in ("1d", "5d"):
        return days
    keys = group_keys(calendar.days, interval)
    place = np.searchsorted(keys, group_keys(days, interval), side="right") - 1
    return calendar.days[np.maximum(place, 0)]
