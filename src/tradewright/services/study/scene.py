"""What a study's decisions depend on beside forecasts and prices."""

from __future__ import annotations

from tradewright.domain.bars import Bars
from tradewright.metrics.sessions import periods_per_year, session_rows
from tradewright.portfolio.sizing import AccountLimits
from tradewright.services.study_page import StudyPage
from tradewright.strategies.signal_desk import DecisionScene


def scene_of(
    page: StudyPage,
    bars: Bars,
    *,
    mode: str = "backtest",
    account: AccountLimits | None = None,
) -> DecisionScene:
    """Return costs, sectors, limits and the length of a year for the decisions of a study.

    Parameters
    ----------
    page : StudyPage
        The study.
    bars : Bars
        What it trades on.
    mode : str
        ``backtest``, ``paper`` or ``live``.
    account : AccountLimits, optional
        What the account allows; the defaults unless given.

    Returns
    -------
    DecisionScene
        The costs are the study's own, whatever a sensitivity charges: decisions stay the same.
    """
    first = bars.instruments[0]
    sessions = len(session_rows(bars.ts, interval=bars.interval, calendar=first.calendar))
    per_session = max(1.0, bars.n_bars / max(sessions, 1))
    year = periods_per_year(
        interval=bars.interval, calendar=first.calendar, asset_class=str(first.asset_class)
    )
    return DecisionScene(
        mode=mode,
        costs=page.charged(),
        sectors={i.symbol: i.sector for i in bars.instruments if i.sector},
        account=account or AccountLimits(),
        position_limit=page.risk.max_position_size,
        periods_per_year=year * per_session,
        bars_per_session=per_session,
    )


def look_back(page: StudyPage) -> int:
    """Return the bars before its first forecast that a study's decisions look back on."""
    from tradewright.strategies.rebalance_gate import COVARIANCE_BARS
    from tradewright.strategies.signal_desk import HISTORY_SESSIONS, REGIME_BARS

    decision = page.decision
    back = decision.volatility_bars + 1 if decision.volatility_scaled else 0
    if decision.rebalancing is not None:
        back = max(back, COVARIANCE_BARS + 1)
    if decision.rule == "signal":
        back = max(back, HISTORY_SESSIONS, REGIME_BARS)
    return back
