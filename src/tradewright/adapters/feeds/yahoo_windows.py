"""How far back Yahoo Finance answers, by interval; checked before any call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tradewright.domain.errors import ConfigError, nearest
from tradewright.domain.time import NS_PER_DAY, from_ns, to_ns
from tradewright.ports.feeds import FetchRequest

PERIODS: Final = ("1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max")
PERIOD_DAYS: Final = {
    "1d": 1, "5d": 5, "1mo": 30, "3mo": 91, "6mo": 182, "1y": 365, "2y": 730, "5y": 1826,
    "10y": 3652,
}  # fmt: skip
WINDOW_DAYS: Final[dict[str, int | None]] = {
    "1m": 30, "2m": 60, "5m": 60, "15m": 60, "30m": 60, "90m": 60, "1h": 730,
    "1d": None, "5d": None, "1wk": None, "1mo": None, "3mo": None,
}  # fmt: skip
"""Days back from now that an interval reaches; None is all of history."""

REQUEST_DAYS: Final = {"1m": 7}
"""Most days of one request, where that is less than the window."""

EARLIEST: Final = to_ns(datetime(1962, 1, 2, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Plan:
    """Half-open spans to ask for, and what cannot be had."""

    spans: tuple[tuple[int, int], ...]
    notes: tuple[str, ...] = ()


def plan_requests(request: FetchRequest, now_ns: int) -> Plan:
    """Return what to ask Yahoo for, cut to its window and divided into its requests.

    Parameters
    ----------
    request : FetchRequest
        Interval and either a period back from now or a range.
    now_ns : int
        The present, UTC nanoseconds.

    Returns
    -------
    Plan
        Spans in time order; a note for each part that is out of reach.

    Raises
    ------
    ConfigError
        If the interval or period is unknown, the range is empty or begins in the future, or all of
        it lies before the window.
    """
    interval = request.interval
    if interval not in WINDOW_DAYS:
        hint = nearest(interval, WINDOW_DAYS)
        raise ConfigError(f"yahoo: interval {interval!r} is not offered; {hint}")
    notes = []
    end = now_ns if request.end_ns is None else request.end_ns
    if end > now_ns:
        notes.append("the end was cut at now")
        end = now_ns
    start = request.start_ns
    if start is None:
        start = _period_start(request.period or "1y", end)
    if start >= end:
        raise ConfigError(
            f"yahoo: the range from {from_ns(start):%Y-%m-%d} to {from_ns(end):%Y-%m-%d} is empty"
        )
    window = WINDOW_DAYS[interval]
    if window is not None:
        # A minute inside the edge, so that the time the call takes does not push it out.
        first = now_ns - window * NS_PER_DAY + 60 * 10**9
        if end <= first:
            raise ConfigError(
                f"yahoo: {interval} bars reach back {window} days, to {from_ns(first):%Y-%m-%d}; "
                f"asked was until {from_ns(end):%Y-%m-%d}"
            )
        if start < first:
            if request.period != "max" or request.start_ns is not None:
                notes.append(
                    f"not obtainable: {from_ns(start):%Y-%m-%d} to {from_ns(first):%Y-%m-%d}, "
                    f"{interval} bars reach back {window} days"
                )
            start = first
    return Plan(_divided(start, end, REQUEST_DAYS.get(interval)), tuple(notes))


def _period_start(period: str, end: int) -> int:
    if period not in PERIODS:
        raise ConfigError(f"yahoo: period {period!r} is not known; {nearest(period, PERIODS)}")
    if period == "max":
        return EARLIEST
    if period == "ytd":
        return to_ns(datetime(from_ns(end).year, 1, 1, tzinfo=UTC))
    return max(end - PERIOD_DAYS[period] * NS_PER_DAY, EARLIEST)


def _divided(start: int, end: int, days: int | None) -> tuple[tuple[int, int], ...]:
    if days is None:
        return ((start, end),)
    step = days * NS_PER_DAY
    return tuple((first, min(first + step, end)) for first in range(start, end, step))
