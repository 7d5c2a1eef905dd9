"""What the user may say about a file, and what was found in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypedDict

from tradewright.domain.actions import CorporateAction
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, nearest

if TYPE_CHECKING:
    import polars as pl

CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "stamp": ("open", "close", "session_date"),
    "on_bad": ("raise", "quarantine"),
    "adjustment": ("none", "splits", "total_return", "source_adjusted"),
    "decimal": (".", ","),
}


class ImportKeywords(TypedDict, total=False):
    """Keywords of `read_bars`; the fields of `ImportOptions`."""

    symbol: str | None
    timezone: str | None
    day_first: bool | None
    interval: str | None
    stamp: str | None
    calendar: str | None
    adjustment: str | None
    decimal: str | None
    currency: str
    source: str
    on_bad: str
    now_ns: int | None


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What is known about a file; None means: find out, or ask.

    Parameters
    ----------
    columns : mapping of str to str
        Field to column name, for example ``{"close": "Last", "time": "Stamp"}``. Fields: ``time
        date symbol open high low close volume adj_close dividend split``.
    symbol : str, optional
        Symbol of a file without a symbol column.
    timezone : str, optional
        IANA zone of times without an offset.
    day_first : bool, optional
        Whether ``03.04.2020`` is the third of April.
    interval : str, optional
        Length of the bars.
    stamp : str, optional
        Whether a time is the bar's ``open``, its ``close`` or its ``session_date``.
    calendar : str, optional
        Sessions, see `calendar_of`.
    adjustment : str, optional
        ``none splits total_return source_adjusted``.
    decimal : str, optional
        Decimal sign of numbers in text.
    currency : str
        Currency of the prices; by default that of the form of the symbol (pounds for ``EURGBP``),
        dollars otherwise.
    source : str
        Name under which the bars are known.
    on_bad : str
        ``raise`` names the first rows that break a rule; ``quarantine`` sets them aside.
    now_ns : int, optional
        The present, for refusing future bars; the wall clock by default.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    symbol: str | None = None
    timezone: str | None = None
    day_first: bool | None = None
    interval: str | None = None
    stamp: str | None = None
    calendar: str | None = None
    adjustment: str | None = None
    decimal: str | None = None
    currency: str | None = None
    source: str = "csv"
    on_bad: str = "raise"
    now_ns: int | None = None

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            value = getattr(self, name)
            if value is not None and value not in known:
                hint = nearest(str(value), known)
                raise ConfigError(f"{name} is {value!r}; {hint}")
        if self.timezone is not None:
            _check_zone(self.timezone)


def _check_zone(name: str) -> None:
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        hint = nearest(name, available_timezones())
        raise ConfigError(
            f"timezone {name!r} is not known; {hint or 'use an IANA name'}"
        ) from error


@dataclass(frozen=True, slots=True, eq=False)
class ImportResult:
    """Bars of a file, and everything that was found out about it.

    Parameters
    ----------
    bars : Bars
        Accepted rows.
    detected : mapping of str to str
        What was found or given: columns, time format, time zone, stamp, interval, calendar …
    quarantined : polars.DataFrame
        Refused rows with their line and rule.
    duplicates : int
        Rows equal to an accepted one.
    rows_in : int
        Rows of the file; accepted + quarantined + duplicates.
    actions : tuple of CorporateAction
        Splits and dividends the file states.
    adjusted_close : polars.DataFrame or None
        ``symbol ts adj_close`` where the file has such a column.
    """

    bars: Bars
    detected: Mapping[str, str]
    quarantined: pl.DataFrame
    duplicates: int
    rows_in: int
    actions: tuple[CorporateAction, ...] = ()
    adjusted_close: pl.DataFrame | None = None
