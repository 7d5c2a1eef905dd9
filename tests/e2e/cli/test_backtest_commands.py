"""``tradewright backtest`` from the command line: runs, sweeps, wrong input, exit codes."""

import json
from pathlib import Path

import pytest

RUN = ("backtest", "run", "--strategy", "sma_cross", "--symbols", "KO", "--from", "2012-01-01",
       "--to", "2013-12-31")  # fmt: skip


def test_run_takes_its_cash_costs_and_parameters(tradewright):
    plain = ("--cash", "50000", "--fee-bps", "0", "--slippage-bps", "0", "--json")
    code, out, err = tradewright(*RUN, *plain)
    assert code == 0, err
    free = json.loads(out)
    assert free["status"] == "COMPLETED"
    assert free["metrics"]["total_costs"] == 0
    code, out, _ = tradewright(*RUN, "--cash", "50000", "--set", "fast=5", "--json")
    charged = json.loads(out)
    assert charged["metrics"]["total_costs"] > 0
    assert charged["digest"] != free["digest"]
    assert charged["trials"] == 2  # the second look at the same data counts
    twice = json.loads(tradewright(*RUN, "--set", "fast=5", "--json")[1])["metrics"]
    assert twice["total_costs"] == pytest.approx(2 * charged["metrics"]["total_costs"], rel=0.02)
    code, out, _ = tradewright("report", "show", charged["run_id"], "--json")
    assert (code, json.loads(out)["digest"]) == (0, charged["digest"])


def test_acceptance_can_be_required_of_a_backtest(tradewright):
    code, out, _ = tradewright(*RUN, "--require-acceptance")
    assert code == 3
    assert "misses at least one acceptance threshold" in out


def test_sweep_counts_every_configuration(tradewright):
    words = [word if word != "run" else "sweep" for word in RUN]
    grid = ("--grid", "fast=5:20:5", "--grid", "slow=40:60:20")
    code, out, err = tradewright(*words, *grid, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert (len(found["configurations"]), found["counted"]) == (8, 8)
    code, out, _ = tradewright(*RUN, "--json")
    assert json.loads(out)["trials"] == 9
    code, out, _ = tradewright("backtest", "list", "--json")
    assert json.loads(out)["sma_cross"]["parameters"]["fast"] == 20


def test_the_counter_is_reset_on_the_record_only(tradewright):
    for fast in ("8", "9", "11"):
        assert tradewright(*RUN, "--set", f"fast={fast}", "--json")[0] == 0
    code, out, _ = tradewright("study", "trials", "--json")
    before = json.loads(out)
    assert (before["counted"], before["resets"]) == (3, [])
    code, _, err = tradewright("study", "trials", "--reset")
    assert (code, "no reason is given" in err) == (2, True)
    code, out, _ = tradewright(
        "study", "trials", "--reset", "--reason", "other data vendor", "--actor", "ann", "--json"
    )
    after = json.loads(out)
    assert (code, after["counted"]) == (0, 0)
    assert "by ann (3 trials set aside): other data vendor" in after["resets"][0]
    code, out, _ = tradewright(*RUN, "--set", "fast=12", "--json")
    assert json.loads(out)["trials"] == 1
    page = Path(json.loads(out)["report"]).read_text(encoding="utf-8")
    assert "by ann (3 trials set aside): other data vendor" in page


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (("--cash", "0"), 2, "cash is 0.0, wanted an amount above 0"),
        (("--cash", "nan"), 2, "cash is nan"),
        (("--cash", "1e300"), 2, "would overflow"),
        (("--cash", "0.001"), 2, "below one minor unit"),
        (("--cash", "lots"), 2, "found 'lots'"),
        (("--fee-bps", "-5"), 2, "costs.fee_bps is -5.0"),
        (("--slippage-bps", "20000"), 2, "wanted below 10000"),
        (("--set", "fast=0"), 2, "fast is 0"),
        (("--set", "fastt=3"), 2, "did you mean 'fast'"),
        (("--set", "fast"), 2, "fast"),
        (("--from", "2013-13-01"), 2, "--from: date '2013-13-01'"),
        (("--from", "2013-12-31", "--to", "2013-01-01"), 2, "before --from"),
        (("--from", "2030-01-01", "--to", "2031-01-01"), 1, "from 2005-02-25 to 2017-11-10"),
        (("--symbols", "KKO"), 1, "did you mean 'KO'"),
        (("--symbols", " , "), 2, "names no symbol"),
        (("--set", "fast=3", "--set", "fast=4"), 2, "--set fast is given twice: 3, 4"),
        (("--interval", "1h"), 2, "the sample is daily, --interval is 1h"),
        (("--data", "stoer"), 1, "known: sample, store, a file"),
        (("--data", "store"), 1, "KO"),
        (("--strategy", "sma_crosss"), 2, "did you mean 'sma_cross'"),
    ],
)
def test_wrong_input_of_a_backtest_is_named(tradewright, tmp_path, words, code, part):
    found, out, err = tradewright(*RUN, *words)
    assert found == code, err
    assert part in err
    assert out == ""
    runs = tmp_path / "data" / "runs"
    assert not runs.exists() or list(runs.iterdir()) == []


