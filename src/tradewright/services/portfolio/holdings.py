"""What an account holds: weights, performance and what each instrument contributed."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.domain.errors import ConfigError, DataError, NoDataError
from tradewright.domain.time import NS_PER_DAY, from_ns, parse_date, to_ns

if TYPE_CHECKING:
    from tradewright.services.workspace import Workspace

PAPER = "paper"


def show_portfolio(
    workspace: Workspace,
    *,
    account: str = PAPER,
    as_of: str | None = None,
    session_id: str | None = None,
    lots: str = "fifo",
) -> dict[str, Any]:
    """Return holdings, performance and contributions of an account.

    Parameters
    ----------
    workspace : Workspace
        Holds the journal.
    account : str
        ``paper``: its newest session.
    as_of : str, optional
        ``YYYY-MM-DD``: as the account was at the end of that day, by the tape's time.
    session_id : str, optional
        A session of the account; its newest one unless given.
    lots : str
        Which lots a sale takes: ``fifo``, ``lifo``, ``hifo`` or ``average``.

    Returns
    -------
    dict
        JSON-ready; money is decimal text.

    Raises
    ------
    ConfigError
        If the account or the date is not known.
    NoDataError
        If no session was started, or none until then.
    """
    if account != PAPER:
        raise ConfigError(f"account {account!r} is not known; known: {PAPER}")
    state = account_state(workspace, as_of, session_id=session_id)
    initial = int(state.started["cash_minor"])
    holdings = state.positions()
    return {
        "account": account,
        "session_id": state.session_id,
        "as_of": _moment(state),
        "currency": state.currency,
        "equity": state.money(state.equity_minor),
        "cash": state.money(state.cash_minor),
        "cash_weight": state.cash_minor / state.equity_minor if state.equity_minor else None,
        "holdings": holdings,
        "performance": _performance(state.marks, initial),
        "contributions": _contributions(state, initial),
        **_tax_lots(state, lots),
    }


def account_state(
    workspace: Workspace, as_of: str | None = None, *, session_id: str | None = None
) -> Any:
    """Return the newest session of the paper account as its journal says it was.

    Parameters
    ----------
    workspace : Workspace
        Holds the journal.
    as_of : str, optional
        ``YYYY-MM-DD``: as it was at the end of that day of the tape.
    session_id : str, optional
        Another session than the newest.

    Returns
    -------
    SessionState
        See `services.paper.state`.

    Raises
    ------
    ConfigError
        If the date is not one.
    NoDataError
        If no session was started, or none until then.
    """
    from tradewright.services.paper.session import session_stream
    from tradewright.services.paper.state import SessionState

    last_ns = None
    if as_of is not None:
        try:
            day = parse_date(as_of)
        except DataError as error:
            raise ConfigError(f"--as-of: {error}") from None
        last_ns = to_ns(datetime(day.year, day.month, day.day, tzinfo=UTC)) + NS_PER_DAY - 1
    if session_id is None:
        names = [n for n in workspace.journal.streams() if n.startswith("paper:")]
        if not names:
            raise NoDataError(
                "the paper account has no session; start one: tradewright paper start"
            )
        session_id = names[-1].removeprefix("paper:")
    state = SessionState(session_id)
    for entry in workspace.journal.read(session_stream(session_id)):
        late = last_ns is not None and entry.ts_event > last_ns
        if late and entry.kind in {"fill", "mark"}:
            break
        state.apply(entry)
    if not state.started:
        raise NoDataError(f"session {session_id} of the paper account has not begun")
    if last_ns is not None and (state.tape_ns is None or not state.marks):
        raise NoDataError(f"the paper account has nothing until {as_of}")
    return state


def _tax_lots(state: Any, method: str) -> dict[str, Any]:
    # What is held since when, from the account's own entries, and what was realised on it.
    from tradewright.ledger import LotBook
    from tradewright.portfolio.rebalancing.lots import LONG_TERM_DAYS
    from tradewright.services.paper.state import moment, units

    book, now = LotBook.of(state.ledger.entries, method), state.tape_ns or 0

    def is_long(first: int, last: int) -> bool:
        return (from_ns(last).date() - from_ns(first).date()).days >= LONG_TERM_DAYS

    gains = {True: 0, False: 0}
    for close in book.closes:
        gains[is_long(close.lot.acquired_ns, close.closed_ns)] += close.realised_minor
    return {
        "lot_method": method,
        "lots": [
            {
                "symbol": lot.symbol,
                "quantity": units(lot.qty),
                "cost": state.money(lot.cost_minor),
                "acquired_at": moment(lot.acquired_ns),
                "is_long_term": is_long(lot.acquired_ns, now),
            }
            for symbol in sorted(book.lots)
            for lot in book.lots[symbol]
        ],
        "realised": {
            "short_term": state.money(gains[False]),
            "long_term": state.money(gains[True]),
        },
    }


def _moment(state: Any) -> str | None:
    from tradewright.services.paper.state import moment

    return moment(state.tape_ns)


def _performance(marks: list[tuple[int, int, int]], initial: int) -> dict[str, float | None]:
    from tradewright.metrics.drawdowns import drawdown_series
    from tradewright.metrics.returns import performance, returns_of

    levels = np.array([initial, *(equity for _, equity, _ in marks)], dtype=np.float64)
    if len(levels) < 2:
        return {"total_return": 0.0, "sharpe": None, "max_drawdown": 0.0}
    found = performance(returns_of(levels), periods_per_year=252.0)
    return {
        "total_return": found["total_return"],
        "sharpe": found["sharpe"] if math.isfinite(found["sharpe"]) else None,
        "max_drawdown": float(drawdown_series(levels).min()),
    }


def _contributions(state: Any, initial: int) -> dict[str, float]:
    # Profit of each instrument, realised and not, as a share of the cash at the start.
    scale = float(state.money(initial)) or 1.0
    out = {}
    held = {row["symbol"]: float(row["unrealised"]) for row in state.positions()}
    for symbol, holding in state.ledger.holdings.items():
        realised = float(state.money(holding.realised_minor))
        out[symbol] = (realised + held.get(symbol, 0.0)) / scale
    return dict(sorted(out.items(), key=lambda item: -abs(item[1])))
