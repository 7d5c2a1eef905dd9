"""The application: gate, routes, live stream and the built page."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import Scope

from tradewright.api import paper_view
from tradewright.api.deps import ApiSettings, Context, Studies
from tradewright.api.errors import add_error_handlers
from tradewright.api.gate import Gate
from tradewright.api.live import LiveHub
from tradewright.api.reference import add_reference
from tradewright.api.routes import (
    market,
    optimise,
    paper,
    portfolio,
    risk,
    runs,
    sweeps,
    system,
)
from tradewright.api.topics import risk as risk_topics
from tradewright.services.jobs import JobHistory, JobRunner
from tradewright.services.workspace import Workspace
from tradewright.version import __version__

DESCRIPTION = (
    "Runs, market data and the paper account of one tradewright installation. "
    "Errors have one body; money is a decimal string; fractions are fractions (0.01 is 1 %); "
    "times are RFC 3339 in UTC. Live changes come over the WebSocket `/api/v1/ws/live`."
)
NOT_BUILT = (
    "tradewright is running, but its web page is not built.\n"
    "Build it with: make ui\n"
    "The interface is described at /openapi.json.\n"
)
ASSET_AGE_S = 31_536_000


def create_app(
    workspace: Workspace,
    *,
    paper: Any = None,
    jobs: JobRunner | None = None,
    studies: Studies | None = None,
    settings: ApiSettings | None = None,
) -> FastAPI:
    """Put the application together.

    Parameters
    ----------
    workspace : Workspace
        Stores, bus and clock.
    paper : PaperTrading, optional
        The paper account; one on `workspace` if not given.
    jobs : JobRunner, optional
        Runner of long work; one on the workspace's bus if not given.
    studies : Studies, optional
        Studies by name; those of `services.studies` if not given.
    settings : ApiSettings, optional
        Bounds and folders.

    Returns
    -------
    FastAPI
        An ASGI application; there is no sign-in, so it must be bound to loopback only.
    """
    options = settings or ApiSettings()
    if paper is None:
        from tradewright.services.paper import PaperTrading

        paper = PaperTrading(workspace)
    if studies is None:
        from tradewright.api.study_runs import StoredStudies

        studies = StoredStudies(workspace)
    context = Context(
        workspace=workspace,
        paper=paper,
        jobs=jobs or _job_runner(workspace),
        studies=studies,
        settings=options,
    )
    app = build_routes(_open_hub(context), context)
    app.add_middleware(
        Gate, allowed_hosts=options.allowed_hosts, max_body_bytes=options.max_body_bytes
    )
    return app


def _job_runner(workspace: Workspace) -> JobRunner:
    folder = workspace.data_dir / "jobs"
    history = JobHistory(workspace.journal, folder, workspace.clock)
    return JobRunner(workspace.bus, workspace.clock, history)


def _translated(topic: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    if topic.startswith("risk"):
        return risk_topics.message_of(topic, payload)
    return paper_view.message_of(topic, payload)


def _open_hub(context: Context) -> LiveHub:
    settings, workspace = context.settings, context.workspace
    return LiveHub(
        workspace.bus,
        workspace.clock,
        {
            **paper_view.snapshots(context.paper),
            **risk_topics.snapshots(workspace, context.paper),
            "jobs": lambda: [job.as_payload() for job in context.jobs.list_jobs()],
        },
        translate=_translated,
        max_connections=settings.max_connections,
        queue_size=settings.queue_size,
        heartbeat_s=settings.heartbeat_s,
    )


def build_routes(hub: LiveHub | None = None, context: Context | None = None) -> FastAPI:
    """Return the application with its routes; without `context` only its schema is of use."""

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        if hub is not None:
            hub.start()
        warm = threading.Thread(target=_warm_up, name="warm-up", daemon=True)
        warm.start()
        yield
        if hub is not None:
            await hub.stop()
        if context is not None:
            context.jobs.close()
            paper_view.end(context.paper)

    app = FastAPI(
        title="tradewright",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=life,
        license_info={"name": "MIT", "identifier": "MIT"},
    )
    app.state.context = context
    add_error_handlers(app)
    api = APIRouter(prefix="/api/v1")
    for part in (system, runs, sweeps, market, paper, portfolio, optimise, risk):
        api.include_router(part.router)
    app.include_router(api)

    @app.websocket("/api/v1/ws/live")
    async def live(socket: WebSocket) -> None:
        assert hub is not None
        await hub.serve(socket)

    if context is not None:
        add_reference(app, context.settings.ui_dir)
        _add_page(app, context.settings)
    return app


def _add_page(app: FastAPI, settings: ApiSettings) -> None:
    index = settings.ui_dir / "index.html"

    @app.get("/{path:path}", include_in_schema=False)
    async def page(path: str) -> Response:
        if path.startswith(("api/", "ws/")):
            raise HTTPException(404)
        if not index.is_file():
            return PlainTextResponse(NOT_BUILT, 200 if path == "" else 404)
        # Addresses of pages are the browser's business; files that are not there are not found.
        if "." in path.rpartition("/")[2]:
            raise HTTPException(404)
        return FileResponse(index, headers={"Cache-Control": "no-cache"})

    if settings.ui_dir.is_dir():
        for folder in ("assets", "swagger"):
            where = settings.ui_dir / folder
            if where.is_dir():
                app.router.routes.insert(0, _files_at(f"/{folder}", where))
        _add_icons(app, settings)


def _files_at(prefix: str, folder: Any) -> Any:
    from starlette.routing import Mount

    return Mount(prefix, _Assets(directory=folder), name=prefix.strip("/"))


def _add_icons(app: FastAPI, settings: ApiSettings) -> None:
    from starlette.routing import Route

    for name in ("favicon.svg", "manifest.webmanifest"):
        file = settings.ui_dir / name
        if file.is_file():

            async def icon(_request: Any, file: Any = file) -> Response:
                return FileResponse(file)

            app.router.routes.insert(0, Route(f"/{name}", icon))


class _Assets(StaticFiles):
    """Built files; their names carry a hash, so that they may be kept for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["Cache-Control"] = f"public, max-age={ASSET_AGE_S}, immutable"
        return response


def _warm_up() -> None:
    """Load what the first page needs while the browser still starts."""
    from tradewright.services import runs as _runs  # noqa: F401
