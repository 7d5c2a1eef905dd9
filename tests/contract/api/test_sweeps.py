"""Sweeps over HTTP: run as jobs, told over the stream, cancelled, resumed, looked at, run again."""

from __future__ import annotations

import threading

import httpx2
import pytest
from test_jobs_and_paper import Until

API = "/api/v1"
BODY = {
    "strategy": "sma_cross",
    "grid": {"fast": [5, 10, 15], "slow": [30, 40]},
    "symbols": ["ko"],
    "start": "2014-01-01",
    "end": "2015-06-30",
}


@pytest.fixture
def until(empty_server):
    return Until(empty_server.workspace.bus)


@pytest.fixture
def http(empty_server):
    with httpx2.Client(base_url=empty_server.url + API, timeout=20) as client:
        yield client


def finished(http, until, reply):
    assert reply.status_code == 202, reply.text
    where = reply.headers["Location"].removeprefix(API)
    return until(lambda: http.get(where).json(),
                 lambda job: job["status"] not in ("QUEUED", "RUNNING"))  # fmt: skip


def test_a_sweep_runs_as_a_job_and_is_told_set_by_set(http, empty_server, until) -> None:
    told: list[dict] = []
    empty_server.workspace.bus.subscribe("jobs", lambda _topic, payload: told.append(payload))
    job = finished(http, until, http.post("/sweeps", json=BODY))
    assert job["status"] == "COMPLETED", job
    assert job["kind"] == "sweep"
    parts = [row["progress"] for row in told]
    assert parts == sorted(parts)
    assert "sets: 3 of 6" in [row["message"] for row in told]
    assert any(row["eta_s"] is not None for row in told)
    (row,) = http.get("/sweeps").json()["items"]
    assert job["result_url"] == f"/sweeps/{row['sweep_id']}"
    assert (row["sets"], row["parameters"], row["symbols"]) == (6, ["fast", "slow"], ["KO"])
    found = http.get(f"/sweeps/{row['sweep_id']}").json()
    assert found["axes"] == BODY["grid"]
    ratios = [each["sharpe"] for each in found["rows"]]
    assert ratios == sorted(ratios, reverse=True)
    assert found["best_sharpe"] == ratios[0]
    assert {each["neighbours"] for each in found["rows"]} == {3, 5}
    assert (found["counted"], found["failures"], found["can_run"]) == (6, [], True)
    page = http.get(f"/sweeps/{row['sweep_id']}/report")
    assert "Parallel coordinates" in page.text
    assert "sandbox" in page.headers["Content-Security-Policy"]


def test_one_set_becomes_a_run_and_one_more_trial(http, until) -> None:
    job = finished(http, until, http.post("/sweeps", json=BODY))
    where = job["result_url"]
    best = http.get(where).json()["rows"][0]
    ran = finished(http, until, http.post(f"{where}/run", json={"parameters": best["parameters"]}))
    assert ran["status"] == "COMPLETED", ran
    run = http.get(ran["result_url"]).json()
    figures = {figure["name"]: figure["value"] for figure in run["figures"]}
    assert figures["total_return"] == pytest.approx(best["total_return"], abs=1e-9)
    assert figures["sharpe"] == pytest.approx(best["sharpe"], abs=1e-9)
    missing = http.post(f"{where}/run", json={"parameters": {"fast": 6, "slow": 30}})
    assert missing.status_code == 404
    assert "no set has the parameters" in missing.json()["detail"]


def test_a_cancelled_sweep_goes_on_with_resume(http, empty_server, until) -> None:
    body = {**BODY, "grid": {"fast": list(range(5, 25)), "slow": list(range(30, 60, 2))}}
    half = threading.Event()

    def watch(_topic, payload) -> None:
        if payload["progress"] > 0.2:
            half.set()

    empty_server.workspace.bus.subscribe("jobs", watch)
    reply = http.post("/sweeps", json=body)
    assert half.wait(60)
    assert http.post(f"/jobs/{reply.json()['job_id']}/cancel").status_code == 200
    assert finished(http, until, reply)["status"] == "CANCELLED"
    (journal,) = (empty_server.workspace.data_dir / "sweeps").glob("*/finished.jsonl")
    assert len(journal.read_text().splitlines()) > 60
    told: list[dict] = []
    empty_server.workspace.bus.subscribe("jobs", lambda _topic, payload: told.append(payload))
    job = finished(http, until, http.post("/sweeps", json={**body, "resume": True}))
    assert job["status"] == "COMPLETED"
    found = http.get(job["result_url"]).json()
    assert (found["sets"], found["counted"]) == (300, 300)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"strategy": "sma_crosss"}, "did you mean 'sma_cross'"),
        ({"grid": {"fastt": [1]}}, "fastt"),
        ({"grid": {}}, "grid"),
        ({"grid": {"fast": []}}, "grid"),
        ({"grid": {"fast": list(range(1, 900)), "slow": list(range(900, 1000))}}, "89,900 sets"),
        ({"search": "magic"}, "search"),
        ({"data": "/etc/passwd"}, "data"),
        ({"cash": 0}, "cash"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_queued(http, change, part) -> None:
    reply = http.post("/sweeps", json={**BODY, **change})
    assert reply.status_code == 422
    assert part in reply.text
    assert http.get("/jobs").json()["items"] == []


def test_a_sweep_that_is_not_there(http) -> None:
    assert http.get("/sweeps").json()["items"] == []
    assert http.get("/sweeps/0123456789abcdef").status_code == 404
    assert http.get("/sweeps/0123456789abcdef/report").status_code == 404
    assert http.get("/sweeps/..%2f..%2fruns").status_code in (404, 422)
