"""Write bars as new parts: new rows, revisions of old ones, nothing twice."""

from __future__ import annotations

import hashlib
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from tradewright.adapters.stores.bar_files.files import write_whole
from tradewright.adapters.stores.bar_files.manifest import Manifest, Part, Series
from tradewright.adapters.stores.bar_files.reading import BLOCK, load_part
from tradewright.domain.bars import FIELDS, Bars, FloatArray, array_digest
from tradewright.domain.errors import DataError
from tradewright.domain.intervals import is_intraday
from tradewright.domain.time import from_ns

if TYPE_CHECKING:
    import polars as pl

BUCKETS: Final = 16
LEVEL: Final = 1
"""Of zstd: prices hardly shrink further, and packing takes less time than at the usual 3."""

MOST_PARTS: Final = 12
"""Parts of one partition after which a write merges them."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of a panel that belong to one partition.

    Parameters
    ----------
    partition : str
        ``source/interval/bucket/first-year``.
    bars : Bars
        The panel.
    values : mapping of str to ndarray of shape (n_instruments, n_bars)
        Its fields, each instrument in one piece.
    columns : tuple of int
        Instruments of the batch, sorted by symbol.
    first, last : int
        Its rows, half-open.
    """

    partition: str
    bars: Bars
    values: Mapping[str, FloatArray]
    columns: tuple[int, ...]
    first: int
    last: int

    def table(self) -> pl.DataFrame:
        """Return the bars that exist, long, sorted by symbol and time."""
        import polars as pl

        # Symbols as numbers of a list: text would be looked up again row by row when it is packed.
        names = [self.bars.symbols[column] for column in self.columns]
        symbols = pl.Series(names, dtype=pl.Enum(names))
        frames = []
        for at, column in enumerate(self.columns):
            part = {name: self.values[name][column, self.first : self.last] for name in FIELDS}
            ts = self.bars.ts[self.first : self.last]
            exists = ~np.isnan(part["close"])
            if not exists.all():
                ts = ts[exists]
                part = {name: values[exists] for name, values in part.items()}
            if len(ts):
                symbol = symbols.new_from_index(at, len(ts))
                frames.append(pl.DataFrame({"symbol": symbol, "ts": ts, **part}))
        return pl.concat(frames)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows of a write were new, changed or known."""

    inserted: int = 0
    revised: int = 0
    unchanged: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.inserted + other.inserted,
            self.revised + other.revised,
            self.unchanged + other.unchanged,
        )


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of one batch.

    Parameters
    ----------
    batch : Batch
        The rows that came in.
    part : Part or None
        The file of what was new or changed; None where nothing was.
    counts : Counts
        Its rows.
    fresh : dict of str to int
        New bars of each symbol.
    """

    batch: Batch
    part: Part | None
    counts: Counts
    fresh: dict[str, int]


def bucket_of(symbol: str) -> int:
    """Return the bucket of a symbol; the same in every process."""
    return zlib.crc32(symbol.encode()) % BUCKETS


def batches(bars: Bars) -> Iterator[Batch]:
    """Divide a panel into the rows of each partition."""
    # A partition of intraday bars spans a year, one of daily and longer bars ten.
    years = bars.times.astype("datetime64[Y]").astype(np.int64) + 1970
    spans = years if is_intraday(bars.interval) else years // 10 * 10
    edges = [0, *(np.flatnonzero(np.diff(spans)) + 1).tolist(), bars.n_bars]
    columns: dict[int, list[int]] = {}
    for column in sorted(range(bars.n_instruments), key=lambda c: bars.symbols[c]):
        columns.setdefault(bucket_of(bars.symbols[column]), []).append(column)
    values = _pieces(bars)
    for bucket, members in sorted(columns.items()):
        for first, last in pairwise(edges):
            alive = tuple(c for c in members if _has_bars(values["close"][c, first:last]))
            if alive:
                name = f"{bars.source}/{bars.interval}/b{bucket:02d}/{spans[first]}"
                yield Batch(name, bars, values, alive, first, last)


def _pieces(bars: Bars) -> dict[str, FloatArray]:
    # A column of a panel is scattered in memory; Polars wants it in one piece.
    def piece(name: str) -> FloatArray:
        panel = getattr(bars, name)
        found = np.empty(panel.shape[::-1])
        for first in range(0, bars.n_bars, BLOCK):
            found[:, first : first + BLOCK] = panel[first : first + BLOCK].T
        return found

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(FIELDS, pool.map(piece, FIELDS), strict=True))


