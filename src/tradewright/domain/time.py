"""UTC nanoseconds inside, aware datetimes at the edges."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from tradewright.domain.errors import DataError

NS_PER_SECOND: Final = 1_000_000_000
NS_PER_DAY: Final = 86_400 * NS_PER_SECOND
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_ns(moment: datetime) -> int:
    """Convert an aware datetime to UTC nanoseconds since 1970.

    Raises
    ------
    DataError
        If `moment` carries no time zone; a zone is never assumed.

    Examples
    --------
    >>> to_ns(datetime(1970, 1, 2, tzinfo=UTC)) == NS_PER_DAY
    True
    """
    if moment.tzinfo is None:
        raise DataError(f"time zone missing: {moment.isoformat()} is naive; give an aware datetime")
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def from_ns(ns: int) -> datetime:
    """Convert UTC nanoseconds to an aware datetime (microseconds, truncated)."""
    return _EPOCH + timedelta(microseconds=int(ns) // 1000)


def parse_date(text: str | date) -> date:
    """Read a ``YYYY-MM-DD`` date.

    Raises
    ------
    DataError
        If the text is not such a date.
    """
    if isinstance(text, datetime):
        return text.date()
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise DataError(f"date {text!r} is not of the form YYYY-MM-DD") from error


def moment_ns(moment: str | date | datetime | int | None) -> int | None:
    """Convert what a user gives as a bound of a range to UTC nanoseconds.

    Parameters
    ----------
    moment : str, date, datetime, int or None
        A ``YYYY-MM-DD`` text or date is its midnight UTC; a datetime must be aware; an int is
        nanoseconds already; None stays None (unbounded).

    Returns
    -------
    int or None
        UTC nanoseconds.

    Raises
    ------
    DataError
        If the text is no date, or a datetime is naive.

    Examples
    --------
    >>> moment_ns("1970-01-02") == NS_PER_DAY
    True
    """
    if moment is None or isinstance(moment, int):
        return moment
    if isinstance(moment, str) and len(moment) > 10:
        try:
            return to_ns(datetime.fromisoformat(moment))
        except ValueError as error:
            raise DataError(f"time {moment!r} is not of the form YYYY-MM-DDTHH:MM:SSZ") from error
    if isinstance(moment, datetime):
        return to_ns(moment)
    day = parse_date(moment)
    return to_ns(datetime(day.year, day.month, day.day, tzinfo=UTC))
