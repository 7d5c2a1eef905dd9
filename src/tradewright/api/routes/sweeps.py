"""Sweeps: many parameters of one strategy, run as jobs and looked at together."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import HTMLResponse

from tradewright.api.deps import Here, refusals
from tradewright.api.pages import Page, PageQuery, cut_page
from tradewright.api.routes.runs import REPORT_CSP
from tradewright.api.schemas import Job
from tradewright.api.sweeps import view
from tradewright.api.sweeps.schemas import SweepBody, SweepChoice, SweepDetail, SweepRow
from tradewright.services.results.stored_sweeps import (
    PAGE,
    folder_of,
    list_sweeps,
    load_sweep,
)

router = APIRouter(tags=["sweeps"])

SweepId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", examples=["0123456789abcdef"])]


@router.get(
    "/sweeps", operation_id="listSweeps", summary="Sweeps, newest first", responses=refusals()
)
def get_sweeps(here: Here, query: Annotated[PageQuery, Query()]) -> Page[SweepRow]:
    """Return the stored sweeps."""
    rows = list_sweeps(here.workspace)
    page, after = cut_page(rows, query, key=lambda row: [row["sweep_id"]], scope="sweeps")
    return Page(items=[view.row_of(row) for row in page], next_cursor=after)


@router.post(
    "/sweeps",
    operation_id="runSweep",
    status_code=202,
    summary="Run a sweep as a job",
    responses=refusals(400, 403, 409, 413),
)
def run_sweep(here: Here, body: SweepBody, response: Response) -> Job:
    """Queue the sweep; its progress is at the job's address and on topic ``jobs``."""
    job = here.jobs.submit("sweep", f"{body.strategy} sweep", view.sweep_work(here.workspace, body))
    response.headers["Location"] = f"/api/v1/jobs/{job.job_id}"
    return Job.of(job)


@router.get(
    "/sweeps/{sweep_id}", operation_id="getSweep", summary="One sweep", responses=refusals(404)
)
def get_sweep(here: Here, sweep_id: SweepId) -> SweepDetail:
    """Return a sweep with its sets, the highest Sharpe ratio first."""
    return view.detail_of(load_sweep(here.workspace, sweep_id))


@router.post(
    "/sweeps/{sweep_id}/run",
    operation_id="runSweepSet",
    status_code=202,
    summary="Backtest one set of a sweep as a job",
    responses=refusals(400, 403, 404, 409, 413),
)
def run_set(here: Here, sweep_id: SweepId, body: SweepChoice, response: Response) -> Job:
    """Queue the run; it counts as one more trial of the family."""
    work = view.set_work(here.workspace, sweep_id, body.parameters)
    chosen = ", ".join(f"{name} {value}" for name, value in body.parameters.items())
    job = here.jobs.submit("backtest", f"set {chosen}", work)
    response.headers["Location"] = f"/api/v1/jobs/{job.job_id}"
    return Job.of(job)


@router.get(
    "/sweeps/{sweep_id}/report",
    operation_id="getSweepReport",
    summary="The page of a sweep as one HTML file",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}}, **refusals(404)},
)
def get_sweep_report(here: Here, sweep_id: SweepId) -> HTMLResponse:
    """Return the stored page, unchanged."""
    load_sweep(here.workspace, sweep_id)
    content = (folder_of(here.workspace, sweep_id) / PAGE).read_bytes()
    return HTMLResponse(content, headers={"Content-Security-Policy": REPORT_CSP})
