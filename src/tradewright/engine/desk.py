"""The engine's hands: what happened goes to ledger and strategy, what is wanted to the venue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from tradewright.domain.actions import ActionEffect, EffectKind, in_order
from tradewright.domain.currencies.worth import WORTH_UNIT
from tradewright.domain.errors import TradewrightError
from tradewright.domain.orders import (
    DenyReason,
    Fill,
    Order,
    OrderEvent,
    OrderStatus,
)
from tradewright.engine.context import RunContext, WantedPosition
from tradewright.engine.planning import limited_weights, quantity_wanted
from tradewright.engine.staging import stage
from tradewright.execution import PlannedOrder, TrackedOrder, plan_order
from tradewright.ledger import Ledger, LedgerEntry
from tradewright.ports.broker import AccountState, Broker
from tradewright.risk import (
    RiskLimits,
    drawdown_breached,
    reduce_only_quantity,
    stop_loss_breached,
)
from tradewright.strategies import Strategy

if TYPE_CHECKING:
    from tradewright.engine.guard import Guard


class Venue(Broker, Protocol):
    """A broker that is moved along the tape by the engine."""

    def advance(self, row: int) -> bool | None:
        """Process a bar; False says that `poll` would be empty."""
        ...


class OpenVenue(Venue, Protocol):
    """A venue in this process whose positions can be read at any time.

    The engine need not follow its news: they stay with the venue until somebody wants them.
    """

    positions_now: Mapping[str, int]
    """Signed quantity held by symbol, in units of 1e-8; always the present one."""


class Recorder(Protocol):
    """Writes down what the engine does, before the next step depends on it."""

    def intents(self, row: int, orders: Sequence[Order]) -> None:
        """Keep orders; returns when they are durable, only then are they submitted."""
        ...

    def results(
        self,
        row: int,
        fills: Sequence[Fill],
        events: Sequence[OrderEvent],
        entries: Sequence[LedgerEntry],
    ) -> None:
        """Keep what the venue reported and what was booked for it."""
        ...

    def restated(self, row: int, orders: Sequence[Order]) -> None:
        """Keep orders as a corporate action left them."""
        ...

    def bar_done(self, row: int, account: AccountState) -> None:
        """Keep the account after a bar."""
        ...


Booked = Fill | ActionEffect
"""What changes a position."""

TARGET: Final = "target"
"""Tag of the orders that a wanted weight or quantity became."""


class StrategyFailure(Exception):
    """The user's code raised in a hook."""


