"""Days on which banks settle payments, by rule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from tradewright.domain.errors import ConfigError

BankDays = Callable[[date], bool]
"""Whether banks are open on a day."""

_MONDAY, _THURSDAY, _SATURDAY = 0, 3, 5


def bank_days(currency: str) -> BankDays:
    """Return the bank days of a currency.

    Parameters
    ----------
    currency : str
        ``USD`` (holidays of the Federal Reserve) or ``EUR`` (closing days of TARGET).

    Returns
    -------
    callable
        ``is_open(day)``.

    Raises
    ------
    ConfigError
        For another currency: its exchange's sessions may stand for its bank days.

    Examples
    --------
    >>> bank_days("USD")(date(2024, 10, 14)), bank_days("EUR")(date(2024, 10, 14))
    (False, True)
    """
    known = {"USD": _is_federal_day, "EUR": _is_target_day}
    if currency not in known:
        raise ConfigError(f"bank days of {currency} are not known by rule; known: EUR, USD")
    return known[currency]


def _is_federal_day(day: date) -> bool:
    # A holiday on a Sunday is kept on Monday; for one on a Saturday the banks stay open on Friday.
    return day.weekday() < _SATURDAY and day not in _federal_holidays(day.year)


@lru_cache(maxsize=256)
def _federal_holidays(year: int) -> frozenset[date]:
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    if year >= _JUNETEENTH:
        fixed.append(date(year, 6, 19))
    kept = [day + timedelta(days=1) if day.weekday() == _SUNDAY else day for day in fixed]
    moving = [
        _nth(year, 2, _MONDAY, 3),
        _last(year, 5, _MONDAY),
        _nth(year, 9, _MONDAY, 1),
        _nth(year, 10, _MONDAY, 2),
        _nth(year, 11, _THURSDAY, 4),
    ]
    if year >= _KING:
        moving.append(_nth(year, 1, _MONDAY, 3))
    return frozenset((*kept, *moving))


_SUNDAY: Final = 6
_KING: Final = 1986
_JUNETEENTH: Final = 2021


def _is_target_day(day: date) -> bool:
    if day.weekday() >= _SATURDAY:
        return False
    easter = _easter(day.year)
    closed = {
        date(day.year, 1, 1),
        easter - timedelta(days=2),
        easter + timedelta(days=1),
        date(day.year, 5, 1),
        date(day.year, 12, 25),
        date(day.year, 12, 26),
    }
    return day not in closed


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _last(year: int, month: int, weekday: int) -> date:
    end = date(year, month + 1, 1) - timedelta(days=1)
    return end - timedelta(days=(end.weekday() - weekday) % 7)


@lru_cache(maxsize=256)
def _easter(year: int) -> date:
    # Gregorian computus (Meeus, Jones, Butcher).
    golden, century, rest = year % 19, year // 100, year % 100
    shift = (century + 8) // 25
    moon = (19 * golden + century - century // 4 - (century - shift + 1) // 3 + 15) % 30
    sunday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    late = (golden + 11 * moon + 22 * sunday) // 451
    month, day = divmod(moon + sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)
