"""What the tests of the page share: the server as a process, tabs that remember faults."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
AXE = REPOSITORY / "web" / "node_modules" / "axe-core" / "axe.min.js"
PAGE = REPOSITORY / "src" / "tradewright" / "api" / "ui" / "index.html"
COMMAND = [sys.executable, "-c", "from tradewright.app.cli.main import main; main()"]


@dataclass
class Served:
    """A running `tradewright serve`."""

    process: subprocess.Popen[str]
    url: str

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(data_dir: Path, port: int | None = None) -> Served:
    """Start the server and return when it listens."""
    port = port or free_port()
    environment = {k: v for k, v in os.environ.items() if k != "TRADEWRIGHT_REQUIRE_SERVICES"}
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", str(port), "--data-dir", str(data_dir)],
        stderr=subprocess.PIPE, text=True, cwd=data_dir, env=environment,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("Serving"):
            return Served(process, f"http://127.0.0.1:{port}")
    raise AssertionError(f"the server ended with {process.wait()}")


@dataclass
class Tab:
    """A browser tab that remembers what went wrong in it and whom it asked."""

    page: object
    faults: list[str]
    hosts: set[str]


def open_tab(browser, *, width: int = 1280, height: int = 800, theme: str = "light") -> Tab:
    """Open a tab of a size in a theme."""
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(20_000)
    script = f"localStorage['tradewright.theme'] ??= '{theme}'"
    context.add_init_script(script)
    page = context.new_page()
    tab = Tab(page, [], set())
    page.on("pageerror", lambda error: tab.faults.append(error.stack or str(error)))
    page.on(
        "console",
        lambda message: tab.faults.append(message.text) if message.type == "error" else None,
    )
    page.on("request", lambda request: tab.hosts.add(request.url.split("/")[2]))
    return tab
