"""``backtest`` and ``report`` as a user types them, on the embedded sample."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest


def tradewright(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the program on a data directory of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from tradewright.app.cli.main import main; main()", *words],
        cwd=folder,
        env={**os.environ, "DATA_DIR": str(folder / "data"), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=180,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with two runs of one strategy."""
    folder = tmp_path_factory.mktemp("home")
    for fast in ("10", "20"):
        done = tradewright(
            folder, "backtest", "run", "--strategy", "sma_cross", "--symbols", "AAPL,SPY",
            "--from", "2012-01-01", "--to", "2014-12-31", "--set", f"fast={fast}", "--json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    return folder


def listed(home: Path) -> list[dict[str, object]]:
    return json.loads(tradewright(home, "report", "show", "--json").stdout)


def test_every_run_is_listed_with_its_verdict(home: Path) -> None:
    rows = listed(home)
    assert [row["name"] for row in rows] == ["sma_cross", "sma_cross"]
    assert all(row["verdict"] in ("supported", "weak", "no evidence") for row in rows)
    assert rows[0]["metrics"]["deflated_sharpe"] <= 1  # type: ignore[index]


def test_trials_of_one_strategy_are_counted_together(home: Path) -> None:
    shown = json.loads(tradewright(home, "report", "show", "latest", "--json").stdout)
    assert shown["trials"] == 2 or shown["statistics"]["trials"] == 2


def test_luck_and_origin_of_a_stored_run_are_told_as_json(home: Path) -> None:
    shown = json.loads(tradewright(home, "report", "show", "latest", "--json").stdout)
    assert set(shown["chance"]) == {"paths", "trades", "entries"}
    assert 0.0 <= shown["chance"]["entries"]["pass_share"] <= 1.0
    assert [row["name"] for row in shown["acceptance"]] == [
        "min_sharpe_ratio", "max_drawdown_threshold", "min_win_rate",
    ]  # fmt: skip
    parts = [row["contribution"] for row in shown["attribution"]["instruments"]]
    assert sum(parts) == pytest.approx(shown["metrics"]["total_return"], abs=1e-9)
    low, high = (shown["intervals"]["sharpe"][key] for key in ("low_95", "high_95"))
    assert low < shown["metrics"]["sharpe"] < high


def test_a_sweep_tells_its_overfitting_and_the_next_run_carries_it(tmp_path: Path) -> None:
    common = (
        "--strategy", "sma_cross", "--symbols", "AAPL,SPY", "--from", "2012-01-01",
        "--to", "2013-12-31", "--json",
    )  # fmt: skip
    done = tradewright(
        tmp_path, "backtest", "sweep", "--grid", "fast=5,10", "--grid", "slow=30,60", *common
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["overfitting"]["n_splits"] == 12_870
    assert 0.0 < found["superiority"]["spa"] <= 1.0
    run = json.loads(tradewright(tmp_path, "backtest", "run", *common).stdout)
    assert run["statistics"]["overfitting"] == found["overfitting"]["probability"]
    assert run["trials"] == 5


def test_run_is_shown_as_page_and_files(home: Path) -> None:
    page = tradewright(home, "report", "show", "latest", "--format", "html", "--out", "r.html")
    assert page.returncode == 0, page.stderr
    assert (home / "r.html").read_text("utf-8").startswith("<!doctype html>")
    tables = tradewright(home, "report", "show", "latest", "--format", "parquet", "--out", "t")
    assert tables.returncode == 0, tables.stderr
    assert len(pl.read_parquet(home / "t" / "equity.parquet")) == 754


def test_runs_are_compared(home: Path) -> None:
    ids = [str(row["run_id"]) for row in listed(home)]
    done = tradewright(home, "report", "compare", *ids, "--out", "c.html", "--json")
    found = json.loads(done.stdout)
    assert found["sessions"] == 754
    assert [row["key"] for row in found["config_differences"]] == ["strategy.parameters.fast"]
    assert (home / "c.html").exists()


def test_strategies_are_listed_with_parameters(home: Path) -> None:
    found = json.loads(tradewright(home, "backtest", "list", "--json").stdout)
    assert set(found) >= {"sma_cross", "buy_and_hold", "momentum_top_n", "mean_reversion"}
    assert found["sma_cross"]["parameters"]["fast"] == 20


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("backtest", "run", "--strategy", "sma_crss"), 2, "did you mean 'sma_cross'"),
        (("backtest", "run", "--strategy", "sma_cross", "--set", "fst=3"), 2, "fast"),
        (("backtest", "run", "--strategy", "sma_cross", "--set", "fast"), 2, "NAME=VALUE"),
        (("backtest", "run", "--strategy", "sma_cross", "--set", "fast=x"), 2, "wanted a number"),
        (("backtest", "run", "--strategy", "sma_cross", "--cash", "0"), 2, "cash"),
        (("backtest", "run", "--strategy", "sma_cross", "--fee-bps", "-1"), 2, "fee_bps"),
        (("backtest", "run", "--strategy", "sma_cross", "--symbols", "NOPE"), 1, "NOPE"),
        (("backtest", "run", "--strategy", "sma_cross", "--data", "no.csv"), 1, "no.csv"),
        (
            (
                "backtest",
                "run",
                "--strategy",
                "sma_cross",
                "--from",
                "2014-01-02",
                "--to",
                "2013-01-01",
            ),
            2,
            "before",
        ),
        (("report", "show", "deadbeef"), 1, "not stored"),
        (("report", "show", "latest", "--format", "pdf"), 2, "pdf"),
    ],
)
def test_misuse_is_named_with_its_exit_code(
    home: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    before = len(listed(home))
    done = tradewright(home, *words)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert len(listed(home)) == before


def test_required_acceptance_refuses_with_three(tmp_path: Path) -> None:
    done = tradewright(
        tmp_path, "backtest", "run", "--strategy", "buy_and_hold", "--symbols", "SPY",
        "--require-acceptance", "--quiet",
    )  # fmt: skip
    assert done.returncode == 3
    assert "max_drawdown_threshold" in done.stderr
    assert len(listed(tmp_path)) == 1
