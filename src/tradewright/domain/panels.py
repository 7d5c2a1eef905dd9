"""From a long table of bars to a panel on one timeline."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import FIELDS, Bars, FloatArray, IntArray
from tradewright.domain.errors import DataError, NoDataError
from tradewright.domain.instruments import Instrument


def build_bars(
    instruments: Sequence[Instrument],
    column: NDArray[np.integer],
    ts: IntArray,
    values: Mapping[str, FloatArray],
    *,
    interval: str = "1d",
    source: str = "csv",
    adjustment: str = "none",
    notes: tuple[str, ...] = (),
    data_version: str | None = None,
) -> Bars:
    """Put rows of (instrument, time, prices) onto one increasing timeline.

    Parameters
    ----------
    instruments : sequence of Instrument
        Columns of the panel.
    column : ndarray of shape (n_rows,), integer
        Column of each row.
    ts : ndarray of shape (n_rows,), int64
        Close time of each row, UTC nanoseconds; any order.
    values : mapping of str to ndarray of shape (n_rows,)
        ``open high low close volume``.
    interval, source, adjustment, notes
        Passed to `Bars`.
    data_version : str, optional
        Version of the content; by default it is computed from the content.

    Returns
    -------
    Bars
        NaN where an instrument has no row.

    Raises
    ------
    DataError
        If an instrument has two rows at one time.
    NoDataError
        If there is no row.
    """
    if len(ts) == 0:
        raise NoDataError("no bars: the table has no row")
    timeline, row = _timeline(ts)
    shape = (len(timeline), len(instruments))
    place = row * shape[1] + column
    if len(ts) > shape[0] * shape[1] or np.unique(place).size != len(place):
        first = _first_repeat(place)
        name = instruments[int(column[first])].symbol
        raise DataError(f"{name}: two bars at {np.datetime64(int(ts[first]), 'ns')}Z")
    fields = {}
    for name in FIELDS:
        flat = np.full(shape[0] * shape[1], np.nan)
        flat[place] = values[name]
        fields[name] = flat.reshape(shape)
    version = data_version
    if version is None:
        version = content_hash(tuple(i.symbol for i in instruments), timeline, fields)
    return Bars(
        instruments=tuple(instruments),
        ts=timeline,
        **fields,
        interval=interval,
        source=source,
        adjustment=adjustment,
        data_version=version,
        notes=notes,
    )


def content_hash(symbols: Sequence[str], ts: IntArray, fields: Mapping[str, FloatArray]) -> str:
    """Return the version of a content: equal symbols, times and values give equal text.

    Parameters
    ----------
    symbols : sequence of str
        Columns, in order.
    ts : ndarray of shape (n_bars,), int64
        Close times.
    fields : mapping of str to ndarray of shape (n_bars, n_instruments)
        ``open high low close volume``.

    Returns
    -------
    str
        32 hexadecimal digits (BLAKE2b over the digests of the arrays).
    """
    arrays: list[NDArray[Any]] = [ts, *(fields[name] for name in FIELDS)]
    if len(ts) * len(symbols) > 1 << 17:
        with ThreadPoolExecutor(max_workers=2) as pool:
            parts = list(pool.map(array_digest, arrays))
    else:
        parts = [array_digest(array) for array in arrays]
    return joined_hash(symbols, parts)


def new_digest() -> Any:
    """Return the empty digest that `array_digest` fills; feed it rows of little-endian numbers."""
    return hashlib.sha256()


def array_digest(array: NDArray[Any]) -> bytes:
    """Return the digest of the times or of one field of a panel.

    Parameters
    ----------
    array : ndarray, int64 or float64
        Any memory order; the digest is that of rows one after the other, little-endian.
    """
    kind = "<i8" if array.dtype.kind == "i" else "<f8"
    digest = new_digest()
    digest.update(np.ascontiguousarray(array, dtype=kind).data)
    return bytes(digest.digest())


def joined_hash(symbols: Sequence[str], digests: Sequence[bytes]) -> str:
    """Return the version of a content from its symbols and the digests of its arrays.

    Parameters
    ----------
    symbols : sequence of str
        Columns, in order.
    digests : sequence of bytes
        `array_digest` of the times and of ``open high low close volume``.
    """
    whole = hashlib.blake2b("\0".join(symbols).encode(), digest_size=16)
    for digest in digests:
        whole.update(digest)
    return whole.hexdigest()


# Rows that come sorted on one shared timeline (a store's answer) need no sort.
def _timeline(ts: IntArray) -> tuple[IntArray, IntArray]:
    if len(ts) < 2 or bool((np.diff(ts) > 0).all()):
        return np.ascontiguousarray(ts, dtype=np.int64), np.arange(len(ts), dtype=np.int64)
    timeline, row = np.unique(ts, return_inverse=True)
    return timeline, row.astype(np.int64)


def _first_repeat(place: IntArray) -> int:
    order = np.argsort(place, kind="stable")
    repeated = np.flatnonzero(np.diff(place[order]) == 0)
    return int(order[repeated + 1].min())
