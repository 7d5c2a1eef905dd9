"""Strategies on processes: the same bytes as in one, and what happens when one of them dies."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import tradewright as tw
from tradewright.domain.errors import CancelledError, ConfigError, StrategyError
from tradewright.services.sweeping.pool import ProcessCrew
from tradewright.services.sweeping.sharing import pack, unpack
from tradewright.strategies import create_strategy

BARS = tw.sample_bars(["AAPL", "KO"], start="2014-01-01", end="2015-06-30")
GRID = {"fast": [5, 10, 15], "slow": [30, 40, 50]}


def children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, ppid = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(ppid) == parent and state != "Z":
            found.append(int(stat.parent.name))
    return found


def ended(workers: list[int]) -> bool:
    patience = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        if time.monotonic() > patience:
            return False
    return True


def cross(fast: int, slow: int) -> tw.Strategy | None:
    return None if (fast, slow) == (10, 40) else create_strategy("sma_cross", fast=fast, slow=slow)


def dying(place: Path, fast: int, slow: int, how: int = signal.SIGKILL) -> tw.Strategy:
    """Kill the worker at one set; the first times only, as long as `place` allows."""
    if (fast, slow) == (15, 30) and len(list(place.glob("*.died"))) < int(place.name):
        (place / f"{time.time_ns()}.died").touch()
        os.kill(os.getpid(), how)
    return create_strategy("sma_cross", fast=fast, slow=slow)


def test_one_two_and_four_workers_give_the_same_digest() -> None:
    alone = tw.sweep(cross, BARS, GRID, workers=1)
    assert alone.trials == 8
    for workers in (2, 4):
        shared = tw.sweep(cross, BARS, GRID, workers=workers)
        assert shared.digest == alone.digest
        assert shared.table.equals(alone.table)
        np.testing.assert_array_equal(shared.returns, alone.returns)


def test_a_search_that_learns_proposes_the_same_whoever_works() -> None:
    alone = tw.sweep(cross, BARS, GRID, workers=1, search="optuna:20", seed=3)
    shared = tw.sweep(cross, BARS, GRID, workers=2, search="optuna:20", seed=3)
    assert shared.digest == alone.digest


def test_arrays_made_beside_strategies_score_the_same_in_a_worker() -> None:
    up = np.zeros(BARS.close.shape, dtype=bool)
    up[100] = True

    def mixed(day: int) -> object:
        return cross(5, 30) if day == 0 else tw.Signals(np.roll(up, day, axis=0), up & False)

    found = tw.sweep(mixed, BARS, {"day": [0, 1, 2]}, workers=2)
    own = tw.sweep(mixed, BARS, {"day": [1, 2]}, workers=1)
    assert found.table[1:].equals(own.table)


def test_a_worker_that_dies_once_changes_nothing(tmp_path) -> None:
    place = tmp_path / "1"
    place.mkdir()
    found = tw.sweep(partial(dying, place), BARS, GRID, workers=2)
    assert len(list(place.iterdir())) == 1
    assert found.failures == ()
    whole = tw.sweep(partial(dying, tmp_path / "0"), BARS, GRID, workers=1)
    assert found.digest == whole.digest


def test_a_set_whose_worker_dies_twice_fails_and_the_others_finish(tmp_path) -> None:
    place, file = tmp_path / "2", tmp_path / "sweep.jsonl"
    place.mkdir()
    make = partial(dying, place)
    found = tw.sweep(make, BARS, GRID, workers=2, resume=file)
    (failure,) = found.failures
    assert (failure["fast"], failure["slow"]) == (15, 30)
    assert "SIGKILL" in failure["cause"]
    assert "2 tries" in failure["cause"]
    assert found.trials == 8
    kept = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(kept[-1]["counted"]) == 8
    again = tw.sweep(make, BARS, GRID, workers=2, resume=file)
    assert again.failures == ()
    assert again.trials == 9
    assert again._tester.uncounted() == [again.table.row(6, named=True)["sharpe"]]
    assert not file.exists()


def test_out_of_memory_is_a_failed_set_not_the_end() -> None:
    def greedy(fast: int, slow: int) -> tw.Strategy | None:
        if fast == 5:
            raise MemoryError("no 8 GB here")
        return cross(fast, slow)

    for workers in (1, 2):
        found = tw.sweep(greedy, BARS, GRID, workers=workers)
        assert {(row["fast"], row["cause"]) for row in found.failures} == {
            (5, "no 8 GB here (2 tries)")
        }
        assert found.trials == 5


def test_a_strategy_that_raises_is_no_result() -> None:
    class Breaks(tw.Strategy):
        name = "breaks"

        def __init__(self, at: int) -> None:
            self.parameters, self._left = {"at": at}, at

        def on_bar(self, ctx, bar) -> None:
            ctx.target_weight(0.5, "KO")
            self._left -= 1
            if not self._left:
                raise ZeroDivisionError("my own mistake")

    found = tw.sweep(Breaks, BARS, {"at": [50, 10_000]}, workers=1)
    assert found.table["at"].to_list() == [10_000]
    assert "my own mistake" in found.failures[0]["cause"]
    with pytest.raises(StrategyError, match=r"all 1 sets failed.*my own mistake"):
        tw.sweep(Breaks, BARS, {"at": [50]}, workers=2)


def test_what_make_raises_stops_the_sweep_and_names_the_set() -> None:
    def wrong(fast: int, slow: int) -> tw.Strategy | None:
        return cross(fast, slow if fast != 15 else int("slow"))

    others = children(os.getpid())
    with pytest.raises(StrategyError, match=r"make\(fast=15, slow=30\) raised ValueError"):
        tw.sweep(wrong, BARS, GRID, workers=2)
    assert children(os.getpid()) == others


def test_stopping_from_the_progress_leaves_no_process() -> None:
    def stop(fraction: float, message: str) -> None:
        if fraction > 0.3:
            raise CancelledError("enough")

    others = children(os.getpid())
    with pytest.raises(CancelledError, match="enough"):
        tw.sweep(cross, BARS, GRID, workers=2, progress=stop)
    assert children(os.getpid()) == others


def test_what_cannot_be_sent_is_named_or_done_here() -> None:
    held = threading.Lock()

    def make(fast: int, slow: int) -> tw.Strategy | None:
        with held:
            return cross(fast, slow)

    with pytest.raises(ConfigError, match="cannot be sent to other processes"):
        tw.sweep(make, BARS, GRID, workers=2)
    crew = ProcessCrew(2, else_here=True)
    results = dict(crew.run(lambda unit: (unit, held.locked()), [1, 2]))
    assert results == {0: (1, False), 1: (2, False)}


def test_large_arrays_are_mapped_once_and_read_only(tmp_path) -> None:
    large, small = np.arange(50_000, dtype=np.float64), np.arange(3)
    given = {"a": large, "b": [large, small], "bars": BARS}
    pack(given, tmp_path)
    found = unpack(tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 1
    assert found["a"] is found["b"][0]
    assert isinstance(found["a"].base, np.memmap)
    assert not found["a"].flags.writeable
    np.testing.assert_array_equal(found["a"], large)
    np.testing.assert_array_equal(found["b"][1], small)
    assert found["bars"].data_version == BARS.data_version


SCRIPT = """
    import sys
    import tradewright as tw
    from tradewright.strategies import create_strategy

    print("the script runs", flush=True)
    bars = tw.sample_bars(["KO"], start="2012-01-01")

    def make(fast, slow):
        print("made", fast, slow, file=sys.stderr, flush=True)
        return create_strategy("sma_cross", fast=fast, slow=slow)

    found = tw.sweep(make, bars, {"fast": range(5, 35), "slow": range(40, 80)}, workers=2,
                     resume="sweep.jsonl")
    print(found.digest)
