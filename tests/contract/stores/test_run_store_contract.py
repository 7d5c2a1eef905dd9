"""The contract of `RunStore`, over the files and their in-memory twin."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tradewright.adapters.stores.database import open_database
from tradewright.adapters.stores.memory_runs import MemoryRunStore
from tradewright.adapters.stores.runs import FileRunStore
from tradewright.domain.errors import ConfigError, NoDataError
from tradewright.ports.run_store import RunStore, RunSummary


def a_summary(run_id: str = "aa11", created_ns: int = 10, **changes: object) -> RunSummary:
    fields: dict[str, object] = {
        "run_id": run_id,
        "name": "sma",
        "kind": "backtest",
        "status": "COMPLETED",
        "created_ns": created_ns,
        "digest": "d" * 64,
        "verdict": "weak",
        "metrics": {"sharpe": 0.5, "sortino": math.inf},
    }
    return RunSummary(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture(params=["files", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RunStore:
    if request.param == "memory":
        return MemoryRunStore()
    return FileRunStore(tmp_path / "runs", open_database(tmp_path / "t.db"))


def test_saved_files_come_back_byte_for_byte(store: RunStore) -> None:
    store.save(a_summary(), {"manifest.json": b"{}", "equity.parquet": bytes(range(256))})
    assert store.load("aa11", "equity.parquet") == bytes(range(256))
    assert store.load("aa11", "manifest.json") == b"{}"


def test_latest_is_the_newest_by_creation_time(store: RunStore) -> None:
    store.save(a_summary("new1", 20), {"a.json": b"new"})
    store.save(a_summary("old1", 10), {"a.json": b"old"})
    assert store.load("latest", "a.json") == b"new"
    assert [summary.run_id for summary in store.list_runs()] == ["new1", "old1"]
    store.save(a_summary("also20", 20), {"a.json": b"also"})
    assert [summary.run_id for summary in store.list_runs()] == ["also20", "new1", "old1"]


def test_amended_files_are_replaced_and_the_others_stay(store: RunStore) -> None:
    store.save(a_summary("old1", 10), {"a.json": b"old"})
    store.save(a_summary("new1", 20), {"a.json": b"new", "b.json": b"kept"})
    store.amend("new1", {"a.json": b"amended", "c.json": b"added"})
    assert [store.load("new1", name) for name in ("a.json", "b.json", "c.json")] == [
        b"amended", b"kept", b"added",
    ]  # fmt: skip
    assert [summary.run_id for summary in store.list_runs()] == ["new1", "old1"]
    assert store.list_runs()[0].metrics["sharpe"] == 0.5
    with pytest.raises(NoDataError, match="nosuch"):
        store.amend("nosuch", {"a.json": b""})


def test_runs_of_one_instant_are_listed_last_saved_first(store: RunStore) -> None:
    store.save(a_summary("one", 5), {"a": b""})
    store.save(a_summary("two", 5), {"a": b""})
    assert [summary.run_id for summary in store.list_runs()] == ["two", "one"]


def test_list_is_limited_and_filtered_by_kind(store: RunStore) -> None:
    for number in range(4):
        kind = "study" if number % 2 else "backtest"
        store.save(a_summary(f"r{number}", number, kind=kind), {"a": b""})
    assert [summary.run_id for summary in store.list_runs(kind="study")] == ["r3", "r1"]
    assert [summary.run_id for summary in store.list_runs(limit=2)] == ["r3", "r2"]


def test_saving_again_replaces_the_run(store: RunStore) -> None:
    store.save(a_summary(), {"a.json": b"1", "b.json": b"1"})
    store.save(a_summary(name="renamed"), {"a.json": b"2"})
    assert [summary.name for summary in store.list_runs()] == ["renamed"]
    assert store.load("aa11", "a.json") == b"2"
    with pytest.raises(NoDataError, match=r"no 'b\.json'; it has: a\.json"):
        store.load("aa11", "b.json")


def test_unknown_run_names_the_nearest(store: RunStore) -> None:
    with pytest.raises(NoDataError, match="no run is stored yet"):
        store.load("latest", "a.json")
    store.save(a_summary("abcdef12"), {"a": b""})
    with pytest.raises(NoDataError, match="did you mean 'abcdef12'"):
        store.load("abcdef13", "a")


@pytest.mark.parametrize("run_id", ["../up", "", "latest", "a/b", ".hidden", "x" * 65])
def test_run_id_that_is_not_a_plain_name_is_refused(store: RunStore, run_id: str) -> None:
    with pytest.raises(ConfigError, match="run id"):
        store.save(a_summary(run_id), {"a": b""})


@pytest.mark.parametrize("name", ["../a", "a/b", "", ".x"])
def test_file_name_that_is_a_path_is_refused(store: RunStore, name: str) -> None:
    with pytest.raises(ConfigError, match="plain name"):
        store.save(a_summary(), {name: b""})


def test_trials_accumulate_per_family_in_order(store: RunStore) -> None:
    store.add_trials("f", [0.1, math.nan])
    store.add_trials("g", [9.0])
    store.add_trials("f", [0.3])
    found = store.trials("f")
    assert found[0] == 0.1
    assert math.isnan(found[1])
    assert found[2] == 0.3
    assert list(store.trials("nothing")) == []
