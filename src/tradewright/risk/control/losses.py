"""Profit and loss of a scope against its sessions, its weeks and its high-water mark."""

from __future__ import annotations

from typing import Any, Final

from tradewright.domain.orders import Fill
from tradewright.domain.time import NS_PER_DAY

_MONDAY: Final = 3  # 1970-01-01 was a Thursday


class Losses:
    """Equity of a scope over time, in minor units.

    Notes
    -----
    Sessions and weeks are those of the UTC calendar; the loss of a day is measured against the
    last equity of the day before, that of a week against the last equity of the week before, and
    the first of each against the first equity seen.
    """

    __slots__ = ("_day", "_last", "_week", "day_start", "equity", "high_water", "week_start")

    def __init__(self) -> None:
        self._day = self._week = -1
        self._last = 0
        self.equity = self.day_start = self.week_start = self.high_water = 0

    def mark(self, ts: int, equity: int) -> bool:
        """Take the equity at a time; return whether a new day began.

        Parameters
        ----------
        ts : int
            UTC nanoseconds.
        equity : int
            Minor units.
        """
        day = ts // NS_PER_DAY
        is_new = day != self._day
        if is_new:
            week = (day + _MONDAY) // 7
            before = self._last if self._day >= 0 else equity
            self.day_start = before
            if week != self._week:
                self.week_start = before
            self._day, self._week = day, week
        self._last = self.equity = equity
        self.high_water = max(self.high_water, equity)
        return is_new

    @property
    def daily(self) -> float:
        """Loss of the day as a positive fraction; negative is a profit."""
        return _fall(self.day_start, self.equity)

    @property
    def weekly(self) -> float:
        """Loss of the week as a positive fraction."""
        return _fall(self.week_start, self.equity)

    @property
    def drawdown(self) -> float:
        """Fall from the high-water mark as a positive fraction, 0 at the mark."""
        return _fall(self.high_water, self.equity)

    def restart(self, *, reset_high_water: bool) -> None:
        """Begin the day's and the week's count anew; the high-water mark only where it is asked."""
        self.day_start = self.week_start = self.equity
        if reset_high_water:
            self.high_water = self.equity

    def to_json(self) -> dict[str, Any]:
        """Return the state for the record."""
        return {
            "equity_minor": self.equity,
            "high_water_minor": self.high_water,
            "day_start_minor": self.day_start,
            "week_start_minor": self.week_start,
            "day": self._day,
        }


class Trips:
    """Round trips of a strategy by cash: from flat to flat, costs included."""

    __slots__ = ("_cash", "_held", "losing")

    def __init__(self) -> None:
        self._held: dict[str, int] = {}
        self._cash: dict[str, float] = {}
        self.losing = 0

    def fill(self, fill: Fill) -> int:
        """Take a fill; return how many round trips in a row have lost.

        A fill that goes through zero closes one trip and opens the next; its cash is shared by
        quantity.
        """
        held = self._held.get(fill.symbol, 0)
        change = int(fill.side) * fill.qty
        after = held + change
        cash = float(fill.cash_minor)
        turns = held * after < 0
        closing = cash * abs(held) / fill.qty if turns else cash
        total = self._cash.get(fill.symbol, 0.0) + closing
        if held and (after == 0 or turns):
            self.losing = self.losing + 1 if total < 0 else 0
            total = cash - closing if turns else 0.0
        self._held[fill.symbol], self._cash[fill.symbol] = after, total
        return self.losing


def _fall(start: int, now: int) -> float:
    return (start - now) / start if start > 0 else 0.0
