"""What the browser tests need, and how they say that it is missing."""

from __future__ import annotations

import os
import shutil

import pytest


def chromium() -> str | None:
    """Return the path of Debian's Chromium."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def need(is_there: bool, what: str) -> None:
    """Skip where something is missing, fail where it is promised to be there."""
    if is_there:
        return
    if os.environ.get("TRADEWRIGHT_REQUIRE_SERVICES") == "1":
        pytest.fail(what)
    pytest.skip(what)
