"""From a long table of bars to a panel on one timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    data_version: str = "",
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
        Version of the content; by default that of the content itself.

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
    fields: dict[str, Any] = {}
    for name in FIELDS:
        flat = np.full(shape[0] * shape[1], np.nan)
        flat[place] = values[name]
        fields[name] = flat.reshape(shape)
    return Bars(
        instruments=tuple(instruments),
        ts=timeline,
        **fields,
        interval=interval,
        source=source,
        adjustment=adjustment,
        data_version=data_version,
        notes=notes,
        actions=(),
    )


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
