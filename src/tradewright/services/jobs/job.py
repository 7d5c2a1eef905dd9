"""A job: what is known of it at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from tradewright.domain.time import from_ns


class JobStatus(StrEnum):
    """State of a job; COMPLETED and later never change."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    VALIDATING = "VALIDATING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more can happen to the job."""
        return self not in (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.VALIDATING)


@dataclass(frozen=True, slots=True)
class Job:
    """What is known of a job at one moment.

    Parameters
    ----------
    job_id : str
        Counted from 1 in the life of the data directory: ``job-1``.
    kind : str
        For example ``study``.
    name : str
        What it works on.
    status : JobStatus
        Where it stands.
    progress : float
        Fraction done, 0 to 1; never falls.
    message : str
        The stage, in words.
    result_url : str
        Path of what it made; empty until then.
    error, cause : str
        Why it failed, and ``refused`` (a gate or guard), ``invalid`` or ``internal``.
    created_ns, started_ns, finished_ns : int
        UTC nanoseconds; 0 where it has not happened.
    eta_s : float or None
        Expected seconds left, from the pace so far.
    """

    job_id: str
    kind: str
    name: str
    status: JobStatus
    progress: float = 0.0
    message: str = ""
    result_url: str = ""
    error: str = ""
    cause: str = ""
    created_ns: int = 0
    started_ns: int = 0
    finished_ns: int = 0
    eta_s: float | None = None

    def as_payload(self) -> dict[str, Any]:
        """Return the job as JSON-ready values; times are RFC 3339 text or None."""
        return {
            "job_id": self.job_id,
            "kind": self.kind,
            "name": self.name,
            "status": self.status.value,
            "progress": round(self.progress, 4),
            "message": self.message,
            "eta_s": None if self.eta_s is None else round(self.eta_s, 1),
            "result_url": self.result_url or None,
            "error": self.error or None,
            "cause": self.cause or None,
            "created_at": _text(self.created_ns),
            "started_at": _text(self.started_ns),
            "finished_at": _text(self.finished_ns),
        }

    def as_record(self) -> dict[str, Any]:
        """Return every field as JSON can hold it; `from_record` reads it back."""
        return {**asdict(self), "status": self.status.value}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Job:
        """Read what `as_record` gave."""
        return cls(**{**record, "status": JobStatus(record["status"])})


def _text(ns: int) -> str | None:
    if not ns:
        return None
    return from_ns(ns).isoformat(timespec="milliseconds").replace("+00:00", "Z")
