"""Decisions and why they were made; what brings an account to a target allocation."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from tradewright.api import paper_view
from tradewright.api.deps import Here, refusals
from tradewright.api.pages import Page, cut_page
from tradewright.api.paper_schemas import PaperStatus, ReasonBody
from tradewright.api.portfolio_schemas import (
    PortfolioBody,
    PortfolioDetail,
    PortfolioName,
    PortfolioQuery,
    PortfolioRow,
    PortfolioRunBody,
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
    "/portfolios", operation_id="listPortfolios", summary="Portfolios", responses=refusals()
)
def list_portfolios(here: Here) -> list[PortfolioRow]:
    """Return every portfolio with its state, oldest first."""
    from tradewright.services.portfolio import list_portfolios as every

    return [PortfolioRow.model_validate(row) for row in every(here.workspace, here.paper)]


@router.post(
    "/portfolios",
    operation_id="createPortfolio",
    summary="Create a portfolio",
    responses=refusals(400, 403, 413),
)
def create_portfolio(here: Here, body: PortfolioBody) -> PortfolioDetail:
    """Keep its terms; nothing trades until it is run."""
    from tradewright.services.portfolio import create_portfolio as create

    given = body.model_dump(exclude={"name", "rebalancing"})
    rules = body.rebalancing.model_dump(exclude_none=True) if body.rebalancing else None
    made = create(here.workspace, name=body.name or "", rebalancing=rules, **given)
    return _detail(here, made.name)


@router.get(
    "/portfolios/{name}",
    operation_id="getPortfolio",
    summary="One portfolio",
    responses=refusals(404),
)
def get_portfolio(
    here: Here, name: PortfolioName, query: Annotated[PortfolioQuery, Query()]
) -> PortfolioDetail:
    """Return its terms, what it holds and how it did, what it told, where its profit came from."""
    return _detail(here, name, query.as_of)


@router.post(
    "/portfolios/{name}/run",
    operation_id="runPortfolio",
    summary="Watch and rebalance a portfolio",
    responses=refusals(400, 403, 404, 409, 413),
)
def run_portfolio(
    here: Here, name: PortfolioName, body: PortfolioRunBody | None = None
) -> PortfolioDetail:
    """Begin on the paper account, or go on where a crash cut it short."""
    from tradewright.services.portfolio import monitor_and_rebalance

    given = body or PortfolioRunBody()
    monitor_and_rebalance(here.workspace, here.paper, name, replay=given.replay, speed=given.speed)
    return _detail(here, name)


@router.post(
    "/portfolios/{name}/stop",
    operation_id="stopPortfolio",
    summary="End a portfolio's session",
    responses=refusals(400, 403, 404, 409, 413),
)
def stop_portfolio(here: Here, name: PortfolioName, body: ReasonBody | None = None) -> PaperStatus:
    """End it in order; what it holds stays on the record."""
    from tradewright.services.portfolio import stop_portfolio as stop

    stop(here.workspace, here.paper, name, reason=body.reason if body else "")
    return paper_view.status_of(here.paper)


def _detail(here: Here, name: str, as_of: str | None = None) -> PortfolioDetail:
    from tradewright.services.portfolio import show_managed

    found = show_managed(here.workspace, here.paper, name, as_of=as_of)
    return PortfolioDetail.model_validate(found)


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
