"""``tradewright study`` and ``model`` from the command line: output, files and exit codes."""

import json

import numpy as np
import pytest
import yaml

from tradewright.app.cli.study import _changes
from tradewright.domain.errors import ConfigError
from tradewright.features import About, feature, forget

SMALL = [
    "--set", "data.end=2012-06-01",
    "--set", "validation.controls=2",
    "--set", "validation.training_days=252",
]  # fmt: skip


def test_run_show_list_and_rerun(tradewright):
    code, out, err = tradewright("study", "run", "ridge", *SMALL)
    assert code == 0, err
    for part in (
        "Sharpe ratio",
        "benchmark   (SPY)",
        "Deflated Sharpe probability",
        "1 trial counted",
        "95 % bootstrap interval",
        "Against shuffled labels  p = ",
        "Leak guard   pass",
        "Data health  pass",
        "NO EVIDENCE: Do not believe it",
        "report.html",
    ):
        assert part in out
    code, out, _ = tradewright("study", "list", "--json")
    listed = json.loads(out)
    assert code == 0
    assert {"demo", "ridge"} <= {row["name"] for row in listed["studies"]}
    (run,) = listed["runs"]
    assert run["status"] == "COMPLETED"
    code, out, _ = tradewright("study", "rerun", run["run_id"], "--json")
    assert code == 0
    assert json.loads(out)["equal"] is True
    code, out, _ = tradewright("model", "list", "--json")
    (model,) = json.loads(out)
    assert (model["name"], model["version"], model["run_id"]) == ("ridge", "1", run["run_id"])
    code, out, _ = tradewright("model", "show", "ridge")
    assert code == 0
    assert "close_to_sma(20)" in out
    code, _, err = tradewright("model", "show", "ridg")
    assert code == 1
    assert "did you mean 'ridge'" in err


def test_acceptance_can_be_required(tradewright):
    code, out, err = tradewright("study", "run", "ridge", *SMALL, "--require-acceptance", "--json")
    document = json.loads(out)
    assert document["accepted"] is False
    assert document["verdict"]["word"] == "no evidence"
    assert document["metrics"]["sharpe"] == pytest.approx(document["metrics"]["sharpe"])
    assert code == 3
    assert "acceptance thresholds are not met" in err


def test_check_says_what_a_run_would_do(tradewright):
    code, out, _ = tradewright("study", "check", "ridge", "--quick", *SMALL)
    assert code == 0
    assert "leak guard   pass" in out
    assert "estimate     about" in out
    code, out, _ = tradewright("study", "list", "--json")
    assert json.loads(out)["runs"] == []


def test_show_prints_a_page_that_can_be_run(tradewright):
    code, out, _ = tradewright("study", "show", "demo", "--set", "seed=5")
    assert code == 0
    page = yaml.safe_load(out)
    assert page["seed"] == 5
    assert page["validation"]["controls"] == 20


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["run", "dmeo"], 1, "did you mean 'demo'"),
        (["run", "ridge", "--set", "decision.topk=3"], 2, "did you mean 'top_k'"),
        (["run", "ridge", "--set", "nonsense"], 2, "wanted KEY=VALUE"),
        (["run", "ridge", "--set", "validation.training_days=9000"], 2, "sessions are available"),
        (["check", "ridge", "--set", "data.end=2010-01-02"], 1, "no bar"),
        (["rerun", "nosuchrun"], 1, "nosuchrun"),
        (["rerun"], 1, "run"),
    ],
)
def test_mistakes_end_with_their_exit_code(tradewright, words, code, message):
    found, _, err = tradewright("study", *words)
    assert (found, message in err) == (code, True), err


def test_leak_ends_with_exit_code_3_and_no_figure(tradewright, tmp_path):
    @feature(About("tomorrow", family="price", formula="return of tomorrow", min_rows=1))
    def tomorrow(bars):
        """Return the next bar's return."""
        return np.vstack([bars.close[1:], bars.close[-1:]]) / bars.close - 1

    page = yaml.safe_load(tradewright("study", "show", "ridge")[1])
    page["features"].append("tomorrow")
    (tmp_path / "leaky.yaml").write_text(yaml.safe_dump(page))
    try:
        code, out, err = tradewright("study", "run", str(tmp_path / "leaky.yaml"))
    finally:
        forget("tomorrow")
    assert code == 3
    assert "Leak: tomorrow" in err
    assert "Sharpe" not in out
    (run,) = json.loads(tradewright("study", "list", "--json")[1])["runs"]
    assert (run["status"], run["verdict"], run["sharpe"]) == ("FAILED", "leak", None)


def test_empty_registry_is_said(tradewright):
    assert "no model is registered yet" in tradewright("model", "list")[1]


def test_set_reads_yaml_values():
    assert _changes(["a.b=5", "c=[x, y]", "d = null"]) == {"a.b": 5, "c": ["x", "y"], "d": None}
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        _changes(["=5"])
