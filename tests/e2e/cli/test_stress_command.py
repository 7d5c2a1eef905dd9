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
