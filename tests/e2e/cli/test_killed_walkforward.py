"""A walk-forward that is killed in the middle, resumed, ends with the same windows and run."""

import json
import os
import signal
import subprocess
import sys
import time

STUDY = ("study", "walkforward", "ridge", "--set", "validation.controls=4")
RULE = (
    *("study", "walkforward", "sma_cross", "--grid", "fast=5:20:5", "--grid", "slow=30:61:15"),
    *("--symbols", "KO", "--from", "2010-01-01", "--training-days", "126"),
)


def command(place, words):
    return [sys.executable, "-m", "tradewright", *words, "--data-dir", str(place)]


def finish(place, *words):
    ran = subprocess.run(
        command(place, (*words, "--json")), capture_output=True, text=True, check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def kill_when(place, words, is_time) -> None:
    process = subprocess.Popen(
        command(place, words), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    patience = time.monotonic() + 120
    while not is_time():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < patience
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=30)


def same(first, second) -> bool:
    hidden = ("seconds", "report", "run_id")
    return {k: v for k, v in first.items() if k not in hidden} == {
        k: v for k, v in second.items() if k not in hidden
    }


def digest_of(place, run_id):
    shown = finish(place, "report", "show", run_id)
    return shown["digest"], shown["trials"]


def test_a_study_goes_on_from_its_finished_fits(tmp_path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    kill_when(killed, STUDY, lambda: len(list(killed.glob("walks/*/window-*"))) >= 8)
    assert finish(killed, "study", "list")["runs"] == []
    resumed = finish(killed, *STUDY, "--resume")
    assert list(killed.glob("walks/*")) == []  # done: nothing is kept
    undisturbed = finish(whole, *STUDY)
    assert same(resumed, undisturbed)
    assert digest_of(killed, resumed["run_id"]) == digest_of(whole, undisturbed["run_id"])


def test_a_rule_goes_on_from_its_finished_windows(tmp_path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"

    def three_windows() -> bool:
        files = list(killed.glob("walks/*.jsonl"))
        return bool(files) and files[0].read_text().count("\n") >= 4

    kill_when(killed, RULE, three_windows)
    resumed = finish(killed, *RULE, "--resume")
    undisturbed = finish(whole, *RULE)
    assert same(resumed, undisturbed)
    assert digest_of(killed, resumed["run_id"]) == digest_of(whole, undisturbed["run_id"])
    assert list(killed.glob("walks/*")) == []
