"""Read bars from the parts of a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.adapters.stores.bar_files.manifest import Manifest, Part, Series
from tradewright.domain.bars import FIELDS, Bars, FloatArray, IntArray
from tradewright.domain.errors import DataError, NoDataError, nearest

if TYPE_CHECKING:
    import polars as pl

BLOCK: Final = 4096
"""Rows of a panel turned at a time, so that they stay in the processor's cache."""

MANY: Final = 1 << 17
"""Values of a field from which on fields are built beside each other."""


class DamagedPartError(DataError):
    """A part cannot be read; carries the part."""

    def __init__(self, part: Part, reason: str) -> None:
        super().__init__(f"bar store: {part.path} is damaged: {reason}")
        self.part = part


class MissingPartError(DataError):
    """A part is gone; the manifest may be older than the store."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to read: bars with ``start <= ts < end`` as known at `as_of_ns`."""

    symbols: tuple[str, ...]
    interval: str
    source: str | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    as_of_ns: int | None = None


def read_panel(root: Path, manifest: Manifest, query: Query) -> Bars:
    """Return the bars that a query names.

    Raises
    ------
    NoDataError
        If a symbol is not stored, or nothing lies in the range.
    DataError
        If several sources could be meant, adjustments differ, or a part is damaged.
    """
    series = choose_series(manifest, query)
    source = series[0].source
    pieces = read_pieces(root, manifest, query, source)
    if not pieces:
        raise NoDataError(f"no bar of {', '.join(query.symbols)} in this range")
    timeline, fields = _pivot(pieces, query.symbols)
    notes = dict.fromkeys(note for one in series for note in one.notes)
    return Bars(
        instruments=tuple(one.instrument for one in series),
        ts=timeline,
        **dict[str, Any](fields),
        interval=query.interval,
        source=source,
        adjustment=series[0].adjustment,
        data_version="",
        notes=tuple(notes),
        actions=(),
    )


def choose_series(manifest: Manifest, query: Query) -> list[Series]:
    """Return the stored series of a query's symbols, all of one source and adjustment."""
    stored: dict[str, dict[str, Series]] = {}
    for (source, interval, symbol), series in manifest.series.items():
        if interval == query.interval and query.source in (None, source):
            stored.setdefault(symbol, {})[source] = series
    absent = [symbol for symbol in query.symbols if symbol not in stored]
    if absent:
        known = sorted({key[2] for key in manifest.series})
        otherwise = sorted({f"{key[1]} from {key[0]}" for key in manifest.series
                            if key[2] == absent[0]})  # fmt: skip
        hint = nearest(absent[0], known) if known else "nothing is stored yet"
        if otherwise:
            hint = f"{absent[0]} is stored at {', '.join(otherwise)}"
        where = f" from {query.source}" if query.source else ""
        raise NoDataError(
            f"no bars of {', '.join(absent)} at {query.interval}{where} are stored; {hint}"
        )
    shared = set.intersection(*(set(stored[symbol]) for symbol in query.symbols))
    if not shared:
        raise DataError(f"no one source has all of {', '.join(query.symbols)}; read them apart")
    if len(shared) > 1:
        raise DataError(
            f"{', '.join(query.symbols[:3])}: stored from {' and '.join(sorted(shared))}; "
            "say which with source="
        )
    source = shared.pop()
    chosen = [stored[symbol][source] for symbol in query.symbols]
    adjustments = {one.adjustment for one in chosen}
    if len(adjustments) > 1:
        parts = "; ".join(
            f"{name}: {_some([s.instrument.symbol for s in chosen if s.adjustment == name])}"
            for name in sorted(adjustments)
        )
        raise DataError(f"bars adjusted differently cannot be mixed, ask for them apart ({parts})")
    return chosen


def _some(symbols: list[str]) -> str:
    rest = len(symbols) - 5
    return ", ".join(symbols[:5]) + (f" and {rest} more" if rest > 0 else "")


def read_pieces(
    root: Path, manifest: Manifest, query: Query, source: str
) -> dict[str, list[pl.DataFrame]]:
    """Return the rows of each symbol of a query, in pieces, the last known value of each bar."""
    wanted = set(query.symbols)
    prefix = f"{source}/{query.interval}/"
    parts = [
        part
        for part in manifest.parts
        if part.partition.startswith(prefix)
        and not wanted.isdisjoint(part.symbols)
        and (query.start_ns is None or part.last_ts >= query.start_ns)
        and (query.end_ns is None or part.first_ts < query.end_ns)
        and (query.as_of_ns is None or part.first_known <= query.as_of_ns)
    ]
    for part in parts:
        if part.lost:
            raise DataError(
                f"bar store: {part.path} was damaged and set aside; fetch or import "
                f"{', '.join(part.symbols[:8])} again for its dates"
            )
    if query.as_of_ns is None and not any(part.revised for part in parts):
        return _slices(root, parts, query)
    return _last_known(root, parts, query)


