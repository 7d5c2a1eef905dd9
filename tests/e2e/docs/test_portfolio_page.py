"""The code of the portfolio page runs from top to bottom."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "optimise-a-portfolio.md"


def test_code_of_the_portfolio_page_runs(capsys):
    pytest.importorskip("clarabel")
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) == 3
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["run"].metrics["sharpe"] > 0
    assert "AAPL" in capsys.readouterr().out
