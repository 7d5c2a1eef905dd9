"""What a strategy does: `tradewright.strategies.Context`, made for speed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, nearest
from tradewright.domain.orders import Order, OrderType, Side, TimeInForce
from tradewright.domain.time import to_ns
from tradewright.engine.tape import Cursor
from tradewright.engine.view import TapeView
from tradewright.execution import (
    Rounding,
    StagedRebalance,
    derive_order_id,
    round_quantity,
    round_to_tick,
)
from tradewright.ports.broker import Broker

Protection = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class WantedPosition:
    """A target of this bar: a weight or a quantity, with what protects it."""

    weight: float | None
    qty: int
    protection: Protection


class RunContext(TapeView):
    """The context of one run; the engine moves it, the strategy uses it.

    Parameters
    ----------
    bars, cursor, venue, **seen
        See `TapeView`.
    run_id : str
        Part of the derived order ids.
    """

    __slots__ = ("_run_id", "_sequence", "cancels", "notes", "orders", "staged", "timers", "wanted")

    def __init__(
        self, bars: Bars, cursor: Cursor, venue: Broker, *, run_id: str, **seen: Any
    ) -> None:
        super().__init__(bars, cursor, venue, **seen)
        self._run_id = run_id
        self._sequence = 0
        self.orders: list[Order] = []
        self.cancels: list[str] = []
        self.wanted: dict[str, WantedPosition] = {}
        self.timers: list[tuple[int, int, str]] = []
        self.notes: list[tuple[int, str]] = []
        self.staged: StagedRebalance | None = None

    def target_weight(
        self,
        weight: float,
        symbol: str | None = None,
        *,
        stop: float | None = None,
        target: float | None = None,
    ) -> None:
        """Want a signed fraction of equity."""
        name = self._name(symbol)
        if not math.isfinite(weight):
            raise ConfigError(f"target weight of {name} is {weight}, wanted a finite number")
        if stop is not None or target is not None:
            self._check_sides(name, math.copysign(1, weight), stop, target)
        self.wanted[name] = WantedPosition(float(weight), 0, (stop, target))

    def target_quantity(self, qty: float, symbol: str | None = None) -> None:
        """Want a signed quantity."""
        name = self._name(symbol)
        units = round_quantity(qty, self._lots[self._columns[name]])
        self.wanted[name] = WantedPosition(None, units, (None, None))

    def rebalance(
        self,
        weights: Mapping[str, float],
        *,
        largest: float = math.inf,
        cost_rate: float = 0.0,
    ) -> None:
        """Bring the account to weights in stages; see `StagedContext`."""
        for symbol, weight in weights.items():
            if not math.isfinite(weight):
                raise ConfigError(f"target weight of {symbol} is {weight}, wanted a finite number")
            self._name(symbol)
        self.staged = StagedRebalance(dict(weights), largest=largest, cost_rate=cost_rate)

    @property
    def rebalancing(self) -> tuple[str, tuple[str, ...]]:
        """How the last rebalance in stages stands, and why; empty where there was none."""
        if self.staged is None:
            return "", ()
        return self.staged.status.value, self.staged.reasons

    def buy(self, qty: float, symbol: str | None = None, **how: Any) -> str | None:
        """Buy; return the order id, or None where the quantity is below the lot."""
        return self._trade(Side.BUY, qty, self._name(symbol), how)

    def sell(self, qty: float, symbol: str | None = None, **how: Any) -> str | None:
        """Sell; return the order id, or None where the quantity is below the lot."""
        return self._trade(Side.SELL, qty, self._name(symbol), how)

    def bracket(
        self,
        qty: float,
        symbol: str | None = None,
        *,
        entry: float | None = None,
        stop: float | None = None,
        target: float | None = None,
    ) -> str | None:
        """Enter at the open (or a limit) with a stop and a target that cancel each other."""
        name = self._name(symbol)
        side = _BUY if qty > 0 else _SELL
        return self._place(side, abs(qty), name, limit=entry, stop_loss=stop, take_profit=target)

    def cancel(self, order_id: str) -> None:
        """Cancel a working order."""
        self.cancels.append(order_id)

    def log(self, message: str) -> None:
        """Keep a note in the run's log."""
        self.notes.append((self.now_ns, str(message)))

    def set_timer(self, name: str, *, bars: int | None = None, at: datetime | None = None) -> None:
        """Call `on_timer` once: after some bars, or at the first bar from a time on."""
        if (bars is None) == (at is None) or (bars is not None and bars < 1):
            raise ConfigError(f"timer {name!r}: give bars (1 or more) or at, one of the two")
        due_row = self._cursor.row + bars if bars is not None else -1
        self.timers.append((due_row, to_ns(at) if at is not None else 0, name))

    def due_timers(self) -> list[str]:
        """Return the names of the timers that ring on this row, and forget them."""
        row, now = self._cursor.row, self.now_ns
        due = [t for t in self.timers if 0 <= t[0] <= row or 0 < t[1] <= now]
        self.timers = [t for t in self.timers if t not in due]
        return [name for _, _, name in due]

    def make_order(
        self,
        side: Side,
        qty: int,
        symbol: str,
        *,
        protection: Protection = (None, None),
        reduce_only: bool = False,
        tag: str = "",
    ) -> Order:
        """Return a market order of this bar, with its derived id."""
        leave = _UP if side is _BUY else _DOWN
        stop, target = protection
        tick = self._ticks[self._columns[symbol]]
        return Order(
            self._next_id(symbol, self.now_ns),
            symbol,
            side,
            qty,
            stop_loss_px=None if stop is None else round_to_tick(stop, tick, leave),
            take_profit_px=None if target is None else round_to_tick(target, tick, leave),
            reduce_only=reduce_only,
            ts_decided=self.now_ns,
            tag=tag,
        )

    def _trade(self, side: Side, qty: float, name: str, how: dict[str, Any]) -> str | None:
        unknown = [key for key in how if key not in _HOW]
        if unknown:
            hint = nearest(unknown[0], _HOW)
            raise ConfigError(f"{side.name.lower()}: option {unknown[0]!r} is not known; {hint}")
        return self._place(side, qty, name, **how)

    def _place(
        self,
        side: Side,
        qty: float,
        name: str,
        *,
        type: str | None = None,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        trail_fraction: float | None = None,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        tif: str | None = None,
        expires: datetime | None = None,
        oco: str = "",
        after: str = "",
        tag: str = "",
        reduce_only: bool = False,
    ) -> str | None:
        if not qty > 0:
            raise ConfigError(f"{side.name.lower()} {name}: quantity is {qty}, wanted above 0")
        column = self._columns[name]
        units = round_quantity(qty, self._lots[column])
        if not units:
            self.log(f"{side.name.lower()} {name}: {qty:g} is below the lot, nothing sent")
            return None
        # A limit goes to the less aggressive tick, a stop to the one that triggers earlier: for
        # what enters both are down for a buy, for what leaves its position both are up.
        enter, leave = (_DOWN, _UP) if side is _BUY else (_UP, _DOWN)
        tick, now = self._ticks[column], self.now_ns
        distance = trail if trail_fraction is None else trail_fraction
        if (stop_loss is not None or take_profit is not None) and limit is None and stop is None:
            self._check_sides(name, side, stop_loss, take_profit)
        order = Order(
            self._next_id(name, now),
            name,
            side,
            units,
            _MARKET
            if type is None and limit is None and stop is None and distance is None
            else _type_of(type, limit, stop, distance),
            (_GTC if expires is None else _GTD) if tif is None else _tif_of(tif),
            None if limit is None else round_to_tick(limit, tick, enter),
            None if stop is None else round_to_tick(stop, tick, enter),
            None if stop_loss is None else round_to_tick(stop_loss, tick, leave),
            None if take_profit is None else round_to_tick(take_profit, tick, leave),
            bool(reduce_only),
            now,
            str(tag),
            None if trail is None else round_to_tick(trail, tick, _NEAREST),
            trail_fraction,
            0 if expires is None else to_ns(expires),
            oco,
            after,
        )
        self.orders.append(order)
        return order.client_order_id

    def _check_sides(
        self, name: str, side: float, stop: float | None, target: float | None
    ) -> None:
        # What enters at the market enters near the last close; an order of its own price is
        # checked against that.
        close = self.last_close(name)
        for level, level_px, sign in (("stop", stop, -side), ("target", target, side)):
            if level_px is not None and sign * (level_px - close) <= 0:
                raise ConfigError(
                    f"{level} of {name} is {level_px:g} with a last close of {close:g}, wanted it "
                    f"{'above' if sign > 0 else 'below'} for a {'long' if side > 0 else 'short'}"
                )

    def _next_id(self, symbol: str, now_ns: int) -> str:
        self._sequence += 1
        return derive_order_id(self._run_id, now_ns, symbol, self._sequence)


