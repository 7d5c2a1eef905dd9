"""A Ray address from the command line or the environment reaches the sweep."""

import json
import socket

import pytest

SWEEP = ("backtest", "sweep", "--strategy", "sma_cross", "--symbols", "KO", "--from", "2015-01-01",
         "--grid", "fast=5,10", "--grid", "slow=40,50")  # fmt: skip


@pytest.fixture
def nobody() -> str:
    pytest.importorskip("ray", reason="the extra cluster is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_an_address_that_does_not_answer_fails_and_says_so(tradewright, nobody) -> None:
    code, out, err = tradewright(*SWEEP, "--ray-address", nobody, "--json")
    assert code == 1
    assert f"no Ray cluster at {nobody}" in err
    assert "no Ray cluster" in json.loads(out)["error"]["message"]


def test_the_environment_names_the_cluster_and_workers_are_preferred(
    tradewright, nobody, monkeypatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", nobody)
    code, _, err = tradewright(*SWEEP)
    assert code == 1
    assert f"no Ray cluster at {nobody}" in err
    code, _, err = tradewright(*SWEEP, "--workers", "1")
    assert code == 0, err


@pytest.mark.slow
def test_a_cluster_of_this_machine_gives_the_same_digest(tradewright) -> None:
    pytest.importorskip("ray", reason="the extra cluster is not installed")
    code, out, err = tradewright(*SWEEP, "--ray-address", "local", "--json")
    assert code == 0, err
    spread = json.loads(out)
    alone = json.loads(tradewright(*SWEEP, "--workers", "1", "--json")[1])
    assert spread["digest"] == alone["digest"]
