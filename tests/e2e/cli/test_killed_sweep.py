"""A sweep that is killed or stopped, resumed, ends with the same table."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

WORDS = (
    *("backtest", "sweep", "--strategy", "sma_cross", "--symbols", "KO", "--from", "2010-01-01"),
    *("--grid", "fast=5:24:1", "--grid", "slow=40:58:2"),
)


def command(place, *words):
    return [sys.executable, "-m", "tradewright", *WORDS, *words, "--data-dir", str(place)]


def finish(place, *words):
    ran = subprocess.run(
        command(place, *words, "--json"), capture_output=True, text=True, check=False, timeout=240
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_killed_and_resumed_with_other_workers_is_the_same_sweep(tmp_path, sent) -> None:
    process = subprocess.Popen(
        command(tmp_path / "killed", "--workers", "2"),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    for line in process.stderr:
        if "30%" in line:
            break
    os.kill(process.pid, sent)
    _, said = process.communicate(timeout=60)
    if sent == signal.SIGINT:
        assert process.returncode == 1
        assert "stopped by the user; finished sets are kept" in said
        assert "Traceback" not in said
    (journal,) = (tmp_path / "killed" / "sweeps").glob("*/finished.jsonl")
    kept = len(journal.read_text().splitlines()) - 1
    assert 40 <= kept < 200
    resumed = finish(tmp_path / "killed", "--workers", "1", "--resume")
    whole = finish(tmp_path / "whole", "--workers", "1")
    assert resumed["digest"] == whole["digest"]
    assert resumed["configurations"] == whole["configurations"]
    assert resumed["counted"] == whole["counted"] == 200
    assert resumed["overfitting"] == whole["overfitting"]
    assert not journal.exists()
    ran = subprocess.run(
        [sys.executable, "-m", "tradewright", "backtest", "run", *WORDS[2:8], "--json",
         "--data-dir", str(tmp_path / "killed")],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    told = json.loads(ran.stdout)
    assert told["trials"] == 201
    assert "201" in Path(told["report"]).read_text(encoding="utf-8")