"""


def test_a_script_without_a_guard_is_not_run_again(tmp_path) -> None:
    script = tmp_path / "mine.py"
    text = textwrap.dedent(SCRIPT).replace("range(5, 35)", "[5]").replace("range(40, 80)", "[40]")
    script.write_text(text)
    ran = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert ran.stdout.count("the script runs") == 1


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_ctrl_c_and_kill_leave_no_process_and_keep_what_is_finished(tmp_path, sent) -> None:
    script = tmp_path / "mine.py"
    script.write_text(textwrap.dedent(SCRIPT))
    process = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for line in process.stderr:
        if line.startswith("made") and (tmp_path / "sweep.jsonl").exists():
            break
    workers = children(process.pid)
    assert len(workers) == 2
    process.send_signal(sent)
    _, said = process.communicate(timeout=30)
    assert process.returncode != 0
    if sent is signal.SIGINT:
        assert "stopped by the user; finished sets are kept" in said
    assert ended(workers)
    assert len((tmp_path / "sweep.jsonl").read_text().splitlines()) >= 2


def test_a_strategy_may_be_named_as_in_a_backtest():
    bars = tw.sample_bars(["KO"], start="2015-01-01")
    found = tw.sweep("sma_cross", bars, {"fast": [5, 10], "slow": [20]})
    best = tw.backtest(create_strategy("sma_cross", fast=5, slow=20), bars)
    row = found.table.filter(pl.col("fast") == 5).row(0, named=True)
    assert row["total_return"] == pytest.approx(best.metrics["total_return"], abs=1e-12)
    with pytest.raises(ConfigError, match="did you mean 'sma_cross'"):
        tw.sweep("sma_crss", bars, {"fast": [5]})
    with pytest.raises(ConfigError, match="make is int, wanted a function"):
        tw.sweep(5, bars, {"fast": [5]})


def test_a_named_sweep_goes_on_only_with_its_own_journal(tmp_path, monkeypatch):
    import importlib

    module = importlib.import_module("tradewright.services.sweep")

    told = []
    monkeypatch.setattr(module, "sweep_key", lambda facts: told.append(facts["make"]) or "key")
    bars = tw.sample_bars(["KO"], start="2017-01-01")
    for name in ("buy_and_hold", "sma_cross"):
        module.sweep(name, bars, {"weight": [0.5]}, resume=tmp_path / name)
    assert told == ["buy_and_hold", "sma_cross"]
