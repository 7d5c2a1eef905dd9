"""Jobs that outlive their server: numbered, written down, and closed when their process died."""

from __future__ import annotations

import fcntl
import logging
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tradewright.domain.errors import TradewrightError
from tradewright.ports.clock import Clock
from tradewright.ports.journal import LedgerStore
from tradewright.services.jobs.job import Job, JobStatus

LOG = logging.getLogger("tradewright.jobs")

NUMBERS: Final = "job-numbers"
CHANGES: Final = "jobs"
INTERRUPTED: Final = "the server's process ended in the middle; start it again"


class JobHistory:
    """The jobs of a data directory, over every server that ran on it.

    Parameters
    ----------
    journal : LedgerStore
        Keeps each change of state; numbers come from it, so that two servers never share one.
    folder : Path
        Holds one locked file for each living server; made when missing.
    clock : Clock
        Source of the times.

    Notes
    -----
    The operating system drops a server's lock when its process ends, however that ends. A job that
    is not finished and whose server holds no lock any more can never finish: it is read as FAILED.
    """

    def __init__(self, journal: LedgerStore, folder: Path, clock: Clock) -> None:
        self._journal = journal
        self._folder = folder
        self._clock = clock
        self._server = secrets.token_hex(4)
        self._handle: Any = None

    def next_number(self) -> int:
        """Return a number that no other job of the data directory has."""
        self._hold()
        return self._journal.append(NUMBERS, [("number", self._clock.now_ns(), {})])

    def note(self, job: Job) -> None:
        """Write down where a job stands; a disk that refuses does not stop the job."""
        payload = {**job.as_record(), "server": self._server}
        try:
            self._journal.append(CHANGES, [(job.status.value, self._clock.now_ns(), payload)])
        except TradewrightError as error:
            LOG.error("job %s: its state could not be written: %s", job.job_id, error)

    def read(self) -> Sequence[Job]:
        """Return the jobs of servers that have ended, oldest first; none of them still runs.

        A job that its dead server left open is closed as FAILED here and on the record.
        """
        newest: dict[str, tuple[str, Job]] = {}
        for entry in self._journal.read(CHANGES):
            payload = dict(entry.payload)
            server = str(payload.pop("server"))
            newest[payload["job_id"]] = (server, Job.from_record(payload))
        found = []
        for server, job in newest.values():
            if job.status.is_terminal:
                found.append(job)
            elif not self._lives(server):
                found.append(self._closed(job))
        return found

    def release(self) -> None:
        """Say that this server has ended."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None
            self._path(self._server).unlink(missing_ok=True)

    def _closed(self, job: Job) -> Job:
        ended = replace(
            job,
            status=JobStatus.FAILED,
            error=INTERRUPTED,
            cause="internal",
            finished_ns=self._clock.now_ns(),
            eta_s=None,
        )
        self.note(ended)
        return ended

    def _hold(self) -> None:
        if self._handle is None:
            path = self._path(self._server)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = path.open("a+")
            fcntl.flock(self._handle, fcntl.LOCK_EX)

    def _lives(self, server: str) -> bool:
        path = self._path(server)
        try:
            handle = path.open("r+")
        except FileNotFoundError:
            return False
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
        path.unlink(missing_ok=True)
        return False

    def _path(self, server: str) -> Path:
        return self._folder / f"{server}.lock"
