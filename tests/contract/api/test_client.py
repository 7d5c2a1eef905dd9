"""The Python client against the running application, and against servers that misbehave."""

from __future__ import annotations

import inspect
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

import tradewright as tw
from tradewright.client import ApiError
from tradewright.domain.errors import ConfigError, EdgeError, TransientEdgeError

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "use-the-server-from-python.md"


@pytest.fixture
def api(server) -> Iterator[tw.Client]:
    with tw.Client(server.url, "a-token") as client:
        yield client


@contextmanager
def answering(*answers: tuple[int, dict[str, str], str]):
    """A server that gives one answer after the other and remembers what was asked."""
    waiting, asked = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            size = int(self.headers.get("content-length", 0))
            asked.append((self.command, self.path, dict(self.headers), self.rfile.read(size)))
            status, headers, text = waiting.pop(0)
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_GET

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}", asked
        http.shutdown()


def patient(url, **options):
    waits: list[float] = []
    return tw.Client(url, sleep=waits.append, **options), waits


def test_every_reading_operation_without_parameters_answers(api):
    for name, method in inspect.getmembers(api, inspect.ismethod):
        if name.startswith(("get_", "list_")):
            needed = [
                p for p in inspect.signature(method).parameters.values()
                if p.default is inspect.Parameter.empty
            ]  # fmt: skip
            if not needed and name not in ("get_frontier", "get_signal_performance",
                                           "list_signals", "get_risk_report"):  # fmt: skip
                assert isinstance(method(), dict | list), name


def test_a_run_is_read_as_the_program_stored_it(api, stocked, run_id):
    workspace, _ = stocked
    run = tw.Run.load(run_id, workspace)
    assert api.get_health()["status"] == "ok"
    assert [row["run_id"] for row in api.list_runs(kind="backtest")["items"]] == [run_id]
    detail = api.get_run(run_id)
    assert detail["digest"] == run.digest
    trades = api.list_run_trades(run_id, limit=2)
    assert len(trades["items"]) == 2
    more = api.list_run_trades(run_id, limit=2, cursor=trades["next_cursor"])
    assert more["items"][0] != trades["items"][0]
    assert api.get_run_report(run_id).startswith("<!doctype html>")
    bars = api.get_bars("AAPL", from_="2013-01-02", to="2013-01-05")
    assert len(bars["times"]) == 3


@pytest.mark.parametrize("name", ["nothing", "../health", "a/b", "ü"])
def test_a_run_that_is_not_there_is_an_error_with_its_code(api, name):
    with pytest.raises(ApiError) as found:
        api.get_run(name)
    assert found.value.status_code in (404, 422)
    assert found.value.code in ("not_found", "invalid_request")
    assert found.value.request_id
    assert str(found.value).startswith("GET /api/v1/runs/")
    assert isinstance(found.value, EdgeError)


def test_every_field_that_is_wrong_is_told(api):
    with pytest.raises(ApiError) as found:
        api.start_paper({"source": "", "speed": -1.0})
    assert found.value.status_code == 422
    assert {row["field"] for row in found.value.errors} >= {"body.source", "body.speed"}


def test_an_empty_name_never_leaves(api):
    for name in ("", ".", ".."):
        with pytest.raises(ConfigError, match="run_id is"):
            api.get_run(name)


def test_paper_is_driven_and_followed_over_the_stream(new_server, tmp_path):
    with new_server().running() as server, tw.Client(server.url) as api:
        stream = api.stream_data(["paper.status", "jobs"])
        first = [next(stream), next(stream)]
        assert [(m["type"], m["topic"]) for m in first] == [
            ("snapshot", "paper.status"), ("snapshot", "jobs"),
        ]  # fmt: skip
        job = api.run_study("demo", {"seed": 3})
        change = next(m for m in stream if m["topic"] == "jobs")
        assert change["data"]["job_id"] == job["job_id"]
        assert api.get_job(job["job_id"])["kind"] == "study"
        server.studies.gate.set()
        done = next(m for m in stream if m["data"].get("status") == "COMPLETED")
        assert done["data"]["job_id"] == job["job_id"]
        stream.close()


def test_an_unknown_topic_is_an_error_that_names_the_known_ones(api):
    with pytest.raises(ApiError, match=r"unknown_topic: topic 'prices' does not exist; known: "):
        next(api.stream_data("prices"))


