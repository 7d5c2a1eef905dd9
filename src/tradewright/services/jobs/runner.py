"""Long work beside the server: queued, reported, cancellable, one at a time."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from queue import SimpleQueue
from typing import Any, Final

from tradewright.domain.errors import (
    CancelledError,
    NoDataError,
    RefusedError,
    TradewrightError,
    nearest,
)
from tradewright.domain.time import NS_PER_SECOND
from tradewright.ports.clock import Clock
from tradewright.ports.event_bus import EventBus
from tradewright.services.jobs.history import JobHistory
from tradewright.services.jobs.job import Job, JobStatus

LOG = logging.getLogger("tradewright.jobs")

TOPIC: Final = "jobs"
"""Bus topic on which every change of a job is published."""

KEPT: Final = 200
"""Finished jobs remembered; older ones are forgotten, their runs stay stored."""


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
    history : JobHistory, optional
        Keeps the jobs when the process ends; without it they are forgotten.

    Notes
    -----
    A job is asked to stop at its next report of progress; work that never reports cannot be
    stopped before its end. A finished job's state never changes.
    """

    def __init__(self, bus: EventBus, clock: Clock, history: JobHistory | None = None) -> None:
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
        self._history = history
        for job in history.read() if history is not None else ():
            self._jobs[job.job_id] = job
        self._forget()

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
            job = Job(
                f"job-{self._next_number()}",
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
        if self._history is not None and not (thread and thread.is_alive()):
            self._history.release()

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
        before = self._jobs.get(job.job_id)
        self._jobs[job.job_id] = job
        self._forget()
        if self._history is not None and (before is None or before.status is not job.status):
            self._history.note(job)
        self._bus.publish(TOPIC, job.as_payload())
        return job

    def _forget(self) -> None:
        finished = [old.job_id for old in self._jobs.values() if old.status.is_terminal]
        for old_id in finished[:-KEPT]:
            del self._jobs[old_id]

    def _next_number(self) -> int:
        if self._history is not None:
            return self._history.next_number()
        self._count += 1
        return self._count
