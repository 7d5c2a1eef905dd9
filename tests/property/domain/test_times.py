"""Times at the edges and inside: what is written reads back, in every zone and both folds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from tradewright.domain.time import from_ns, moment_ns, to_ns

ZONES = ("America/New_York", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")
MOMENTS = st.builds(
    lambda zone, moment, fold: moment.replace(tzinfo=ZoneInfo(zone), fold=fold),
    st.sampled_from(ZONES),
    st.datetimes(datetime.fromisoformat("1700-01-01"), datetime.fromisoformat("2262-01-01")),
    st.sampled_from([0, 1]),
)
NEW_YORK = ZoneInfo("America/New_York")


@given(MOMENTS)
@example(datetime(2024, 11, 3, 1, 30, tzinfo=NEW_YORK, fold=1))
@example(datetime(2261, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
def test_a_time_reads_back_from_nanoseconds_and_from_text(moment: datetime) -> None:
    ns = to_ns(moment)
    # The instant of a time that the clock skips or repeats is that of its offset.
    instant = moment.replace(tzinfo=None) - (moment.utcoffset() or timedelta())
    assert from_ns(ns).replace(tzinfo=None) == instant
    assert to_ns(from_ns(ns)) == ns
    assert moment_ns(from_ns(ns).isoformat()) == ns
    assert moment_ns(moment.isoformat()) == ns


@given(st.integers(-(2**63), 2**63 - 1))
def test_nanoseconds_are_told_to_the_microsecond_below(ns: int) -> None:
    assert to_ns(from_ns(ns)) == ns // 1000 * 1000


def test_the_repeated_hour_is_two_hours() -> None:
    first, second = (datetime(2024, 11, 3, 1, 30, tzinfo=NEW_YORK, fold=fold) for fold in (0, 1))
    assert to_ns(second) - to_ns(first) == 3600 * 10**9
