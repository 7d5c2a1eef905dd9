"""One browser for every test that opens a page: a worker can hold only one Playwright."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsing import chromium, need


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Debian's Chromium, headless."""
    need(chromium() is not None, "Chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tool:
        opened = tool.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield opened
        opened.close()
