"""Jobs: order, progress, stopping and failure."""

from __future__ import annotations

import threading

import pytest

from tradewright.adapters.stores.journal import MemoryJournal
from tradewright.app.bus import InProcessBus
from tradewright.app.clock import WallClock
from tradewright.domain.errors import ConfigError, NoDataError, RefusedError
from tradewright.services.jobs import JobHistory, JobRunner, JobStatus

WAIT_S = 10


class Watch:
    """Collects what is published and wakes whoever waits for a job's end."""

    def __init__(self, bus: InProcessBus) -> None:
        self.seen: list[dict] = []
        self._changed = threading.Condition()
        bus.subscribe("jobs", self._take)

    def _take(self, _topic: str, payload: dict) -> None:
        with self._changed:
            self.seen.append(dict(payload))
            self._changed.notify_all()

    def until(self, job_id: str, *statuses: str) -> dict:
        def found() -> dict | None:
            hits = [p for p in self.seen if p["job_id"] == job_id and p["status"] in statuses]
            return hits[-1] if hits else None

        with self._changed:
            assert self._changed.wait_for(lambda: found() is not None, WAIT_S)
            hit = found()
        assert hit is not None
        return hit


@pytest.fixture
def bench():
    bus = InProcessBus()
    watch = Watch(bus)
    runner = JobRunner(bus, WallClock())
    yield runner, watch
    runner.close()


def test_job_runs_to_its_result_and_reports_each_step(bench):
    runner, watch = bench

    def work(report):
        report(0.5, "half")
        report(0.25, "never falls")
        return "/runs/r1"

    job = runner.submit("study", "demo", work)
    assert job.status is JobStatus.QUEUED
    end = watch.until(job.job_id, "COMPLETED")
    assert end["result_url"] == "/runs/r1"
    assert end["progress"] == 1.0
    progress = [p["progress"] for p in watch.seen if p["job_id"] == job.job_id]
    assert progress == sorted(progress)
    statuses = [p["status"] for p in watch.seen if p["job_id"] == job.job_id]
    assert statuses == ["QUEUED", "RUNNING", "RUNNING", "RUNNING", "COMPLETED"]


def test_jobs_run_one_at_a_time_in_order(bench):
    runner, watch = bench
    order: list[str] = []
    inside = threading.Semaphore(1)

    def work(name):
        def body(_report):
            assert inside.acquire(blocking=False)
            order.append(name)
            inside.release()
            return ""

        return body

    jobs = [runner.submit("study", name, work(name)) for name in "abcde"]
    watch.until(jobs[-1].job_id, "COMPLETED")
    assert order == list("abcde")
    assert [job.name for job in runner.list_jobs()] == list("edcba")


def test_waiting_job_is_cancelled_at_once_and_never_begins(bench):
    runner, watch = bench
    gate, begun = threading.Event(), threading.Event()

    def blocked(_report):
        begun.set()
        assert gate.wait(WAIT_S)
        return ""

    first = runner.submit("study", "first", blocked)
    assert begun.wait(WAIT_S)
    ran = []
    second = runner.submit("study", "second", lambda _report: ran.append(1) or "")
    assert runner.cancel(second.job_id).status is JobStatus.CANCELLED
    gate.set()
    watch.until(first.job_id, "COMPLETED")
    runner.close()
    assert not ran


def test_running_job_stops_at_its_next_report(bench):
    runner, watch = bench
    begun, asked = threading.Event(), threading.Event()

    def work(report):
        report(0.1, "working")
        begun.set()
        assert asked.wait(WAIT_S)
        report(0.2, "too late")
        raise AssertionError("went on after the stop")

    job = runner.submit("study", "demo", work)
    assert begun.wait(WAIT_S)
    runner.cancel(job.job_id)
    asked.set()
    end = watch.until(job.job_id, "CANCELLED", "FAILED")
    assert end["status"] == "CANCELLED"
    with pytest.raises(RefusedError, match="finished already"):
        runner.cancel(job.job_id)


@pytest.mark.parametrize(
    ("error", "cause", "shown"),
    [
        (ConfigError("label.horizon is 0, wanted 1 or more"), "invalid", "label.horizon is 0"),
        (RefusedError("data health: coverage 0.4"), "refused", "coverage 0.4"),
        (ZeroDivisionError("secret path"), "internal", "unexpected failure"),
    ],
)
def test_failed_job_says_why_and_the_next_one_still_runs(bench, error, cause, shown):
    runner, watch = bench

    def work(_report):
        raise error

    job = runner.submit("study", "bad", work)
    after = runner.submit("study", "good", lambda _report: "/x")
    end = watch.until(job.job_id, "FAILED")
    assert end["cause"] == cause
    assert shown in end["error"]
    assert "secret" not in end["error"]
    assert watch.until(after.job_id, "COMPLETED")["result_url"] == "/x"


def test_unknown_job_names_the_nearest(bench):
    runner, _watch = bench
    runner.submit("study", "demo", lambda _report: "")
    with pytest.raises(NoDataError, match="did you mean 'job-1'"):
        runner.get("job-11")


def test_closed_runner_takes_no_more(bench):
    runner, _watch = bench
    runner.close()
    with pytest.raises(RefusedError, match="stopping"):
        runner.submit("study", "late", lambda _report: "")


@pytest.fixture
def keep(tmp_path):
    """Open runners on one record, each as a server of its own would."""
    journal, opened = MemoryJournal(), []

    def open_runner():
        bus = InProcessBus()
        history = JobHistory(journal, tmp_path / "jobs", WallClock())
        opened.append(JobRunner(bus, WallClock(), history))
        return opened[-1], Watch(bus), history

    yield open_runner
    for runner in opened:
        runner.close()


def test_jobs_are_known_after_a_restart(keep):
    runner, watch, _ = keep()
    done = runner.submit("study", "demo", lambda report: "/runs/r1")
    watch.until(done.job_id, "COMPLETED")
    runner.close()
    later, watch, _ = keep()
    assert later.get(done.job_id) == runner.get(done.job_id)
    more = later.submit("study", "demo", lambda report: "/runs/r2")
    watch.until(more.job_id, "COMPLETED")
    assert [job.job_id for job in later.list_jobs()] == ["job-2", "job-1"]


def test_job_whose_server_died_is_failed_and_stays_so(keep):
    runner, watch, history = keep()
    gate = threading.Event()

    def work(report):
        gate.wait(WAIT_S)
        return "/runs/r1"

    running = runner.submit("study", "demo", work)
    waiting = runner.submit("study", "second", work)
    watch.until(running.job_id, "RUNNING")
    neighbour, _, _ = keep()  # a second server meets the jobs of one that lives
    assert list(neighbour.list_jobs()) == []
    assert neighbour.submit("study", "third", lambda report: "/runs/r3").job_id == "job-3"
    history._handle.close()  # what the operating system does when a process ends
    for opened in (keep()[0], keep()[0]):
        for job_id in (running.job_id, waiting.job_id):
            found = opened.get(job_id)
            assert found.status is JobStatus.FAILED
            assert "process ended in the middle" in found.error
            assert found.finished_ns > 0
    gate.set()