class Desk:
    """State of a run between bars: book, working orders, limits in force.

    News of the venue are followed, order by order and fill by fill, where somebody listens: a
    recorder, a strategy with `on_fill` or `on_order`. In a plain backtest nobody does; positions
    are then read from the venue, and the book is written when it is looked at.

    Parameters
    ----------
    ctx : RunContext
        What the strategy sees and wants.
    venue : Venue
        Where orders go.
    strategy : object
        The user's; only the hooks it has are called.
    limits : RiskLimits
        Limits of the run.
    ledger : Ledger
        The book; it is opened by the caller with the initial cash.
    recorder : Recorder, optional
        Where events are kept while the run goes on.
    guard : Guard, optional
        The risk layer; without one nothing of it is paid for.
    """

    def __init__(
        self,
        ctx: RunContext,
        venue: Venue,
        strategy: Any,
        *,
        limits: RiskLimits,
        ledger: Ledger,
        sectors: Sequence[str],
        recorder: Recorder | None,
        guard: Guard | None = None,
    ) -> None:
        self.guard, self.guarded = guard, ""
        self.ctx, self.venue, self.strategy = ctx, venue, strategy
        self.limits, self.sectors, self.recorder = limits, sectors, recorder
        self.currency = ledger.currency
        self._ledger, self._unbooked = ledger, list[Booked]()
        self.has_actions, self._n_fills = getattr(venue, "has_actions", False), 0
        self.working: dict[str, TrackedOrder] = {}
        self.denied: list[OrderEvent] = []
        self.incidents: list[str] = []
        self.reduce_only = ""
        self.entries_off = ""
        self.flatten = False
        self.high_water = 0
        self.row = -1
        self._hooks = {name: own_hook(strategy, name) for name in ("on_fill", "on_order")}
        live: Mapping[str, int] | None = getattr(venue, "positions_now", None)
        heard = recorder is not None or guard is not None or any(self._hooks.values())
        self.listens = live is None or heard
        self._positions = dict[str, int]()
        self._sent_targets = dict[str, list[str]]()  # by symbol, where nobody listens
        ctx.positions = self._positions if live is None or self.listens else live

    @property
    def halted(self) -> str:
        """Why nothing may be added: a limit or the user; empty where all is well."""
        return self.reduce_only or self.entries_off or self.guarded

    # -- in: from the venue ---------------------------------------------------------------------

    @property
    def ledger(self) -> Ledger:
        """The book, up to the last fill."""
        if not self.listens:
            self._unbooked += self._with_actions(self.venue.poll()[0])
        for one in self._unbooked:
            book(self._ledger, one)
        self._unbooked.clear()
        return self._ledger

    def receive(self, fills: Sequence[Fill], events: Sequence[OrderEvent]) -> None:
        """Book what happened since the last bar and tell the strategy.

        Without a recorder nobody reads the entries now: they are written when the book is looked
        at, and positions follow the fills until then.
        """
        positions = self._positions
        self.ctx.account_seen = None
        happened = self._with_actions(fills)
        if self.recorder is None:
            self._unbooked += happened
            for one in happened:
                move(positions, one)
        else:
            ledger = self.ledger
            entries = [entry for one in happened for entry in book(ledger, one)]
            for one in happened:
                move(positions, one)
            self.recorder.results(self.row, fills, events, entries)
        if self.guard is not None:
            self.guard.receive(fills, events, self.ctx.now_ns)
        for fill in fills:
            self._track_fill(fill)
        for event in events:
            self._track_event(event)
        if (on_fill := self._hooks["on_fill"]) is not None:
            for fill in fills:
                self.call("on_fill", on_fill, fill)
        if (on_order := self._hooks["on_order"]) is not None:
            for event in events:
                self.call("on_order", on_order, event)

    def _with_actions(self, fills: Sequence[Fill]) -> Sequence[Booked]:
        # What corporate actions did stands among the fills; orders they restated are known anew.
        if not self.has_actions:
            return fills
        effects, restated = self.venue.poll_actions()  # type: ignore[attr-defined]
        first, self._n_fills = self._n_fills, self._n_fills + len(fills)
        for order in restated:
            tracked = self.working.get(order.client_order_id)
            if tracked is not None:
                tracked.order = order
        if restated and self.recorder is not None:
            self.recorder.restated(self.row, restated)
        return in_order(fills, effects, first) if effects else fills

    def call(self, name: str, hook: Any, *arguments: Any) -> None:
        """Call a hook of the strategy; what it raises ends the run."""
        try:
            hook(self.ctx, *arguments)
        except Exception as error:
            raise StrategyFailure(name) from error

    def ring(self) -> None:
        """Call the timers that are due."""
        hook = getattr(self.strategy, "on_timer", None)
        for name in self.ctx.due_timers():
            if hook is not None:
                self.call("on_timer", hook, name)

    # -- out: to the venue ----------------------------------------------------------------------

    def watch(self) -> None:
        """Check the limits that look at profit and loss; they want what they must."""
        ctx, limits = self.ctx, self.limits
        if self.guard is not None:
            self.guard.watch(self)
        equity = ctx.account.equity_minor
        self.high_water = max(self.high_water, equity)
        if not self.reduce_only and drawdown_breached(equity, self.high_water, limits.max_drawdown):
            self.reduce_only = f"drawdown from the high-water mark reached {limits.max_drawdown:g}"
            ctx.log(f"{self.reduce_only}: from now on positions are only reduced")
        if limits.stop_loss is None:
            return
        for symbol in ctx.symbols:
            if qty := ctx.positions.get(symbol, 0):
                average = self.ledger.holdings[symbol].average_cost(self.currency)
                px = ctx.close_now(symbol) * (ctx.factor(symbol) / WORTH_UNIT)
                if stop_loss_breached(qty, average, px, limits.stop_loss):
                    ctx.wanted[symbol] = WantedPosition(None, 0, (None, None))
                    ctx.orders = [o for o in ctx.orders if o.symbol != symbol]
                    ctx.log(f"{symbol}: loss reached stop_loss {limits.stop_loss:g}, closing")

    def send(self) -> None:
        """Turn what is wanted into orders, check them, keep them, submit them."""
        ctx = self.ctx
        orders = self._planned()
        if ctx.orders:
            orders += ctx.orders
            ctx.orders = []
        if self.halted:
            orders = [order for order in orders if self._may_send(order)]
        cancels, ctx.cancels = ctx.cancels, []
        for order_id in cancels:
            self.venue.cancel(order_id)
        if self.guard is not None:
            for order_id in cancels:
                self.guard.gate.withdrawn(order_id)
            orders = self.guard.clear(self, orders)
        if not orders:
            return
        if self.recorder is not None:
            self.recorder.intents(self.row, orders)
        submit = self.venue.submit
        for order in orders:
            if self.listens:
                self.working[order.client_order_id] = TrackedOrder(order)
            elif order.tag == TARGET:
                self._sent_targets.setdefault(order.symbol, []).append(order.client_order_id)
            submit(order)
            if self.guard is not None:
                self.guard.gate.sent(order.client_order_id, ctx.now_ns)

    def stage(self) -> None:
        """Take the next step of a rebalance in stages; a halt or a closing of all ends it."""
        staged = self.ctx.staged
        if staged is None or staged.is_over:
            return
        if self.flatten:
            staged.cancel("everything is closed")
            return
        stage(self, staged)

    def _planned(self) -> list[Order]:
        ctx = self.ctx
        if ctx.staged is not None and (ctx.staged.is_new or self.flatten):
            self.stage()
        if self.flatten:
            self._want_flat()
        return self._plan() if ctx.wanted else []

    def _plan(self) -> list[Order]:
        # Targets through the limits to orders: those against a position first, then by column.
        ctx, wanted = self.ctx, self.ctx.wanted
        ctx.wanted = {}
        weights = limited_weights(ctx, wanted, self.limits, self.sectors)
        first: list[Order] = []
        then: list[Order] = []
        for symbol in ctx.symbols if len(wanted) > 1 else wanted:
            if symbol not in wanted:
                continue
            want, held = wanted[symbol], ctx.positions.get(symbol, 0)
            self._withdraw(symbol)
            qty = quantity_wanted(ctx, symbol, want, weights, self.currency)
            if qty is None:
                if want.weight:
                    self.deny(symbol, DenyReason.NO_BAR, "no bar at the decision")
                continue
            if self.halted:
                qty = reduce_only_quantity(qty, held)
            planned = plan_order(qty, held)
            if planned is not None:
                (first if held * planned.side < 0 else then).append(
                    self._order(symbol, planned, want)
                )
        return first + then

    def _order(self, symbol: str, planned: PlannedOrder, want: WantedPosition) -> Order:
        protection = (None, None) if planned.reduces else want.protection
        return self.ctx.make_order(
            planned.side, planned.qty, symbol, protection=protection, tag=TARGET
        )

    def _may_send(self, order: Order) -> bool:
        held = self.ctx.positions.get(order.symbol, 0)
        if held * int(order.side) < 0 and order.qty <= abs(held):
            return True
        reason = DenyReason.RISK_LIMIT if self.reduce_only else DenyReason.HALTED
        self.deny(order.symbol, reason, self.halted, order.client_order_id)
        return False

    def deny(self, symbol: str, reason: DenyReason, why: str, order_id: str = "") -> None:
        """Refuse an order: the strategy is told, and it is written down."""
        event = OrderEvent(order_id, symbol, OrderStatus.DENIED, self.ctx.now_ns, reason, why)
        if self.ctx.staged is not None:
            self.ctx.staged.refused(symbol, why)
        self.denied.append(event)
        if self.recorder is not None:
            self.recorder.results(self.row, (), (event,), ())
        if (on_order := self._hooks["on_order"]) is not None:
            self.call("on_order", on_order, event)

    def _want_flat(self) -> None:
        ctx = self.ctx
        self.flatten = False
        ctx.orders = []
        ctx.cancels += [order.client_order_id for order in self.venue.open_orders()]
        flat = WantedPosition(None, 0, (None, None))
        ctx.wanted = {symbol: flat for symbol, qty in ctx.positions.items() if qty}

    def _withdraw(self, symbol: str) -> None:
        # A new target replaces the orders of the old one that still wait for a bar.
        if symbol in self._sent_targets:  # the venue ignores those that are done
            self.ctx.cancels += self._sent_targets.pop(symbol)
        for order_id, tracked in self.working.items():
            if tracked.order.symbol == symbol and tracked.order.tag == TARGET:
                self.ctx.cancels.append(order_id)

    def _track_fill(self, fill: Fill) -> None:
        tracked = self.working.get(fill.client_order_id)
        if tracked is not None:
            tracked.apply_fill(fill)
            self._close_if_done(tracked)

    def _track_event(self, event: OrderEvent) -> None:
        tracked = self.working.get(event.client_order_id)
        if tracked is not None:
            tracked.apply_event(event)
            self._close_if_done(tracked)

    def _close_if_done(self, tracked: TrackedOrder) -> None:
        if tracked.status.is_terminal:
            self.incidents += tracked.incidents
            del self.working[tracked.order.client_order_id]


