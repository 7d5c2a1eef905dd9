"""Long work beside the server: queued, reported, cancellable, one at a time."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from queue import SimpleQueue
from typing import Any, Final

from tradewright.domain.errors import (
    CancelledError,
    NoDataError,
    RefusedError,
    TradewrightError,
    nearest,
)
from tradewright.domain.time import NS_PER_SECOND, from_ns
from tradewright.ports.clock import Clock
from tradewright.ports.event_bus import EventBus

LOG = logging.getLogger("tradewright.jobs")

TOPIC: Final = "jobs"
"""Bus topic on which every change of a job is published."""

KEPT: Final = 200
"""Finished jobs remembered; older ones are forgotten, their runs stay stored."""


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
        Counted from 1 in the life of the server: ``job-1``.
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


Report = Callable[[float, str], None]
Work = Callable[[Report], str]


class JobRunner:
    """Runs jobs one after the other on one thread, in the order they came.

    Parameters
    ----------
    bus : EventBus
        Where each change is published, on topic `TOPIC`.
    clock : Clock
        Source of the times.

    Notes
    -----
    A job is asked to stop at its next report of progress; work that never reports cannot be
    stopped before its end. A finished job's state never changes.
    """

    def __init__(self, bus: EventBus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._works: dict[str, Work] = {}
        self._stops: dict[str, threading.Event] = {}
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._count = 0
        self._closed = False

    def submit(self, kind: str, name: str, work: Work) -> Job:
        """Queue a job.

        Parameters
        ----------
        kind, name : str
            What it is and what it works on.
        work : callable
            ``work(report)`` does it and returns the path of the result; ``report(fraction,
            message)`` says how far it is and raises `CancelledError` when it must stop.

        Returns
        -------
        Job
            As queued.

        Raises
        ------
        RefusedError
            If the runner was closed.
        """
        with self._lock:
            if self._closed:
                raise RefusedError("the server is stopping and takes no more jobs")
            self._count += 1
            job = Job(
                f"job-{self._count}",
                kind,
                name,
                JobStatus.QUEUED,
                message="waiting",
                created_ns=self._clock.now_ns(),
            )
            self._works[job.job_id] = work
            self._stops[job.job_id] = threading.Event()
            self._store(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="jobs", daemon=True)
                self._thread.start()
        self._queue.put(job.job_id)
        return job

    def get(self, job_id: str) -> Job:
        """Return a job.

        Raises
        ------
        NoDataError
            If there is no such job.
        """
        with self._lock:
            if job_id not in self._jobs:
                raise NoDataError(f"job {job_id!r} is not known; {nearest(job_id, self._jobs)}")
            return self._jobs[job_id]

    def list_jobs(self, *, kind: str | None = None) -> Sequence[Job]:
        """Return the jobs, newest first."""
        with self._lock:
            return [job for job in reversed(self._jobs.values()) if kind in (None, job.kind)]

    def cancel(self, job_id: str) -> Job:
        """Stop a job: a waiting one at once, a running one at its next report.

        Raises
        ------
        NoDataError
            If there is no such job.
        RefusedError
            If it is finished already.
        """
        with self._lock:
            job = self.get(job_id)
            if job.status.is_terminal:
                raise RefusedError(f"job {job_id} is finished already: {job.status.value}")
            self._stops[job_id].set()
            if job.status is JobStatus.QUEUED:
                return self._finish(job, JobStatus.CANCELLED, message="cancelled before it began")
            return self._store(replace(job, message="stopping"))

    def close(self, timeout_s: float = 10.0) -> None:
        """Cancel what waits and runs, and wait for the thread to end."""
        with self._lock:
            self._closed = True
            for job in list(self._jobs.values()):
                if not job.status.is_terminal:
                    self.cancel(job.job_id)
            thread = self._thread
        self._queue.put(None)
        if thread is not None:
            thread.join(timeout_s)

    def _loop(self) -> None:
        while (job_id := self._queue.get()) is not None:
            with self._lock:
                job = self._jobs.get(job_id)
                if job is None or job.status is not JobStatus.QUEUED:
                    continue
                work = self._works[job_id]
                self._store(
                    replace(
                        job,
                        status=JobStatus.RUNNING,
                        started_ns=self._clock.now_ns(),
                        message="starting",
                    )
                )
            self._run(job_id, work)

    def _run(self, job_id: str, work: Work) -> None:
        try:
            url = work(lambda fraction, message: self._report(job_id, fraction, message))
        except CancelledError as stop:
            self._end(job_id, JobStatus.CANCELLED, message=str(stop) or "cancelled")
        except RefusedError as refusal:
            self._end(job_id, JobStatus.FAILED, error=str(refusal), cause="refused")
        except TradewrightError as error:
            self._end(job_id, JobStatus.FAILED, error=str(error), cause="invalid")
        except Exception:  # the supervisor: log with the stack, tell the user, go on
            LOG.exception("job %s failed", job_id)
            text = "unexpected failure; the server's log has the details"
            self._end(job_id, JobStatus.FAILED, error=text, cause="internal")
        else:
            self._end(job_id, JobStatus.COMPLETED, result_url=url, progress=1.0, message="done")

    def _report(self, job_id: str, fraction: float, message: str) -> None:
        if self._stops[job_id].is_set():
            raise CancelledError("cancelled by the user")
        with self._lock:
            job = self._jobs[job_id]
            done = min(1.0, max(job.progress, float(fraction)))
            spent_s = (self._clock.now_ns() - job.started_ns) / NS_PER_SECOND
            eta_s = spent_s * (1 - done) / done if done >= 0.02 else None
            self._store(replace(job, progress=done, message=message, eta_s=eta_s))

    def _end(self, job_id: str, status: JobStatus, **changes: Any) -> None:
        with self._lock:
            self._finish(self._jobs[job_id], status, **changes)

    def _finish(self, job: Job, status: JobStatus, **changes: Any) -> Job:
        ended = replace(job, status=status, finished_ns=self._clock.now_ns(), eta_s=None, **changes)
        self._works.pop(job.job_id, None)
        self._stops.pop(job.job_id, None)
        return self._store(ended)

    def _store(self, job: Job) -> Job:
        # Published under the lock, so that subscribers see the changes of a job in order.
        self._jobs[job.job_id] = job
        finished = [old.job_id for old in self._jobs.values() if old.status.is_terminal]
        for old_id in finished[:-KEPT]:
            del self._jobs[old_id]
        self._bus.publish(TOPIC, job.as_payload())
        return job


def _text(ns: int) -> str | None:
    if not ns:
        return None
    return from_ns(ns).isoformat(timespec="milliseconds").replace("+00:00", "Z")
