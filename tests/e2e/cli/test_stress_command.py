"""``tradewright backtest stress`` from the command line."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

WORDS = ("backtest", "stress", "--strategy", "sma_cross", "--symbols", "AAPL,KO,XOM,JPM")
DATES = ("--from", "2012-01-01", "--to", "2014-12-31", "--starts", "2")


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


def test_worst_and_median_of_each_scenario(call) -> None:
    shown = call(*WORDS, *DATES)
    assert shown.returncode == 0, shown.stderr
    for name in ("market_crash", "covid_shock", "high_volatility", "correlation_shock"):
        assert name in shown.stdout
    assert "mild against history" in shown.stdout
    told = call(*WORDS, *DATES, "--scenarios", "covid_shock", "--json")
    (row,) = json.loads(told.stdout)["scenarios"]
    assert row["market_shock_magnitude"] == -0.25
    assert len(row["starts"]) == 2
    scores = [start["stress_resilience_score"] for start in row["starts"]]
    assert row["worst"]["stress_resilience_score"] == min(scores)


def test_own_scenarios_and_wrong_names(call, tmp_path) -> None:
    page = tmp_path / "mine.yaml"
    page.write_text("bleed: {market_shock_magnitude: -0.4, shock_duration_days: 200}\n")
    short = call(*WORDS, *DATES, "--scenario-file", str(page))
    assert short.returncode == 2
    assert "scenario bleed lacks recovery_duration_days" in short.stderr
    wrong = call(*WORDS, *DATES, "--scenarios", "covid")
    assert wrong.returncode == 2
    assert "did you mean 'covid_shock'" in wrong.stderr


def test_stored_run_keeps_its_stress(call, tmp_path) -> None:
    assert call(*("backtest", "run"), *WORDS[2:], *DATES[:4], "--quiet").returncode == 0
    told = call("backtest", "stress", "--run", "latest", "--scenarios", "covid_shock",
                "--starts", "2", "--json")  # fmt: skip
    assert told.returncode == 0, told.stderr
    document = json.loads(told.stdout)
    page = tmp_path / "runs" / document["run_id"] / "report.html"
    assert "Stress resilience score" in page.read_text("utf-8")
    folder = tmp_path / "tables"
    assert call("report", "show", "latest", "--format", "csv", "--out", str(folder)).returncode == 0
    rows = (folder / "stress_starts.csv").read_text("utf-8").splitlines()
    assert len(rows) == 3
    shown = call("study", "stress", "latest", "--scenarios", "hist_2020", "--starts", "1")
    assert "1 runs through the scenarios" in shown.stderr
    assert f"kept with run {document['run_id']}" in shown.stdout


def test_neither_or_both_of_strategy_and_run_are_misuse(call) -> None:
    for words in ((), ("--strategy", "sma_cross", "--run", "latest")):
        ended = call("backtest", "stress", *words)
        assert ended.returncode == 2
        assert "either --strategy NAME or --run RUN" in ended.stderr
