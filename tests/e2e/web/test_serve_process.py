"""`tradewright serve` as a process: how it starts, refuses and ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

COMMAND = [sys.executable, "-c", "from tradewright.app.cli.main import main; main()", "serve"]


def run_to_its_end(folder, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "--data-dir", str(folder), *arguments],
        capture_output=True, text=True, timeout=60, cwd=folder, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_server_ends_in_order_when_asked(start_server, tmp_path, number):
    server = start_server(tmp_path)
    with urllib.request.urlopen(f"{server.url}/api/v1/health", timeout=30) as reply:
        assert json.load(reply)["status"] == "ok"
    os.kill(server.process.pid, number)
    assert server.process.wait(20) == 0
    assert server.process.stderr.read().strip().endswith("Stopped.")


def test_second_server_on_the_port_names_it_and_the_first_stays(start_server, tmp_path):
    first = start_server(tmp_path)
    port = first.url.rpartition(":")[2]
    second = run_to_its_end(tmp_path, "--port", port)
    assert second.returncode == 1
    assert f"port {port} on 127.0.0.1 is in use" in second.stderr
    with urllib.request.urlopen(f"{first.url}/api/v1/health", timeout=30) as reply:
        assert reply.status == 200
    assert first.end() == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.10", "::", "example.org"])
def test_addresses_that_others_can_reach_are_refused(tmp_path, host):
    ended = run_to_its_end(tmp_path, "--host", host)
    assert ended.returncode == 2
    assert "there is no sign-in" in ended.stderr


def test_only_loopback_is_bound(start_server, tmp_path):
    server = start_server(tmp_path)
    port = int(server.url.rpartition(":")[2])
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        # Another loopback address is another interface: nothing listens there.
        assert other.connect_ex(("127.0.0.2", port)) != 0
    assert server.end() == 0
