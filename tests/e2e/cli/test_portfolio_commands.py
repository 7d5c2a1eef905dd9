"""``tradewright portfolio`` from the command line: output, JSON and exit codes."""

import json

import pytest

pytest.importorskip("clarabel")
FIVE = ("--symbols", "AAPL,JNJ,XOM,JPM,WMT", "--from", "2015-01-01")


def test_optimize_prints_weights_and_obeys_constraints(tradewright):
    code, out, err = tradewright(
        "portfolio", "optimize", *FIVE, "--method", "minimum_variance",
        "--constraint", "max_weight=0.3", "--constraint", "AAPL + XOM <= 0.2",
        "--current", "AAPL=1.0", "--frontier", "--json",
    )  # fmt: skip
    assert code == 0, err
    found = json.loads(out)
    assert found["optimization_method"] == "minimum_variance"
    assert max(found["weights"].values()) <= 0.3 + 1e-6
    assert found["weights"]["AAPL"] + found["weights"]["XOM"] <= 0.2 + 1e-6
    assert found["turnover"] > 0.5
    assert len(found["frontier"]["points"]) == 50
    code, out, _ = tradewright("portfolio", "optimize", *FIVE, "--risk-tolerance", "0.7")
    assert code == 0
    assert "mean_variance  as of 2017" in out
    assert "CASH" in out


def test_positions_below_one_percent_are_not_held_unless_limits_are_off(tradewright):
    words = ("portfolio", "optimize", "--method", "minimum_variance", "--from", "2014-01-01",
             "--to", "2016-01-01", "--json")  # fmt: skip
    held = {}
    for flag in ("--limits", "--no-limits"):
        code, out, err = tradewright(*words, flag)
        assert code == 0, err
        held[flag] = [w for w in json.loads(out)["weights"].values() if w > 1e-6]
    assert min(held["--limits"]) >= 0.01 - 1e-6
    assert min(held["--no-limits"]) < 0.01
    assert sum(held["--limits"]) == pytest.approx(1.0)


def test_optimize_stacks_methods(tradewright):
    code, out, err = tradewright(
        "portfolio", "optimize", *FIVE, "--stack", "minimum_variance,risk_parity", "--json"
    )
    assert code == 0, err
    found = json.loads(out)
    assert found["optimization_method"] == "stacked"
    assert "stacked by cross-validation: minimum_variance" in found["message"].lower()
    code, _, err = tradewright("portfolio", "optimize", *FIVE, "--stack", "risk_parity")
    assert code == 2
    assert "two or more" in err


def test_optimize_takes_views(tradewright):
    words = ("portfolio", "optimize", *FIVE, "--method", "black_litterman", "--json")
    _, out, _ = tradewright(*words)
    plain = json.loads(out)["weights"]
    assert set(plain.values()) == {0.2}
    code, out, err = tradewright(*words, "--views", "AAPL - XOM = 0.10 @ 0.8")
    assert code == 0, err
    moved = json.loads(out)["weights"]
    assert moved["AAPL"] > 0.3
    assert moved["XOM"] < 0.1


def test_what_cannot_be_solved_says_why_with_its_exit_code(tradewright):
    code, _, err = tradewright("portfolio", "optimize", *FIVE, "--constraint", "max_weight=0.1")
    assert code == 2
    assert "max_weight and min_net contradict each other" in err
    code, out, err = tradewright(
        "portfolio", "optimize", *FIVE,
        "--constraint", "AAPL >= 0.6", "--constraint", "AAPL <= 0.2", "--json",
    )  # fmt: skip
    assert code == 1
    assert json.loads(out)["fallback_used"] == "cash"
    assert "cannot be met together" in err
    code, _, err = tradewright("portfolio", "optimize", *FIVE, "--method", "markowitz")
    assert code == 2
    assert "method 'markowitz' is not known" in err


def test_compare_lists_methods_with_their_walk_forward(tradewright):
    code, out, err = tradewright(
        "portfolio", "compare", *FIVE, "--methods", "minimum_variance,equal_weight",
        "--rebalance", "63", "--json",
    )  # fmt: skip
    assert code == 0, err
    calm, equal = json.loads(out)
    assert calm["method"] == "minimum_variance"
    assert calm["out_of_sample"]["annual_volatility"] < equal["out_of_sample"]["annual_volatility"]
    code, out, _ = tradewright(
        "portfolio", "compare", *FIVE, "--methods", "risk_parity", "--no-walk-forward"
    )
    assert code == 0
    assert "risk_parity" in out


def test_show_tells_what_the_paper_account_holds(tradewright):
    code, _, err = tradewright("portfolio", "show")
    assert code == 1
    assert "no session" in err
    code, _, err = tradewright(
        "paper", "start", "buy_and_hold", "--symbols", "AAPL,JNJ", "--speed", "max",
        "--replay", "2016-01-01:2016-06-30",
    )  # fmt: skip
    assert code == 0, err
    code, out, err = tradewright("portfolio", "show", "--json")
    assert code == 0, err
    now = json.loads(out)
    assert {row["symbol"] for row in now["holdings"]} == {"AAPL", "JNJ"}
    gained = float(now["equity"]) / 100_000 - 1
    assert now["performance"]["total_return"] == pytest.approx(gained, abs=1e-9)
    assert sum(now["contributions"].values()) == pytest.approx(gained, abs=2e-3)
    code, out, _ = tradewright("portfolio", "show", "--as-of", "2016-02-10", "--json")
    then = json.loads(out)
    assert then["as_of"] <= "2016-02-11"
    assert then["equity"] != now["equity"]
    code, _, err = tradewright("portfolio", "show", "--as-of", "soon")
    assert code == 2
    code, _, err = tradewright("portfolio", "show", "--account", "bank")
    assert code == 2
    code, out, _ = tradewright("portfolio", "show")
    assert "contributed" in out
