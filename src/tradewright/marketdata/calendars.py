"""Sessions of a market: when it opens and closes, and how many bars a span of time must have."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import IntArray
from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.intervals import NS_PER_MINUTE, interval_ns, is_intraday, parse_interval
from tradewright.domain.time import NS_PER_DAY, NS_PER_SECOND

Days = NDArray[np.datetime64]
NEW_YORK: Final = "America/New_York"
FIRST_DAY: Final = date(1960, 1, 1)
FIRST_LISTED: Final = date(1990, 1, 1)
"""First day of the sessions that come from exchange_calendars."""

LAST_DAY: Final = date(2030, 12, 31)
CONTINUOUS: Final = ("24/5", "24/7")


@dataclass(frozen=True, slots=True, eq=False)
class TradingCalendar:
    """The sessions of one market in time order.

    Parameters
    ----------
    name : str
        ``XNYS``, ``24/5``, ``24/7`` or another exchange_calendars code.
    timezone : str
        IANA name of the zone whose days the sessions are.
    days : ndarray of shape (n_sessions,), datetime64[D]
        Date that names each session.
    opens, closes : ndarray of shape (n_sessions,), int64
        First and last instant of each session, UTC nanoseconds.
    regular_close_minute : int
        Minute of the local day at which a whole session closes, for dates that are no session.
    """

    name: str
    timezone: str
    days: Days
    opens: IntArray
    closes: IntArray
    regular_close_minute: int
    _whole_minutes: int = field(default=0)

    @property
    def half_days(self) -> Days:
        """Sessions shorter than a whole one."""
        minutes = (self.closes - self.opens) // NS_PER_MINUTE
        return self.days[minutes < self._whole_minutes]

    def is_session(self, days: Days) -> NDArray[np.bool_]:
        """Return whether each date is a session, shape as given."""
        wanted = days.astype("datetime64[D]")
        place = np.searchsorted(self.days, wanted)
        found: NDArray[np.bool_] = self.days[np.minimum(place, len(self.days) - 1)] == wanted
        return found

    def close_stamps(self, days: Days) -> IntArray:
        """Return the close instant of the session of each date.

        Parameters
        ----------
        days : ndarray of datetime64[D]
            Session dates, any order.

        Returns
        -------
        ndarray of int64
            UTC nanoseconds. A date that is no session of this calendar gets the close of a whole
            session on that date; `is_session` tells them apart.
        """
        wanted = days.astype("datetime64[D]")
        place = np.minimum(np.searchsorted(self.days, wanted), len(self.days) - 1)
        stamps: IntArray = self.closes[place].copy()
        strange = self.days[place] != wanted
        if strange.any():
            odd = np.unique(wanted[strange])
            found = local_instants(odd, self.regular_close_minute, self.timezone)
            stamps[strange] = found[np.searchsorted(odd, wanted[strange])]
        return stamps

    def span(self, start_ns: int, end_ns: int) -> slice:
        """Return the sessions that close in ``[start_ns, end_ns)``."""
        first, last = np.searchsorted(self.closes, [start_ns, end_ns])
        return slice(int(first), int(last))

    def session_of(self, ts: IntArray) -> IntArray:
        """Return the row of the session with ``open < ts <= close``; -1 outside every session."""
        place = np.searchsorted(self.closes, ts)
        bounded = np.minimum(place, len(self.closes) - 1)
        inside = (place < len(self.closes)) & (self.opens[bounded] < ts)
        return np.where(inside, bounded, -1).astype(np.int64)

    def bar_closes(self, start_ns: int, end_ns: int, interval: str = "1d") -> IntArray:
        """Return the close of every bar that must exist with ``start_ns <= close < end_ns``.

        Parameters
        ----------
        start_ns, end_ns : int
            UTC nanoseconds, half-open.
        interval : str
            Bars start at the session's open; the last one of a session ends at its close.

        Returns
        -------
        ndarray of shape (n_bars,), int64
            UTC nanoseconds, increasing.
        """
        interval = parse_interval(interval)
        if not is_intraday(interval):
            closes = self.closes[group_ends(self.days, interval)]
            return closes[(closes >= start_ns) & (closes < end_ns)]
        step = interval_ns(interval)
        first = int(np.searchsorted(self.closes, start_ns))
        last = int(np.searchsorted(self.opens, end_ns))
        opens, closes = self.opens[first:last], self.closes[first:last]
        counts = -(-(closes - opens) // step)
        if not len(counts) or not counts.sum():
            return np.empty(0, dtype=np.int64)
        session = np.repeat(np.arange(len(counts)), counts)
        number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        stamps = np.minimum(opens[session] + (number + 1) * step, closes[session])
        inside: IntArray = stamps[(stamps >= start_ns) & (stamps < end_ns)]
        return inside

    def expected_bars(self, start_ns: int, end_ns: int, interval: str = "1d") -> int:
        """Return how many bars close in ``[start_ns, end_ns)``.

        Examples
        --------
        >>> calendar = calendar_of("XNYS")
        >>> day = calendar.days == np.datetime64("2023-11-24")  # the day after Thanksgiving
        >>> open_ns, close_ns = int(calendar.opens[day][0]), int(calendar.closes[day][0])
        >>> calendar.expected_bars(open_ns, close_ns + 1, "1m")
        210
        """
        return len(self.bar_closes(start_ns, end_ns, interval))


def calendar_of(name: str, *, cut: str | None = None) -> TradingCalendar:
    """Return the sessions of a market: New York, forex and crypto 1960 to 2030, others from 1990.

    Parameters
    ----------
    name : str
        ``XNYS`` (and the other names of New York stocks, ``NYSE`` and ``NASDAQ``), ``24/5``
        (forex: Sunday 17:00 to Friday 17:00 New York, one session a day ending 17:00), ``24/7``
        (crypto), or any exchange_calendars code such as ``XLON``.
    cut : str, optional
        For ``24/7``: the zone at whose midnight days are cut; ``UTC`` by default.

    Returns
    -------
    TradingCalendar
        Cached: asking again is free.

    Raises
    ------
    ConfigError
        If no such calendar is known.

    Notes
    -----
    New York sessions come from a table in this package that was made with exchange_calendars and is
    compared with it by a test; other exchanges load that library.
    """
    code = {"NYSE": "XNYS", "NASDAQ": "XNYS", "XNAS": "XNYS", "ARCX": "XNYS"}.get(name, name)
    if cut is not None and code != "24/7":
        raise ConfigError(f"calendar {name}: only 24/7 days can be cut in a zone of choice")
    return _load(code, cut or "UTC")


@lru_cache(maxsize=32)
def _load(code: str, cut: str) -> TradingCalendar:
    if code == "XNYS":
        return _new_york()
    if code == "24/7":
        days = _all_days()
        edges = local_instants(np.append(days, days[-1] + 1), 0, cut)
        return TradingCalendar(code, cut, days, edges[:-1], edges[1:], 1440, 0)
    if code == "24/5":
        days = _all_days()
        days = days[_weekday(days) < 5]
        closes = local_instants(days, 17 * 60, NEW_YORK)
        opens = local_instants(days - np.timedelta64(1, "D"), 17 * 60, NEW_YORK)
        return TradingCalendar(code, NEW_YORK, days, opens, closes, 17 * 60, 1440)
    return _from_library(code)


def _new_york() -> TradingCalendar:
    days = _all_days()
    table = files("tradewright.marketdata").joinpath("calendar_tables/xnys.csv")
    with table.open(encoding="ascii") as lines:
        rows = list(csv.DictReader(lines))
    shut = np.array([row["date"] for row in rows if not row["close"]], dtype="datetime64[D]")
    days = days[(_weekday(days) < 5) & ~np.isin(days, shut)]
    closes = local_instants(days, 16 * 60, NEW_YORK)
    for row in rows:
        if row["close"]:
            early = time.fromisoformat(row["close"])
            minutes = 16 * 60 - early.hour * 60 - early.minute
            closes[np.searchsorted(days, np.datetime64(row["date"]))] -= minutes * NS_PER_MINUTE
    opens = local_instants(days, 9 * 60 + 30, NEW_YORK)
    return TradingCalendar("XNYS", NEW_YORK, days, opens, closes, 16 * 60, 390)


def _from_library(code: str) -> TradingCalendar:
    import exchange_calendars

    try:
        # Some exchanges are known from a later day on, Tokyo for example from 1997.
        earliest = exchange_calendars.get_calendar(code).bound_min()
        start = FIRST_LISTED if earliest is None else max(FIRST_LISTED, earliest.date())
        found = exchange_calendars.get_calendar(code, start=str(start))
    except exchange_calendars.errors.InvalidCalendarName as error:
        raise ConfigError(
            f"calendar {code!r} is not known; use XNYS, 24/5, 24/7 or an exchange code like XLON"
        ) from error
    except ValueError as error:
        reason = str(error)[:120]
        raise ConfigError(
            f"calendar {code}: exchange_calendars cannot give it: {reason}"
        ) from error
    table = found.schedule
    opens = table["open"].dt.tz_convert(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
    closes = table["close"].dt.tz_convert(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
    regular = found.close_times[-1][1]
    whole = int(np.median((closes - opens)[-250:]) // NS_PER_MINUTE)
    return TradingCalendar(
        name=code,
        timezone=str(found.tz),
        days=table.index.to_numpy().astype("datetime64[D]"),
        opens=opens,
        closes=closes,
        regular_close_minute=regular.hour * 60 + regular.minute,
        _whole_minutes=whole,
    )


def _all_days() -> Days:
    return np.arange(np.datetime64(FIRST_DAY), np.datetime64(LAST_DAY) + 1)


def _weekday(days: Days) -> IntArray:
    return (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday


def local_instants(days: Days, minute: int, timezone: str) -> IntArray:
    """Return the UTC instant of a wall-clock minute on each date.

    Parameters
    ----------
    days : ndarray of datetime64[D]
        Dates of the zone, increasing for speed.
    minute : int
        Minute of the day, 0 to 1440.
    timezone : str
        IANA name.

    Returns
    -------
    ndarray of int64
        UTC nanoseconds. A wall time that a clock change skips or repeats is read with the offset
        in force before the change.
    """
    if timezone == "UTC":
        return days.astype(np.int64) * NS_PER_DAY + minute * NS_PER_MINUTE
    months = days.astype("datetime64[M]")
    known = np.unique(months)
    first = _offsets(known.astype("datetime64[D]"), minute, timezone)
    last = _offsets((known + 1).astype("datetime64[D]") - 1, minute, timezone)
    place = np.searchsorted(known, months)
    offsets = first[place]
    changing = (first != last)[place]
    offsets[changing] = _offsets(days[changing], minute, timezone)
    return days.astype(np.int64) * NS_PER_DAY + minute * NS_PER_MINUTE - offsets


# A zone whose clock is the same on the first and last day of a month did not change within it;
# the zones of the calendars here change at most once a month.
def _offsets(days: Days, minute: int, timezone: str) -> IntArray:
    zone, at = ZoneInfo(timezone), timedelta(minutes=minute)
    seconds = [
        int((datetime.combine(day, time(), tzinfo=zone) + at).utcoffset() / timedelta(seconds=1))  # type: ignore[operator]
        for day in days.tolist()
    ]
    return np.array(seconds, dtype=np.int64) * NS_PER_SECOND


def group_ends(days: Days, interval: str) -> IntArray:
    """Return the row of the last session of each group of a daily interval.

    Parameters
    ----------
    days : ndarray of shape (n_sessions,), datetime64[D]
        Session dates, increasing.
    interval : str
        ``1d 5d 1wk 1mo 3mo``; ``5d`` groups every five sessions of the calendar.

    Returns
    -------
    ndarray of int64
        Rows, increasing.

    Raises
    ------
    DataError
        If the interval lies inside a session.
    """
    key = group_keys(days, interval)
    return np.flatnonzero(np.append(np.diff(key) != 0, True))


def group_keys(days: Days, interval: str) -> IntArray:
    """Return a number per session that is equal within one bar of a daily interval."""
    number = days.astype(np.int64)
    if interval == "1d":
        return number
    if interval == "5d":
        return np.arange(len(days)) // 5
    if interval == "1wk":
        return (number + 3) // 7
    months = days.astype("datetime64[M]").astype(np.int64)
    if interval == "1mo":
        return months
    if interval == "3mo":
        return months // 3
    raise DataError(f"interval {interval!r} lies inside a session")
