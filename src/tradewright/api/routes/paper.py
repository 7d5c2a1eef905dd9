"""The paper account: what it holds, and the levers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from tradewright.api import paper_view
from tradewright.api.deps import Here, refusals
from tradewright.api.pages import Page, PageQuery, cut_page
from tradewright.api.paper_schemas import (
    FlattenResult,
    PaperEquity,
    PaperFill,
    PaperOrder,
    PaperPosition,
    PaperSourceRow,
    PaperStartBody,
    PaperStatus,
    ReasonBody,
)

router = APIRouter(tags=["paper"])


@router.get("/paper", operation_id="getPaper", summary="What paper does", responses=refusals())
def get_paper(here: Here) -> PaperStatus:
    """Return the state of the paper account; IDLE when nothing was started."""
    return paper_view.status_of(here.paper)


@router.get(
    "/paper/sources",
    operation_id="listPaperSources",
    summary="What can be traded on paper",
    responses=refusals(),
)
def list_paper_sources(here: Here) -> list[PaperSourceRow]:
    """Return the finished runs of studies and the reference strategies."""
    return paper_view.sources_of(here.workspace)


@router.get(
    "/paper/positions",
    operation_id="listPaperPositions",
    summary="What paper holds",
    responses=refusals(),
)
def list_paper_positions(here: Here) -> list[PaperPosition]:
    """Return the open positions, largest first."""
    return paper_view.positions_of(here.paper)


@router.get(
    "/paper/orders",
    operation_id="listPaperOrders",
    summary="Orders of the paper account",
    responses=refusals(),
)
def list_paper_orders(here: Here, query: Annotated[PageQuery, Query()]) -> Page[PaperOrder]:
    """Return the orders, newest first."""
    rows = paper_view.orders_of(here.paper)
    page, after = cut_page(rows, query, key=lambda row: [row.order_id], scope="paper:orders")
    return Page(items=list(page), next_cursor=after)


@router.get(
    "/paper/fills",
    operation_id="listPaperFills",
    summary="Executions of the paper account",
    responses=refusals(),
)
def list_paper_fills(here: Here, query: Annotated[PageQuery, Query()]) -> Page[PaperFill]:
    """Return the executions, newest first."""
    rows = paper_view.fills_of(here.paper)
    page, after = cut_page(rows, query, key=lambda row: [row.execution_id], scope="paper:fills")
    return Page(items=list(page), next_cursor=after)


@router.get(
    "/paper/equity",
    operation_id="getPaperEquity",
    summary="Equity of the paper account",
    responses=refusals(),
)
def get_paper_equity(here: Here) -> PaperEquity:
    """Return the equity at each bar played."""
    return paper_view.equity_of(here.paper)


_ACT = refusals(400, 403, 404, 409, 413)


@router.post(
    "/paper/start",
    operation_id="startPaper",
    summary="Trade a run or study on paper",
    responses=_ACT,
)
def start_paper(here: Here, body: PaperStartBody) -> PaperStatus:
    """Begin a session; refused while another one runs."""
    return paper_view.start(here.paper, body)


@router.post("/paper/pause", operation_id="pausePaper", summary="Pause entries", responses=_ACT)
def pause_paper(here: Here, body: ReasonBody | None = None) -> PaperStatus:
    """Stop sending orders; what is held stays."""
    here.paper.pause(_reason(body))
    return paper_view.status_of(here.paper)


@router.post("/paper/resume", operation_id="resumePaper", summary="Go on", responses=_ACT)
def resume_paper(here: Here, body: ReasonBody | None = None) -> PaperStatus:
    """Trade again after a pause."""
    here.paper.resume(_reason(body))
    return paper_view.status_of(here.paper)


@router.post(
    "/paper/flatten", operation_id="flattenPaper", summary="Close everything", responses=_ACT
)
def flatten_paper(here: Here, body: ReasonBody | None = None) -> FlattenResult:
    """Cancel the orders and close the positions at the next open."""
    return paper_view.flatten(here.paper, _reason(body))


@router.post("/paper/stop", operation_id="stopPaper", summary="End the session", responses=_ACT)
def stop_paper(here: Here, body: ReasonBody | None = None) -> PaperStatus:
    """End the session; its record stays."""
    here.paper.stop(_reason(body))
    return paper_view.status_of(here.paper)


def _reason(body: ReasonBody | None) -> str:
    return body.reason if body else ""
