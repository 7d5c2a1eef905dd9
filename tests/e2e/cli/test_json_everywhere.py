"""Every command speaks JSON: one document on stdout, whatever happens."""

import json

import pytest
import typer

from tradewright.app import bootstrap
from tradewright.app.cli import frame, main

STUDY = ("ridge", "--set", "data.end=2012-06-01", "--set", "validation.controls=1",
         "--set", "validation.training_days=252")  # fmt: skip
REPLAY = ("sma_cross", "--symbols", "AAPL", "--speed", "max", "--replay", "2016-01-04:2016-02-04")
STEPS = [
    (0, "--version"),
    (0, "config", "show"),
    (0, "data", "fetch", "--source", "sample", "--symbols", "AAPL,KO"),
    (0, "data", "list"),
    (0, "data", "show", "AAPL", "--rows", "2"),
    (0, "data", "quality"),
    (0, "data", "sources"),
    (0, "data", "features"),
    (0, "data", "export", "--symbols", "KO", "--out", "{tmp}/KO.csv"),
    (0, "data", "import", "{tmp}/KO.csv", "--source", "again", "--dry-run"),
    (2, "data", "export", "--symbols", "KO", "--out", "{tmp}/KO.csv"),
    (0, "study", "show", "ridge"),
    (0, "study", "run", *STUDY),
    (0, "study", "list"),
    (0, "model", "list"),
    (0, "model", "show", "ridge"),
    (1, "model", "show", "rigde"),
    (0, "backtest", "list"),
    (0, "backtest", "run", "--strategy", "sma_cross", "--symbols", "KO", "--from", "2015-01-01"),
    (0, "backtest", "sweep", "--strategy", "sma_cross", "--symbols", "KO", "--grid", "fast=5:10:5"),
    (0, "paper", "status"),
    (1, "paper", "pause"),
    (1, "paper", "flatten"),
    (0, "paper", "start", *REPLAY),
    (0, "paper", "orders"),
    (0, "paper", "positions"),
    (0, "report", "show", "latest"),
    (1, "report", "show", "nothing-like-it"),
    (0, "report", "show"),
]


@pytest.fixture
def program(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TRADEWRIGHT_PATHS__DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("DATA_DIR", raising=False)

    def call(*words):
        bootstrap.open_workspace.cache_clear()
        bootstrap.settings.cache_clear()
        monkeypatch.setattr(frame, "COMMON", frame.Common())
        code = main.run([word.format(tmp=tmp_path) for word in words] + ["--json"])
        return code, capsys.readouterr().out

    yield call
    bootstrap.open_workspace.cache_clear()
    bootstrap.settings.cache_clear()


def test_every_answer_is_one_document(program):
    for code, *words in STEPS:
        found, out = program(*words)
        document = json.loads(out)
        assert found == code, (words, document)
        assert out.count("\n") == 1, words
        if code:
            assert set(document) == {"error"}, words
            assert document["error"]["message"]


def test_misuse_of_every_command_is_one_document(program):
    group = typer.main.get_command(main.app)
    context = typer.Context(group, info_name="tradewright")
    for noun in main.NOUNS:
        for verb in getattr(group.get_command(context, noun), "commands", {}) or [""]:
            words = [word for word in (noun, verb) if word]
            code, out = program(*words, "--no-such-flag")
            assert code == 2, words
            assert json.loads(out)["error"]["message"], words
