"""``tradewright data`` as a whole process in an empty data directory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SPIKE = """Date,Open,High,Low,Close,Volume
{rows}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data_commands")
    return {**os.environ, "DATA_DIR": str(folder / "data"), "NO_COLOR": "1"}


def run(place, *words):
    return subprocess.run(
        [sys.executable, "-m", "tradewright", "data", *words],
        capture_output=True,
        text=True,
        env=place,
        timeout=120,
        check=False,
    )


def test_fetch_list_show_quality_and_export_of_the_sample(place, tmp_path):
    done = run(place, "fetch", "--source", "sample", "--symbols", "IBM,SPY", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["inserted"] == 6403
    listed = json.loads(run(place, "list", "--json").stdout)
    assert [row["symbol"] for row in listed] == ["IBM", "SPY"]
    shown = json.loads(run(place, "show", "IBM", "--rows", "1", "--json").stdout)
    assert shown["bars"][0]["time"] == "2017-11-10T21:00:00+00:00"
    judged = run(place, "quality", "--json")
    assert (judged.returncode, json.loads(judged.stdout)["ok"]) == (0, True)
    out = tmp_path / "spy.parquet"
    assert run(place, "export", "--symbols", "SPY", "--out", str(out)).returncode == 0
    again = run(place, "export", "--symbols", "SPY", "--out", str(out))
    assert again.returncode == 2
    assert "--overwrite" in again.stderr


def test_bars_that_fail_the_gate_end_with_exit_code_3(place, tmp_path):
    path = tmp_path / "BAD.csv"
    days = [f"2020-01-{day:02d}" for day in (6, 7, 8, 9, 10, 13, 14, 15)]
    prices = [10, 10.1, 10.2, 1010, 10.1, 10.0, 10.2, 10.1]
    rows = "\n".join(f"{d},{p},{p},{p},{p},{5 + n}" for n, (d, p) in enumerate(zip(days, prices)))  # noqa: B905
    path.write_text(SPIKE.format(rows=rows), encoding="utf-8")
    done = run(place, "import", str(path))
    assert done.returncode == 0, done.stderr
    judged = run(place, "quality", "--source", "csv")
    assert judged.returncode == 3
    assert "BAD  suspected_split  2020-01-09" in judged.stdout
    listed = {row["symbol"]: row for row in json.loads(run(place, "list", "--json").stdout)}
    assert (listed["BAD"]["health"], listed["BAD"]["failures"]) == ("fails", 2)


def test_quality_of_a_study_is_what_its_run_would_meet(place, tmp_path):
    judged = run(place, "quality", "--study", "ridge", "--json")
    found = json.loads(judged.stdout)
    assert (judged.returncode, found["ok"]) == (0, True)
    assert set(found["report"]["coverage"]) == {
        "AAPL", "AMZN", "IBM", "INTC", "JNJ", "JPM", "MSFT", "XOM"
    }  # fmt: skip
    assert found["report"]["first"][:10] == "2010-01-04"
    path = tmp_path / "strict.yaml"
    page = Path("examples/ridge.yaml").read_text(encoding="utf-8")
    strict = page.replace("end: 2015-01-01", "end: 2015-01-01\n  min_coverage: 1.0")
    path.write_text(strict.replace("[AAPL,", "[AAPL, CVX,"), encoding="utf-8")
    refused = run(place, "quality", "--study", str(path))
    assert refused.returncode == 3
    assert "CVX  gap" in refused.stdout
    for words in (("--study", "ridge", "--symbols", "IBM"), ("--study", "rigde")):
        assert run(place, "quality", *words).returncode in {1, 2}


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["show", "IBMM"], 1, "did you mean 'IBM'"),
        (["fetch"], 2, "--symbols"),
        (["fetch", "--symbols", "A", "--interval", "7m"], 2, "7m"),
        (["fetch", "--symbols", "A", "--source", "yaho"], 2, "did you mean 'yahoo'"),
        (["fetch", "--symbols", "A", "--interval", "5m", "--from", "2001-01-01",
          "--to", "2001-02-01"], 2, "reach back 60 days"),
        (["fetch", "--symbols", "APPL,SPY", "--source", "sample"], 1, "did you mean 'AAPL'"),
        (["quality", "--from", "2012-01-01", "--to", "2011-01-01"], 2, "not before"),
        (["quality", "--symbols", "IBM", "--from", "2030-01-01"], 1, "no bar"),
        (["show", "IBM", "--from", "1.2.2012"], 2, "YYYY-MM-DD"),
        (["import", "none.csv"], 1, "no such file"),
        (["import", "none.csv", "--map", "close"], 2, "FIELD=COLUMN"),
    ],
)  # fmt: skip
def test_wrong_input_is_named_with_its_exit_code(place, words, code, part):
    done = run(place, *words)
    assert done.returncode == code, done.stderr
    assert part in done.stderr + done.stdout


