"""Names of bar intervals and their lengths."""

from __future__ import annotations

from typing import Final

from tradewright.domain.errors import ConfigError, nearest
from tradewright.domain.time import NS_PER_SECOND

NS_PER_MINUTE: Final = 60 * NS_PER_SECOND

INTRADAY_MINUTES: Final[dict[str, int]] = {
    "1m": 1,
    "2m": 2,
    "5m": 5,
    "15m": 15,
    "30m": 30,
    "1h": 60,
    "90m": 90,
    "4h": 240,
}
"""Length in minutes of each interval inside a session."""

DAILY: Final = ("1d", "5d", "1wk", "1mo", "3mo")
"""Intervals of whole sessions."""

INTERVALS: Final = (*INTRADAY_MINUTES, *DAILY)
"""Every interval a bar may have, finest first."""

_SPELLINGS: Final = {"60m": "1h", "240m": "4h", "1w": "1wk", "1week": "1wk", "1month": "1mo"}


def parse_interval(text: str) -> str:
    """Return the canonical name of an interval.

    Parameters
    ----------
    text : str
        For example ``1d``, ``60m`` or ``1W``; ``1M`` is a month, ``1m`` a minute.

    Returns
    -------
    str
        One of `INTERVALS`.

    Raises
    ------
    ConfigError
        If there is no such interval.

    Examples
    --------
    >>> parse_interval("60m"), parse_interval("1D")
    ('1h', '1d')
    """
    raw = str(text).strip()
    name = "1mo" if raw == "1M" else raw.lower()
    name = _SPELLINGS.get(name, name)
    if name not in INTERVALS:
        hint = nearest(name, INTERVALS)
        raise ConfigError(f"interval {text!r} is not known; {hint or ', '.join(INTERVALS)}")
    return name


def is_intraday(interval: str) -> bool:
    """Return whether bars of an interval lie inside a session."""
    return interval in INTRADAY_MINUTES


def interval_ns(interval: str) -> int:
    """Return the length of an intraday interval in nanoseconds.

    Raises
    ------
    ConfigError
        If the interval spans whole sessions, whose length the calendar knows.
    """
    if interval not in INTRADAY_MINUTES:
        raise ConfigError(f"interval {interval!r} has no fixed length; ask the calendar")
    return INTRADAY_MINUTES[interval] * NS_PER_MINUTE
