"""A Redis of the test's own: its folder, its port, killed and started again at will."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest


def need_redis() -> str:
    """Return the path of redis-server; skip where it is missing, fail where it is promised."""
    found = shutil.which("redis-server")
    if found is None:
        why = "redis-server is not installed: apt-get install redis-server"
        if os.environ.get("TRADEWRIGHT_REQUIRE_SERVICES") == "1":
            pytest.fail(why)
        pytest.skip(why)
    return found


class RedisServer:
    """One server process; `kill` it and `start` it again on the same port."""

    def __init__(self, folder: Path) -> None:
        self._program, self._folder = need_redis(), folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", str(self._folder)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, "redis-server did not start"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None
