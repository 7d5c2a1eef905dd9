"""Bars in Parquet files under a manifest: written once, revised by addition, read as of a time."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from tradewright.adapters.stores.bar_files.files import write_whole, writer_lock
from tradewright.adapters.stores.bar_files.manifest import (
    NAME,
    Manifest,
    Part,
    load_manifest,
    save_manifest,
)
from tradewright.adapters.stores.bar_files.reading import (
    DamagedPartError,
    MissingPartError,
    Query,
    load_part,
    read_panel,
)
from tradewright.adapters.stores.bar_files.writing import (
    Counts,
    Stored,
    batches,
    check_adjustment,
    dataset_record,
    healed,
    merged,
    next_series,
    save_table,
    store_batch,
)
from tradewright.domain.actions import CorporateAction, action_from_row, action_row
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, DataError, EdgeError
from tradewright.ports.bar_store import SeriesInfo, WriteResult

KEEP_UNUSED_S: Final = 3600.0
"""Age after which files that no manifest names are removed; readers of old ones are done."""

WRITERS: Final = 4
"""Files written at a time: while some wait for the disk, Polars encodes others on all cores."""

_OPTIONAL: Final[dict[str, Any]] = {"pay_date": str, "price": float}

T = TypeVar("T")


class ParquetBarStore:
    """A bar store in a folder.

    Rows lie in zstd Parquet files ``source/interval/symbol-bucket/first-year/….parquet``. A write
    adds files and then replaces the manifest in one step, under a lock, so that a reader sees the
    state before or after it and a crash leaves one of the two.

    Parameters
    ----------
    root : Path
        Folder of the store; made on the first write.

    Notes
    -----
    A bar that comes again with equal values is counted as unchanged; with other values it becomes
    a revision that is known from its own `ts_known` on. Nothing is overwritten.
    """

    def __init__(self, root: Path) -> None:
        self._root = Path(root)
        self._cached: tuple[tuple[int, int, int], Manifest] | None = None
        self._held_by = threading.local()

    def write(self, bars: Bars, *, ts_known: int, query: str = "") -> WriteResult:
        """Store bars.

        Parameters
        ----------
        bars : Bars
            Valid bars of one source, interval and adjustment.
        ts_known : int
            UTC nanoseconds at which these values became known.
        query : str
            What was asked of the source, for the data-set record.

        Returns
        -------
        WriteResult
            Rows inserted, revised, unchanged, and the id of the data set.

        Raises
        ------
        DataError
            If bars of another adjustment are stored under this source.
        EdgeError
            If the disk is full or not writable; nothing of the batch is stored.
        """
        if not re.fullmatch(r"[a-z0-9_]{1,20}", bars.source):
            raise ConfigError(f"source {bars.source!r}: wanted a-z, 0-9 and _, up to 20 characters")
        counts = Counts()
        with self._writing() as written:
            manifest = self._manifest()
            check_adjustment(manifest, bars)
            parts = manifest.parts
            fresh: Counter[str] = Counter()
            for done in self._store(manifest, bars, ts_known, written):
                counts += done.counts
                fresh.update(done.fresh)
                parts = healed(parts, done.batch)
                if done.part is not None:
                    parts = merged(self._root, (*parts, done.part), done.batch.partition)
                    written.extend(p for p in parts if p not in manifest.parts + tuple(written))
            record = dataset_record(bars, query, ts_known)
            if parts != manifest.parts or counts.inserted or counts.revised:
                state = manifest.changed(
                    parts=parts,
                    series=next_series(manifest, bars, fresh),
                    datasets=_with(manifest.datasets, record),
                )
                save_manifest(self._root, state)
            self._remove_unused()
        return WriteResult(
            inserted=counts.inserted,
            revised=counts.revised,
            unchanged=counts.unchanged,
            quarantined=0,
            dataset_id=str(record["id"]),
        )

    def read(
        self,
        symbols: Sequence[str],
        *,
        interval: str = "1d",
        start_ns: int | None = None,
        end_ns: int | None = None,
        as_of_ns: int | None = None,
        source: str | None = None,
    ) -> Bars:
        """Return the bars with ``start <= ts < end`` as they were known at `as_of_ns`.

        Parameters
        ----------
        symbols : sequence of str
            Columns, in order.
        interval : str
            Length of the bars.
        start_ns, end_ns : int, optional
            UTC nanoseconds, half-open; None is unbounded.
        as_of_ns : int, optional
            UTC nanoseconds; values that became known later are not seen.
        source : str, optional
            Needed only where several sources have the symbols.

        Returns
        -------
        Bars
            With the notes and adjustment they were stored with.

        Raises
        ------
        NoDataError
            If a symbol is not stored (naming the nearest) or nothing lies in the range.
        DataError
            If a file is damaged; it is set aside and named.
        """
        if not symbols:
            raise ConfigError("bar store: no symbol was asked for")
        names = tuple(dict.fromkeys(symbols))
        query = Query(names, interval, source, start_ns, end_ns, as_of_ns)
        for attempt in range(3):
            manifest = self._manifest()
            try:
                return self._guarded(partial(read_panel, self._root, manifest, query))
            except MissingPartError:
                # A writer merged and removed files while we read; its manifest is newer.
                if attempt == 2 or self._manifest().revision == manifest.revision:
                    raise
        raise DataError("bar store: it changes faster than it can be read")

    def list_series(self) -> list[SeriesInfo]:
        """Return what is stored, sorted by symbol, source and interval."""
        rows = [series.info() for series in self._manifest().series.values()]
        return sorted(rows, key=lambda row: (row.symbol, row.source, row.interval))

    def snapshot(self) -> ParquetBarStore:
        """Return a reader that keeps seeing the present state, whatever is written later."""
        frozen = _Snapshot(self._root)
        frozen.hold(self._manifest())
        return frozen

    def datasets(self) -> list[dict[str, Any]]:
        """Return the record of every data set that changed the store, oldest first."""
        return list(self._manifest().datasets)

    def write_actions(self, actions: Sequence[CorporateAction]) -> int:
        """Store corporate actions; return how many were new.

        A changed value of a known action is kept beside the old one with its own `ts_known`.
        """
        import polars as pl

        with self._writing():
            manifest = self._manifest()
            old = self.read_actions()
            known = {replace(a, ts_known=0) for a in old}
            new = [a for a in actions if replace(a, ts_known=0) not in known]
            if new:
                rows = [action_row(action) for action in (*old, *new)]
                table = pl.DataFrame(rows, schema_overrides=_OPTIONAL, infer_schema_length=None)
                name = f"actions/{manifest.revision + 1:08d}.parquet"
                write_whole(self._root / name, partial(save_table, table))
                save_manifest(self._root, manifest.changed(actions=name))
        return len(new)

    def read_actions(
        self, symbols: Sequence[str] | None = None, *, as_of_ns: int | None = None
    ) -> tuple[CorporateAction, ...]:
        """Return the stored actions of some symbols, as known at a time, oldest first."""
        import polars as pl

        name = self._manifest().actions
        if not name:
            return ()
        try:
            table = pl.read_parquet(self._root / name, memory_map=False)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"bar store: {name} cannot be read: {error}") from error
        found = [
            action_from_row(row)
            for row in table.iter_rows(named=True)
            if (symbols is None or row["symbol"] in symbols)
            and (as_of_ns is None or row["ts_known"] <= as_of_ns)
        ]
        return tuple(sorted(found, key=lambda a: (a.symbol, a.ex_date, a.kind, a.ts_known)))

    def verify(self) -> list[str]:
        """Read every file; return the paths of the damaged ones, which are set aside."""
        damaged = []
        for part in self._manifest().parts:
            try:
                if not part.lost:
                    self._guarded(partial(load_part, self._root, part))
            except DataError:
                damaged.append(part.path)
        return damaged

    def _store(
        self, manifest: Manifest, bars: Bars, ts_known: int, written: list[Part]
    ) -> Iterator[Stored]:
        # One file is encoded while another waits for the disk.
        work = partial(store_batch, self._root, manifest, ts_known=ts_known, written=written)
        with ThreadPoolExecutor(WRITERS) as pool:
            waiting = [pool.submit(work, batch) for batch in batches(bars)]
            try:
                for future in waiting:
                    yield self._guarded(future.result)
            finally:
                pool.shutdown(cancel_futures=True)

    def _manifest(self) -> Manifest:
        try:
            stat = (self._root / NAME).stat()
        except FileNotFoundError:
            return Manifest()
        stamp = stat.st_mtime_ns, stat.st_ino, stat.st_size
        if self._cached is None or self._cached[0] != stamp:
            self._cached = stamp, load_manifest(self._root)
        return self._cached[1]

    @contextmanager
    def _writing(self) -> Iterator[list[Part]]:
        written: list[Part] = []
        try:
            with writer_lock(self._root / ".lock"):
                self._held_by.me = True
                try:
                    yield written
                except BaseException:
                    self._drop(written)
                    raise
                finally:
                    self._held_by.me = False
        except OSError as error:
            reason = error.strerror or str(error)
            raise EdgeError(f"bar store {self._root}: {reason}; nothing was stored") from error

    def _drop(self, written: Sequence[Part]) -> None:
        named = {part.path for part in self._manifest().parts}
        for part in written:
            if part.path not in named:
                (self._root / part.path).unlink(missing_ok=True)

    # A damaged file is moved away and marked as lost: reads of its dates fail until they are
    # brought again, so that a hole is never taken for an answer.
    def _guarded(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except DamagedPartError as error:
            lost = error.part
            aside = self._root / "quarantine" / lost.path.replace("/", "_")
            aside.parent.mkdir(parents=True, exist_ok=True)
            with nullcontext() if getattr(self._held_by, "me", False) else self._writing():
                if (self._root / lost.path).exists():
                    (self._root / lost.path).rename(aside)
                manifest = load_manifest(self._root)
                parts = tuple(
                    replace(part, lost=True) if part.path == lost.path else part
                    for part in manifest.parts
                )
                save_manifest(self._root, manifest.changed(parts=parts))
            raise DataError(
                f"{error}; it was set aside as {aside}. Fetch or import "
                f"{', '.join(lost.symbols[:8])} again for its dates"
            ) from error

    def _remove_unused(self) -> None:
        manifest = self._manifest()
        named = {part.path for part in manifest.parts} | {manifest.actions}
        limit = time.time() - KEEP_UNUSED_S
        for path in self._root.glob("*/**/*.parquet"):
            name = path.relative_to(self._root).as_posix()
            unused = name not in named and not name.startswith("quarantine/")
            if unused and path.stat().st_mtime < limit:
                path.unlink(missing_ok=True)


class _Snapshot(ParquetBarStore):
    """A store that stays at one manifest and cannot be written."""

    def hold(self, manifest: Manifest) -> None:
        self._held = manifest

    def _manifest(self) -> Manifest:
        return self._held

    def write(self, bars: Bars, *, ts_known: int, query: str = "") -> WriteResult:
        raise ConfigError("a snapshot of the bar store cannot be written")

    def write_actions(self, actions: Sequence[CorporateAction]) -> int:
        raise ConfigError("a snapshot of the bar store cannot be written")


def _with(
    datasets: tuple[dict[str, Any], ...], record: dict[str, Any]
) -> tuple[dict[str, Any], ...]:
    return (*(old for old in datasets if old["id"] != record["id"]), record)
