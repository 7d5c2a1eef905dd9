"""The frame of the command line: common flags, nearest names, exit codes."""

import io
import json
import os
import subprocess
import sys
from contextlib import nullcontext

import pytest
import typer

from tradewright.app.cli import frame, main
from tradewright.domain import errors

HEAVY = {"numpy", "pandas", "polars", "numba", "sklearn", "pydantic", "fastapi", "mlflow"}


@pytest.fixture(autouse=True)
def _fresh(monkeypatch, tmp_path):
    monkeypatch.setattr(frame, "COMMON", frame.Common())
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG_FILE", "TRADEWRIGHT_PATHS__DATA_DIR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_common_flags_are_taken_wherever_they_stand():
    left = main.take_common_flags(["--json", "data", "list", "--data-dir", "x", "--source", "a"])
    assert left == ["data", "list", "--source", "a"]
    assert frame.COMMON.json
    assert os.environ["TRADEWRIGHT_PATHS__DATA_DIR"] == "x"


def test_words_after_two_dashes_are_left_alone():
    assert main.take_common_flags(["data", "--", "--json"]) == ["data", "--", "--json"]
    assert not frame.COMMON.json


@pytest.mark.parametrize("words", [["--config"], ["--config="], ["--config", ""]])
def test_a_flag_without_its_value_is_misuse(words):
    with pytest.raises(errors.ConfigError, match="--config needs a value"):
        main.take_common_flags(["data", *words])


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (["dta"], 2, "did you mean 'data'?"),
        (["config", "shw"], 2, "show"),
        (["config", "show", "--sorce"], 2, "--source"),
        ([], 2, "Nouns:"),
    ],
)
def test_misuse_exits_2_and_names_the_nearest(arguments, code, hint, capsys):
    assert main.run(arguments) == code
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigError("x"), 2),
        (errors.MissingExtraError("yfinance", "feeds"), 2),
        (errors.LeakError("x"), 3),
        (errors.RefusedError("x"), 3),
        (errors.RiskError("x"), 3),
        (errors.DataError("x"), 1),
        (errors.CancelledError("x"), 1),
        (errors.EdgeError("x"), 1),
        (ValueError("x"), 1),
    ],
)
def test_errors_map_to_exit_codes(error, code):
    assert frame.exit_code_of(error) == code


def test_json_of_config_show_is_one_document(capsys):
    assert main.run(["config", "show", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["api.port"]["value"] == 8000


def test_numbers_that_are_not_finite_become_null(capsys):
    frame.write_json({"a": float("nan"), "b": [float("inf"), 1.5]})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.5]}


@pytest.mark.parametrize(
    ("typed", "yes", "goes_on"),
    [("y\n", False, True), ("n\n", False, False), ("", False, False), ("", True, True)],
)
def test_question_is_asked_on_stderr_and_nothing_is_done_without_a_yes(
    monkeypatch, capsys, typed, yes, goes_on
):
    monkeypatch.setattr(frame, "COMMON", frame.Common(json=True, yes=yes))
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    with nullcontext() if goes_on else pytest.raises(typer.Exit):
        frame.confirm("Delete 3 runs?")
    out, err = capsys.readouterr()
    assert ("Delete 3 runs?" in err) is not yes
    assert out == "" if goes_on else "nothing was done" in json.loads(out)["error"]["message"]


def test_help_loads_no_heavy_library():
    script = (
        "import sys; sys.argv = ['tradewright', '--help']\n"
        "from tradewright.app.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit: pass\n"
        f"print(sorted({HEAVY} & set(sys.modules)), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "[]"


def test_importing_the_package_loads_no_heavy_library():
    script = f"import sys, tradewright\nprint(sorted({HEAVY} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_every_noun_shows_help(capsys):
    for noun in main.NOUNS:
        assert main.run([noun, "--help"]) == 0, noun
        assert "Usage: tradewright" in capsys.readouterr().out


@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_ctrl_c_is_told_and_exits_1(flag, monkeypatch, capsys):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(frame, "emit", stop)
    assert main.run(["config", "show", *flag]) == frame.FAILED
    out, err = capsys.readouterr()
    assert err == "interrupted\n"
    if flag:
        assert json.loads(out)["error"]["kind"] == "Interrupted"


def test_the_nearest_of_many_names_says_how_many_there_are():
    assert (
        errors.nearest("zzz", [f"n{k:02}" for k in range(30)])
        == "30 are known, such as n00, n01, n02"
    )
    assert errors.nearest("zzz", []) == "none is known"
