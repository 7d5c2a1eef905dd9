"""Whole processes: the demo, an interrupted and a killed run, two servers on one port."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "tradewright"]


@pytest.fixture
def place(tmp_path):
    return {**os.environ, "DATA_DIR": str(tmp_path / "data"), "NO_COLOR": "1"}


def finish(words, env, timeout=300):
    return subprocess.run(
        [*PROGRAM, *words], capture_output=True, text=True, env=env, timeout=timeout, check=False
    )


def start(words, env):
    return subprocess.Popen(
        [*PROGRAM, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        start_new_session=True,
    )


def wait_for_line(process, part):
    for line in process.stderr:
        if part in line:
            return line
    raise AssertionError(f"{part!r} never came")


def stored_runs(env):
    listed = finish(["study", "list", "--json"], env)
    assert listed.returncode == 0, listed.stderr
    return json.loads(listed.stdout)["runs"]


def test_demo_ends_with_a_report_and_can_be_repeated(place):
    ran = finish(["demo", "--no-serve", "--json"], place, timeout=600)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["status"] == "COMPLETED"
    assert told["guards"]["leak"]["ok"] is True
    assert told["guards"]["data_health"]["ok"] is True
    assert told["verdict"]["word"] in {"no evidence", "weak", "supported"}
    page = Path(told["report"]).read_text(encoding="utf-8")
    assert told["verdict"]["sentence"].split(",")[0][:20] in page
    assert "https://" not in page.replace("https://www.w3.org", "")


def test_ctrl_c_in_a_study_is_stored_as_cancelled(place):
    process = start(["study", "run", "ridge"], place)
    wait_for_line(process, "fit")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    (run,) = stored_runs(place)
    assert run["status"] == "CANCELLED"


def test_a_killed_study_leaves_nothing_half_written(place):
    process = start(["study", "run", "ridge"], place)
    wait_for_line(process, "backtest")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert stored_runs(place) == []
    again = finish(["study", "run", "ridge", "--json"], place)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["status"] == "COMPLETED"


def test_a_study_that_cannot_write_its_result_says_so(place):
    import resource

    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    ran = subprocess.run(
        [*PROGRAM, "study", "run", "ridge"],
        capture_output=True,
        text=True,
        env=place,
        preexec_fn=small_files,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 1
    assert "error:" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not list(Path(place["DATA_DIR"]).glob("runs/*/report.html"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_two_servers_on_one_port_and_an_ordered_end(place):
    port = free_port()
    first = start(["serve", "--port", str(port)], place)
    try:
        wait_for_line(first, str(port))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/health", timeout=30) as reply:
            assert reply.status == 200
        second = finish(["serve", "--port", str(port)], place)
        assert second.returncode == 1
        assert str(port) in second.stderr
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=30)
    assert first.returncode == 0


def test_a_server_for_everybody_is_refused_without_sign_in(place):
    refused = finish(["serve", "--host", "0.0.0.0", "--port", str(free_port())], place)
    assert refused.returncode == 2
    assert "sign-in" in refused.stderr


def test_doctor_finds_a_working_installation(place):
    looked = finish(["doctor", "--json"], place)
    told = json.loads(looked.stdout)
    assert looked.returncode == 0, told
    assert {check["name"] for check in told["checks"]} >= {"Python", "database", "sample data"}