def test_file_that_cannot_be_read_is_named_and_the_others_stay(place, tmp_path):
    good, bad = tmp_path / "GOOD.csv", tmp_path / "hours.csv"
    good.write_text(SPIKE.format(rows="2020-01-06,1,2,1,2,9\n2020-01-07,1,2,1,2,9"))
    bad.write_text(SPIKE.format(rows="2020-01-06 10:00,1,2,1,2,9\n2020-01-06 11:00,1,2,1,2,9"))
    done = run(place, "import", str(good), str(bad), str(tmp_path), "--source", "two")
    assert done.returncode == 2
    assert "hours.csv: times in column 'Date' carry no zone" in done.stderr
    assert "give --timezone 'UTC'" in done.stderr
    assert "stored before the failure: GOOD.csv" in done.stderr
    assert run(place, "show", "GOOD", "--source", "two").returncode == 0
    folder = run(place, "import", str(tmp_path))
    assert (folder.returncode, "this is a folder" in folder.stderr) == (1, True)


def test_what_is_stored_otherwise_is_said(place, tmp_path):
    path = tmp_path / "XYZ-1h.csv"
    rows = "\n".join(f"2020-01-06T{hour:02d}:30:00Z,1,2,1,2,9" for hour in range(15, 21))
    path.write_text(SPIKE.format(rows=rows))
    words = ("--symbol", "XYZ", "--source", "hours", "--stamp", "open", "--calendar", "XNYS")
    assert run(place, "import", str(path), *words).returncode == 0
    missing = run(place, "show", "XYZ")
    assert missing.returncode == 1
    assert "XYZ is stored at 1h from hours" in missing.stderr


def test_sources_lists_windows(place):
    rows = {row["name"]: row for row in json.loads(run(place, "sources", "--json").stdout)}
    assert rows["yahoo"]["intervals"]["1m"] == "last 30 days, 7 days a request"
    assert rows["sample"]["ready"] is True


def test_sample_needs_no_network(tmp_path):
    script = (
        "import socket, sys\n"
        "def refuse(*words): raise OSError('the network is off')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from tradewright.app.cli.main import run\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    env = {**os.environ, "DATA_DIR": str(tmp_path / "data")}
    for words in (
        ["data", "fetch", "--source", "sample", "--symbols", "KO"],
        ["backtest", "run", "--strategy", "buy_and_hold", "--symbols", "KO"],
    ):
        ran = subprocess.run(
            [sys.executable, "-c", script, *words],
            capture_output=True, text=True, env=env, timeout=120, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr


def test_answer_that_is_asked_for_can_be_given(place, tmp_path):
    path = tmp_path / "KOMMA.csv"
    rows = "2020-01-06;1,234;1,400;1,100;1,234;9\n2020-01-07;1,234;1,400;1,100;1,300;9"
    path.write_text(SPIKE.replace(",", ";").format(rows=rows), encoding="utf-8")
    asked = run(place, "import", str(path))
    assert (asked.returncode, "give --decimal '.' or ','" in asked.stderr) == (2, True)
    done = run(place, "import", str(path), "--decimal", ",", "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["accepted"] == 2


def test_bars_that_replace_others_of_their_source_are_told(place, tmp_path):
    first, second = tmp_path / "raw.csv", tmp_path / "adjusted.csv"
    rows = "2020-01-02,RVZ,10,11,9,10,5\n2020-01-03,RVZ,10,11,9,10,5\n"
    head = "Date,Symbol,Open,High,Low,Close,Volume\n"
    first.write_text(head + rows)
    second.write_text(head + rows.replace(",10,11,9,10,", ",5,5.5,4.5,5,"))
    told = run(place, "import", str(first))
    assert "note:" not in told.stdout
    told = run(place, "import", str(second))
    assert "note: 2 bars were stored from source 'csv' with other values" in told.stdout
    assert "belong under their own --source" in told.stdout
    told = run(place, "import", str(first), "--source", "raw")
    assert (told.returncode, "note:" in told.stdout) == (0, False)
