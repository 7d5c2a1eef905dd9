"""``tradewright study walkforward`` from the command line, for a strategy by name."""

import json
import subprocess
import sys

import pytest

WORDS = (
    *("study", "walkforward", "sma_cross", "--grid", "fast=10:21:10", "--grid", "slow=40:61:20"),
    *("--symbols", "AAPL,KO", "--from", "2013-01-01", "--to", "2014-12-31"),
)


@pytest.fixture
def call(tmp_path):
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tradewright", *words, "--data-dir", str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


def test_windows_choices_efficiency_and_a_stored_run(call, tmp_path) -> None:
    shown = call(*WORDS, "--training-days", "126", "--overlap-days", "21", "--keep-tail")
    assert shown.returncode == 0, shown.stderr
    assert "efficiency" in shown.stdout
    assert "4 sets tried" in shown.stdout
    told = call(*WORDS, "--training-days", "126", "--period-type", "expanding", "--json")
    document = json.loads(told.stdout)
    assert [row["window"] for row in document["windows"]] == [1, 2, 3, 4, 5, 6]
    assert {row["train_from"] for row in document["windows"]} == {"2013-01-02"}
    assert set(document["stability"]) == {"fast", "slow"}
    page = tmp_path / "runs" / document["run_id"] / "report.html"
    text = page.read_text()
    assert "walk-forward over 6 windows" in text
    assert "In-sample Sharpe" in text
    assert "Chosen: slow" in text


def test_what_does_not_fit_is_named(call) -> None:
    failed = call(*WORDS, "--training-days", "900")
    assert failed.returncode == 2
    assert "504 sessions are available" in failed.stderr
    unknown = call("study", "walkforward", "no_such_study")
    assert unknown.returncode != 0
    assert "no study page 'no_such_study'" in unknown.stderr


def test_a_very_large_sweep_asks_with_time_and_memory(call) -> None:
    words = ("backtest", "sweep", "--strategy", "sma_cross", "--symbols", "KO")
    grids = ("--grid", "fast=2:502:1", "--grid", "slow=503:1003:1")
    refused = call(*words, *grids, "--from", "2016-01-01")
    assert refused.returncode == 1
    assert "251,001 sets of parameters would take about" in refused.stderr
    assert "MB. Go on?" in refused.stderr
    assert "--yes answers" in refused.stderr
