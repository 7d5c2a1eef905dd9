"""Portfolios on paper: created, watched and rebalanced, shown, stopped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from tradewright.domain.errors import ConfigError, NoDataError, RefusedError, nearest
from tradewright.domain.time import from_ns
from tradewright.services.portfolio.definitions import (
    PREFIX,
    Portfolio,
    Portfolios,
    checked_symbols,
)

if TYPE_CHECKING:
    from tradewright.services.paper import PaperTrading
    from tradewright.services.workspace import Workspace

CREATED: Final = "CREATED"
_RULES: Final = (
    "threshold_method",
    "rebalance_threshold",
    "min_rebalance_interval",
    "max_rebalance_interval",
    "transaction_cost_threshold",
    "consider_tax_implications",
    "volatility_threshold",
    "calendar_period",
    "benefit_multiple",
    "partial",
    "harvest_losses",
)


def create_portfolio(
    workspace: Workspace,
    symbols: Sequence[str],
    initial_balance: float = 100_000.0,
    optimization_method: str = "risk_parity",
    *,
    name: str = "",
    rebalancing: Mapping[str, Any] | None = None,
    max_weight: float | None = None,
    **more: Any,
) -> Portfolio:
    """Create a portfolio; it trades once it is monitored.

    Parameters
    ----------
    workspace : Workspace
        Journal, bars, clock and the account's limits.
    symbols : sequence of str
        Instruments it may hold, 1 to 100; each must have bars.
    initial_balance : float
        Cash at the start; > 0.
    optimization_method : str
        One of the twelve of `portfolio.optimisation`.
    name : str
        ``portfolio-1`` and so on where none is given.
    rebalancing : mapping, optional
        Fields of `RebalancingConfig` that differ from the settings in force.
    max_weight : float, optional
        Largest weight of one instrument; the account's limit of a holding unless given, and never
        above it. What the instruments cannot take stays cash.
    **more
        ``window``, ``estimate_bars``, ``lot_method``; see `strategies.PortfolioTerms`.

    Returns
    -------
    Portfolio
        As it is kept.

    Raises
    ------
    ConfigError
        If a value is out of its range, the name is taken or a symbol unknown.
    """
    from tradewright.services.paper.sources import bars_of

    names = checked_symbols(symbols)
    if isinstance(initial_balance, bool) or not 0 < float(initial_balance) < math.inf:
        raise ConfigError(f"portfolio initial_balance is {initial_balance}, wanted above 0")
    strange = [key for key in more if key not in ("window", "estimate_bars", "lot_method")]
    if strange:
        known = ["window", "estimate_bars", "lot_method"]
        raise ConfigError(f"portfolio {strange[0]!r} is not known; {nearest(strange[0], known)}")
    for key in rebalancing or {}:
        if key not in _RULES:
            raise ConfigError(f"rebalancing.{key} is not known; {nearest(key, _RULES)}")
    limit = workspace.account.position_limit("paper")
    wanted = limit if max_weight is None else float(max_weight)
    if wanted > limit:
        raise ConfigError(
            f"portfolio max_weight is {wanted:g}, above the account's limit of a holding {limit:g} "
            "(signals.max_position_size)"
        )
    try:
        bars_of(workspace, names)
    except NoDataError as error:
        raise ConfigError(f"portfolio symbols: {error}") from error
    rules = replace(workspace.rebalancing, **dict(rebalancing or {}))
    store = Portfolios(workspace)
    return store.create(
        Portfolio(
            name=name or store.free_name(),
            symbols=names,
            initial_balance=float(initial_balance),
            optimization_method=_method(optimization_method),
            max_weight=wanted,
            rebalancing={key: getattr(rules, key) for key in _RULES},
            created_ns=workspace.clock.now_ns(),
            **more,
        )
    )


def monitor_and_rebalance(
    workspace: Workspace,
    paper: PaperTrading,
    name: str = "latest",
    *,
    replay: str | None = None,
    speed: float | None = None,
) -> str:
    """Watch a portfolio on the paper account and rebalance it by its rules.

    It is looked at on every bar, after its own fills, and when a risk limit is breached. The
    session runs in a thread of this process. One that a crash cut short goes on where it was.

    Parameters
    ----------
    workspace : Workspace
        Journal and bars.
    paper : PaperTrading
        The paper account; one session runs at a time.
    name : str
        The portfolio, or ``latest``.
    replay : str, optional
        ``FROM:TO`` dates; the whole tape by default.
    speed : float or None
        Bars a second; None is without waiting.

    Returns
    -------
    str
        Id of the session.

    Raises
    ------
    NoDataError
        If there is no such portfolio.
    RefusedError
        If it has traded and ended, or another session runs.
    """
    portfolio = Portfolios(workspace).get(name)
    session_id = session_of(workspace, portfolio.name)
    if session_id is None:
        return paper.start(
            PREFIX + portfolio.name, cash=portfolio.initial_balance, speed=speed, replay=replay
        )
    line = paper.status()
    if line["session_id"] == session_id and line["is_interrupted"]:
        paper.resume("the portfolio is watched again")
        return session_id
    if line["session_id"] == session_id and line["state"] in ("STARTING", "RUNNING", "PAUSED"):
        raise RefusedError(f"portfolio {portfolio.name} is watched already, session {session_id}")
    raise RefusedError(
        f"portfolio {portfolio.name} has ended with session {session_id}; create another one"
    )


def list_portfolios(workspace: Workspace, paper: PaperTrading) -> list[dict[str, Any]]:
    """Return every portfolio with its state, oldest first."""
    return [_row(workspace, paper, portfolio) for portfolio in Portfolios(workspace).every()]


def show_managed(
    workspace: Workspace, paper: PaperTrading, name: str = "latest", *, as_of: str | None = None
) -> dict[str, Any]:
    """Return terms, holdings, performance, attribution and what was told of a portfolio.

    Parameters
    ----------
    workspace, paper
        As in `monitor_and_rebalance`.
    name : str
        The portfolio, or ``latest``.
    as_of : str, optional
        ``YYYY-MM-DD``: as it was at the end of that day of the tape.

    Returns
    -------
    dict
        JSON-ready. ``account`` is None until it trades; ``attribution`` (by instrument, sector and
        factor, each summing to the total) is None until its session has ended.

    Raises
    ------
    NoDataError
        If there is no such portfolio.
    """
    from tradewright.services.portfolio.holdings import account_state, show_portfolio

    portfolio = Portfolios(workspace).get(name)
    session_id = session_of(workspace, portfolio.name)
    document = {**_row(workspace, paper, portfolio), **_terms(portfolio)}
    if session_id is None:
        return {**document, "account": None, "alerts": [], "attribution": None}
    state = account_state(workspace, as_of, session_id=session_id)
    return {
        **document,
        "account": show_portfolio(
            workspace, as_of=as_of, session_id=session_id, lots=portfolio.lot_method
        ),
        "alerts": [_alert(row) for row in state.alerts],
        "attribution": _attribution(workspace, session_id) if state.ended and not as_of else None,
    }


def stop_portfolio(
    workspace: Workspace, paper: PaperTrading, name: str = "latest", *, reason: str = ""
) -> dict[str, Any]:
    """End the session of a portfolio; what it holds stays on the record.

    Raises
    ------
    NoDataError
        If there is no such portfolio.
    RefusedError
        If it is not watched now.
    """
    portfolio = Portfolios(workspace).get(name)
    session_id = session_of(workspace, portfolio.name)
    line = paper.status()
    is_over = line["state"] in ("STOPPED", "FINISHED", "FAILED")
    if session_id is None or line["session_id"] != session_id or is_over:
        raise RefusedError(f"portfolio {portfolio.name} is not watched now")
    return paper.stop(reason)


def session_of(workspace: Workspace, name: str) -> str | None:
    """Return the session in which a portfolio trades; None where it never did."""
    for stream in workspace.journal.streams():
        if stream.startswith("paper:"):
            first = next(iter(workspace.journal.read(stream)), None)
            if first is not None and first.payload.get("source") == PREFIX + name:
                return stream.removeprefix("paper:")
    return None


def _row(workspace: Workspace, paper: PaperTrading, portfolio: Portfolio) -> dict[str, Any]:
    from tradewright.services.portfolio.holdings import account_state

    session_id = session_of(workspace, portfolio.name)
    row: dict[str, Any] = {
        "name": portfolio.name,
        "state": CREATED,
        "method": portfolio.optimization_method,
        "symbols": list(portfolio.symbols),
        "initial_balance": portfolio.initial_balance,
        "session_id": session_id,
        "equity": None,
        "rebalances": 0,
        "created_at": from_ns(portfolio.created_ns).isoformat().replace("+00:00", "Z"),
    }
    if session_id is None:
        return row
    state = account_state(workspace, session_id=session_id)
    line = paper.status()
    is_newest = line["session_id"] == session_id
    return {
        **row,
        "state": "INTERRUPTED" if is_newest and line["is_interrupted"] else state.state,
        "equity": state.money(state.equity_minor),
        "rebalances": sum(1 for alert in state.alerts if alert["kind"] == "completion"),
    }


def _terms(portfolio: Portfolio) -> dict[str, Any]:
    return {
        "window": portfolio.window,
        "estimate_bars": portfolio.estimate_bars,
        "max_weight": portfolio.max_weight,
        "lot_method": portfolio.lot_method,
        "rebalancing": dict(portfolio.rebalancing),
    }


def _alert(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("kind", "at", "reason", "plan_id", "status", "reasons", "turnover", "costs", "tax")
    return {name: row[name] for name in kept if name in row}


def _attribution(workspace: Workspace, session_id: str) -> dict[str, Any] | None:
    from tradewright.services.results.documents import plain
    from tradewright.services.runs import Run

    try:
        found = Run.load(session_id, workspace).attribution
    except NoDataError:
        return None  # it ended before its first bar, so that no run was stored
    return None if found is None else plain(found.as_document())


def _method(text: str) -> str:
    from tradewright.portfolio.optimisation import parse_method

    return parse_method(text).value
