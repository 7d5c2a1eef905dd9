"""Acting on the server: study jobs, and a real paper session from start to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from tradewright.services.paper import PaperTrading

API = "/api/v1"


class Until:
    """Asks again after each notice of the server until the answer is what is waited for."""

    def __init__(self, bus) -> None:
        self._changed = threading.Condition()
        bus.subscribe("*", self._notice)

    def _notice(self, _topic: str, _payload: object) -> None:
        with self._changed:
            self._changed.notify_all()

    def __call__(self, ask: Callable[[], Any], is_done: Callable[[Any], bool]) -> Any:
        end = time.monotonic() + 20
        while not is_done(answer := ask()):
            assert time.monotonic() < end, answer
            with self._changed:
                self._changed.wait(0.1)
        return answer


@pytest.fixture
def until(empty_server):
    return Until(empty_server.workspace.bus)


@pytest.fixture
def http(empty_server):
    with httpx2.Client(base_url=empty_server.url + API, timeout=20) as client:
        yield client


def test_study_runs_as_a_job_from_queue_to_result(http, empty_server, until):
    reply = http.post("/studies/demo/run", json={"seed": 7})
    assert reply.status_code == 202
    job = reply.json()
    assert reply.headers["Location"] == f"{API}/jobs/{job['job_id']}"
    assert job["status"] == "QUEUED"
    assert empty_server.studies.begun.wait(20)
    running = http.get(f"/jobs/{job['job_id']}").json()
    assert (running["status"], running["progress"]) == ("RUNNING", 0.5)
    assert running["message"] == "half way"
    empty_server.studies.gate.set()
    done = until(
        lambda: http.get(f"/jobs/{job['job_id']}").json(), lambda j: j["status"] != "RUNNING"
    )
    assert done["status"] == "COMPLETED"
    assert done["result_url"] == "/runs/run-of-demo-7"
    assert [item["job_id"] for item in http.get("/jobs?kind=study").json()["items"]] == [
        job["job_id"]
    ]


def test_job_is_cancelled_at_its_next_step_and_only_once(http, empty_server, until):
    job = http.post("/studies/demo/run").json()
    assert empty_server.studies.begun.wait(20)
    assert http.post(f"/jobs/{job['job_id']}/cancel").json()["message"] == "stopping"
    empty_server.studies.gate.set()
    ended = until(
        lambda: http.get(f"/jobs/{job['job_id']}").json(), lambda j: j["finished_at"] is not None
    )
    assert ended["status"] == "CANCELLED"
    again = http.post(f"/jobs/{job['job_id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


def test_unknown_study_and_job_name_the_nearest(http):
    reply = http.post("/studies/demmo/run")
    assert reply.status_code == 404
    assert "did you mean 'demo'" in reply.json()["detail"]
    assert http.get("/jobs/job-77").status_code == 404


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "x", True])
def test_seed_must_be_a_whole_number(http, seed):
    reply = http.post("/studies/demo/run", json={"seed": seed})
    assert reply.status_code == 422


def test_paper_session_trades_pauses_flattens_and_stops(http, until):
    begun = http.post(
        "/paper/start",
        json={"source": "buy_and_hold", "cash": "50000", "speed": 40, "replay_from": "2016-01-04"},
    )
    assert begun.status_code == 200, begun.text
    assert begun.json()["mode"] == "PAPER"
    assert begun.json()["feed"] == "REPLAY"
    assert http.get("/health").json()["mode"] == "PAPER"

    held = until(lambda: http.get("/paper/positions").json(), bool)
    assert all(Decimal(row["quantity"]) > 0 for row in held)
    twice = http.post("/paper/start", json={"source": "buy_and_hold"})
    assert (twice.status_code, twice.json()["code"]) == (409, "conflict")

    fills = http.get("/paper/fills").json()["items"]
    orders = {row["order_id"]: row for row in http.get("/paper/orders").json()["items"]}
    assert fills
    filled: dict[str, Decimal] = {}
    for row in fills:
        filled[row["order_id"]] = filled.get(row["order_id"], Decimal(0)) + Decimal(row["quantity"])
    assert {key: Decimal(orders[key]["filled"]) for key in filled} == filled

    assert http.post("/paper/pause", json={"reason": "lunch"}).status_code == 200
    paused = until(lambda: http.get("/paper").json(), lambda s: s["state"] == "PAUSED")
    assert paused["positions"] == len(held)
    assert http.post("/paper/resume").status_code == 200
    until(lambda: http.get("/paper").json(), lambda s: s["state"] == "RUNNING")

    flattened = http.post("/paper/flatten").json()
    assert flattened["closing_positions"] == len(held)
    until(lambda: http.get("/paper/positions").json(), lambda rows: rows == [])
    flat = until(lambda: http.get("/paper").json(), lambda s: s["cash"] == s["equity"])
    assert (flat["state"], flat["positions"], flat["open_orders"]) == ("PAUSED", 0, 0)
    series = http.get("/paper/equity").json()
    assert series["times"] == sorted(series["times"])
    assert len(series["times"]) == len(series["equity"]) == len(series["cash"]) > 1

    http.post("/paper/stop")
    ended = until(lambda: http.get("/paper").json(), lambda s: s["state"] == "STOPPED")
    assert Decimal(ended["profit"]) == Decimal(ended["equity"]) - Decimal("50000")
    after = http.post("/paper/pause")
    assert (after.status_code, after.json()["code"]) == (409, "conflict")
    assert http.get("/health").json()["mode"] == "SIMULATION"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"source": "nothing-like-this"}, 422),
        ({"source": "../../etc/passwd"}, 422),
        ({"source": "a.yaml"}, 422),
        ({"source": "buy_and_hold", "cash": "0"}, 422),
        ({"source": "buy_and_hold", "cash": "1e400"}, 422),
        ({"source": "buy_and_hold", "cash": "0.001"}, 422),
        ({"source": "buy_and_hold", "speed": -1}, 422),
        ({"source": "buy_and_hold", "replay_from": "2016-13-01"}, 422),
        ({"source": "buy_and_hold", "replay_from": "2099-01-01"}, 404),
        ({"source": "latest"}, 404),
    ],
)
def test_bad_start_is_refused_and_starts_nothing(http, body, status):
    reply = http.post("/paper/start", json=body)
    assert reply.status_code == status, reply.text
    assert http.get("/paper").json()["state"] == "IDLE"


@pytest.mark.parametrize("act", ["pause", "resume", "flatten", "stop"])
def test_levers_without_a_session_are_refused(http, act):
    reply = http.post(f"/paper/{act}")
    assert (reply.status_code, reply.json()["code"]) == (409, "conflict")


def test_sources_are_the_reference_strategies_when_nothing_ran(http):
    rows = http.get("/paper/sources").json()
    assert {row["source"] for row in rows} >= {"buy_and_hold", "sma_cross"}
    assert all(row["kind"] == "strategy" and row["description"] for row in rows)


def test_paper_session_is_listed_but_never_judged_as_evidence(http, until):
    body = {"source": "buy_and_hold", "speed": None, "replay_from": "2016-01-04"}
    session = http.post("/paper/start", json=body).json()["session_id"]
    until(lambda: http.get("/paper").json(), lambda s: s["state"] == "FINISHED")
    (row,) = until(lambda: http.get("/runs").json()["items"], bool)
    assert (row["run_id"], row["kind"], row["verdict"]) == (session, "paper", "")
    judgement = http.get(f"/runs/{session}").json()["judgement"]
    assert judgement["word"] == ""
    assert judgement["sentence"].startswith("Not judged")


def test_server_that_stops_ends_its_own_session_and_no_other(new_servers):
    workspace, new_server = new_servers
    elsewhere = PaperTrading(workspace)
    with new_server().running() as server:
        own = httpx2.Client(base_url=server.url + API, timeout=20)
        elsewhere.start("buy_and_hold", speed=5.0)
        assert own.get("/paper").json()["state"] in {"STARTING", "RUNNING"}
    assert elsewhere.status()["state"] == "RUNNING"
    elsewhere.stop("done")
    assert elsewhere.wait(20)
    with new_server().running() as server:
        own = httpx2.Client(base_url=server.url + API, timeout=20)
        assert own.post("/paper/start", json={"source": "buy_and_hold"}).status_code == 200
    ended = elsewhere.status()
    assert (ended["state"], ended["message"]) == ("STOPPED", "the server was stopped")
