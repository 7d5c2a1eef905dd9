"""The catalogue as table, command and page."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tradewright import features as tf
from tradewright.app.cli import frame
from tradewright.app.cli.features_cmd import features_command
from tradewright.domain.errors import ConfigError
from tradewright.features.document import reference_page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "features.md"


def test_reference_page_is_current():
    """Renew it with ``python -m tradewright.features.document docs/reference/features.md``."""
    assert PAGE.read_text(encoding="utf-8") == reference_page()


def test_catalogue_by_family_and_its_nearest_name():
    assert set(tf.catalogue("time")["family"]) == {"time"}
    with pytest.raises(ConfigError, match="did you mean 'momentum'"):
        tf.catalogue("momentun")


def test_command_lists_features_for_people_and_machines(capsys, monkeypatch):
    monkeypatch.setattr(frame.COMMON, "json", False)
    features_command("momentum")
    out = capsys.readouterr().out
    assert "rsi(n=14)" in out
    assert "first value after 15 bars, settled after 373" in out
    monkeypatch.setattr(frame.COMMON, "json", True)
    features_command(None)
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) >= 80
    assert next(r for r in rows if r["name"] == "obv")["settle_rows"] is None


def test_import_of_features_loads_no_heavy_library():
    code = (
        "import sys, tradewright.features as f; f.parse_features(['technical_indicators']);"
        "print([m for m in ('numba', 'talib', 'polars', 'pandas', 'scipy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
