"""From bars of any interval to one value a session, and on to months and years."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.time import NS_PER_DAY, NS_PER_SECOND

HOUR_NS = 3_600_000_000_000
SESSION_START_UTC_HOURS = {"XNYS": 5, "XNAS": 5, "XASX": 12, "XNZE": 12}
"""Hour (UTC) before which a bar belongs to the session of the day before; 0 where not named.

An hour at which the market is closed in winter and in summer. New York counts from midnight
standard time; Sydney's and Wellington's sessions begin before midnight UTC in their summer."""

SESSION_START_LOCAL = {"24/5": ("America/New_York", 17)}
"""Zone and hour at which one session ends and the next begins, where a market never closes between
and the hour of UTC moves with the clocks."""

PERIODS_PER_YEAR = {"5d": 50.4, "1wk": 52.0, "1mo": 12.0, "3mo": 4.0}


def session_rows(
    ts: NDArray[np.int64], *, interval: str = "1d", calendar: str = "XNYS"
) -> NDArray[np.int64]:
    """Return the last row of each session.

    Parameters
    ----------
    ts : ndarray of shape (n_bars,), int64
        Close of each bar, UTC nanoseconds, increasing; a bar that closes at midnight belongs to
        the day that ends there.
    interval : str
        Interval of the bars; daily and longer bars are sessions already.
    calendar : str
        Calendar of the instruments, for the hour at which a session's day begins.

    Returns
    -------
    ndarray of int64
        Increasing rows; the last one is ``n_bars - 1``.

    Examples
    --------
    >>> hours = np.array([22, 23, 24, 25, 49]) * 3_600_000_000_000
    >>> session_rows(hours, interval="1h", calendar="24/7").tolist()
    [2, 3, 4]
    """
    if interval == "1d" or interval in PERIODS_PER_YEAR:
        return np.arange(len(ts), dtype=np.int64)
    if calendar in SESSION_START_LOCAL:
        ends = _local_ends(int(ts[0]), int(ts[-1]), *SESSION_START_LOCAL[calendar])
        ends = ends[(ends >= ts[0]) & (ends < ts[-1])]
        found = np.searchsorted(ts, ends, side="right") - 1
        changes = found[np.diff(found, prepend=-1) > 0]
        return np.append(changes, len(ts) - 1).astype(np.int64)
    offset = SESSION_START_UTC_HOURS.get(calendar, 0) * HOUR_NS
    first, last = ((int(ts[at]) - offset - 1) // NS_PER_DAY for at in (0, -1))
    if last - first > len(ts):  # few bars over many days
        changes = np.flatnonzero(np.diff((ts - offset - 1) // NS_PER_DAY))
    else:
        ends = np.arange(first + 1, last + 1) * NS_PER_DAY + offset
        found = np.searchsorted(ts, ends, side="right") - 1
        changes = found[np.diff(found, prepend=-1) > 0]
    return np.append(changes, len(ts) - 1).astype(np.int64)


def _local_ends(first_ns: int, last_ns: int, zone: str, hour: int) -> NDArray[np.int64]:
    years = (np.array([first_ns, last_ns]) // NS_PER_DAY).astype("datetime64[D]")
    first, last = (int(y) + 1970 for y in years.astype("datetime64[Y]").astype(np.int64))
    return np.concatenate([_ends_of_year(zone, hour, y) for y in range(first, last + 1)])


@lru_cache(maxsize=256)
def _ends_of_year(zone: str, hour: int, year: int) -> NDArray[np.int64]:
    place = ZoneInfo(zone)
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(366)]
    moments = [datetime.combine(d, time(hour), place) for d in days if d.year == year]
    return np.array([int(m.timestamp()) * NS_PER_SECOND for m in moments], dtype=np.int64)


def periods_per_year(*, interval: str, calendar: str, asset_class: str = "stock") -> float:
    """Return how many of our return periods make a year.

    Parameters
    ----------
    interval : str
        Interval of the bars; anything below a day is measured by session.
    calendar : str
        Name of the calendar.
    asset_class : str
        Kind of instrument, decides where the calendar does not.

    Returns
    -------
    float
        4, 12, 52 or 50.4 for bars of quarters, months, weeks and five days, otherwise 252
        (exchanges), 260 (forex), 365 (crypto).

    Examples
    --------
    >>> periods_per_year(interval="5m", calendar="24/7", asset_class="crypto")
    365.0
    """
    if interval in PERIODS_PER_YEAR:
        return PERIODS_PER_YEAR[interval]
    if calendar == "24/7" or asset_class.startswith("crypto"):
        return 365.0
    if calendar == "24/5" or asset_class == "forex":
        return 260.0
    return 252.0


def monthly_returns(
    ts: NDArray[np.int64], levels: NDArray[np.float64]
) -> list[tuple[int, int, float]]:
    """Return the compounded return of each calendar month (UTC dates of the closes).

    Parameters
    ----------
    ts : ndarray of shape (n,), int64
        Close of each session, UTC nanoseconds.
    levels : ndarray of shape (n,)
        Equity at those closes; the first is the starting level.

    Returns
    -------
    list of (year, month, return)
        In time order; ``prod(1 + return) == levels[-1] / levels[0]``.

    Examples
    --------
    >>> day = np.array(["2020-01-30", "2020-01-31", "2020-02-03"], "datetime64[ns]").view("i8")
    >>> [(y, m, round(r, 3)) for y, m, r in monthly_returns(day, np.array([100.0, 110.0, 99.0]))]
    [(2020, 1, 0.1), (2020, 2, -0.1)]
    """
    months = ts.view("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    return [
        (1970 + int(months[last]) // 12, int(months[last]) % 12 + 1, value)
        for last, value in _grouped(months, levels)
    ]


def yearly_returns(ts: NDArray[np.int64], levels: NDArray[np.float64]) -> list[tuple[int, float]]:
    """Return the compounded return of each calendar year; the rules are those of the months."""
    years = ts.view("datetime64[ns]").astype("datetime64[Y]").astype(np.int64)
    return [(1970 + int(years[last]), value) for last, value in _grouped(years, levels)]


def _grouped(keys: NDArray[np.int64], levels: NDArray[np.float64]) -> list[tuple[int, float]]:
    lasts = np.append(np.flatnonzero(np.diff(keys)), len(keys) - 1)
    found = []
    before = float(levels[0])
    for last in lasts:
        after = max(float(levels[last]), 0.0)
        found.append((int(last), after / before - 1.0 if before > 0 else 0.0))
        before = after
    return found
