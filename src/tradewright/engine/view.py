"""What a strategy sees: the tape up to the present row, and the account."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.currencies.worth import WORTH_UNIT, worth_of
from tradewright.domain.errors import ConfigError, nearest
from tradewright.domain.forecasts import ForecastPanel
from tradewright.domain.money import QTY_UNIT, minor_exponent
from tradewright.domain.orders import Order
from tradewright.domain.time import from_ns
from tradewright.domain.universe import Universe
from tradewright.engine.comparable import Comparable
from tradewright.engine.frames import (
    EmptyFrame,
    Frame,
    FrameSource,
    IndicatorSource,
    IndicatorValues,
)
from tradewright.engine.tape import Cursor, view_of
from tradewright.execution import lot_units, tick_units
from tradewright.ports.broker import AccountState, Broker


class TapeView:
    """The seeing half of a strategy's context; the engine moves its cursor.

    Parameters
    ----------
    bars : Bars
        The tape.
    cursor : Cursor
        The present row.
    venue : Broker
        Asked for the account and the working orders, never handed to the strategy.
    currency : str
        Base currency.
    forecasts : ForecastPanel, optional
        What `forecast` answers from.
    indicators : callable, optional
        Gives the values (n_bars, n_instruments) of a feature by name; causal features only.
    frames : callable, optional
        Gives the tape in a coarser interval.
    universe : Universe, optional
        Members by date; every instrument of the tape by default.
    comparable : Comparable, optional
        Restates the past for corporate actions; the tape is shown as it is by default.
    """

    __slots__ = (
        "_bars",
        "_columns",
        "_comparable",
        "_cursor",
        "_fields",
        "_forecasts",
        "_frame_source",
        "_frames",
        "_indicators",
        "_known",
        "_lots",
        "_only",
        "_scale",
        "_stamps",
        "_ticks",
        "_universe",
        "_venue",
        "_worth",
        "account_seen",
        "positions",
        "symbols",
    )

    def __init__(
        self,
        bars: Bars,
        cursor: Cursor,
        venue: Broker,
        *,
        currency: str = "USD",
        forecasts: ForecastPanel | None = None,
        indicators: IndicatorSource | None = None,
        frames: FrameSource | None = None,
        universe: Universe | None = None,
        comparable: Comparable | None = None,
    ) -> None:
        self._bars, self._cursor, self._venue = bars, cursor, venue
        self.symbols = bars.symbols
        self._columns = {symbol: column for column, symbol in enumerate(bars.symbols)}
        self._only = bars.symbols[0] if bars.n_instruments == 1 else None
        self._fields = {field: getattr(bars, field) for field in FIELDS}
        self._stamps = view_of(bars.ts)
        self._lots = [lot_units(i.lot_size) for i in bars.instruments]
        self._ticks = [tick_units(i.tick_size) for i in bars.instruments]
        self._scale = int(10 ** minor_exponent(currency))
        self._worth = worth_of(bars, currency)
        self._forecasts, self._indicators = forecasts, indicators
        self._known: dict[str, IndicatorValues] = {}
        self._comparable = comparable
        self._frame_source, self._universe = frames, universe
        self._frames: dict[str, Frame] = {}
        self.account_seen: AccountState | None = None
        self.positions: Mapping[str, int] = {}

    @property
    def now_ns(self) -> int:
        """Close of the present bar, UTC nanoseconds; before the first bar, its own."""
        return self._stamps[max(self._cursor.row, 0)]  # type: ignore[return-value]  # int64 view

    @property
    def now(self) -> datetime:
        """Close of the present bar, aware UTC."""
        return from_ns(self.now_ns)

    @property
    def account(self) -> AccountState:
        """The account as the venue sees it, asked once a bar."""
        if self.account_seen is None:
            self.account_seen = self._venue.account()
        return self.account_seen

    @property
    def cash(self) -> float:
        """Cash in the base currency."""
        return self.account.cash_minor / self._scale

    @property
    def equity(self) -> float:
        """Cash and positions, marked at the last close."""
        return self.account.equity_minor / self._scale

    @property
    def open_orders(self) -> Sequence[Order]:
        """Orders that still work, oldest first."""
        return self._venue.open_orders()

    @property
    def universe(self) -> tuple[str, ...]:
        """Members as of `now`, in the order of `symbols`; all of them without a dated universe."""
        if self._universe is None:
            return self.symbols
        return self._universe.members(self.now_ns, self.symbols)

    def history(
        self,
        symbol: str | None,
        n: int,
        field: str = "close",
        interval: str | None = None,
        *,
        adjust: str = "splits",
    ) -> NDArray[np.float64]:
        """Return the last `n` values of a field, newest last; see `strategies.Context`."""
        end = self._cursor.row + 1
        try:
            values = self._fields[field]
        except KeyError:
            raise ConfigError(f"bar has no field {field!r}; {nearest(field, FIELDS)}") from None
        column = 0 if symbol is None and self._only else self._column(symbol)
        if interval is not None and interval != self._bars.interval:
            past: NDArray[np.float64] = self._frame(interval).history(
                column, n, field, self._known_ns
            )
            return past if self._comparable is None else self._as_now(past, column, field, adjust)
        past = values[end - n if end > n else 0 : end, column]
        if self._comparable is None:
            return past
        return self._comparable.restated(past, (end, column), field, adjust)

    def indicator(self, name: str, symbol: str | None = None, interval: str | None = None) -> float:
        """Return the present value of a feature by name."""
        column = self._column(symbol)
        if interval is not None and interval != self._bars.interval:
            return self._frame(interval).indicator(name, column, self._known_ns)
        values = self._known.get(name)
        if values is None:
            if self._indicators is None:
                raise ConfigError(f"indicator {name!r}: this run was given no feature source")
            values = self._known[name] = self._indicators(name)
        return float(values[self._cursor.row, column])

    def closed(self, interval: str) -> bool:
        """Return whether a bar of a coarser interval became known with this bar."""
        if interval == self._bars.interval:
            return True
        frame, row = self._frame(interval), self._cursor.row
        before = frame.end(self._stamps[row - 1]) if row > 0 else 0  # type: ignore[arg-type]
        return frame.end(self._known_ns) > before

    feature = indicator

    def forecast(self, symbol: str | None = None) -> float:
        """Return the mean forecast that became known since the last bar; NaN where none did."""
        panel, row, name = self._forecasts, self._cursor.row, self._name(symbol)
        if panel is None or name not in panel.symbols:
            return math.nan
        at = int(np.searchsorted(panel.ts_known, self.now_ns, side="right")) - 1
        if at < 0 or (row > 0 and panel.ts_known[at] <= self._stamps[row - 1]):
            return math.nan
        return float(panel.mean[at, panel.symbols.index(name)])

    def position(self, symbol: str | None = None) -> float:
        """Return the signed quantity held."""
        return self.positions.get(self._name(symbol), 0) / QTY_UNIT

    def weights(self) -> NDArray[np.float64]:
        """Return the weights held now, in the order of `symbols`; NaN-free."""
        out = np.zeros(len(self.symbols))
        equity = self.account.equity_minor / self._scale
        for symbol, qty in self.positions.items():
            if qty and equity > 0:
                value = qty / QTY_UNIT * self.last_close(symbol)
                if self._worth is not None:
                    value *= self.factor(symbol) / WORTH_UNIT
                out[self._columns[symbol]] = value / equity
        return out

    @property
    def rates_change(self) -> bool:
        """Whether what prices are worth differs from bar to bar."""
        return self._worth is not None and self._worth.changes

    def factor(self, symbol: str, row: int | None = None) -> int:
        """Return what a price of 1 is worth in the base currency at a close, units of 1e-12.

        The present row unless one is given.
        """
        if self._worth is None:
            return WORTH_UNIT
        return int(self._worth.at(self._cursor.row if row is None else row)[self._columns[symbol]])

    def lot(self, symbol: str) -> int:
        """Return the lot of an instrument in units of 1e-8."""
        return self._lots[self._columns[symbol]]

    def last_close(self, symbol: str) -> float:
        """Return the newest close that is not NaN; NaN where there is none yet."""
        close, column = self._fields["close"], self._columns[symbol]
        for row in range(self._cursor.row, -1, -1):
            value = float(close[row, column])
            if value == value:  # noqa: PLR0124 (NaN differs from itself)
                return value
        return math.nan

    def close_now(self, symbol: str) -> float:
        """Return the close of the present row; NaN where the instrument has no bar."""
        return float(self._fields["close"][self._cursor.row, self._columns[symbol]])

    def _as_now(
        self, past: NDArray[np.float64], column: int, field: str, adjust: str
    ) -> NDArray[np.float64]:
        # Coarser bars are put together of prices in shares of the first bar.
        if adjust != "splits":
            raise ConfigError(
                f"history adjust is {adjust!r} with an interval, wanted 'splits': coarser bars are "
                "adjusted for splits alone"
            )
        if self._comparable is None or self._cursor.row < 0:
            return past
        shares = self._comparable.now(self._cursor.row, column)
        restated: NDArray[np.float64] = past * shares if field == "volume" else past / shares
        return restated

    @property
    def _known_ns(self) -> int:
        # Before the first bar nothing is known, although `now` says the first bar's close.
        return self.now_ns if self._cursor.row >= 0 else -1

    def _frame(self, interval: str) -> Frame:
        found = self._frames.get(interval)
        if found is None:
            if self._frame_source is None:
                raise ConfigError(f"interval {interval!r}: this run was given the tape alone")
            made = self._frame_source(interval)
            found = self._frames[interval] = EmptyFrame() if made is None else Frame(*made)
        return found

    def _name(self, symbol: str | None) -> str:
        if symbol is None:
            if self._only is None:
                raise ConfigError(
                    f"the tape has {len(self.symbols)} instruments: name one, "
                    f"for example {self.symbols[0]!r}"
                )
            return self._only
        if not isinstance(symbol, str):  # a swapped call
            raise ConfigError(
                f"found {symbol!r} where a symbol is wanted; the amount comes first, for example "
                f"ctx.target_weight(0.5, {self.symbols[0]!r})"
            )
        if symbol not in self._columns:
            raise ConfigError(
                f"symbol {symbol!r} is not on the tape; {nearest(symbol, self.symbols)}"
            )
        return symbol

    def _column(self, symbol: str | None) -> int:
        return self._columns[self._name(symbol)]
