"""What the routes reach: one value, put beside the application when it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request

from tradewright.api.gate import LOOPBACK
from tradewright.api.schemas import ErrorBody
from tradewright.services.jobs import JobRunner
from tradewright.services.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """How the application answers.

    Parameters
    ----------
    environment : str
        Shown by health.
    allowed_hosts : sequence of str
        Names in ``Host`` that are answered.
    max_body_bytes : int
        Largest request body.
    ui_dir : Path
        Folder of the built web page; missing is fine.
    max_connections : int
        WebSocket connections at once.
    queue_size : int
        Messages held for one slow WebSocket reader.
    heartbeat_s : float
        Seconds between signs of life on an idle WebSocket.
    """

    environment: str = "local"
    allowed_hosts: Sequence[str] = LOOPBACK
    max_body_bytes: int = 1 << 20
    ui_dir: Path = field(default_factory=lambda: Path(__file__).parent / "ui")
    max_connections: int = 20
    queue_size: int = 1000
    heartbeat_s: float = 30.0


class Studies(Protocol):
    """Studies by name."""

    def list_studies(self) -> Sequence[Mapping[str, str]]:
        """Return ``name, title, description`` of each study that can be run."""
        ...

    def run(self, name: str, *, seed: int | None, report: Callable[[float, str], None]) -> str:
        """Run a study and return the id of the run.

        Raises
        ------
        NoDataError
            If there is no such study.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything behind the routes."""

    workspace: Workspace
    paper: Any
    jobs: JobRunner
    studies: Studies
    settings: ApiSettings


def context_of(request: Request) -> Context:
    """Return what stands behind the application that got this request."""
    found: Context = request.app.state.context
    return found


Here = Annotated[Context, Depends(context_of)]


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document the refusals of a route; those every route can give come with them."""
    return {
        status: {"model": ErrorBody, "description": _MEANING[status]}
        for status in sorted({422, 500, *statuses})
    }


_MEANING = {
    400: "The body is not text",
    403: "A page of another site asked",
    404: "There is no such thing",
    409: "Not possible in the present state",
    413: "The body is too large",
    422: "The request is not valid",
    500: "Unexpected failure",
    502: "A service outside failed",
    503: "A service outside does not answer",
}
