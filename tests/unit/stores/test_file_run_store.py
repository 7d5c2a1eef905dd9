"""What the contract cannot see: files on disk, damage, refusal of the disk."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import sqlalchemy as sa

from tradewright.adapters.stores.database import open_database
from tradewright.adapters.stores.runs import FileRunStore
from tradewright.domain.errors import DataError, EdgeError
from tradewright.ports.run_store import RunSummary


def a_summary(run_id: str = "aa11") -> RunSummary:
    return RunSummary(run_id, "sma", "backtest", "COMPLETED", 10, "d" * 64, "weak", {"sharpe": 0.5})


@pytest.fixture
def store(tmp_path: Path) -> FileRunStore:
    return FileRunStore(tmp_path / "runs", open_database(tmp_path / "t.db"))


def test_changed_file_is_named_not_read(store: FileRunStore) -> None:
    home = store.save(a_summary(), {"equity.parquet": b"12345"})
    (home / "equity.parquet").write_bytes(b"12346")
    with pytest.raises(DataError, match=r"aa11: equity\.parquet is damaged"):
        store.load("aa11", "equity.parquet")


def test_file_lost_from_disk_is_named(store: FileRunStore) -> None:
    home = store.save(a_summary(), {"equity.parquet": b"12345"})
    (home / "equity.parquet").unlink()
    with pytest.raises(DataError, match=r"aa11: equity\.parquet cannot be read: No such file"):
        store.load("latest", "equity.parquet")


def test_full_disk_leaves_the_former_run_and_no_rest(
    store: FileRunStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store.save(a_summary(), {"a.json": b"first"})

    def full(_number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "a.json")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(EdgeError, match=r"run aa11: cannot write a\.json: No space left"):
        store.save(a_summary(), {"a.json": b"second"})
    monkeypatch.undo()
    assert store.load("aa11", "a.json") == b"first"
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["aa11"]


def test_line_that_cannot_be_written_takes_the_files_with_it(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "t.db")
    store = FileRunStore(tmp_path / "runs", engine)
    store.save(a_summary("kept"), {"a.json": b"first"})
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE runs RENAME TO elsewhere")
    with pytest.raises(EdgeError, match="no such table"):
        store.save(a_summary("lost"), {"a.json": b"second"})
    with pytest.raises(EdgeError, match="no such table"):
        store.save(a_summary("kept"), {"a.json": b"second"})
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO runs")
    assert store.load("kept", "a.json") == b"first"
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["kept"]
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM runs")).scalar_one() == 1