_BUY, _SELL, _MARKET = Side.BUY, Side.SELL, OrderType.MARKET
_GTC, _GTD = TimeInForce.GTC, TimeInForce.GTD
_DOWN, _UP, _NEAREST = Rounding.DOWN, Rounding.UP, Rounding.NEAREST
_HOW = (
    *("type", "limit", "stop", "trail", "trail_fraction", "stop_loss", "take_profit"),
    *("tif", "expires", "oco", "after", "tag", "reduce_only"),
)


def _type_of(
    given: str | None, limit: float | None, stop: float | None, trail: float | None
) -> OrderType:
    if given is not None:
        try:
            return OrderType[str(given).upper()]
        except KeyError:
            hint = nearest(str(given), [t.name.lower() for t in OrderType])
            raise ConfigError(f"order type {given!r} is not known; {hint}") from None
    if trail is not None:
        return OrderType.TRAILING_STOP
    if limit is not None:
        return OrderType.LIMIT if stop is None else OrderType.STOP_LIMIT
    return OrderType.MARKET if stop is None else OrderType.STOP


def _tif_of(given: str) -> TimeInForce:
    try:
        return TimeInForce[str(given).upper()]
    except KeyError:
        hint = nearest(str(given), [t.name.lower() for t in TimeInForce])
        raise ConfigError(f"tif {given!r} is not known; {hint}") from None
