"""Health, and the long work in progress."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from tradewright.api.deps import Context, Here, refusals
from tradewright.api.gate import API_VERSION
from tradewright.api.pages import Page, PageQuery, cut_page
from tradewright.api.schemas import ComponentHealth, Health, Job, StudyInfo, StudyRunBody, moment
from tradewright.domain.errors import TradewrightError
from tradewright.version import __version__

router = APIRouter()

JobId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["job-1"])]
StudyName = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["demo"])]


class JobQuery(PageQuery):
    """Which jobs."""

    kind: str | None = None


@router.get(
    "/health",
    tags=["system"],
    operation_id="getHealth",
    summary="Whether every part works",
    responses=refusals(),
)
def get_health(here: Here) -> Health:
    """Read each store once; a part that fails is named, and the status is degraded."""
    parts = {
        "bars": _probe(lambda: len(here.workspace.bars.list_series()), "series stored"),
        "runs": _probe(lambda: len(here.workspace.runs.list_runs(limit=500)), "runs stored"),
        "ui": ComponentHealth(
            status="ok" if (here.settings.ui_dir / "index.html").is_file() else "empty",
            detail="built" if (here.settings.ui_dir / "index.html").is_file() else "not built",
        ),
    }
    failed = any(part.status == "failed" for part in parts.values())
    return Health(
        status="degraded" if failed else "ok",
        version=__version__,
        api_version=API_VERSION,
        environment=here.settings.environment,
        mode=_mode(here),
        sign_in=False,
        now=moment(here.workspace.clock.now_ns()),
        components=parts,
    )


@router.get(
    "/studies",
    tags=["studies"],
    operation_id="listStudies",
    summary="Studies that can be run by name",
    responses=refusals(),
)
def list_studies(here: Here) -> list[StudyInfo]:
    """Return the shipped studies and those of the working folder."""
    return [StudyInfo.model_validate(dict(item)) for item in here.studies.list_studies()]


@router.post(
    "/studies/{name}/run",
    tags=["studies"],
    operation_id="runStudy",
    status_code=202,
    summary="Run a study as a job",
    responses=refusals(400, 403, 404, 409, 413),
)
def run_study(
    here: Here, name: StudyName, response: Response, body: StudyRunBody | None = None
) -> Job:
    """Queue the study; its progress is at the job's address and on topic ``jobs``."""
    known = [item["name"] for item in here.studies.list_studies()]
    if name not in known:
        from tradewright.domain.errors import NoDataError, nearest

        raise NoDataError(f"study {name!r} does not exist; {nearest(name, known)}")
    seed = body.seed if body else None

    def work(report: object) -> str:
        return f"/runs/{here.studies.run(name, seed=seed, report=report)}"  # type: ignore[arg-type]

    job = here.jobs.submit("study", name, work)
    response.headers["Location"] = f"/api/v1/jobs/{job.job_id}"
    return Job.of(job)


@router.get(
    "/jobs",
    tags=["jobs"],
    operation_id="listJobs",
    summary="Jobs, newest first",
    responses=refusals(),
)
def list_jobs(here: Here, query: Annotated[JobQuery, Query()]) -> Page[Job]:
    """Return the jobs, those of earlier servers on this data directory too."""
    rows = here.jobs.list_jobs(kind=query.kind)
    page, after = cut_page(rows, query, key=lambda job: [job.job_id], scope=f"jobs:{query.kind}")
    return Page(items=[Job.of(job) for job in page], next_cursor=after)


@router.get(
    "/jobs/{job_id}",
    tags=["jobs"],
    operation_id="getJob",
    summary="One job",
    responses=refusals(404),
)
def get_job(here: Here, job_id: JobId) -> Job:
    """Return where a job stands."""
    return Job.of(here.jobs.get(job_id))


@router.post(
    "/jobs/{job_id}/cancel",
    tags=["jobs"],
    operation_id="cancelJob",
    summary="Stop a job",
    responses=refusals(403, 404, 409),
)
def cancel_job(here: Here, job_id: JobId) -> Job:
    """Stop a waiting job at once, a running one at its next step."""
    return Job.of(here.jobs.cancel(job_id))


def _probe(count: object, noun: str) -> ComponentHealth:
    assert callable(count)
    try:
        number = count()
    except (TradewrightError, OSError) as error:
        return ComponentHealth(status="failed", detail=type(error).__name__)
    return ComponentHealth(status="ok" if number else "empty", detail=f"{number} {noun}")


def _mode(here: Context) -> Literal["SIMULATION", "PAPER"]:
    from tradewright.api.paper_view import is_active

    return "PAPER" if is_active(here.paper) else "SIMULATION"