def _has_bars(close: FloatArray) -> bool:
    return not np.isnan(close[0]) or not np.isnan(close).all()


def store_batch(
    root: Path, manifest: Manifest, batch: Batch, *, ts_known: int, written: list[Part]
) -> Stored:
    """Write what is new or changed of a batch as a part that the manifest does not name yet.

    Parameters
    ----------
    root : Path
        Folder of the store.
    manifest : Manifest
        What is stored.
    batch : Batch
        What came in.
    ts_known : int
        When it became known, UTC nanoseconds.
    written : list of Part
        The part is added to it as soon as its file exists.
    """
    rows, counts = sift(root, manifest, batch, ts_known=ts_known)
    if rows.height == 0:
        return Stored(batch, None, counts, {})
    part = write_part(root, batch.partition, rows)
    written.append(part)
    if counts.revised:
        fresh = rows_by_symbol(rows.filter(rows["revision"] == 0))
    else:
        fresh = dict(zip(part.symbols, part.counts, strict=True))
    return Stored(batch, part, counts, fresh)


def sift(
    root: Path, manifest: Manifest, batch: Batch, *, ts_known: int
) -> tuple[pl.DataFrame, Counts]:
    """Return the rows of a batch that are new or changed, with `ts_known` and `revision`."""
    import polars as pl

    rows = batch.table()
    low, high = int(rows["ts"].min()), int(rows["ts"].max())  # type: ignore[arg-type]
    symbols = {batch.bars.symbols[column] for column in batch.columns}
    old_parts = [
        part
        for part in manifest.parts
        if part.partition == batch.partition
        and not part.lost
        and part.first_ts <= high
        and part.last_ts >= low
        and not symbols.isdisjoint(part.symbols)
    ]
    stamped = [pl.lit(ts_known, dtype=pl.Int64).alias("ts_known")]
    if not old_parts:
        first = pl.lit(0, dtype=pl.Int32).alias("revision")
        return rows.with_columns(*stamped, first), Counts(inserted=rows.height)
    old = (
        pl.concat([load_part(root, part) for part in old_parts])
        .sort("symbol", "ts", "revision")
        .unique(["symbol", "ts"], keep="last", maintain_order=True)
    )
    rows = rows.with_columns(pl.col("symbol").cast(pl.String))
    joined = rows.join(old, on=["symbol", "ts"], how="left", suffix="_old", maintain_order="left")
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_old")) for name in FIELDS)
    known = joined.with_columns(same=same & pl.col("revision").is_not_null())
    fresh = known.filter(~pl.col("same"))
    inserted = int(fresh["revision"].null_count())
    counts = Counts(inserted, fresh.height - inserted, known.height - fresh.height)
    changed = fresh.select(
        "symbol",
        "ts",
        *FIELDS,
        *stamped,
        (pl.col("revision") + 1).fill_null(0).cast(pl.Int32).alias("revision"),
    )
    return changed, counts


def write_part(root: Path, partition: str, rows: pl.DataFrame) -> Part:
    """Write rows as a new file and return its record; the manifest does not name it yet."""
    path = f"{partition}/{uuid.uuid4().hex}.parquet"
    counts = rows_by_symbol(rows)
    write_whole(root / path, lambda aside: save_table(rows, aside))
    return Part(
        path=path,
        partition=partition,
        symbols=tuple(counts),
        counts=tuple(counts.values()),
        first_ts=int(rows["ts"].min()),  # type: ignore[arg-type]
        last_ts=int(rows["ts"].max()),  # type: ignore[arg-type]
        first_known=int(rows["ts_known"].min()),  # type: ignore[arg-type]
        rows=rows.height,
        n_bytes=(root / path).stat().st_size,
        revised=bool((rows["revision"] > 0).any()),
        timeline=array_digest(rows["ts"].to_numpy()).hex(),
    )


def save_table(rows: pl.DataFrame, path: Path) -> None:
    """Write a table as zstd Parquet.

    Raises
    ------
    OSError
        If the disk is full or not writable; Polars reports that in errors of its own.
    """
    import polars as pl

    try:
        rows.write_parquet(path, compression="zstd", compression_level=LEVEL)
    except pl.exceptions.PolarsError as error:
        raise OSError(str(error).splitlines()[0][:200]) from error


