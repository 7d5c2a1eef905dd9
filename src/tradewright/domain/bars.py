"""A panel of bars: the one form in which market data reach features, kernel and engine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.actions import CorporateAction, actions_hash, distinct
from tradewright.domain.errors import DataError, NoDataError, nearest
from tradewright.domain.instruments import Instrument

FIELDS: Final = ("open", "high", "low", "close", "volume")
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MANY: Final = 1 << 17
"""Values of a field from which on fields are hashed beside each other."""


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Open, high, low, close and volume of some instruments on one timeline.

    Parameters
    ----------
    instruments : tuple of Instrument
        Columns, in order.
    ts : ndarray of shape (n_bars,), int64
        UTC nanoseconds at which each bar closed; strictly increasing. A bar is known at its close.
    open, high, low, close, volume : ndarray of shape (n_bars, n_instruments), float64
        Prices in the instrument's currency, volume in units. NaN where an instrument has no bar.
        The arrays are made read-only.
    interval : str
        ``1m 5m 15m 1h 4h 1d 1wk 1mo``.
    source : str
        Who delivered the data, for example ``sample``, ``csv``, ``yahoo``, ``synthetic``.
    adjustment : str
        ``none`` (as traded), ``splits``, ``total_return`` (we adjusted) or ``source_adjusted``
        (the source gives adjusted prices only).
    data_version : str
        Version of what was read; the same bars have the same version, and a cut of them keeps it.
        Left empty it is the hash of the content, computed when it is first asked for.
    notes : tuple of str
        What a reader of any result must know, for example ``survivorship: today's members``.
    rates : mapping of str to ndarray of shape (n_bars,), float64
        By pair (``EUR/USD``) what one of the first currency is worth in the second: the last rate
        known at each close, NaN before the first. See `tradewright.marketdata.add_rates`.
    actions : tuple of CorporateAction
        Splits, dividends and the like of the instruments, for prices as traded; see
        `with_actions`. A simulation books them; adjusted prices hold them already.

    Raises
    ------
    DataError
        If shapes differ, times do not increase, a column name repeats, or adjusted prices are
        given actions.

    Notes
    -----
    Row relations (high >= low and so on) are checked by the importers and the bar store, which
    know the file and row to name; this class checks only its own shape.
    """

    instruments: tuple[Instrument, ...]
    ts: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    interval: str = "1d"
    source: str = "csv"
    adjustment: str = "none"
    data_version: str = ""
    notes: tuple[str, ...] = field(default=())
    rates: Mapping[str, FloatArray] = field(default_factory=dict)
    actions: tuple[CorporateAction, ...] = field(default=())

    def __post_init__(self) -> None:
        shape = (len(self.ts), len(self.instruments))
        if 0 in shape:
            raise NoDataError(f"bars are empty: {shape[0]} rows, {shape[1]} instruments")
        for name in FIELDS:
            array = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
            if array.shape != shape:
                raise DataError(f"bars: {name} has shape {array.shape}, wanted {shape}")
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        ts = np.ascontiguousarray(self.ts, dtype=np.int64)
        steps = np.diff(ts)
        if (steps <= 0).any():
            row = int(np.argmax(steps <= 0)) + 1
            raise DataError(f"bars: times must increase, but row {row} is not after row {row - 1}")
        ts.flags.writeable = False
        object.__setattr__(self, "ts", ts)
        for name, line in self.rates.items():
            if line.shape != shape[:1]:
                raise DataError(
                    f"bars: rates of {name} have shape {line.shape}, wanted {shape[:1]}"
                )
        if len(set(self.symbols)) != len(self.symbols):
            raise DataError(f"bars: a symbol occurs twice in {', '.join(self.symbols)}")
        if self.actions and self.adjustment != "none":
            raise DataError(
                f"bars: prices are {self.adjustment!r} and there are {len(self.actions)} corporate "
                "actions; adjusted prices hold them already, so give actions to prices as traded "
                "(adjustment 'none') only"
            )
        if not self.data_version:
            object.__delattr__(self, "data_version")

    if not TYPE_CHECKING:
        # Reached for what is not set: the version, whose hash takes as long as reading the bars.
        def __getattr__(self, name: str) -> str:
            if name != "data_version":
                raise AttributeError(f"Bars has no {name!r}")
            told = f"+{actions_hash(self.actions)}" if self.actions else ""
            object.__setattr__(self, name, _content_hash(self) + told)
            return self.data_version

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols of the columns, in order."""
        return tuple(instrument.symbol for instrument in self.instruments)

    @property
    def n_bars(self) -> int:
        """Number of rows."""
        return len(self.ts)

    @property
    def n_instruments(self) -> int:
        """Number of columns."""
        return len(self.instruments)

    @property
    def times(self) -> NDArray[np.datetime64]:
        """Close times as ``datetime64[ns]`` in UTC, shape (n_bars,)."""
        return self.ts.view("datetime64[ns]")

    def column(self, symbol: str) -> int:
        """Return the column of a symbol.

        Raises
        ------
        NoDataError
            If the symbol is not among the instruments.
        """
        try:
            return self.symbols.index(symbol)
        except ValueError:
            raise NoDataError(
                f"symbol {symbol!r} is not in these bars; {nearest(symbol, self.symbols)}"
            ) from None

    def select(self, symbols: Sequence[str]) -> Bars:
        """Return the bars of some instruments, on the rows where any of them traded."""
        columns = [self.column(symbol) for symbol in symbols]
        alive = ~np.isnan(self.close[:, columns]).all(axis=1)
        if not alive.any():
            raise NoDataError(f"no bar of {', '.join(symbols)} in this range")
        return self._take(np.flatnonzero(alive), columns)

    def between(self, start_ns: int | None = None, end_ns: int | None = None) -> Bars:
        """Return the rows with ``start_ns <= ts < end_ns`` (half-open; None is unbounded)."""
        first = 0 if start_ns is None else int(np.searchsorted(self.ts, start_ns))
        last = self.n_bars if end_ns is None else int(np.searchsorted(self.ts, end_ns))
        if first >= last:
            there = "there is no bar at all"
            if self.n_bars:
                days = [str(moment)[:10] for moment in self.times[[0, -1]]]
                there = f"there are bars from {days[0]} to {days[1]}"
            raise NoDataError(f"no bar in this range of dates; {there}")
        return self.rows(first, last)

    def rows(self, first: int, last: int) -> Bars:
        """Return rows ``first`` to ``last`` (exclusive), all instruments."""
        return self._take(slice(first, last), slice(None))

    def with_actions(self, actions: Iterable[CorporateAction]) -> Bars:
        """Return prices as traded together with what happened to the shares.

        Parameters
        ----------
        actions : iterable of CorporateAction
            Of any symbols; those of others are left out, equal ones count once. They take the
            place of those the bars have.

        Returns
        -------
        Bars
            With a data version that tells the actions apart; unchanged where there are none.

        Raises
        ------
        DataError
            If the prices are adjusted.
        """
        kept = distinct(actions, self.symbols)
        if not kept and not self.actions:
            return self
        version = self.data_version.partition("+")[0]
        if version and kept:
            version = f"{version}+{actions_hash(kept)}"
        return replace(self, actions=kept, data_version=version)

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """Return the bars in long form, one row per bar that exists.

        Returns
        -------
        dict of str to ndarray
            ``symbol, timestamp, open, high, low, close, volume``, sorted by symbol and time;
            ``polars.DataFrame(bars.columns())`` and ``pandas.DataFrame(bars.columns())`` read it.
        """
        order = np.argsort(np.array(self.symbols), kind="stable")
        exists = ~np.isnan(self.close[:, order].T)
        column, row = np.nonzero(exists)
        column = order[column]
        table: dict[str, NDArray[np.generic]] = {
            "symbol": np.array(self.symbols)[column],
            "timestamp": self.times[row],
        }
        for name in FIELDS:
            table[name] = getattr(self, name)[row, column]
        return table

    def _take(self, rows: slice | IntArray, columns: slice | list[int]) -> Bars:
        chosen = (
            self.instruments[columns]
            if isinstance(columns, slice)
            else tuple(self.instruments[i] for i in columns)
        )
        cut = {name: getattr(self, name)[rows][:, columns] for name in FIELDS}
        kept = self.actions
        if kept and len(chosen) < len(self.instruments):
            kept = distinct(kept, [instrument.symbol for instrument in chosen])
        return Bars(
            instruments=chosen,
            ts=self.ts[rows],
            **cut,
            interval=self.interval,
            source=self.source,
            adjustment=self.adjustment,
            data_version=self.data_version,
            notes=self.notes,
            rates={name: line[rows] for name, line in self.rates.items()},
            actions=kept,
        )


def _content_hash(bars: Bars) -> str:
    # 32 hexadecimal digits: BLAKE2b over the symbols and the SHA-256 digests of the arrays.
    arrays: list[NDArray[Any]] = [bars.ts, *(getattr(bars, name) for name in FIELDS)]
    if bars.close.size > MANY:
        with ThreadPoolExecutor(max_workers=2) as pool:
            digests = list(pool.map(array_digest, arrays))
    else:
        digests = [array_digest(array) for array in arrays]
    whole = hashlib.blake2b("\0".join(bars.symbols).encode(), digest_size=16)
    digests += [name.encode() + array_digest(line) for name, line in sorted(bars.rates.items())]
    for digest in digests:
        whole.update(digest)
    return whole.hexdigest()


def array_digest(array: NDArray[Any]) -> bytes:
    """Return the SHA-256 digest of an array's rows one after the other, little-endian.

    Parameters
    ----------
    array : ndarray, int64 or float64
        Any memory order.
    """
    kind = "<i8" if array.dtype.kind == "i" else "<f8"
    return hashlib.sha256(np.ascontiguousarray(array, dtype=kind).data).digest()
