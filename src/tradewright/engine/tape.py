"""The bar a strategy is shown: one object that always looks at the present row."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.errors import ConfigError, nearest


class Numbers(Protocol):
    """What `view_of` returns: a sequence of plain Python floats (times: integers)."""

    def __getitem__(self, row: int) -> float: ...


def view_of(values: NDArray[Any]) -> Numbers:
    """Return a view whose items are plain Python numbers, several times cheaper than numpy's."""
    return memoryview(values)  # type: ignore[arg-type]  # ndarray is a buffer from Python 3.12 on


class Cursor:
    """The present row, shared by everything that looks at the tape."""

    __slots__ = ("row",)

    def __init__(self) -> None:
        self.row = -1


class InstrumentBar:
    """The bar of one instrument that just closed.

    Reads through memory views: a price costs an attribute access, and no object is made per bar.
    """

    __slots__ = ("_close", "_cursor", "_high", "_low", "_open", "_tape", "_volume", "symbol")

    def __init__(self, tape: TapeBar, bars: Bars, cursor: Cursor, column: int) -> None:
        self._tape = tape
        self._cursor = cursor
        self.symbol = bars.symbols[column]
        self._open = view_of(bars.open[:, column])
        self._high = view_of(bars.high[:, column])
        self._low = view_of(bars.low[:, column])
        self._close = view_of(bars.close[:, column])
        self._volume = view_of(bars.volume[:, column])

    @property
    def open(self) -> float:
        """First price of the bar."""
        return self._open[self._cursor.row]

    @property
    def high(self) -> float:
        """Highest price."""
        return self._high[self._cursor.row]

    @property
    def low(self) -> float:
        """Lowest price."""
        return self._low[self._cursor.row]

    @property
    def close(self) -> float:
        """Last price; NaN where the instrument has no bar on this row."""
        return self._close[self._cursor.row]

    @property
    def volume(self) -> float:
        """Units traded."""
        return self._volume[self._cursor.row]

    @property
    def is_there(self) -> bool:
        """Whether the instrument has a bar on this row."""
        close = self._close[self._cursor.row]
        return bool(close == close)  # noqa: PLR0124 (NaN differs from itself)

    @property
    def symbols(self) -> tuple[str, ...]:
        """All instruments of the tape."""
        return self._tape.instrument_symbols

    @property
    def closes(self) -> NDArray[np.float64]:
        """Last price of every instrument, read-only."""
        return self._tape.values("close")

    @property
    def row(self) -> int:
        """Number of the bar on the tape, from 0."""
        return self._cursor.row

    def __getitem__(self, symbol: str) -> InstrumentBar:
        return self._tape.bar_of(symbol)

    def values(self, field: str) -> NDArray[np.float64]:
        """Return a field of every instrument, read-only; see `TapeBar.values`."""
        return self._tape.values(field)


class TapeBar:
    """The row that just closed, of all instruments of a tape."""

    __slots__ = ("_bars", "_by_symbol", "_cursor", "instrument_symbols")

    def __init__(self, bars: Bars, cursor: Cursor) -> None:
        self._bars = bars
        self._cursor = cursor
        self.instrument_symbols = bars.symbols
        self._by_symbol = {
            symbol: InstrumentBar(self, bars, cursor, column)
            for column, symbol in enumerate(bars.symbols)
        }

    @property
    def symbols(self) -> tuple[str, ...]:
        """All instruments of the tape."""
        return self.instrument_symbols

    @property
    def row(self) -> int:
        """Number of the bar on the tape, from 0."""
        return self._cursor.row

    @property
    def closes(self) -> NDArray[np.float64]:
        """Last price of every instrument, read-only."""
        return self.values("close")

    def values(self, field: str) -> NDArray[np.float64]:
        """Return a field of every instrument, read-only, in the order of `symbols`.

        Raises
        ------
        ConfigError
            If there is no such field.
        """
        if field not in FIELDS:
            raise ConfigError(f"bar has no field {field!r}; {nearest(field, FIELDS)}")
        row: NDArray[np.float64] = getattr(self._bars, field)[self._cursor.row]
        return row

    def bar_of(self, symbol: str) -> InstrumentBar:
        """Return the bar of one instrument.

        Raises
        ------
        ConfigError
            If the symbol is not on the tape.
        """
        try:
            return self._by_symbol[symbol]
        except KeyError:
            raise ConfigError(
                f"symbol {symbol!r} is not on the tape; {nearest(symbol, self._by_symbol)}"
            ) from None

    __getitem__ = bar_of

    def __getattr__(self, name: str) -> float:
        if name in FIELDS:
            raise ConfigError(
                f"the tape has {len(self._by_symbol)} instruments: "
                f"write bar[{self.instrument_symbols[0]!r}].{name} or bar.values({name!r})"
            )
        raise AttributeError(name)


def open_tape(bars: Bars, cursor: Cursor) -> InstrumentBar | TapeBar:
    """Return the bar object of a tape: the instrument's own where there is only one.

    Parameters
    ----------
    bars : Bars
        The tape.
    cursor : Cursor
        Moved by the engine; the bar shows its row.

    Returns
    -------
    InstrumentBar or TapeBar
        What `on_bar` gets.
    """
    tape = TapeBar(bars, cursor)
    return tape.bar_of(bars.symbols[0]) if bars.n_instruments == 1 else tape
