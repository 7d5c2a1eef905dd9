"""Finished runs: a folder of files each, and a line in the database."""

from __future__ import annotations

import hashlib
import math
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from tradewright.adapters.stores.database import runs, trials, writing
from tradewright.domain.errors import ConfigError, DataError, EdgeError, NoDataError
from tradewright.ports.run_store import RunSummary

LATEST: Final = "latest"
_RUN_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
_DOCUMENT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")


class FileRunStore:
    """Runs under a folder, listed in the database; implements `RunStore`.

    A run is written into a folder aside, synced and renamed; its line in the database comes last,
    so that a run is listed whole or not at all. Every file's sha256 is kept with the line, and a
    file that changed since is named instead of read.

    Parameters
    ----------
    root : Path
        Folder of the runs; made on first use.
    database : Engine
        From `tradewright.adapters.stores.database.open_database`.
    """

    def __init__(self, root: Path, database: Engine) -> None:
        self._root = root
        self._database = database

    def save(self, summary: RunSummary, documents: Mapping[str, bytes]) -> Path:
        """Store a run's files and its line; a run of the same id is replaced.

        Raises
        ------
        ConfigError
            If the id or a file name is not a plain name.
        EdgeError
            If the disk refuses; nothing of the run is left then.
        """
        check_names(summary.run_id, documents)
        home = self._root / summary.run_id
        aside = self._root / f".new-{summary.run_id}-{os.getpid()}"
        before = self._root / f".old-{summary.run_id}-{os.getpid()}"
        try:
            self._write_aside(aside, documents)
            replaces = home.exists()
            if replaces:
                home.rename(before)
            aside.rename(home)
        except OSError as error:
            if before.exists() and not home.exists():
                before.rename(home)
            shutil.rmtree(aside, ignore_errors=True)
            raise EdgeError(
                f"run {summary.run_id}: cannot write {error.filename or home}: {error.strerror}"
            ) from error
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            if before.exists() and not home.exists():
                before.rename(home)
            raise
        try:
            self._write_line(summary, documents)
        except BaseException:
            shutil.rmtree(home, ignore_errors=True)
            if before.exists():
                before.rename(home)
            raise
        shutil.rmtree(before, ignore_errors=True)
        return home

    def amend(self, run_id: str, documents: Mapping[str, bytes]) -> Path:
        """Replace or add files of a stored run; its other files and its line stay.

        Raises
        ------
        NoDataError
            If there is no such run.
        DataError
            If one of its other files is missing or damaged; nothing is changed then.
        EdgeError
            If the disk refuses; the run is as it was.
        """
        row = self._row(run_id)
        kept = {name: self.load(run_id, name) for name in row.documents if name not in documents}
        return self.save(_summary(row), {**kept, **documents})

    def load(self, run_id: str, document: str) -> bytes:
        """Return one file of a run; ``latest`` is the newest run.

        Raises
        ------
        NoDataError
            If there is no such run or file.
        DataError
            If the file is missing from the disk or differs from what was stored.
        """
        row = self._row(run_id)
        if document not in row.documents:
            raise no_document(row.run_id, document, row.documents)
        path: Path = self._root / row.run_id / document
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DataError(
                f"run {row.run_id}: {document} cannot be read: {error.strerror} ({path})"
            ) from error
        found, wanted = hashlib.sha256(content).hexdigest(), row.documents[document]
        if found != wanted:
            raise DataError(
                f"run {row.run_id}: {document} is damaged: sha256 {found[:12]}…, "
                f"stored as {wanted[:12]}… ({path})"
            )
        return content

    def list_runs(self, *, kind: str | None = None, limit: int = 50) -> Sequence[RunSummary]:
        """Return summaries, newest first."""
        query = sa.select(runs).order_by(runs.c.created_ns.desc(), runs.c.seq.desc()).limit(limit)
        if kind is not None:
            query = query.where(runs.c.kind == kind)
        with self._database.connect() as connection:
            return [_summary(row) for row in connection.execute(query)]

    def add_trials(self, family: str, sharpes: Sequence[float]) -> None:
        """Count evaluated configurations of a family; NaN is a trial without a ratio."""
        rows = [{"family": family, "sharpe": _or_none(sharpe)} for sharpe in sharpes]
        if rows:
            with writing(self._database) as connection:
                connection.execute(sa.insert(trials), rows)

    def trials(self, family: str) -> Sequence[float]:
        """Return the per-period Sharpe ratio of every trial of a family, in order."""
        query = sa.select(trials.c.sharpe).where(trials.c.family == family).order_by(trials.c.seq)
        with self._database.connect() as connection:
            return [math.nan if value is None else value for value in connection.scalars(query)]

    def _row(self, run_id: str) -> Any:
        query = sa.select(runs).order_by(runs.c.created_ns.desc(), runs.c.seq.desc()).limit(1)
        if run_id != LATEST:
            query = query.where(runs.c.run_id == run_id)
        with self._database.connect() as connection:
            row = connection.execute(query).first()
            if row is None:
                known = list(connection.scalars(sa.select(runs.c.run_id)))
                raise no_run(run_id, known)
        return row

    def _write_aside(self, aside: Path, documents: Mapping[str, bytes]) -> None:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        for name, content in documents.items():
            with (aside / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())

    def _write_line(self, summary: RunSummary, documents: Mapping[str, bytes]) -> None:
        with writing(self._database) as connection:
            connection.execute(sa.delete(runs).where(runs.c.run_id == summary.run_id))
            connection.execute(
                sa.insert(runs).values(
                    run_id=summary.run_id,
                    name=summary.name,
                    kind=summary.kind,
                    status=str(summary.status),
                    created_ns=summary.created_ns,
                    digest=summary.digest,
                    verdict=summary.verdict,
                    metrics={name: _or_none(value) for name, value in summary.metrics.items()},
                    documents={
                        name: hashlib.sha256(content).hexdigest()
                        for name, content in documents.items()
                    },
                )
            )


def check_names(run_id: str, documents: Mapping[str, bytes]) -> None:
    """Check that a run's id and file names are plain names, not paths.

    Raises
    ------
    ConfigError
        Naming the first one that is not.
    """
    if not _RUN_ID.match(run_id) or run_id == LATEST:
        raise ConfigError(f"run id {run_id!r} is not valid: letters, digits, - and _ up to 64")
    for name in documents:
        if not _DOCUMENT.match(name):
            raise ConfigError(f"run {run_id}: file name {name!r} is not a plain name")


def no_run(run_id: str, known: Sequence[str]) -> NoDataError:
    """Return the error that says which run is missing and what exists."""
    if not known:
        return NoDataError(f"run {run_id!r}: no run is stored yet")
    near = get_close_matches(run_id, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else "list them with: tradewright report show"
    return NoDataError(f"run {run_id!r} is not stored; {hint}")


def no_document(run_id: str, document: str, known: Mapping[str, Any]) -> NoDataError:
    """Return the error that says which file of a run is missing and which it has."""
    return NoDataError(f"run {run_id} has no {document!r}; it has: {', '.join(sorted(known))}")


def _summary(row: Any) -> RunSummary:
    metrics = {name: math.nan if value is None else value for name, value in row.metrics.items()}
    return RunSummary(
        run_id=row.run_id,
        name=row.name,
        kind=row.kind,
        status=row.status,
        created_ns=row.created_ns,
        digest=row.digest,
        verdict=row.verdict,
        metrics=metrics,
    )


def _or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