def test_reading_is_repeated_and_acting_is_not():
    busy = (503, {"Retry-After": "2"}, '{"detail": "later", "code": "dependency_down"}')
    with answering(busy, busy, (200, {}, '{"status": "ok"}')) as (url, asked):
        client, waits = patient(url, token="secret")
        assert client.get_health() == {"status": "ok"}
        assert waits == [2.0, 2.0]
        assert all("Idempotency-Key" not in headers for _, _, headers, _ in asked)
        assert {headers["Authorization"] for _, _, headers, _ in asked} == {"Bearer secret"}
    with answering(busy, busy, busy) as (url, asked):
        client, _ = patient(url)
        with pytest.raises(ApiError, match="503 dependency_down: later"):
            client.pause_paper({"reason": "lunch"})
        with pytest.raises(ApiError):
            client.pause_paper()
        assert [json.loads(body or "null") for _, _, _, body in asked] == [
            {"reason": "lunch"},
            None,
        ]
        keys = [headers["Idempotency-Key"] for _, _, headers, _ in asked]
        assert len(set(keys)) == 2
    with answering(busy, busy, busy) as (url, asked):
        client, waits = patient(url, tries=3)
        with pytest.raises(ApiError, match="503"):
            client.get_health()
        assert len(asked) == 3


def test_a_server_that_is_not_there_is_named_with_what_to_do():
    client, waits = patient("http://127.0.0.1:9", tries=3)
    with pytest.raises(TransientEdgeError, match=r"127\.0\.0\.1:9/api.*tradewright serve"):
        client.get_health()
    assert len(waits) == 2
    with pytest.raises(TransientEdgeError):
        client.stop_paper()
    assert len(waits) == 2
    with pytest.raises(TransientEdgeError, match="stream ws://127"):
        next(client.stream_data(reconnects=0))


@pytest.mark.parametrize(
    ("status", "text"), [(500, "<html>oops"), (404, "[]"), (302, ""), (200, "{")]
)
def test_an_answer_that_is_not_the_programs_is_an_error_too(status, text):
    with answering((status, {}, text)) as (url, _):
        with pytest.raises(ApiError) as found:
            patient(url, tries=1)[0].get_health()
        assert found.value.status_code == status


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://x", "http://", "http://x?a=1", 5])
def test_an_address_that_is_none_is_misuse(url):
    with pytest.raises(ConfigError, match="base_url is"):
        tw.Client(url)


def test_numbers_out_of_range_are_misuse():
    for options in ({"timeout_s": 0}, {"timeout_s": float("nan")}, {"tries": 0}):
        with pytest.raises(ConfigError, match="wanted"):
            tw.Client("http://x", **options)


def test_the_page_on_the_client_runs_against_the_application(server, capsys):
    text = PAGE.read_text(encoding="utf-8").replace("http://127.0.0.1:8000", server.url)
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    assert len(blocks) == 3
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    told = capsys.readouterr().out
    assert told.startswith("ok\n")
    assert "POST /api/v1/paper/start: " in told
    assert "snapshot jobs" in told


@pytest.mark.parametrize("how", ["closed", "gap", "hole"])
def test_a_broken_stream_is_opened_again_and_begins_with_a_snapshot(how):
    opened = []

    def say(socket, kind, number):
        body = {"type": kind, "topic": "jobs", "seq": number, "ts": "t", "data": len(opened)}
        socket.send(json.dumps(body))

    def one(socket):
        opened.append(json.loads(socket.recv()))
        say(socket, "snapshot", 1)
        if len(opened) == 1 and how == "closed":
            return
        if len(opened) == 1 and how == "gap":
            socket.send(json.dumps({"type": "gap", "ts": "t", "data": {}}))
        elif len(opened) == 1:
            say(socket, "job_update", 5)
        try:
            socket.recv(timeout=5)
        except ConnectionClosed:
            return
        except TimeoutError:
            opened.append("the client stayed")

    with serve(one, "127.0.0.1", 0) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        port = http.socket.getsockname()[1]
        stream = tw.Client(f"http://127.0.0.1:{port}").stream_data("jobs")
        assert [next(stream)["data"], next(stream)["data"]] == [1, 2]
        stream.close()
        http.shutdown()
    assert opened == [{"type": "subscribe", "topics": ["jobs"]}] * 2
