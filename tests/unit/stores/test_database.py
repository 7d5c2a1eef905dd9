"""The embedded database: pragmas, migration, errors."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from tradewright.adapters.stores import database
from tradewright.adapters.stores.database import journal, metadata, open_database, trials, writing
from tradewright.domain.errors import EdgeError


def test_pragmas_are_those_of_a_durable_store(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "t.db")
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_migrations_build_exactly_the_declared_tables(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "t.db")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_downgrade_and_upgrade_leave_an_empty_then_a_full_schema(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "t.db")
    config = Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    with writing(engine) as connection:
        connection.execute(sa.insert(trials).values(family="f", sharpe=1.0))
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]
        command.upgrade(config, "head")
    with engine.connect() as connection:
        assert set(sa.inspect(connection).get_table_names()) >= {"runs", "trials", "journal"}


def test_head_constant_is_the_newest_revision() -> None:
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == database.HEAD


def test_data_survive_reopening(tmp_path: Path) -> None:
    first = open_database(tmp_path / "t.db")
    with writing(first) as connection:
        connection.execute(sa.insert(trials).values(family="f", sharpe=1.5))
    first.dispose()
    with open_database(tmp_path / "t.db").connect() as connection:
        assert connection.execute(sa.select(trials.c.sharpe)).scalar_one() == 1.5


def test_failed_body_rolls_back(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "t.db")
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        connection.execute(sa.insert(trials).values(family="f", sharpe=1.5))
        raise ZeroDivisionError
    with engine.connect() as connection:
        assert connection.execute(sa.select(trials)).all() == []


def test_stream_position_cannot_repeat(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "t.db")
    row = {"stream": "s", "stream_seq": 1, "kind": "k", "ts_event": 2**62, "payload": {"a": [1]}}
    with writing(engine) as connection:
        connection.execute(sa.insert(journal).values(**row))
    with pytest.raises(sa.exc.IntegrityError), writing(engine) as connection:
        connection.execute(sa.insert(journal).values(**row))


def test_second_writer_waits_its_turn(tmp_path: Path) -> None:
    one, two = open_database(tmp_path / "t.db"), open_database(tmp_path / "t.db")
    with writing(one) as connection:
        connection.execute(sa.insert(trials).values(family="f", sharpe=1.0))
        with two.connect() as reader:
            assert reader.execute(sa.select(trials)).all() == []
    with writing(two) as connection:
        connection.execute(sa.insert(trials).values(family="f", sharpe=2.0))
    with one.connect() as reader:
        assert list(reader.scalars(sa.select(trials.c.sharpe))) == [1.0, 2.0]


def test_memory_database_is_one_for_all_connections() -> None:
    engine = open_database(":memory:")
    with writing(engine) as connection:
        connection.execute(sa.insert(trials).values(family="f", sharpe=1.0))
    with engine.connect() as connection:
        assert len(connection.execute(sa.select(trials)).all()) == 1


def test_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    path.write_bytes(b"not a database, whatever its name" * 40)
    with pytest.raises(EdgeError, match=r"t\.db.*not a database"):
        open_database(path)


def test_schema_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    open_database(path).dispose()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(EdgeError, match="has schema 9999"):
        open_database(path)


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(EdgeError, match="file"):
        open_database(tmp_path / "file" / "below" / "t.db")
