"""What a strategy does: `tradewright.strategies.Context`, made for speed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, nearest
from tradewright.domain.orders import Order, OrderType, Side, TimeInForce
from tradewright.domain.time import to_ns
from tradewright.engine.tape import Cursor
from tradewright.engine.view import TapeView
from tradewright.execution import Rounding, derive_order_id, round_price, round_quantity
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

    __slots__ = ("_run_id", "_sequence", "cancels", "notes", "orders", "timers", "wanted")

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
        self.wanted[name] = WantedPosition(float(weight), 0, (stop, target))

    def target_quantity(self, qty: float, symbol: str | None = None) -> None:
        """Want a signed quantity."""
        name = self._name(symbol)
        units = round_quantity(qty, self._lots[self._columns[name]])
        self.wanted[name] = WantedPosition(None, units, (None, None))

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
        how = {"limit": entry, "stop_loss": stop, "take_profit": target}
        side = Side.BUY if qty > 0 else Side.SELL
        return self._trade(side, abs(qty), self._name(symbol), how)

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
        return Order(
            self._next_id(symbol),
            symbol,
            side,
            qty,
            stop_loss_px=self._stop_px(protection[0], symbol, side),
            take_profit_px=self._limit_px(protection[1], symbol, Side(-side)),
            reduce_only=reduce_only,
            ts_decided=self.now_ns,
            tag=tag,
        )

    def _trade(self, side: Side, qty: float, name: str, how: dict[str, Any]) -> str | None:
        if not qty > 0:
            raise ConfigError(f"{side.name.lower()} {name}: quantity is {qty}, wanted above 0")
        unknown = [key for key in how if key not in _HOW]
        if unknown:
            hint = nearest(unknown[0], _HOW)
            raise ConfigError(f"{side.name.lower()}: option {unknown[0]!r} is not known; {hint}")
        units = round_quantity(qty, self._lots[self._columns[name]])
        if not units:
            self.log(f"{side.name.lower()} {name}: {qty:g} is below the lot, nothing sent")
            return None
        limit, stop, trail = how.get("limit"), how.get("stop"), how.get("trail")
        order = Order(
            self._next_id(name),
            name,
            side,
            units,
            type=_type_of(how, limit, stop, trail),
            tif=TimeInForce[str(how.get("tif") or "GTC").upper()],
            limit_px=self._limit_px(limit, name, side),
            stop_px=self._stop_px(stop, name, Side(-side)),
            trail_px=None if trail is None else round_price(trail, self._tick(name)),
            stop_loss_px=self._stop_px(how.get("stop_loss"), name, side),
            take_profit_px=self._limit_px(how.get("take_profit"), name, Side(-side)),
            reduce_only=bool(how.get("reduce_only", False)),
            ts_decided=self.now_ns,
            tag=str(how.get("tag", "")),
        )
        self.orders.append(order)
        return order.client_order_id

    def _tick(self, symbol: str) -> float:
        return self._ticks[self._columns[symbol]]

    def _next_id(self, symbol: str) -> str:
        self._sequence += 1
        return derive_order_id(self._run_id, self.now_ns, symbol, self._sequence)

    def _limit_px(self, px: float | None, symbol: str, side: Side) -> int | None:
        # A limit goes to the less aggressive tick.
        if px is None:
            return None
        rounding = Rounding.DOWN if side is Side.BUY else Rounding.UP
        return round_price(px, self._tick(symbol), rounding)

    def _stop_px(self, px: float | None, symbol: str, entry: Side) -> int | None:
        # A stop goes to the tick that triggers earlier: higher below a long, lower above a short.
        if px is None:
            return None
        rounding = Rounding.UP if entry is Side.BUY else Rounding.DOWN
        return round_price(px, self._tick(symbol), rounding)


_HOW = ("type", "limit", "stop", "trail", "tif", "tag", "stop_loss", "take_profit", "reduce_only")


def _type_of(
    how: dict[str, Any], limit: float | None, stop: float | None, trail: float | None
) -> OrderType:
    given = how.get("type")
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
