"""``tradewright risk`` as whole processes over one data directory."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tradewright.services.risk.files import write_report
from tradewright.services.risk.report import verify_report


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("risk_commands")
    return {**os.environ, "DATA_DIR": str(folder / "data"), "NO_COLOR": "1"}


def run(place, *words):
    return subprocess.run(
        [sys.executable, "-m", "tradewright", *words],
        capture_output=True, text=True, env=place, timeout=120, check=False,
    )  # fmt: skip


def told(place, *words):
    done = run(place, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def session(place):
    words = ("paper", "start", "sma_cross", "--speed", "max", "--symbols", "AAPL,MSFT")
    return told(place, *words, "--replay", "2010-01-01:2013-12-31")


def test_status_before_anything_happened_is_normal(tmp_path):
    document = told({**os.environ, "DATA_DIR": str(tmp_path)}, "risk", "status")
    assert document["state"] == "NORMAL"
    assert document["paper"] is None


def test_report_holds_every_part_and_its_record_can_be_verified(place, session, tmp_path):
    told(place, "risk", "halt", "strategy:other", "--reason", "test")
    document = told(place, "risk", "report", "paper")
    assert document["run_id"] == session["session_id"]
    assert document["missing"] == {}
    methods = [row["method"] for row in document["measures"] if row["basis"] == "the run"]
    assert methods == ["historical", "age_weighted", "gaussian", "cornish_fisher", "student_t",
                       "ewma", "garch"]  # fmt: skip
    for row in document["measures"]:
        assert 0 < row["var"] <= row["es"] < 0.2
    assert {row["method"] for row in document["record"]} == set(methods)
    split = document["contributions"]
    assert sum(row["component_var"] for row in split["by_symbol"]) == pytest.approx(split["var"])
    weights = {row["symbol"]: row["weight"] for row in document["positions"]}
    assert document["concentration"]["top_1"] == pytest.approx(
        max(map(abs, weights.values())) / sum(map(abs, weights.values()))
    )
    crash = {r["scenario"]: r["loss"] for r in document["stress"]["scenarios"]}
    assert crash["hist_2007_2009"] > crash["hist_2011"] > 0
    assert verify_report(document)
    forged = json.loads(json.dumps(document))
    forged["switch"]["entries"][0]["actor"] = "nobody"
    assert not verify_report(forged)
    part = told(place, "risk", "report", "paper", "--from", "2011-01-01", "--to", "2011-12-31")
    assert 240 < part["sessions"] < 260
    assert "record" in part["missing"]  # a year is too short for 250 forecasts
    out = told(place, "risk", "report", "paper", "--out", str(tmp_path / "risk.html"))
    assert out["file"].endswith("risk.html")
    text = (tmp_path / "risk.html").read_text()
    assert "Record of the measures" in text
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org", "")
    rows = list(csv.reader(write_report(document, "csv", tmp_path / "risk.csv").open()))
    assert rows[0] == ["section", "name", "value"]
    assert ["equity", "", str(document["equity"])] in rows
    written = write_report(document, "json", tmp_path / "risk.json").read_text()
    assert json.loads(written) == document


def test_halt_holds_over_processes_until_a_named_person_releases_it(place, session):
    done = told(place, "risk", "halt", "all", "--reason", "storm", "--actor", "Ann")
    assert (done["before"], done["after"]) == ("NORMAL", "HALTED")
    line = told(place, "risk", "status")
    assert line["state"] == "HALTED"
    (scope,) = [row for row in line["scopes"] if row["scope"] == "all"]
    assert [(c["actor"], c["reason"]) for c in scope["causes"]] == [("Ann", "storm")]
    words = ("paper", "start", "sma_cross", "--speed", "max", "--symbols", "AAPL")
    still = told(place, *words, "--replay", "2012-01-01:2012-12-31")
    assert (still["state"], still["orders"], still["fills"]) == ("FINISHED", 0, 0)
    refused = run(place, "risk", "rearm", "all", "--actor", "Ann")
    assert refused.returncode == 3
    assert "a reason is wanted" in refused.stderr
    told(place, "risk", "rearm", "all", "--actor", "Ann", "--reason", "calm")
    again = run(place, "risk", "rearm", "all", "--actor", "Ann", "--reason", "calm")
    assert again.returncode == 3
    moved = told(place, *words, "--replay", "2012-01-01:2012-12-31")
    assert moved["fills"] > 0


def test_flatten_without_a_session_halts_at_once_and_asks_first(place, session):
    asked = subprocess.run(
        [sys.executable, "-m", "tradewright", "risk", "flatten", "account:paper"],
        capture_output=True, text=True, env=place, timeout=60, check=False, input="n\n",
    )  # fmt: skip
    assert asked.returncode == 1
    assert "Close" in asked.stderr
    done = told(place, "risk", "flatten", "account:paper", "--yes")
    assert done["after"] == "HALTED"
    told(place, "risk", "rearm", "account:paper", "--reason", "done")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("halt", "desk:x"), 2, "scope 'desk:x' is not known"),
        (("report", "nothing"), 1, "nothing"),
        (("report", "latest", "--level", "0.5"), 2, "level is 0.5"),
        (("report", "latest", "--format", "pdf"), 2, "is not known"),
        (("rearm", "account:none", "--reason", "x"), 3, "it is NORMAL"),
    ],
)
def test_wrong_input_is_named_with_its_exit_code(place, session, words, code, said):
    done = run(place, "risk", *words)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


@pytest.mark.slow
def test_killed_process_is_still_halted_when_its_session_goes_on(place):
    """kill -9 in the middle, a halt while it is down: the recovery sends nothing more."""
    words = ["paper", "start", "sma_cross", "--speed", "40", "--symbols", "AAPL,MSFT"]
    child = subprocess.Popen(
        [sys.executable, "-m", "tradewright", *words, "--replay", "2012-01-01:2013-12-31"],
        env=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        line = told(place, "paper", "status")
        if line["state"] == "RUNNING" and line["bars_done"] > 40:
            break
    child.send_signal(signal.SIGKILL)
    child.wait(30)
    told(place, "risk", "halt", "all", "--reason", "crash")
    unclean = run(place, "risk", "rearm", "all", "--reason", "x")
    assert unclean.returncode == 3
    assert "was interrupted" in unclean.stderr
    line = told(place, "paper", "status")
    before, done = line["orders"], line["bars_done"]
    resumed = subprocess.Popen(
        [sys.executable, "-m", "tradewright", "paper", "resume"],
        env=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while time.monotonic() < deadline + 60:
        line = told(place, "paper", "status")
        if not line["is_interrupted"] and line["bars_done"] > done + 30:
            break
    assert line["orders"] <= before + 1
    told(place, "paper", "stop")
    resumed.wait(30)
    assert told(place, "risk", "status")["state"] == "HALTED"
    told(place, "risk", "rearm", "all", "--reason", "clean again")


@pytest.mark.slow
def test_stopped_engine_is_noticed_from_outside_and_comes_back_halted(place):
    engine = [sys.executable, "-m", "tradewright", "paper", "start", "sma_cross", "--speed", "5"]
    child = subprocess.Popen(
        [*engine, "--symbols", "AAPL", "--replay", "2010-01-01:2013-12-31"],
        env=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and told(place, "paper", "status")["state"] != "RUNNING":
        pass
    watcher = subprocess.Popen(
        [sys.executable, "-m", "tradewright", "risk", "watch", "--after", "3", "--cancel-all",
         "--json"],
        env=place, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        child.send_signal(signal.SIGSTOP)
        alarm = json.loads(watcher.stdout.readline())
        assert (alarm["is_silent"], alarm["is_halted"]) == (True, True)
        assert told(place, "risk", "status")["state"] == "HALTED"
    finally:
        child.send_signal(signal.SIGCONT)
    heard = json.loads(watcher.stdout.readline())
    assert not heard["is_silent"]
    watcher.terminate()
    watcher.wait(30)
    told(place, "paper", "stop")
    child.wait(30)
    told(place, "risk", "rearm", "account:paper", "--reason", "it runs again")


def test_a_paper_session_under_a_halt_says_that_nothing_is_bought(tradewright):
    assert tradewright("risk", "halt", "all", "--reason", "storm", "--yes")[0] == 0
    words = ("paper", "start", "buy_and_hold", "--symbols", "AAPL", "--speed", "max",
             "--replay", "2016-01-04:2016-01-29")  # fmt: skip
    code, out, err = tradewright(*words)
    assert code == 0, err
    assert "fills 0" in out
    assert "trading is HALTED" in err
    assert "'tradewright risk status' says why" in err
    code, out, _ = tradewright("portfolio", "show")
    assert "Sharpe ratio -" in out
    assert "-0.00%" not in tradewright("risk", "status")[1]


def test_a_study_without_a_run_is_led_to_its_run_before_paper(tradewright):
    code, _, err = tradewright("paper", "start", "ridge")
    assert (code, err) == (
        1,
        "error: study 'ridge' has no stored run: tradewright study run ridge\n",
    )


def test_alert_is_raised_shown_and_cleared(tradewright):
    words = ("risk", "alert", "account:paper", "--source", "drift")
    code, out, err = tradewright(*words, "--reason", "moved", "--actor", "Ann", "--json")
    assert code == 0, err
    assert json.loads(out)["factor"] == 0.5
    code, out, _ = tradewright("risk", "status")
    assert "account:paper: limits x 0.5 for drift: moved (Ann)" in out
    assert tradewright(*words, "--factor", "2", "--reason", "x")[0] == 2
    assert tradewright(*words)[0] == 2
    assert tradewright(*words, "--clear", "--reason", "refitted")[0] == 0
    assert tradewright(*words, "--clear", "--reason", "refitted")[0] == 1


def test_second_person_is_wanted_to_loosen_where_the_settings_say_so(tradewright, monkeypatch):
    from tradewright.app import bootstrap

    monkeypatch.setenv("TRADEWRIGHT_RISK__FOUR_EYES", "true")
    for cached in (bootstrap.settings, bootstrap.open_workspace):
        cached.cache_clear()
    set_ = ("risk", "limits", "--reason", "r", "--actor", "Ann", "--set")
    assert tradewright(*set_, "account.drawdown=0.1")[0] == 0
    code, _, err = tradewright(*set_, "account.drawdown=0.2")
    assert code == 3
    assert "a second person must agree" in err
    assert tradewright(*set_, "account.drawdown=0.2", "--second", "Bo")[0] == 0
    code, out, _ = tradewright("risk", "limits")
    assert "by Ann and Bo: r" in out