@pytest.mark.parametrize(
    ("grid", "part"),
    [
        ("fast=50:5:5", "wanted A <= B"),
        ("fast=5:50:0", "a step above 0"),
        ("fas=5:50:5", "did you mean 'fast'"),
        ("fast=a:b:1", "fast"),
    ],
)
def test_wrong_grid_is_misuse(tradewright, grid, part):
    words = [word if word != "run" else "sweep" for word in RUN]
    code, _, err = tradewright(*words, "--grid", grid)
    assert code == 2
    assert part in err


def test_symbol_that_is_in_the_store_is_pointed_to(tradewright, tmp_path):
    path = tmp_path / "ZZZ.csv"
    rows = "\n".join(f"2020-01-{day:02d},10,11,9,10,100" for day in (6, 7, 8, 9, 10))
    path.write_text(f"Date,Open,High,Low,Close,Volume\n{rows}\n", encoding="utf-8")
    assert tradewright("data", "import", str(path))[0] == 0
    code, _, err = tradewright("backtest", "run", "--strategy", "buy_and_hold", "--symbols", "ZZZ")
    assert code == 1
    assert "--data store" in err
    words = ("backtest", "run", "--strategy", "buy_and_hold", "--symbols", "ZZZ", "--data", "store")
    assert tradewright(*words)[0] == 0


def test_a_file_that_needs_an_answer_leads_to_the_command_that_takes_it(tradewright, tmp_path):
    file = tmp_path / "my prices.csv"
    file.write_text("Date,Open,High,Low,Close,Volume\n2020-01-02,10,11,9,10,5\n")
    code, _, err = tradewright("backtest", "run", "--strategy", "sma_cross", "--data", str(file))
    assert code == 2
    assert f"'tradewright data import {file}' takes such answers as flags" in err


@pytest.mark.parametrize("rows", [1, 2])
def test_a_backtest_over_a_bar_or_two_still_has_a_report(tradewright, tmp_path, rows, recwarn):
    file = tmp_path / "ONE.csv"
    lines = [f"2020-01-0{day},10,11,9,10.5,1000" for day in (2, 3)][:rows]
    file.write_text("\n".join(["Date,Open,High,Low,Close,Volume", *lines]) + "\n")
    code, out, err = tradewright("backtest", "run", "--strategy", "sma_cross", "--data", str(file))
    assert code == 0, err
    assert "NO EVIDENCE" in out
    assert "nan" not in out
    assert [str(one.message) for one in recwarn if one.category is RuntimeWarning] == []


def test_ctrl_c_while_a_run_is_judged_lists_it_as_cancelled(tradewright, monkeypatch):
    from tradewright.services.results import named

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(named, "health_of", stop)
    code, _, err = tradewright(*RUN)
    assert code == 1
    assert "CANCELLED: stopped by the user before it was judged" in err
    code, out, _ = tradewright("report", "show", "--json")
    assert [row["status"] for row in json.loads(out)] == ["CANCELLED"]


def test_a_run_on_prices_as_traded_takes_a_table_of_actions(tradewright, tmp_path):
    days = [f"2014-06-{day:02d}" for day in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13)]
    closes = [628.65, 637.54, 644.82, 647.35, 645.57, 93.70, 94.25, 93.86, 92.29, 91.28]
    rows = [f"AAPL,{d},{c},{c},{c},{c},1000000" for d, c in zip(days, closes, strict=True)]
    bars, table = tmp_path / "raw.csv", tmp_path / "actions.csv"
    bars.write_text("symbol,date,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    table.write_text("symbol,kind,ex_date,value\nAAPL,split,2014-06-09,7:1\n")
    words = ("backtest", "run", "--strategy", "buy_and_hold", "--data", str(bars), "--json")
    code, out, err = tradewright(*words, "--actions", str(table))
    assert code == 0, err
    held = json.loads(out)["metrics"]
    assert held["total_return"] == pytest.approx(7 * 91.28 / 637.54 - 1, abs=2e-3)
    without = json.loads(tradewright(*words)[1])["metrics"]
    assert without["total_return"] < -0.8
    table.write_text("symbol,kind,ex_date,value\nAAPL,splitt,2014-06-09,7:1\n")
    code, _, err = tradewright(*words, "--actions", str(table))
    assert code != 0
    assert "row 2: kind is 'splitt'; did you mean 'split'" in err
    code, _, err = tradewright(*RUN, "--actions", str(table))
    assert code != 0