# Parts are sorted by symbol and time, so that a symbol and a range are a slice of the columns.
def _slices(root: Path, parts: Sequence[Part], query: Query) -> dict[str, list[pl.DataFrame]]:
    pieces: dict[str, list[pl.DataFrame]] = {}
    wanted = set(query.symbols)
    for part, rows in zip(parts, _tables(root, parts), strict=True):
        start = 0
        for symbol, count in zip(part.symbols, part.counts, strict=True):
            if symbol in wanted:
                ts = rows["ts"].slice(start, count).to_numpy()
                low = 0 if query.start_ns is None else int(np.searchsorted(ts, query.start_ns))
                high = count if query.end_ns is None else int(np.searchsorted(ts, query.end_ns))
                if high > low:
                    pieces.setdefault(symbol, []).append(rows.slice(start + low, high - low))
            start += count
    return pieces


def _tables(root: Path, parts: Sequence[Part]) -> list[pl.DataFrame]:
    # Symbols that trade together have one timeline; it is read once and shared by their tables.
    keepers = {part.timeline or part.path: part for part in parts}
    with ThreadPoolExecutor(2) as pool:
        fields = pool.map(lambda part: load_part(root, part, list(FIELDS)), parts)
        times = pool.map(lambda part: load_part(root, part, ["ts"])["ts"], keepers.values())
        shared = dict(zip(keepers, times, strict=True))
        return [
            rows.insert_column(0, shared[part.timeline or part.path])
            for part, rows in zip(parts, fields, strict=True)
        ]


def _last_known(root: Path, parts: Sequence[Part], query: Query) -> dict[str, list[pl.DataFrame]]:
    import polars as pl

    conditions = [pl.col("symbol").is_in(query.symbols)]
    if query.start_ns is not None:
        conditions.append(pl.col("ts") >= query.start_ns)
    if query.end_ns is not None:
        conditions.append(pl.col("ts") < query.end_ns)
    if query.as_of_ns is not None:
        conditions.append(pl.col("ts_known") <= query.as_of_ns)
    if not parts:
        return {}
    rows = (
        pl.concat([load_part(root, part).filter(*conditions) for part in parts])
        .sort("symbol", "ts", "revision")
        .unique(["symbol", "ts"], keep="last", maintain_order=True)
    )
    return {str(key[0]): [rows] for key, rows in rows.partition_by("symbol", as_dict=True).items()}


def load_part(root: Path, part: Part, columns: list[str] | None = None) -> pl.DataFrame:
    """Return the rows of a part.

    Raises
    ------
    DamagedPartError
        If the file is cut or no valid Parquet file.
    MissingPartError
        If it is not there.
    """
    import polars as pl

    path = root / part.path
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise MissingPartError(f"bar store: {part.path} is not there") from error
    if size != part.n_bytes:
        raise DamagedPartError(part, f"{size} bytes, written were {part.n_bytes}")
    try:
        rows = pl.read_parquet(path, columns=columns, memory_map=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DamagedPartError(part, str(error).splitlines()[0][:200]) from error
    if rows.height != part.rows:
        raise DamagedPartError(part, f"{rows.height} rows, written were {part.rows}")
    if "symbol" in rows.columns:
        return rows.with_columns(pl.col("symbol").cast(pl.String))
    return rows


def _pivot(
    pieces: dict[str, list[pl.DataFrame]], symbols: Sequence[str]
) -> tuple[IntArray, dict[str, FloatArray]]:
    # The timeline and the panel of each field.
    import polars as pl

    rows: dict[int, pl.DataFrame] = {}
    for column, symbol in enumerate(symbols):
        mine = pieces.get(symbol, [])
        if mine:
            whole = mine[0] if len(mine) == 1 else pl.concat(mine)
            rows[column] = whole if whole["ts"].is_sorted() else whole.sort("ts")
    times = {column: whole["ts"].to_numpy() for column, whole in rows.items()}
    timeline = next(iter(times.values()))
    if not all(_is_same(timeline, other) for other in times.values()):
        timeline = np.unique(np.concatenate(list(times.values())))
    is_full = len(rows) == len(symbols) and all(len(ts) == len(timeline) for ts in times.values())

    def build(name: str) -> FloatArray:
        shape = len(timeline), len(symbols)
        if is_full:
            return _interleaved([rows[column][name].to_numpy() for column in range(len(symbols))])
        panel = np.full(shape, np.nan)
        for column, whole in rows.items():
            place = np.searchsorted(timeline, times[column])
            panel[place, column] = whole[name].to_numpy()
        return panel

    is_large = len(timeline) * len(symbols) > MANY
    with ThreadPoolExecutor(len(FIELDS)) if is_large else nullcontext() as pool:
        at_once: Any = pool.map if pool is not None else map
        return timeline, dict(zip(FIELDS, at_once(build, FIELDS), strict=True))


def _is_same(ours: IntArray, theirs: IntArray) -> bool:
    is_shared = ours.ctypes.data == theirs.ctypes.data and ours.shape == theirs.shape
    return is_shared or np.array_equal(ours, theirs)


def _interleaved(columns: Sequence[FloatArray]) -> FloatArray:
    # Block by block: what one column brings into the processor's cache the next one finds.
    panel = np.empty((len(columns[0]), len(columns)))
    for first in range(0, len(panel), BLOCK):
        block = panel[first : first + BLOCK]
        for at, values in enumerate(columns):
            block[:, at] = values[first : first + BLOCK]
    return panel
