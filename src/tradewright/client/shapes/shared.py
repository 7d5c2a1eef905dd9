"""Types of shared; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class Job(TypedDict):
    """A long work: where it stands."""

    job_id: str
    kind: str
    name: str
    status: JobStatus
    progress: float
    message: str
    eta_s: float | None
    result_url: str | None
    error: str | None
    cause: str | None
    created_at: str | None
    started_at: str | None
    finished_at: str | None


JobStatus = Literal[
    "QUEUED", "RUNNING", "VALIDATING", "COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"
]

# What the paper account is doing.
PaperStatus = TypedDict(
    "PaperStatus",
    {
        "mode": NotRequired[Literal["PAPER"]],
        "state": Literal["IDLE", "STARTING", "RUNNING", "PAUSED", "FINISHED", "STOPPED", "FAILED"],
        "feed": Literal["REPLAY", "LIVE"],
        "session_id": str | None,
        "name": str,
        "source": str,
        "speed": float | None,
        "currency": str,
        "initial_cash": str,
        "cash": str,
        "equity": str,
        "profit": str,
        "return": float | None,
        "exposure": float | None,
        "positions": int,
        "open_orders": int,
        "tape_at": str | None,
        "tape_start": str | None,
        "tape_end": str | None,
        "progress": float | None,
        "started_at": str | None,
        "message": str,
        "is_interrupted": NotRequired[bool],
    },
)


class ReasonBody(TypedDict):
    """Why; kept with the event."""

    reason: NotRequired[str]
