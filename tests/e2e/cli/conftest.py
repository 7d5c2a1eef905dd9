"""The program, called in this process on an empty data directory."""

import pytest

from tradewright.app import bootstrap
from tradewright.app.cli import frame, main


@pytest.fixture
def tradewright(tmp_path, monkeypatch, capsys):
    """Run the program on an empty data directory; returns code, stdout and stderr."""
    monkeypatch.setenv("TRADEWRIGHT_PATHS__DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("DATA_DIR", raising=False)

    def call(*words):
        bootstrap.open_workspace.cache_clear()
        bootstrap.settings.cache_clear()
        monkeypatch.setattr(frame, "COMMON", frame.Common())
        code = main.run(list(words))
        out, err = capsys.readouterr()
        return code, out, err

    yield call
    bootstrap.open_workspace.cache_clear()
    bootstrap.settings.cache_clear()
