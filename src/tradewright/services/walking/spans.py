"""Sessions of a panel: where they end, and how many make a year."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.metrics import sessions
from tradewright.training.splits import WalkForward, Window


def windows_in_rows(scheme: WalkForward, bars: Bars) -> tuple[Window, ...]:
    """Return the windows of a scheme in rows; a session of intraday bars is many of them.

    Parameters
    ----------
    scheme : WalkForward
        In sessions.
    bars : Bars
        The tape.

    Raises
    ------
    ConfigError
        If no window fits.
    """
    edges = np.concatenate(([0], session_ends(bars) + 1))
    return tuple(
        Window(
            index=window.index,
            train_first=int(edges[window.train_first]),
            train_last=int(edges[window.train_last]),
            test_first=int(edges[window.test_first]),
            test_last=int(edges[window.test_last]),
        )
        for window in scheme.windows(len(edges) - 1)
    )


def rows_before(bars: Bars, row: int, count: int) -> int:
    """Return the row `count` sessions before a row at which a session begins."""
    edges = np.concatenate(([0], session_ends(bars) + 1))
    return int(edges[max(0, int(np.searchsorted(edges, row)) - count)])


def periods(bars: Bars) -> float:
    """Return the sessions of a year."""
    leading = bars.instruments[0]
    return sessions.periods_per_year(
        interval=bars.interval, calendar=leading.calendar, asset_class=leading.asset_class
    )


def annual(total_return: Any, bars: Bars) -> float:
    """Return a return over all of some bars as one a year; -1 where everything was lost."""
    count = max(1, len(session_ends(bars)))
    growth = max(0.0, 1.0 + float(total_return))
    return float(growth ** (periods(bars) / count) - 1.0)


def session_ends(bars: Bars) -> NDArray[np.int64]:
    """Return the last row of each session."""
    calendar = bars.instruments[0].calendar
    return sessions.session_rows(bars.ts, interval=bars.interval, calendar=calendar)
