"""Finished runs: what they did and whether to believe them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from tradewright.api import run_view
from tradewright.api.analysis.schemas import RunAnalysis
from tradewright.api.analysis.view import analysis_of
from tradewright.api.deps import Here, refusals
from tradewright.api.pages import Page, PageQuery, cut_page
from tradewright.api.run_schemas import EquitySeries, FillRow, RunBars, RunDetail, RunRow, TradeRow
from tradewright.domain.errors import NoDataError
from tradewright.domain.instruments import normalise_symbol

router = APIRouter(tags=["runs"])

RunId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", examples=["latest"])]
REPORT_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "font-src data:; base-uri 'none'; frame-ancestors 'none'; sandbox allow-scripts allow-popups"
)
"""The report is one file with its styles inside: it may show itself and reach nothing."""


class RunQuery(PageQuery):
    """Which runs."""

    kind: Literal["study", "backtest", "sweep", "paper"] | None = None


class TradeQuery(PageQuery):
    """Which trades, in which order."""

    symbol: Annotated[str | None, Field(max_length=32)] = None
    sort: Annotated[
        str | None,
        Field(
            pattern=r"^-?(number|symbol|entry_at|exit_at|profit|return|bars_held)$",
            description="Column; a leading minus is descending",
        ),
    ] = None


class ChartQuery(BaseModel):
    """Which candles of a run."""

    model_config = ConfigDict(extra="forbid")

    symbol: Annotated[str, Field(min_length=1, max_length=32)]
    trade: Annotated[int | None, Field(ge=0, lt=2**31, description="Trade to show")] = None
    margin: Annotated[int, Field(ge=0, le=2_000, description="Bars before and after")] = 60


@router.get("/runs", operation_id="listRuns", summary="Runs, newest first", responses=refusals())
def list_runs(here: Here, query: Annotated[RunQuery, Query()]) -> Page[RunRow]:
    """Return the stored runs, failed and cancelled ones included."""
    rows = here.workspace.runs.list_runs(kind=query.kind, limit=10_000)
    page, after = cut_page(rows, query, key=lambda row: [row.run_id], scope=f"runs:{query.kind}")
    return Page(items=[run_view.row_of(row) for row in page], next_cursor=after)


@router.get(
    "/runs/{run_id}", operation_id="getRun", summary="One run", responses=refusals(404, 409)
)
def get_run(here: Here, run_id: RunId) -> RunDetail:
    """Return the verdict, figures, validation, costs and manifest of a run."""
    return run_view.detail_of(here.workspace, run_id)


@router.get(
    "/runs/{run_id}/analysis",
    operation_id="getRunAnalysis",
    summary="Costs by origin, stress, attribution, luck and guards of a run",
    responses=refusals(404, 409),
)
def get_run_analysis(here: Here, run_id: RunId) -> RunAnalysis:
    """Return where the result came from, what it bears and what it rests on."""
    return analysis_of(here.workspace, run_id)


@router.get(
    "/runs/{run_id}/equity",
    operation_id="getRunEquity",
    summary="Equity of a run",
    responses=refusals(404, 409),
)
def get_run_equity(here: Here, run_id: RunId) -> EquitySeries:
    """Return equity, drawdown and exposure beside the benchmark."""
    return run_view.equity_of(here.workspace, run_id)


@router.get(
    "/runs/{run_id}/trades",
    operation_id="listRunTrades",
    summary="Round trips of a run",
    responses=refusals(404, 409),
)
def list_run_trades(
    here: Here, run_id: RunId, query: Annotated[TradeQuery, Query()]
) -> Page[TradeRow]:
    """Return the round trips in the order of their entry, unless sorted otherwise."""
    rows = run_view.trades_of(here.workspace, run_id)
    if query.symbol:
        symbol = normalise_symbol(query.symbol)
        rows = [row for row in rows if row.symbol == symbol]
    if query.sort:
        rows = run_view.sort_trades(rows, query.sort)
    scope = f"trades:{run_id}:{query.symbol}:{query.sort}"
    page, after = cut_page(rows, query, key=lambda row: [row.number], scope=scope)
    return Page(items=list(page), next_cursor=after)


@router.get(
    "/runs/{run_id}/fills",
    operation_id="listRunFills",
    summary="Executions of a run",
    responses=refusals(404, 409),
)
def list_run_fills(
    here: Here, run_id: RunId, query: Annotated[PageQuery, Query()]
) -> Page[FillRow]:
    """Return the executions in the order they happened."""
    rows = run_view.fills_of(here.workspace, run_id)
    page, after = cut_page(rows, query, key=lambda row: [row.number], scope=f"fills:{run_id}")
    return Page(items=list(page), next_cursor=after)


@router.get(
    "/runs/{run_id}/bars",
    operation_id="getRunBars",
    summary="Candles with the trades of a run on them",
    responses=refusals(404, 409),
)
def get_run_bars(here: Here, run_id: RunId, query: Annotated[ChartQuery, Query()]) -> RunBars:
    """Return the candles around a trade, or all of a symbol, with entries and exits."""
    symbol = normalise_symbol(query.symbol)
    return run_view.bars_of(here.workspace, run_id, symbol, trade=query.trade, margin=query.margin)


@router.get(
    "/runs/{run_id}/report",
    operation_id="getRunReport",
    summary="The report as one HTML file",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}}, **refusals(404, 409)},
)
def get_run_report(here: Here, run_id: RunId) -> HTMLResponse:
    """Return the stored report, unchanged."""
    try:
        content = here.workspace.runs.load(run_id, "report.html")
    except NoDataError:
        content = run_view.report_of(here.workspace, run_id)
    return HTMLResponse(content, headers={"Content-Security-Policy": REPORT_CSP})
