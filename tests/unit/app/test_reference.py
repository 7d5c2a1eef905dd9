"""The generated reference pages say what the program does now."""

from pathlib import Path

import pytest

from tradewright.app import reference

DOCS = Path(__file__).parents[3] / "docs" / "reference"


@pytest.mark.parametrize("page", sorted(reference.PAGES))
def test_the_page_is_current(page):
    assert (DOCS / page).read_text(encoding="utf-8") == reference.PAGES[page]()