def book(ledger: Ledger, happened: Booked) -> tuple[LedgerEntry, ...]:
    """Book a fill or what a corporate action did; return the new entries."""
    if isinstance(happened, Fill):
        return ledger.apply(happened)
    return ledger.apply_effect(happened)


def move(positions: dict[str, int], happened: Booked) -> None:
    """Follow positions through a fill or a corporate action."""
    if isinstance(happened, Fill):
        held = positions.get(happened.symbol, 0)
        positions[happened.symbol] = held + happened.side * happened.qty
    elif happened.kind != EffectKind.CLOSING:  # its fill moves the position
        positions[happened.symbol] = positions.get(happened.symbol, 0) + happened.change
        if happened.other_qty:
            held = positions.get(happened.other, 0)
            positions[happened.other] = held + happened.other_qty


def check_books(ledger: Ledger, account: AccountState) -> None:
    """Check that the venue's positions are the book's.

    Parameters
    ----------
    ledger : Ledger
        Our book.
    account : AccountState
        What the venue says.

    Raises
    ------
    TradewrightError
        Naming the first instrument that differs.
    """
    for symbol in sorted({*account.positions, *ledger.holdings}):
        ours, theirs = ledger.position(symbol), account.positions.get(symbol, 0)
        if ours != theirs:
            raise TradewrightError(f"position of {symbol}: the ledger has {ours}, venue {theirs}")


def own_hook(strategy: Any, name: str) -> Any:
    """Return a hook that the strategy wrote itself, else None; empty ones cost nothing."""
    hook = getattr(strategy, name, None)
    is_empty = getattr(hook, "__func__", None) is getattr(Strategy, name, hook)
    return None if is_empty else hook
