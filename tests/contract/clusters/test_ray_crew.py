"""A sweep on a Ray cluster of one node gives the bytes of a sweep in one process."""

import os
import signal
import socket
import time
from pathlib import Path

import numpy as np
import pytest

import tradewright as tw
from tradewright.app import bootstrap
from tradewright.domain.errors import ConfigError, EdgeError, MissingExtraError, StrategyError
from tradewright.strategies import create_strategy

BARS = tw.sample_bars(["AAPL", "KO"], start="2014-01-01", end="2015-06-30")
GRID = {"fast": [5, 10, 15], "slow": [30, 40, 50]}


@pytest.fixture(scope="module")
def cluster():
    ray = pytest.importorskip("ray", reason="the extra cluster is not installed")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield "local"
    ray.shutdown()


def cross_of_two(fast, slow):
    return create_strategy("sma_cross", fast=fast, slow=slow)


@pytest.mark.slow
def test_ray_the_pool_and_one_process_give_the_same_digest(cluster) -> None:
    def make(fast: int, slow: int) -> tw.Strategy:
        return create_strategy("sma_cross", fast=fast, slow=slow)

    alone = tw.sweep(make, BARS, GRID, workers=1)
    pooled = tw.sweep(make, BARS, GRID, workers=2)
    spread = tw.sweep(make, BARS, GRID, ray_address=cluster)
    assert spread.digest == pooled.digest == alone.digest
    np.testing.assert_array_equal(spread.returns, alone.returns)


@pytest.mark.slow
def test_arrays_too_run_on_the_cluster_and_score_the_same(cluster) -> None:
    def trend(days: int) -> tw.Signals:
        up = np.zeros(BARS.close.shape, dtype=bool)
        up[days:] = BARS.close[days:] > BARS.close[:-days]
        return tw.Signals(up, ~up, size=0.4)

    grid = {"days": range(5, 60, 5)}
    alone = tw.sweep(trend, BARS, grid, workers=2)
    spread = tw.sweep(trend, BARS, grid, ray_address=cluster)
    assert spread._tester._is_spread
    assert spread.digest == alone.digest


@pytest.mark.slow
def test_a_worker_of_the_cluster_that_dies_costs_one_set(cluster, tmp_path: Path) -> None:
    def dying(fast: int, slow: int) -> tw.Strategy:
        if (fast, slow) == (15, 30):
            (tmp_path / f"{time.time_ns()}.died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return create_strategy("sma_cross", fast=fast, slow=slow)

    found = tw.sweep(dying, BARS, GRID, ray_address=cluster)
    (failure,) = found.failures
    assert (failure["fast"], failure["slow"]) == (15, 30)
    assert "on the cluster" in failure["cause"]
    assert len(list(tmp_path.iterdir())) == 2
    assert found.trials == 8


@pytest.mark.slow
def test_what_make_raises_on_the_cluster_stops_the_sweep(cluster) -> None:
    def wrong(fast: int, slow: int) -> tw.Strategy:
        return create_strategy("sma_cross", fast=fast, slow=int("slow") if fast == 15 else slow)

    with pytest.raises(StrategyError, match=r"make\(fast=15, slow=30\) raised ValueError"):
        tw.sweep(wrong, BARS, GRID, ray_address=cluster)


def test_an_address_that_does_not_answer_is_said_soon() -> None:
    pytest.importorskip("ray", reason="the extra cluster is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(EdgeError, match=rf"no Ray cluster at 127\.0\.0\.1:{port}.*refused"):
        tw.sweep(cross_of_two, BARS, GRID, ray_address=f"127.0.0.1:{port}")
    assert time.monotonic() - started < 30
    with pytest.raises(ConfigError, match="wanted host:port, auto or local"):
        tw.sweep(cross_of_two, BARS, GRID, ray_address="somewhere")


def test_the_settings_name_the_cluster_unless_workers_are_given(monkeypatch) -> None:
    pytest.importorskip("ray", reason="the extra cluster is not installed")
    monkeypatch.setenv("RAY_ADDRESS", "nowhere:really")
    bootstrap.settings.cache_clear()
    try:
        with pytest.raises(ConfigError, match="'nowhere:really'"):
            tw.sweep(cross_of_two, BARS, GRID)
        assert tw.sweep(cross_of_two, BARS, GRID, workers=1).trials == 9
    finally:
        bootstrap.settings.cache_clear()


def test_without_the_extra_the_user_is_told_how_to_install_it(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingExtraError, match="cluster"):
        tw.sweep(cross_of_two, BARS, GRID, ray_address="local")
