"""The sessions of one set of a sweep, and its figures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.outcome import Outcome
from tradewright.metrics.returns import RISK_FREE

FloatArray = NDArray[np.float64]


def sessions_per_year(bars: Bars) -> float:
    """Return the sessions a year of bars."""
    from tradewright.metrics.sessions import periods_per_year

    leading = bars.instruments[0]
    return periods_per_year(
        interval=bars.interval, calendar=leading.calendar, asset_class=leading.asset_class
    )


def session_closes(bars: Bars, count: int | None = None) -> NDArray[np.int64]:
    """Return the start and the last bar of each session of the first `count` bars."""
    from tradewright.metrics.sessions import session_rows

    leading = bars.instruments[0]
    ts = bars.ts if count is None else bars.ts[:count]
    rows = session_rows(ts, interval=bars.interval, calendar=leading.calendar)
    return rows if rows[0] == 0 else np.concatenate((np.zeros(1, dtype=np.int64), rows))


def session_levels(outcome: Outcome, bars: Bars) -> FloatArray:
    """Return equity at `session_closes` up to where the run ended, minor units."""
    return outcome.equity[session_closes(bars, len(outcome.ts))].astype(np.float64)


def set_figures(outcome: Outcome, returns: FloatArray, bars: Bars) -> tuple[float, ...]:
    """Return total return, Sharpe ratio, drawdown, closed round trips and final equity."""
    from tradewright.ledger import round_trips
    from tradewright.metrics.drawdowns import path_risk
    from tradewright.metrics.returns import sharpe, total_return

    trips = round_trips(outcome)
    return (
        total_return(returns),
        sharpe(returns, periods_per_year=sessions_per_year(bars), risk_free=RISK_FREE),
        path_risk(outcome.equity, outcome.long_value, outcome.short_value).worst.depth,
        int((~trips["is_open"]).sum()),
        int(outcome.equity[-1]),
    )
