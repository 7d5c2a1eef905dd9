"""The simulated venue: the kernel behind the port that live brokers implement."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.costs import Costs
from tradewright.domain.actions import ActionEffect, ActionSchedule
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, NoDataError, nearest
from tradewright.domain.orders import (
    DenyReason,
    Fill,
    FillReason,
    Order,
    OrderEvent,
    OrderStatus,
    OrderType,
    Side,
)
from tradewright.domain.outcome import Outcome
from tradewright.domain.rules import FillRules
from tradewright.ports.broker import AccountState
from tradewright.simulation import codes as c
from tradewright.simulation.actions.news import NewsOfActions
from tradewright.simulation.batch import DEFAULT_RULES, kernel_of
from tradewright.simulation.intake import INTAKE, last_row_of, lot_units, order_row, tick_of
from tradewright.simulation.money.proceeds import Settling, unsettled_after
from tradewright.simulation.opening import open_books, outcome_of, raise_for_state, tell_sessions
from tradewright.simulation.tables import (
    ACCOUNT_DTYPE,
    EVENT_FORMAT,
    FILL_FORMAT,
    INSTRUMENT_DTYPE,
    ORDER_FORMAT,
    WORK_DTYPE,
    PositionsNow,
)

INTAKE_FORMAT: Final = struct.Struct(f"={len(INTAKE)}q")
CHILD_NAMES: Final[dict[int, str]] = {
    OrderType.STOP: "stop",
    OrderType.LIMIT: "target",
    OrderType.TRAILING_STOP: "trail",
}
NOTHING: Final[tuple[tuple[Fill, ...], tuple[OrderEvent, ...]]] = ((), ())
SLACK: Final = 64
Refusal = tuple[OrderStatus, DenyReason] | None

_PLACES: Final = {name: at for at, name in enumerate(ACCOUNT_DTYPE.names or ())}
_CASH, _ROW, _NEXT = _PLACES["cash"], _PLACES["row"], _PLACES["next_row"]
_ORDERS, _FILLS, _EVENTS = _PLACES["n_orders"], _PLACES["n_fills"], _PLACES["n_events"]
_ACTION, _EFFECTS = _PLACES["action_row"], _PLACES["n_effects"]
_WORKING, _WAITING = _PLACES["n_working"], _PLACES["n_waiting"]
_FIELDS, _WORDS = WORK_DTYPE.names or (), WORK_DTYPE.itemsize // 8
_WIDTH: Final = len(INSTRUMENT_DTYPE.names or ())
_PENDING, _REDUCING, _POSITION = (
    (INSTRUMENT_DTYPE.names or ()).index(name) for name in ("pending", "reducing", "position")
)
_PARENT, _TYPE, _INSTRUMENT = (_FIELDS.index(name) for name in ("parent", "type", "instrument"))
_QTY, _STOP_PX, _TRAIL_PX = (_FIELDS.index(name) for name in ("qty", "stop_px", "trail_px"))
_TRAIL_RATE, _LAST_ROW, _RING, _WAITS, _FIRST, _FILLED = (
    _FIELDS.index(name)
    for name in ("trail_rate", "last_row", "ring", "waits", "active_from", "filled_qty")
)
_ORDER_STATUS, _NEXT_TOUCH = (_FIELDS.index(name) for name in ("status", "next_row"))
_STATUS: Final = {status.value: status for status in OrderStatus}
_DENY: Final = {reason.value: reason for reason in DenyReason}
_FILL: Final = {reason.value: reason for reason in FillReason}
_SIDE: Final = {1: Side.BUY, -1: Side.SELL}


class SimulatedVenue:
    """A venue that fills orders on bars, one bar after the other.

    It drives the same compiled kernel as the batch functions, so that the same orders give the
    same fills and the same cash. Bars in which no working order can do anything cost next to
    nothing: the kernel marks them when somebody looks.

    Parameters
    ----------
    bars : Bars
        The market.
    cash_minor : int
        Cash at the start, minor units; > 0.
    costs : Costs or None
        None is no cost.
    rules : FillRules
        How the venue fills.
    currency : str
        Currency of the account and of every instrument.
    actions : ActionSchedule, optional
        Corporate actions of bars that carry some.
    settling : callable, optional
        Says when sales settle, for ``rules.settlement: cash``.

    Raises
    ------
    ConfigError
        If cash is not above 0, too large, or in another currency than an instrument.

    Notes
    -----
    Timing: `advance(row)` processes bar `row` with the orders submitted before; an order submitted
    after it can fill from bar ``row + 1`` on.
    """

    def __init__(
        self,
        bars: Bars,
        *,
        cash_minor: int,
        costs: Costs | None = None,
        rules: FillRules = DEFAULT_RULES,
        currency: str = "USD",
        actions: ActionSchedule | None = None,
        settling: Settling | None = None,
    ) -> None:
        self.bars, self._initial_cash, self._currency = bars, cash_minor, currency
        how: Any = {"cash_minor": cash_minor, "currency": currency, "settling": settling}
        self._books = open_books(bars, costs or Costs(), rules, logs=True, actions=actions, **how)
        self.has_actions, self._actions = actions is not None, actions
        self._effects = NewsOfActions(self._books, bars, actions)
        tell_sessions(self._books, bars)
        self._row, self._last = -1, bars.n_bars - 1
        self._next = min(self._last, self._books.first_action)
        self._symbols, self._latency = bars.symbols, rules.latency_bars
        self._columns = {symbol: at for at, symbol in enumerate(bars.symbols)}
        self._steps = [(lot_units(i), tick_of(i)) for i in bars.instruments]
        self._starts, self._sets = self._books.inputs.get("starts"), dict[str, int]()
        self._given: dict[int, Order] = {}
        self._made: dict[int, tuple[str, str]] = {}
        self._row_of: dict[str, int] = {}
        self._address, self._run = self._books.address, kernel_of(self._books).entry
        self._named, self._fills_told, self._has_news = 0, 0, False
        self._times, self._equity = _view(bars.ts).cast("q"), _view(self._books.series[0]).cast("q")
        self._account = _view(self._books.account).cast("q")
        self._instruments = _view(self._books.instruments).cast("q")
        self.positions_now: Mapping[str, int] = PositionsNow(self._columns, self._instruments)
        self._look_at_tables()

    def advance(self, row: int) -> bool:
        """Process bar `row`, and any before it that were skipped.

        Returns
        -------
        bool
            Whether there is news to `poll`.

        Raises
        ------
        ConfigError
            If the row was processed before or lies beyond the bars.
        DataError
            If a held instrument is without bars for too long.
        """
        if row <= self._row or row > self._last:
            raise ConfigError(f"venue stands at row {self._row} of {self._last}, asked for {row}")
        self._row = row
        if row >= self._next:
            self._drive()
        return self._has_news

    def submit(self, order: Order) -> None:
        """Take an order; a repeated `client_order_id` with the same body changes nothing.

        Raises
        ------
        ConfigError
            If the id was used for another order.
        NoDataError
            If the symbol is not traded here.
        """
        self._submit(order, 0.0)

    def submit_fraction(self, order: Order, fraction: float) -> None:
        """Take an order whose quantity is found at its fill, ignoring its `qty`.

        Parameters
        ----------
        order : Order
            The order.
        fraction : float
            Of equity at the fill, costs included; > 0.

        Raises
        ------
        ConfigError
            If the fraction is not above 0, or the id was used for another order.
        NoDataError
            If the symbol is not traded here.
        """
        if not 0 < fraction < float("inf"):
            raise ConfigError(f"order {order.client_order_id}: fraction {fraction}, wanted above 0")
        self._submit(order, fraction)

    def cancel(self, client_order_id: str) -> None:
        """Cancel a working order; unknown or terminal ids change nothing."""
        at = self._row_of.get(client_order_id)
        if at is None:
            self._name_what_the_venue_made()
            at = self._row_of.get(client_order_id)
        if at is None or self._order_words[at * _WORDS + _ORDER_STATUS] >= c.FILLED:
            return
        self._close(at, OrderStatus.CANCELLED, DenyReason.USER)
        working = self._books.working
        count = self._account[_WORKING]
        kept = working[:count][working[:count] != at]
        working[: len(kept)] = kept
        self._account[_WORKING] = len(kept)
        if self._account[_WAITING]:  # what waits for it ends with the next bar
            self._wake(self._row + 1)

    def open_orders(self) -> Sequence[Order]:
        """Return the orders that still work, bracket children included, oldest first."""
        self._effects.restate(self._given, self._row)
        self._name_what_the_venue_made()
        rows = sorted(self._working[: self._account[_WORKING]])
        return [self._order(at) for at in rows]

    def account(self) -> AccountState:
        """Return cash, equity and positions after the last bar."""
        held = {s: q for s in self._symbols if (q := self.positions_now.get(s))}
        unsettled = unsettled_after(self._books, self._row)
        return AccountState(self.cash_minor, self.equity_minor, held, unsettled)

    def poll(self) -> tuple[Sequence[Fill], Sequence[OrderEvent]]:
        """Return fills and order events since the last poll, each once, in order."""
        if not self._has_news:
            return NOTHING
        self._has_news = False
        if self.has_actions:
            self._effects.restate(self._given, self._row)
        account, given, made = self._account, self._given, self._made
        if len(given) + len(made) < account[_ORDERS]:
            self._name_what_the_venue_made()
        fills = self._new_fills()
        times = self._times
        log = self._event_bytes[: account[_EVENTS] * EVENT_FORMAT.size]
        events = []
        for at, status, reason, row in EVENT_FORMAT.iter_unpack(log):
            order = given.get(at)
            name, symbol = (order.client_order_id, order.symbol) if order else made[at]
            ts = times[row if row > 0 else 0]
            events.append(OrderEvent(name, symbol, _STATUS[status], ts, _DENY[reason]))
        account[_EVENTS] = 0
        return fills, events

    def poll_actions(self) -> tuple[Sequence[ActionEffect], Sequence[Order]]:
        """Return what corporate actions did since the last call, and the orders they restated."""
        self._effects.restate(self._given, self._row)
        return self._effects.poll()

    @property
    def cash_minor(self) -> int:
        """Cash after the last bar, minor units."""
        self._mark()
        return self._account[_CASH]

    @property
    def equity_minor(self) -> int:
        """Equity at the close of the last bar, minor units."""
        self._mark()
        return self._equity[self._row] if self._row >= 0 else self._initial_cash

    def position_units(self, column: int) -> int:
        """Return the signed position of a column of the bars, 1e-8 units."""
        return self._instruments[column * _WIDTH + _POSITION]

    def outcome(self) -> Outcome:
        """Return the record of the account up to the last bar processed."""
        self._mark()
        how: Any = {"currency": self._currency, "actions": self._actions}
        return outcome_of(self._books, self.bars, cash_minor=self._initial_cash, **how)

    def _mark(self) -> None:
        if self._account[_ROW] <= self._row:
            self._drive()

    def _drive(self) -> None:
        account, last = self._account, self._last
        state = self._run(self._address, self._row + 1)
        while state == c.NEEDS_ROOM:
            self._books.make_room(4 * self._books.number("room"))
            self._look_at_tables()
            state = self._run(self._address, self._row + 1)
        if state != c.DONE:
            raise_for_state(self._books, self.bars)
        following, self._has_news = account[_NEXT], account[_EVENTS] > 0
        if self.has_actions:
            following = min(following, account[_ACTION])
            self._has_news = self._has_news or self._effects.told < account[_EFFECTS]
        self._next = following if following < last else last

    def _look_at_tables(self) -> None:
        # Tables move when they are given room.
        self._order_bytes = _view(self._books.orders)
        self._order_words = self._order_bytes.cast("q")
        self._fill_bytes = _view(self._books.fills)
        self._event_bytes = _view(self._books.events)
        self._working = _view(self._books.working).cast("q")

    def _submit(self, order: Order, fraction: float) -> None:
        name = order.client_order_id
        if name in self._row_of:
            known = self._given.get(self._row_of[name])
            if known is not None:
                if self._effects.asked(self._row_of[name], known) != order:
                    raise ConfigError(f"order {name} was submitted before with another body")
                return
        column = self._columns.get(order.symbol)
        if column is None:
            hint = nearest(order.symbol, self.bars.symbols)
            raise NoDataError(f"order {name}: symbol {order.symbol!r} is not traded here; {hint}")
        account, row = self._account, self._row
        at, n_events = account[_ORDERS], account[_EVENTS]
        if max(at, n_events // 4) + SLACK > len(self._books.orders):
            self._books.make_room(4 * len(self._books.orders))
            self._look_at_tables()
        fields = order_row(row, column, order, self._steps[column])
        if self._starts is not None and row >= 0:
            fields[_FIRST] = fields[_NEXT_TOUCH] = int(self._starts[row])
        elif self._latency:
            fields[_FIRST] = fields[_NEXT_TOUCH] = row + 1 + self._latency
        refusal = self._link(at, order, fields) if order.after or order.oco else None
        if fraction:
            fields[_QTY] = 0
            self._books.orders[at]["fraction"] = fraction
        elif fields[_QTY] == 0 and refusal is None:
            refusal = OrderStatus.REJECTED, DenyReason.BELOW_LOT
        if order.expires_ns or order.type == c.TRAILING:
            refusal = refusal or self._start(order, fields)
        # What follows the intake in the row of a new order is zero already.
        INTAKE_FORMAT.pack_into(self._order_bytes, at * ORDER_FORMAT.size, *fields)
        self._given[at] = order
        self._row_of[name] = at
        account[_ORDERS] = at + 1
        self._instruments[column * _WIDTH + _PENDING] += 1
        if order.reduce_only:
            self._instruments[column * _WIDTH + _REDUCING] += 1
        place = n_events * EVENT_FORMAT.size
        EVENT_FORMAT.pack_into(self._event_bytes, place, at, c.WORKING, c.NO_REASON, row)
        account[_EVENTS] = n_events + 1
        self._has_news = True
        if refusal is not None:
            self._close(at, *refusal)
            return
        n_working = account[_WORKING]
        self._working[n_working] = at
        account[_WORKING] = n_working + 1
        self._wake(row + 1)

    def _wake(self, row: int) -> None:
        self._account[_NEXT] = min(self._account[_NEXT], row)
        self._next = min(self._next, row)

    def _link(self, at: int, order: Order, fields: list[int]) -> Refusal:
        # As `linking.relate` does it for a table of decisions.
        words = self._order_words
        trigger = self._trigger_of(order) if order.after else -1
        if order.oco:
            before = self._sets.get(order.oco)
            fields[_RING] = at + 1
            if before is not None:
                place = before * _WORDS + _RING
                fields[_RING], words[place] = words[place], at + 1
            self._sets[order.oco] = at
        if trigger < 0 or words[trigger * _WORDS + _FILLED] > 0:
            return None
        fields[_WAITS] = trigger + 1
        fields[_FIRST] = fields[_NEXT_TOUCH] = self._last + 2
        self._account[_WAITING] += 1
        if words[trigger * _WORDS + _ORDER_STATUS] >= c.FILLED:
            return OrderStatus.CANCELLED, DenyReason.TRIGGER_ENDED
        return None

    def _trigger_of(self, order: Order) -> int:
        self._name_what_the_venue_made()
        trigger = self._row_of.get(order.after)
        if trigger is None:
            raise ConfigError(
                f"order {order.client_order_id}: after is {order.after!r}, wanted the id of an "
                "order that was submitted before"
            )
        return trigger

    def _start(self, order: Order, fields: list[int]) -> Refusal:
        # The last row of a GTD order; a trailing stop without a level starts at its distance from
        # the decision's close. What waits starts with its trigger's fill.
        if order.expires_ns:
            fields[_LAST_ROW] = last_row_of(self.bars.ts, order)
        if fields[_WAITS]:
            return None
        if order.expires_ns and fields[_LAST_ROW] < fields[_FIRST]:
            return OrderStatus.EXPIRED, DenyReason.NONE
        if order.type == c.TRAILING and fields[_STOP_PX] == 0:
            row, column = self._row, fields[_INSTRUMENT]
            close = self.bars.close[row, column] if row >= 0 else np.nan
            if np.isnan(close):
                return OrderStatus.DENIED, DenyReason.NO_BAR
            px = round(float(close) * 1e8)
            distance = fields[_TRAIL_PX] or round(float(px) * float(fields[_TRAIL_RATE]) * 1e-8)
            fields[_STOP_PX] = max(px + order.side * distance, 1)
        return None

    def _close(self, at: int, status: OrderStatus, reason: DenyReason) -> None:
        order = self._books.orders[at]
        order["status"], order["reason"], order["done_bar"] = status, reason, self._row
        if order["parent"] < 0:
            self._instruments[int(order["instrument"]) * _WIDTH + _PENDING] -= 1
        if order["reduce_only"]:
            self._instruments[int(order["instrument"]) * _WIDTH + _REDUCING] -= 1
        if order["waits"] > 0:
            self._account[_WAITING] -= 1
        self._log(at, status, reason)

    def _log(self, at: int, status: OrderStatus, reason: DenyReason) -> None:
        count = self._account[_EVENTS]
        place = count * EVENT_FORMAT.size
        EVENT_FORMAT.pack_into(self._event_bytes, place, at, status, reason, self._row)
        self._account[_EVENTS] = count + 1
        self._has_news = True

    def _name_what_the_venue_made(self) -> None:
        # Names of children follow from their parents'; they are made when somebody asks.
        words, given, row_of = self._order_words, self._given, self._row_of
        count = self._account[_ORDERS]
        for at in range(self._named, count):
            if at in given:
                continue
            place = at * _WORDS
            parent = words[place + _PARENT]
            name = f"venue:{at}"
            if parent >= 0:
                name = f"{self._name_of(parent)}:{CHILD_NAMES[words[place + _TYPE]]}"
            if name in row_of:  # the parent went on filling after its first children were done
                name = f"{name}:{at}"
            self._made[at] = name, self.bars.instruments[words[place + _INSTRUMENT]].symbol
            row_of[name] = at
        self._named = count

    def _name_of(self, at: int) -> str:
        order = self._given.get(at)
        return self._made[at][0] if order is None else order.client_order_id

    def _order(self, at: int) -> Order:
        if at in self._given:
            return self._given[at]
        row = self._books.orders[at]
        name, symbol = self._made[at]
        return Order(
            client_order_id=name,
            symbol=symbol,
            side=_SIDE[int(row["side"])],
            qty=int(row["qty"]),
            type=OrderType(int(row["type"])),
            limit_px=int(row["limit_px"]) or None,
            stop_px=int(row["stop_px"]) or None,
            trail_px=int(row["trail_px"]) or None,
            reduce_only=True,
            ts_decided=self._times[max(int(row["bar"]), 0)],
            tag=self._name_of(int(row["parent"])) if row["parent"] >= 0 else "",
        )

    def _new_fills(self) -> list[Fill]:
        size, first, count = FILL_FORMAT.size, self._fills_told, self._account[_FILLS]
        self._fills_told = count
        times, given, made, fills = self._times, self._given, self._made, list[Fill]()
        rows = FILL_FORMAT.iter_unpack(self._fill_bytes[first * size : count * size])
        for number, row in enumerate(rows, first):
            at, bar, column, side, reason, qty, px, notional, fee, spread, slippage, impact = row
            order = given.get(at)
            name = order.client_order_id if order else made[at][0]
            fills.append(
                Fill(
                    f"{name}#{number}",
                    name,
                    self._symbols[column],
                    _SIDE[side],
                    qty,
                    px,
                    notional,
                    fee,
                    spread,
                    slippage,
                    impact,
                    times[bar],
                    _FILL[reason],
                )
            )
        return fills


def _view(array: NDArray[Any]) -> memoryview:
    return memoryview(array.data).cast("B")