def rows_by_symbol(rows: pl.DataFrame) -> dict[str, int]:
    """Return how many rows each symbol has, in the order of the rows."""
    counted = rows.group_by("symbol", maintain_order=True).len()
    return {str(symbol): int(count) for symbol, count in counted.iter_rows()}


def merged(root: Path, parts: Sequence[Part], partition: str) -> tuple[Part, ...]:
    """Return the parts of a store after one partition with too many was put together."""
    import polars as pl

    mine = [part for part in parts if part.partition == partition and not part.lost]
    if len(mine) <= MOST_PARTS:
        return tuple(parts)
    rows = pl.concat([load_part(root, part) for part in mine]).sort("symbol", "ts", "revision")
    whole = write_part(root, partition, rows)
    return (*(part for part in parts if part not in mine), whole)


def healed(parts: Sequence[Part], batch: Batch) -> tuple[Part, ...]:
    """Return the parts without the lost ones whose symbols and dates a batch brings again."""
    if not any(part.lost and part.partition == batch.partition for part in parts):
        return tuple(parts)
    brought = {}
    bars = batch.bars
    for column in batch.columns:
        ts = bars.ts[batch.first : batch.last]
        ts = ts[~np.isnan(bars.close[batch.first : batch.last, column])]
        brought[bars.symbols[column]] = int(ts[0]), int(ts[-1]), len(ts)
    return tuple(part for part in parts if not _is_healed(part, batch.partition, brought))


def _is_healed(part: Part, partition: str, brought: dict[str, tuple[int, int, int]]) -> bool:
    if not part.lost or part.partition != partition:
        return False
    mine = [brought[symbol] for symbol in part.symbols if symbol in brought]
    covers = all(low <= part.first_ts and high >= part.last_ts for low, high, _ in mine)
    rows = sum(count for _, _, count in brought.values())
    return covers and len(mine) == len(part.symbols) and rows >= part.rows


def next_series(
    manifest: Manifest, bars: Bars, fresh: dict[str, int]
) -> dict[tuple[str, str, str], Series]:
    """Return the series of the store after new rows of each symbol were added."""
    series = dict(manifest.series)
    for column, instrument in enumerate(bars.instruments):
        present = bars.ts[~np.isnan(bars.close[:, column])]
        if not len(present):
            continue
        key = bars.source, bars.interval, instrument.symbol
        old = series.get(key)
        series[key] = Series(
            instrument=instrument,
            source=bars.source,
            interval=bars.interval,
            adjustment=bars.adjustment,
            first_ts=min(int(present[0]), old.first_ts) if old else int(present[0]),
            last_ts=max(int(present[-1]), old.last_ts) if old else int(present[-1]),
            rows=(old.rows if old else 0) + fresh.get(instrument.symbol, 0),
            notes=bars.notes,
        )
    return series


def check_adjustment(manifest: Manifest, bars: Bars) -> None:
    """Refuse bars whose adjustment differs from what is stored under their source.

    Raises
    ------
    DataError
        Naming the symbol and both adjustments.
    """
    for symbol in bars.symbols:
        old = manifest.series.get((bars.source, bars.interval, symbol))
        if old is not None and old.adjustment != bars.adjustment:
            raise DataError(
                f"{symbol}: {old.adjustment} bars from {bars.source} are stored, and "
                f"{bars.adjustment} ones cannot be mixed with them; give them another source name"
            )


def dataset_record(bars: Bars, query: str, ts_known: int) -> dict[str, object]:
    """Return the record of a data set: source, query, time, rows, dates, version."""
    rows = int((~np.isnan(bars.close)).sum())
    text = f"{bars.source}|{bars.interval}|{bars.adjustment}|{query}|{bars.data_version}"
    return {
        "id": hashlib.blake2b(text.encode(), digest_size=12).hexdigest(),
        "source": bars.source,
        "interval": bars.interval,
        "adjustment": bars.adjustment,
        "query": query,
        "symbols": list(bars.symbols),
        "rows": rows,
        "first_ts": int(bars.ts[0]),
        "last_ts": int(bars.ts[-1]),
        "content_hash": bars.data_version,
        "fetched_at": from_ns(ts_known).isoformat(),
    }
