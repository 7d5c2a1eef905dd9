"""Features of the calendar, from the close stamp in UTC."""

# The first line of a docstring is the description in the catalogue.

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.features import rolling
from tradewright.features.own_bars import OwnBars
from tradewright.features.registry import About, feature
from tradewright.features.specs import Panel

_RULE = "NaN after the last bar of an instrument; never missing before"
_DAY = 86_400_000_000_000
_TIMING = "row t uses the stamp of bar t; known before it"


def _about(name: str, formula: str, *, unit: str, role: str = "stationary", rows: int = 1) -> About:
    return About(
        name=name,
        family="time",
        formula=formula,
        inputs=("ts",),
        unit=unit,
        role=role,
        min_rows=rows,
        nan_rule=_RULE,
        timing=_TIMING,
    )


def _dates(bars: OwnBars) -> NDArray[np.datetime64]:
    # A bar stamped midnight closes the day before.
    return ((bars.ts - 1) // _DAY).astype("datetime64[D]")


def _weekday(bars: OwnBars) -> Panel:
    days = _dates(bars).astype(np.int64)
    return np.asarray((days + 3) % 7, dtype=np.float64)  # 1970-01-01 was a Thursday


def _month(bars: OwnBars) -> Panel:
    months = _dates(bars).astype("datetime64[M]").astype(np.int64)
    return np.asarray(months % 12, dtype=np.float64)


def _day_of_month(bars: OwnBars) -> Panel:
    dates = _dates(bars)
    first = dates.astype("datetime64[M]").astype("datetime64[D]")
    return np.asarray(dates - first).astype(np.float64)


def _days_in_month(bars: OwnBars) -> Panel:
    month = _dates(bars).astype("datetime64[M]")
    following = (month + np.timedelta64(1, "M")).astype("datetime64[D]")
    return np.asarray(following - month.astype("datetime64[D]")).astype(np.float64)


def _turn(share: Panel, *, cosine: bool) -> Panel:
    angle = 2.0 * np.pi * share
    return np.cos(angle) if cosine else np.sin(angle)


@feature(_about("day_of_week", "0 Monday to 6 Sunday", unit="day", role="category"))
def day_of_week(bars: OwnBars) -> Panel:
    """Day of the week."""
    return _weekday(bars)


@feature(_about("day_of_week_sin", "sin(2π day of week / 7)", unit="-1-1"))
def day_of_week_sin(bars: OwnBars) -> Panel:
    """Day of the week on the circle, sine."""
    return _turn(_weekday(bars) / 7.0, cosine=False)


@feature(_about("day_of_week_cos", "cos(2π day of week / 7)", unit="-1-1"))
def day_of_week_cos(bars: OwnBars) -> Panel:
    """Day of the week on the circle, cosine."""
    return _turn(_weekday(bars) / 7.0, cosine=True)


@feature(_about("month", "1 January to 12 December", unit="month", role="category"))
def month(bars: OwnBars) -> Panel:
    """Month of the year."""
    return _month(bars) + 1.0


@feature(_about("month_sin", "sin(2π (month - 1) / 12)", unit="-1-1"))
def month_sin(bars: OwnBars) -> Panel:
    """Month on the circle, sine."""
    return _turn(_month(bars) / 12.0, cosine=False)


@feature(_about("month_cos", "cos(2π (month - 1) / 12)", unit="-1-1"))
def month_cos(bars: OwnBars) -> Panel:
    """Month on the circle, cosine."""
    return _turn(_month(bars) / 12.0, cosine=True)


@feature(_about("day_of_month_sin", "sin(2π (day - 1) / days in month)", unit="-1-1"))
def day_of_month_sin(bars: OwnBars) -> Panel:
    """Day of the month on the circle, sine."""
    return _turn(_day_of_month(bars) / _days_in_month(bars), cosine=False)


@feature(_about("day_of_month_cos", "cos(2π (day - 1) / days in month)", unit="-1-1"))
def day_of_month_cos(bars: OwnBars) -> Panel:
    """Day of the month on the circle, cosine."""
    return _turn(_day_of_month(bars) / _days_in_month(bars), cosine=True)


@feature(_about("minute_of_day_sin", "sin(2π minute of the UTC day / 1440)", unit="-1-1"))
def minute_of_day_sin(bars: OwnBars) -> Panel:
    """Time of day of the close on the circle, sine."""
    return _turn((bars.ts % _DAY) / float(_DAY), cosine=False)


@feature(_about("minute_of_day_cos", "cos(2π minute of the UTC day / 1440)", unit="-1-1"))
def minute_of_day_cos(bars: OwnBars) -> Panel:
    """Time of day of the close on the circle, cosine."""
    return _turn((bars.ts % _DAY) / float(_DAY), cosine=True)


@feature(_about("weekdays_to_month_end", "Mondays to Fridays left in the month", unit="days"))
def weekdays_to_month_end(bars: OwnBars) -> Panel:
    """Weekdays after this one until the end of the month; holidays are not known here."""
    dates = _dates(bars)
    following = (dates.astype("datetime64[M]") + np.timedelta64(1, "M")).astype("datetime64[D]")
    return np.busday_count(dates + np.timedelta64(1, "D"), following).astype(np.float64)


@feature(_about("weekdays_to_expiry", "weekdays until the next third Friday; 0 on it", unit="days"))
def weekdays_to_expiry(bars: OwnBars) -> Panel:
    """Weekdays until the monthly expiry of listed options, the third Friday."""
    dates = _dates(bars)
    this = dates.astype("datetime64[M]")
    expiry = _third_friday(this)
    later = _third_friday(this + np.timedelta64(1, "M"))
    return np.busday_count(dates, np.where(dates <= expiry, expiry, later)).astype(np.float64)


def _third_friday(month: NDArray[Any]) -> NDArray[Any]:
    first = month.astype("datetime64[D]")
    weekday = (first.astype(np.int64) + 3) % 7
    return np.asarray(first + ((4 - weekday) % 7 + 14).astype("timedelta64[D]"))


@feature(
    _about("turn_of_month", "1 in the last or first 3 weekdays of a month", unit="0/1", role="flag")
)
def turn_of_month(bars: OwnBars) -> Panel:
    """Flag of the days around the end of a month."""
    dates = _dates(bars)
    first = dates.astype("datetime64[M]").astype("datetime64[D]")
    begun = np.busday_count(first, dates)
    return ((weekdays_to_month_end(bars) < 3) | (begun < 3)).astype(np.float64)


@feature(
    _about("quarter_end_month", "1 in March, June, September, December", unit="0/1", role="flag")
)
def quarter_end_month(bars: OwnBars) -> Panel:
    """Flag of the last month of a quarter."""
    return np.asarray(_month(bars) % 3 == 2, dtype=np.float64)


@feature(
    _about(
        "days_since_bar", "calendar days since the instrument's previous bar", unit="days", rows=2
    )
)
def days_since_bar(bars: OwnBars) -> Panel:
    """Calendar days since the previous bar, 3 after a weekend."""
    days = _dates(bars).astype(np.int64).astype(np.float64)
    return days - rolling.lag(days, 1)


@feature(
    _about(
        "after_holiday",
        "1 if a weekday lies between this bar and the previous one",
        unit="0/1",
        role="flag",
        rows=2,
    )
)
def after_holiday(bars: OwnBars) -> Panel:
    """Flag of the first bar after a weekday without one."""
    dates = _dates(bars)
    before = rolling.lag(dates.astype(np.int64).astype(np.float64), 1)
    is_first = np.isnan(before)
    known = np.where(is_first, 0.0, before).astype(np.int64).astype("datetime64[D]")
    return np.where(is_first, np.nan, np.busday_count(known, dates) > 1)
