"""Stored runs repeated, told apart and compared from the command line."""

import json

import pytest

import tradewright as tw

RUN = ("backtest", "run", "--strategy", "sma_cross", "--symbols", "AAPL,KO", "--to", "2008-12-31")


@pytest.fixture
def two_runs(tradewright):
    """Two stored runs that differ in one parameter and in costs."""
    ids = []
    for more in ((), ("--set", "fast=30", "--fee-bps", "5")):
        code, out, err = tradewright(*RUN, *more, "--json")
        assert code == 0, err
        ids.append(json.loads(out)["run_id"])
    return ids


def test_stored_backtest_repeats_with_its_digest(tradewright, two_runs) -> None:
    for run_id in two_runs:
        code, out, _ = tradewright("study", "rerun", run_id, "--json")
        assert code == 0
        told = json.loads(out)
        assert told["equal"]
        stored = tw.Run.load(run_id)
        assert told["digest_after"] == stored.digest == stored.rerun().digest


def test_changed_file_is_named_when_a_run_does_not_repeat(tradewright, tmp_path) -> None:
    page = tmp_path / "ACME.csv"
    rows = [
        f"2020-01-{day:02d},{10 + day},{12 + day},{9 + day},{11 + day},1000" for day in range(1, 31)
    ]
    page.write_text("Date,Open,High,Low,Close,Volume\n" + "\n".join(rows))
    code, out, err = tradewright(
        "backtest", "run", "--strategy", "buy_and_hold", "--data", str(page), "--json"
    )
    assert code == 0, err
    run_id = json.loads(out)["run_id"]
    page.write_text(page.read_text().replace(",26,1000", ",26.5,1000"))
    code, out, _ = tradewright("study", "rerun", run_id)
    assert code == 1
    assert "data: data_version was" in out
    page.unlink()
    code, _, err = tradewright("study", "rerun", run_id)
    assert code != 0
    assert "ACME.csv" in err


def test_diff_names_causes_before_consequences(tradewright, two_runs) -> None:
    code, out, _ = tradewright("report", "diff", *two_runs, "--most", "2")
    assert code == 0
    assert out.index("strategy.parameters.fast: 20 -> 30") < out.index("orders")
    assert "costs.fee_bps: 10.0 -> 5.0" in out
    assert out.index("orders") < out.index("first difference") < out.index("metrics")
    told = json.loads(tradewright("report", "diff", *two_runs, "--json")[1])
    assert {change["group"] for change in told["made_from"]} == {"config"}
    shared, gone, new = told["orders"]
    stored = [len(tw.Run.load(run_id).outcome.orders) for run_id in two_runs]
    assert [shared + gone, shared + new] == stored
    assert not told["equal"]


def test_diff_tells_every_cause_in_its_own_part_before_what_came_of_it(tradewright, monkeypatch):
    from tradewright.services.results import manifest

    first = json.loads(tradewright(*RUN, "--json")[1])["run_id"]
    monkeypatch.setattr(manifest, "library_versions", lambda: {"numpy": "0.0.1"})
    monkeypatch.setattr(manifest, "code_commit", lambda: "0123456789ab+changes")
    words = (*RUN[:5], "AAPL", "--seed", "5", "--set", "fast=30", "--to", "2007-12-31")
    second = json.loads(tradewright(*words, "--json")[1])["run_id"]
    _, out, _ = tradewright("report", "diff", first, second, "--most", "1")
    parts = [line for line in out.splitlines() if line and not line.startswith(" ")]
    assert parts == ["data", "code", "config", "seed", "environment", "orders", "metrics"]
    for told in (
        "symbols: ['AAPL', 'KO'] -> ['AAPL']",
        "last: 2008-12-31T21:00:00+00:00 -> 2007-12-31T21:00:00+00:00",
        "-> 0123456789ab+changes",
        "strategy.parameters.fast: 20 -> 30",
        "  seed: 0 -> 5",
        "numpy",
    ):
        assert told in out


def test_diff_of_a_run_with_itself_finds_nothing(tradewright, two_runs) -> None:
    code, out, _ = tradewright("report", "diff", two_runs[0], two_runs[0])
    assert (code, "are the same" in out) == (0, True)
    told = json.loads(tradewright("report", "diff", two_runs[0], two_runs[0], "--json")[1])
    assert told["equal"]
    assert told["made_from"] == told["metrics"] == []


def test_strategies_are_compared_on_the_same_bars(tradewright) -> None:
    words = ("backtest", "compare", "sma_cross", "sma_cross:fast=10,slow=30", "buy_and_hold")
    code, out, err = tradewright(*words, "--symbols", "AAPL,KO", "--to", "2008-12-31", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["data_equal"]
    assert len(told["runs"]) == 3
    assert told["runs"][1]["sharpe_difference_low"] < told["runs"][1]["sharpe_difference_high"]
    fast = next(r for r in told["config_differences"] if r["key"] == "strategy.parameters.fast")
    assert 10 in fast.values()
    code, _, err = tradewright("backtest", "compare", "sma_cros", "buy_and_hold")
    assert code == 2
    assert "did you mean 'sma_cross'" in err
    code, _, err = tradewright("backtest", "compare", "sma_cross")
    assert code == 2
    assert "wanted two or more" in err
