"""A real server process over a real study run, and a real browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsing import need
from served_page import PAGE, Served, Tab, open_tab, serve


@pytest.fixture
def start_server() -> Iterator[Callable[..., Served]]:
    """Start servers that are ended with the test."""
    started: list[Served] = []

    def start(data_dir: Path, port: int | None = None) -> Served:
        started.append(serve(data_dir, port))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


@pytest.fixture(scope="session")
def studied(tmp_path_factory) -> Path:
    """A data directory with one finished study run, and what two crashes would do to it."""
    folder = tmp_path_factory.mktemp("studied")
    script = (
        "from tradewright.app.bootstrap import open_workspace\n"
        "from tradewright.services.studies import Study\n"
        "changes = {'data.end': '2013-01-01', 'validation.controls': 2}\n"
        "space = open_workspace()\n"
        "run = Study.load('ridge').run(space, changes=changes)\n"
        "from tradewright.services.stress import scenarios_of\n"
        "from tradewright.services.stressing.kept import stress_stored\n"
        "stress_stored(run.run_id, space, scenarios_of(['covid_shock', 'hist_2020']), starts=2)\n"
    )
    environment = {**os.environ, "DATA_DIR": str(folder)}
    environment.pop("TRADEWRIGHT_REQUIRE_SERVICES", None)
    subprocess.run(
        [sys.executable, "-c", script], check=True, env=environment, cwd=folder, timeout=300
    )
    return folder


@pytest.fixture(scope="session")
def needs_page() -> None:
    """Skip unless the page is built."""
    need(PAGE.is_file(), "the web page is not built: make ui")


@pytest.fixture(scope="module")
def served(studied, needs_page, tmp_path_factory) -> Iterator[Served]:
    """A server over a copy of the studied data directory."""
    folder = tmp_path_factory.mktemp("served") / "data"
    shutil.copytree(studied, folder)
    server = serve(folder)
    yield server
    assert server.end() == 0


@pytest.fixture
def tab(browser) -> Iterator[Tab]:
    """A tab of desktop size in the light theme, with no fault in it at the end."""
    opened = open_tab(browser)
    yield opened
    opened.page.context.close()
