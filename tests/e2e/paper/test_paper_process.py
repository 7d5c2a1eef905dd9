"""Paper sessions in real processes: seen and stopped from elsewhere, killed and continued."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tradewright.adapters.stores.database import open_database
from tradewright.adapters.stores.journal import SqliteJournal
from tradewright.services.paper.session import session_stream

PROGRAM = [sys.executable, "-c", "from tradewright.app.cli.main import main; main()"]
START = ["paper", "start", "buy_and_hold", "--symbols", "AAPL,MSFT",
         "--replay", "2016-01-04:2016-03-31", "--quiet"]  # fmt: skip


@pytest.fixture
def at(tmp_path):
    env = {**os.environ, "TRADEWRIGHT_PATHS__DATA_DIR": str(tmp_path), "NO_COLOR": "1"}
    started = []

    def call(*words, code=0):
        done = subprocess.run(
            [*PROGRAM, *words, "--json", "--yes"], env=env, cwd=tmp_path, capture_output=True,
            text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        found = json.loads(done.stdout)
        return found["error"]["message"] if code else found

    def begin(*words):
        child = subprocess.Popen(
            [*PROGRAM, *words], env=env, cwd=tmp_path, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(child)
        return child

    call.begin, call.folder = begin, tmp_path
    yield call
    for child in started:
        if child.poll() is None:
            child.kill()
        child.communicate()


def until(look, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)  # another process is at work
    return found


def journal_of(folder):
    return SqliteJournal(open_database(folder / "tradewright.db"))


def marks_of(folder):
    journal = journal_of(folder)
    streams = [s for s in journal.streams() if s.startswith("paper:")]
    rows = list(journal.read(streams[0])) if streams else []
    return [e for e in rows if e.kind == "mark"]


def test_a_session_killed_in_the_middle_loses_nothing(at):
    whole = at(*START, "--speed", "max")
    at.folder.joinpath("tradewright.db").rename(at.folder / "first.db")
    for leftover in at.folder.glob("tradewright.db-*"):
        leftover.unlink()
    child = at.begin(*START, "--speed", "25")
    until(lambda: len(marks_of(at.folder)) > 8)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait(30)
    line = at("paper", "status")
    assert (line["state"], line["is_interrupted"]) == ("STOPPED", True)
    assert 0 < line["bars_done"] < line["bars"]
    kept = list(journal_of(at.folder).read(session_stream(line["session_id"])))
    end = at("paper", "resume")
    assert (end["state"], end["session_id"]) == ("FINISHED", line["session_id"])
    assert (end["equity"], end["fills"]) == (whole["equity"], whole["fills"])
    rows = list(journal_of(at.folder).read(session_stream(line["session_id"])))
    assert rows[: len(kept)] == kept
    assert [e.payload["row"] for e in rows if e.kind == "mark"] == list(range(end["bars"]))


def test_a_detached_session_is_seen_paused_and_stopped_from_other_processes(at):
    line = at(*START, "--speed", "2", "--detach")
    assert line["state"] in ("STARTING", "RUNNING")
    until(lambda: len(marks_of(at.folder)) > 2)
    assert len(at("paper", "orders")) == 2
    assert {p["symbol"] for p in at("paper", "positions")} == {"AAPL", "MSFT"}
    assert at("paper", "pause", "--reason", "lunch")["state"] == "PAUSED"
    assert at("paper", "resume")["state"] == "RUNNING"
    assert at("paper", "flatten")["state"] == "PAUSED"
    refused = at("paper", "start", "buy_and_hold", code=3)
    assert "runs already in process" in refused
    end = at("paper", "stop", "--reason", "done")
    assert (end["state"], end["message"]) == ("STOPPED", "done")
    for verb in ("pause", "resume", "flatten", "stop"):
        assert f"paper {verb}: no session runs" in at("paper", verb, code=1)


def test_wrong_arguments_end_with_code_2_and_their_name(at):
    assert "--speed is 'fast'" in at(*START, "--speed", "fast", code=2)
    assert "is no strategy, run or study" in at("paper", "start", "nothing-like-it", code=2)
    assert at("paper", "status")["state"] == "IDLE"
