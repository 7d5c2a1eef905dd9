"""Decisions and why they were made; what brings an account to a target allocation."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from tradewright.api.deps import Here, refusals
from tradewright.api.pages import Page, cut_page
from tradewright.api.portfolio_schemas import (
    RebalanceBody,
    RebalanceResult,
    SignalPerformanceQuery,
    SignalPerformanceRow,
    SignalQueryModel,
    SignalRow,
)

router = APIRouter(tags=["portfolio"])


@router.post(
    "/trading/portfolio/rebalance",
    operation_id="rebalancePortfolio",
    summary="Rebalance to a target allocation",
    responses=refusals(400, 403, 404, 409, 413),
)
def rebalance_portfolio(here: Here, body: RebalanceBody) -> RebalanceResult:
    """Plan the trades; with ``dry_run: false`` send them unless they cost too much."""
    from tradewright.services.portfolio import rebalance_account

    found = rebalance_account(
        here.workspace,
        body.target_allocation,
        account=body.account,
        threshold=body.threshold,
        orders=None if body.dry_run else here.paper,
    )
    return RebalanceResult.model_validate(found.to_dict())


@router.get(
    "/trading/signals/history",
    operation_id="listSignals",
    summary="Decisions with their reasons",
    responses=refusals(404),
)
def list_signals(here: Here, query: Annotated[SignalQueryModel, Query()]) -> Page[SignalRow]:
    """Return the decisions of a study's run, newest first."""
    from tradewright.services.decisions import find_signals

    wanted = query.model_dump(exclude={"run", "limit", "cursor"})
    found = find_signals(query.run, here.workspace, **wanted)
    page, after = cut_page(found, query, key=lambda s: [s.id], scope=f"signals:{query.run}")
    rows = [SignalRow.model_validate(signal.to_dict()) for signal in page]
    return Page(items=rows, next_cursor=after)


@router.get(
    "/trading/signals/performance",
    operation_id="getSignalPerformance",
    summary="What became of signals",
    responses=refusals(404),
)
def get_signal_performance(
    here: Here, query: Annotated[SignalPerformanceQuery, Query()]
) -> list[SignalPerformanceRow]:
    """Return hit rate and mean return after 1, 5 and 20 sessions, as far as they are known."""
    from tradewright.services.decisions import signal_performance

    rows = signal_performance(query.run, here.workspace, by=query.by, days=query.days)
    return [SignalPerformanceRow.model_validate(row) for row in rows]
