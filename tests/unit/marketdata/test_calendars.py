from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import exchange_calendars
import numpy as np
import pytest

from tradewright.domain.errors import ConfigError
from tradewright.domain.intervals import NS_PER_MINUTE
from tradewright.domain.time import to_ns
from tradewright.marketdata import calendar_of

NEW_YORK = ZoneInfo("America/New_York")


def minutes_of(day: str) -> int:
    calendar = calendar_of("XNYS")
    start = to_ns(datetime.fromisoformat(day).replace(tzinfo=NEW_YORK))
    return calendar.expected_bars(start, start + 24 * 60 * NS_PER_MINUTE, "1m")


def test_new_york_table_equals_exchange_calendars():
    library = exchange_calendars.get_calendar("XNYS", start="1960-01-01", end="2030-12-31").schedule
    ours = calendar_of("XNYS")
    assert np.array_equal(ours.days, library.index.to_numpy().astype("datetime64[D]"))
    for name, mine in (("open", ours.opens), ("close", ours.closes)):
        theirs = library[name].dt.tz_convert(None).to_numpy().astype("datetime64[ns]")
        assert np.array_equal(mine, theirs.astype(np.int64))


@pytest.mark.parametrize(
    ("day", "bars"),
    [
        ("2023-03-10", 390),
        ("2023-03-13", 390),
        ("2023-11-03", 390),
        ("2023-11-06", 390),
        ("2023-11-24", 210),
        ("2023-07-03", 210),
        ("2023-12-25", 0),
        ("2025-01-09", 0),
        ("2023-11-05", 0),
    ],
)
def test_minute_bars_of_a_new_york_day(day, bars):
    assert minutes_of(day) == bars


def test_open_moves_with_the_clock_change():
    calendar = calendar_of("XNYS")
    for day, hour in (("2023-03-10", 14), ("2023-03-13", 13), ("2023-11-03", 13)):
        row = int(np.searchsorted(calendar.days, np.datetime64(day)))
        wanted = datetime.fromisoformat(f"{day}T{hour}:30:00").replace(tzinfo=UTC)
        assert calendar.opens[row] == to_ns(wanted)


@pytest.mark.parametrize(
    ("day", "minutes"), [("2023-03-12", 1380), ("2023-11-05", 1500), ("2023-06-01", 1440)]
)
def test_continuous_day_cut_in_new_york_counts_the_clock_change(day, minutes):
    calendar = calendar_of("24/7", cut="America/New_York")
    row = int(np.searchsorted(calendar.days, np.datetime64(day)))
    opened, closed = int(calendar.opens[row]), int(calendar.closes[row])
    assert calendar.expected_bars(opened + 1, closed + 1, "1m") == minutes


def test_forex_week_runs_from_sunday_to_friday_five_in_the_afternoon():
    calendar = calendar_of("24/5")
    monday = int(np.searchsorted(calendar.days, np.datetime64("2023-11-06")))
    opened = datetime(2023, 11, 5, 17, tzinfo=NEW_YORK)
    closed = datetime(2023, 11, 10, 17, tzinfo=NEW_YORK)
    assert calendar.opens[monday] == to_ns(opened)
    assert calendar.closes[monday + 4] == to_ns(closed)
    assert calendar.opens[monday + 5] == to_ns(datetime(2023, 11, 12, 17, tzinfo=NEW_YORK))


def test_hour_bars_of_a_session_end_at_its_close():
    calendar = calendar_of("XNYS")
    row = int(np.searchsorted(calendar.days, np.datetime64("2023-11-24")))
    closes = calendar.bar_closes(int(calendar.opens[row]), int(calendar.closes[row]) + 1, "1h")
    assert len(closes) == 4
    assert closes[-1] == calendar.closes[row]


def test_close_stamp_of_a_half_day_and_of_a_day_that_is_no_session():
    calendar = calendar_of("XNYS")
    days = np.array(["2023-11-25", "2023-11-24", "2023-11-22"], dtype="datetime64[D]")
    stamps = [datetime.fromtimestamp(ns / 1e9, NEW_YORK) for ns in calendar.close_stamps(days)]
    assert [(s.day, s.hour) for s in stamps] == [(25, 16), (24, 13), (22, 16)]
    assert calendar.is_session(days).tolist() == [False, True, True]


def test_instants_belong_to_the_session_they_fall_into():
    calendar = calendar_of("XNYS")
    row = int(np.searchsorted(calendar.days, np.datetime64("2023-11-24")))
    opened, closed = calendar.opens[row], calendar.closes[row]
    inside = calendar.session_of(np.array([opened, opened + 1, closed, closed + 1]))
    assert inside.tolist() == [-1, row, row, -1]


def test_other_exchanges_come_from_the_library():
    london = calendar_of("XLON")
    assert np.datetime64("2024-12-24") in london.half_days
    assert not london.is_session(np.array(["2024-08-26"], dtype="datetime64[D]"))[0]


def test_exchange_that_is_known_later_than_the_others_has_a_calendar():
    tokyo = calendar_of("XTKS")
    assert str(tokyo.days[0]) == "1997-01-06"
    assert tokyo.is_session(np.array(["2021-05-06", "2021-05-05"], "datetime64[D]")).tolist() == [
        True, False
    ]  # fmt: skip


def test_unknown_calendar_is_refused_with_what_exists():
    with pytest.raises(ConfigError, match="XNYS, 24/5, 24/7"):
        calendar_of("NOWHERE")
    with pytest.raises(ConfigError, match="cut"):
        calendar_of("XNYS", cut="UTC")


def test_calendars_are_cached():
    assert calendar_of("NYSE") is calendar_of("XNYS")
