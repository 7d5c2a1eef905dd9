"""The one SQLite file of a data directory: runs, trials, journal; schema kept by Alembic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DatabaseError, OperationalError

from tradewright.domain.errors import EdgeError

HEAD: Final = "0001"
"""Newest revision under ``migrations/versions``; a database at it is opened without Alembic."""

MIGRATIONS: Final = Path(__file__).with_name("migrations")
BUSY_TIMEOUT_MS: Final = 15_000

metadata = sa.MetaData()

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False, index=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("created_ns", sa.BigInteger, nullable=False, index=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("verdict", sa.String, nullable=False),
    sa.Column("metrics", sa.JSON, nullable=False),
    sa.Column("documents", sa.JSON, nullable=False),
)
"""One row per stored run; `documents` maps each file name to its sha256."""

trials = sa.Table(
    "trials",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("family", sa.String, nullable=False, index=True),
    sa.Column("sharpe", sa.Float, nullable=True),
)
"""One row per evaluated configuration; `sharpe` per period, NULL where undefined."""

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("stream", sa.String, nullable=False),
    sa.Column("stream_seq", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("ts_event", sa.BigInteger, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.UniqueConstraint("stream", "stream_seq"),
)
"""The append-only record of paper and live accounts."""


def open_database(target: Path | str) -> Engine:
    """Open the embedded database, creating or migrating it where needed.

    SQLite runs with a write-ahead log, ``synchronous=FULL`` and foreign keys on. Transactions
    begin when they begin (not at the first write), so that a read stays consistent.

    Parameters
    ----------
    target : Path or str
        A file, ``":memory:"``, or an SQLAlchemy URL.

    Returns
    -------
    Engine
        Ready to use; `dispose` it when done.

    Raises
    ------
    EdgeError
        If the file cannot be opened, is not a database, or was made by a newer version.

    Examples
    --------
    >>> engine = open_database(":memory:")
    >>> with engine.connect() as connection:
    ...     connection.execute(sa.select(sa.func.count()).select_from(runs)).scalar_one()
    0
    """
    url = _url_of(target)
    options: dict[str, Any] = {}
    if url.get_backend_name() == "sqlite":
        options["connect_args"] = {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}
        if _is_memory(url):
            options["poolclass"] = sa.StaticPool
    engine = sa.create_engine(url, **options)
    if url.get_backend_name() == "sqlite":
        _follow_sqlite(engine)
    try:
        _migrate(engine)
    except DatabaseError as error:
        engine.dispose()
        raise EdgeError(f"database {target}: {error.orig}") from error
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that holds the write lock from its first statement.

    Parameters
    ----------
    engine : Engine
        From `open_database`.

    Yields
    ------
    Connection
        Committed at the end, rolled back if the body raises.

    Raises
    ------
    EdgeError
        If the disk is full, or another process held the lock for too long.
    """
    try:
        with engine.connect().execution_options(write_lock=True) as connection, connection.begin():
            yield connection
    except OperationalError as error:
        raise EdgeError(f"database {engine.url.database}: {error.orig}") from error


def _url_of(target: Path | str) -> sa.URL:
    text = str(target)
    if "://" in text:
        return sa.make_url(text)
    if text == ":memory:":
        return sa.URL.create("sqlite")
    path = Path(target)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EdgeError(f"database {path}: {error.strerror}") from error
    return sa.URL.create("sqlite", database=str(path))


def _is_memory(url: sa.URL) -> bool:
    return url.database in (None, "", ":memory:")


def _follow_sqlite(engine: Engine) -> None:
    """Set the pragmas of each connection and emit BEGIN ourselves (the driver begins too late)."""

    @sa.event.listens_for(engine, "connect")
    def connected(raw: Any, _record: Any) -> None:
        raw.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
        ):
            raw.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def began(connection: Connection) -> None:
        wants_lock = connection.get_execution_options().get("write_lock", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if wants_lock else "BEGIN")


def _migrate(engine: Engine) -> None:
    found = _revision(engine)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise EdgeError(
            f"database {engine.url.database} has schema {found}, this version knows up to {HEAD}; "
            "update tradewright"
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
        return None if row is None else str(row[0])
