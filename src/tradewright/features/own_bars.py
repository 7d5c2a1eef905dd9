"""Bars of each instrument without the gaps of the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import FIELDS, Bars
from tradewright.features.specs import Panel

IntPanel = NDArray[np.int64]
DAILY = ("1d", "1wk", "1mo")


@dataclass(frozen=True, slots=True, eq=False)
class OwnBars:
    """Panels in which column ``j`` holds the bars of one instrument, oldest first, gaps removed.

    Parameters
    ----------
    open, high, low, close, volume : ndarray of shape (n_rows, n_columns)
        Read-only; NaN below the last bar of a column.
    ts : ndarray of shape (n_rows, n_columns), int64
        Close times; below the last bar of a column they repeat some other time.
    place : ndarray of shape (n_bars, n_columns) or None
        Row of the bars panel that each own row came from; None where no column has a gap.
    counts : ndarray of shape (n_columns,)
        Bars of each instrument.
    interval : str
        Interval of the bars.
    """

    open: Panel
    high: Panel
    low: Panel
    close: Panel
    volume: Panel
    ts: IntPanel
    place: IntPanel | None
    counts: IntPanel
    interval: str = "1d"
    memo: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of every panel."""
        return self.close.shape[0], self.close.shape[1]

    @property
    def missing(self) -> NDArray[np.bool_] | None:
        """Where a column has no bar any more; None if all are full."""
        if (self.counts == len(self.close)).all():
            return None
        below: NDArray[np.bool_] = np.arange(len(self.close))[:, None] >= self.counts[None, :]
        return below

    @property
    def is_daily(self) -> bool:
        """Whether a bar covers at least one session."""
        return self.interval in DAILY

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """Return what `make` gives, made once for these bars."""
        if key not in self.memo:
            self.memo[key] = make()
        return self.memo[key]

    def spread(self, own: Panel) -> Panel:
        """Return values on own rows at the rows of the bars panel; NaN in the gaps."""
        missing = self.missing
        if missing is not None:
            own = np.where(missing, np.nan, own)
        if self.place is None:
            return own
        out = np.empty(own.shape)
        np.put_along_axis(out, self.place, own, axis=0)
        return out

    def gather(self, panel: Panel) -> Panel:
        """Return values at the rows of the bars panel on own rows; NaN below the last bar."""
        if self.place is None:
            return panel
        own = np.take_along_axis(panel, self.place, axis=0)
        return own if self.missing is None else np.where(self.missing, np.nan, own)


def own_bars(bars: Bars) -> OwnBars:
    """Remove the gaps of every instrument.

    Parameters
    ----------
    bars : Bars
        A bar exists where its close is not NaN.

    Returns
    -------
    OwnBars
        Without a copy where no instrument misses a bar before its last one.

    Notes
    -----
    Timing: own row ``i`` is the ``i``-th bar of the instrument; later bars do not move it.
    """
    exists = ~np.isnan(bars.close)
    counts = exists.sum(axis=0).astype(np.int64)
    ts = np.broadcast_to(bars.ts[:, None], exists.shape)
    fields: dict[str, Any] = {name: getattr(bars, name) for name in FIELDS}
    last = bars.n_bars - np.argmax(exists[::-1], axis=0)
    if (counts == np.where(counts > 0, last, 0)).all():
        # Rows after the last bar must not hold a value in any field.
        missing = ~exists
        if missing.any():
            for name in ("open", "high", "low", "volume"):
                fields[name] = np.where(missing, np.nan, fields[name])
        return OwnBars(**fields, ts=ts, place=None, counts=counts, interval=bars.interval)
    place = np.argsort(~exists, axis=0, kind="stable").astype(np.int64)
    below = np.arange(bars.n_bars)[:, None] >= counts[None, :]
    for name in FIELDS:
        packed = np.take_along_axis(fields[name], place, axis=0)
        packed[below] = np.nan
        packed.flags.writeable = False
        fields[name] = packed
    packed_ts = np.take_along_axis(ts, place, axis=0)
    return OwnBars(**fields, ts=packed_ts, place=place, counts=counts, interval=bars.interval)
