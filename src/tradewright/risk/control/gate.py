"""The last step before the wire: every order passes here, in backtest, on paper and live alike."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import RLock
from typing import Any, Final

from tradewright.domain.money import PRICE_UNIT
from tradewright.domain.orders import Fill, Order, OrderEvent, OrderStatus, OrderType
from tradewright.risk.control import events as e
from tradewright.risk.control.book import Bucket
from tradewright.risk.control.catalogue import KINDS, PORTFOLIO
from tradewright.risk.control.checks import CHECKS, Failure, Look, body_of
from tradewright.risk.control.distance import distances
from tradewright.risk.control.scopes import Layer, Scope
from tradewright.risk.control.switch import Cause, Change, State

LOG = logging.getLogger("tradewright.risk")
_REFUSALS: Final = 3
_KEPT: Final = 10_000
_TOLD: Final = {
    "reduce": e.REDUCED,
    "halt": e.HALTED,
    "flatten": e.FLATTENING,
    "flattened": e.HALTED,
    "release": e.RESUMED,
    "rearm": e.RESUMED,
}

Handler = Callable[[e.RiskEvent], None]
ChangeHandler = Callable[[Change], None]


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of an order.

    Parameters
    ----------
    order : Order
        As it may be sent: with the stop and target that the limits attach.
    failures : tuple of Failure
        Empty for an approved order; the first one, or all of them where they were asked for.
    """

    order: Order
    failures: tuple[Failure, ...] = ()

    @property
    def is_approved(self) -> bool:
        """Whether the order may be sent."""
        return not self.failures


@dataclass(slots=True)
class _Working:
    order: Order
    scopes: tuple[Scope, ...]
    buckets: tuple[Bucket, ...]
    left: int
    cost_each: float
    was_sent: bool = False


class RiskGate:
    """Checks orders and watches losses; one for everything that trades in one mode.

    Parameters
    ----------
    layer : Layer
        Limits, prices, switch and books.

    Notes
    -----
    `approve` checks and reserves in one step under one lock, so that orders that come together
    never pass together what one of them could not. What is approved counts at its worst until a
    fill or a final event says otherwise.
    """

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.events: deque[e.RiskEvent] = deque(maxlen=_KEPT)
        self._scale = 10**layer.exponent
        self.handler_failures = 0
        self._lock = RLock()
        self._working: dict[str, _Working] = {}
        self._handlers: list[Handler] = []
        self._changed: list[ChangeHandler] = []
        self._ts = 0

    def subscribe(
        self, handler: Handler | None = None, *, changed: ChangeHandler | None = None
    ) -> None:
        """Tell a handler of every event, or of every change of the switch."""
        if handler is not None:
            self._handlers.append(handler)
        if changed is not None:
            self._changed.append(changed)

    # -- orders -----------------------------------------------------------------------------------

    def approve(
        self,
        order: Order,
        *,
        strategy: str,
        account: str,
        ts: int,
        explain: bool = False,
        is_closing: bool = False,
    ) -> Decision:
        """Check an order and reserve what it may come to, or say why it may not be sent.

        Parameters
        ----------
        order : Order
            What wants to be sent.
        strategy, account : str
            Whose it is.
        ts : int
            Now, UTC nanoseconds; a clock that runs backwards denies new risk.
        explain : bool
            Return every failure, not the first alone; an order that fails is never reserved.
        is_closing : bool
            Whether the layer itself closes the position.

        Returns
        -------
        Decision
            Approved and reserved, or refused with the reasons.
        """
        with self._lock:
            self._see_clock(ts)
            layer = self.layer
            scopes = layer.scopes_of(strategy, account)
            look = Look(layer, order, scopes, ts, is_closing)
            failures: list[Failure] = []
            for _, check in CHECKS:
                for failure in check(look):
                    failures.append(failure)
                    if not explain:
                        break
                if failures and not explain:
                    break
            if failures:
                self._refuse(failures[0], scopes, ts)
                return Decision(order, tuple(failures))
            ready = self._protected(order, look)
            self._reserve(ready, look)
            return Decision(ready)

    def sent(self, order_id: str, ts: int) -> None:
        """Note that an order left; one that was not approved, or leaves twice, halts its account.

        Parameters
        ----------
        order_id : str
            Its `client_order_id`.
        ts : int
            Now, UTC nanoseconds.
        """
        with self._lock:
            known = self._working.get(order_id)
            if known is not None and not known.was_sent:
                known.was_sent = True
                return
            scope = PORTFOLIO if known is None else known.scopes[1].name
            what = "was sent twice" if known is not None else "was sent without approval"
            why = f"order {order_id} {what}"
            self._trip("halt", scope, ("count_mismatch", why), ts, is_critical=True)

    def fill(self, fill: Fill, *, strategy: str, account: str, ts: int) -> None:
        """Take one of our executions; those of a stop or target have no order of their own."""
        with self._lock:
            working = self._working.get(fill.client_order_id)
            if working is not None:
                self._done(working, min(fill.qty, working.left))
                if working.left <= 0:
                    del self._working[fill.client_order_id]
            scopes = self.layer.scopes_of(strategy, account)
            for scope in scopes:
                scope.book.move(fill.symbol, int(fill.side) * fill.qty)
            scopes[1].cash += fill.cash_minor / self._scale
            self._count_fill(scopes[0], fill, ts)

    def event(self, event: OrderEvent, ts: int) -> None:
        """Take a change of an order's state; a final one gives back what was reserved."""
        with self._lock:
            working = self._working.get(event.client_order_id)
            if working is None or not event.status.is_terminal:
                return
            if event.status is not OrderStatus.FILLED:
                self.withdrawn(event.client_order_id)
            if event.status is OrderStatus.REJECTED and self.layer.is_timed:
                strategy = working.scopes[0]
                count = strategy.flow.rejected(ts)
                self._count(strategy, "broker_rejects", count - 1, "halt", ts)

    def withdrawn(self, order_id: str) -> None:
        """Give back what an order reserved: it was cancelled, and the venue has confirmed it."""
        with self._lock:
            working = self._working.pop(order_id, None)
            if working is not None:
                self._done(working, working.left)

    @property
    def working(self) -> list[Order]:
        """The orders that count as working, oldest first."""
        return [working.order for working in self._working.values()]

    # -- prices and losses ------------------------------------------------------------------------

    def mark(
        self,
        ts: int,
        prices: Mapping[str, float],
        *,
        account: str,
        equity: float,
        cash: float,
        strategy: str = "",
    ) -> State:
        """Take prices and the account's value; act on the limits that look at losses.

        Parameters
        ----------
        ts : int
            Now, UTC nanoseconds.
        prices : mapping of str to float
            Newest prices in the base currency; NaN leaves the last one, which grows old.
        account : str
            Whose equity this is.
        equity, cash : float
            In the base currency.
        strategy : str
            The strategy whose equity it is too, where the account has one alone.

        Returns
        -------
        State
            The strictest of strategy, account and portfolio.
        """
        with self._lock:
            self._see_clock(ts)
            layer = self.layer
            for symbol, px in prices.items():
                if px > 0:
                    layer.prices[symbol] = px
                    layer.priced_at[symbol] = ts
            marked = [layer.scope(f"account:{account}")]
            marked[0].cash = cash
            marked[0].equity = equity
            if strategy:
                marked.insert(0, layer.scope(f"strategy:{strategy}"))
                marked[0].equity = equity
            everything = layer.scope(PORTFOLIO)
            everything.equity = sum(
                s.equity for name, s in layer.scopes.items() if name.startswith("account:")
            )
            marked.append(everything)
            for scope in marked:
                scope.book.reprice()
                scope.losses.mark(ts, round(scope.equity * self._scale))
            for change in layer.switch.next_session(ts):
                self._tell_change(change, math.nan, math.nan)
            for scope in marked:
                self._watch(scope, ts)
            return layer.standing(marked)[0]

    def mark_strategy(self, strategy: str, ts: int, equity: float) -> None:
        """Take the value of a strategy that has money of its own within an account."""
        with self._lock:
            scope = self.layer.scope(f"strategy:{strategy}")
            scope.equity = equity
            scope.losses.mark(ts, round(equity * self._scale))
            scope.book.reprice()
            self._watch(scope, ts)

    def place(self, positions: Mapping[str, int], *, strategy: str, account: str) -> None:
        """Set what is held, as an account says it at the start or after a reconciliation."""
        with self._lock:
            for scope in self.layer.scopes_of(strategy, account):
                for symbol in {*positions, *scope.book.holdings}:
                    scope.book.place(symbol, positions.get(symbol, 0))

    # -- the switch -------------------------------------------------------------------------------

    def trip(self, verb: str, scope: str, cause: Cause) -> Change | None:
        """Reduce, halt or flatten a scope; None where it is as strict already."""
        with self._lock:
            change = self.layer.switch.trip(verb, scope, cause)
            if change is not None:
                self._tell_change(change, math.nan, math.nan)
            return change

    def rearm(self, scope: str, *, actor: str, reason: str, ts: int, **conditions: Any) -> Change:
        """Release a scope; see `Switch.rearm`. Counters restart, the high-water mark stays."""
        with self._lock:
            change = self.layer.switch.rearm(scope, actor=actor, reason=reason, ts=ts, **conditions)
            self.restart(change)
            return change

    def restart(self, change: Change) -> None:
        """Begin the counts of a scope that was released anew, and tell of it."""
        found = self.layer.scope(change.scope)
        found.flow.restart()
        found.trips.losing = 0
        found.warned.clear()
        found.losses.restart(reset_high_water=change.reset_high_water)
        self._tell_change(change, math.nan, math.nan)

    def flattened(self, ts: int) -> None:
        """Halt every scope that was closing and holds nothing any more."""
        with self._lock:
            for name, state in self.layer.switch.scopes().items():
                holdings = self.layer.scope(name).book.holdings.values()
                if state is State.FLATTENING and not any(h.qty for h in holdings):
                    change = self.layer.switch.flattened(name, ts)
                    if change is not None:
                        self._tell_change(change, math.nan, math.nan)

    def well(self, scope: str, rule: str, ts: int) -> None:
        """Note that a cause such as stale data is gone; it is released after 60 s."""
        with self._lock:
            change = self.layer.switch.well(scope, rule, ts)
            if change is not None:
                self._tell_change(change, math.nan, math.nan)

    def set_fault(self, what: str) -> None:
        """Note that something the gate needs does not answer; empty text says that all does.

        While there is a fault, reductions and cancels alone may pass.
        """
        self.layer.fault = what

    # -- inside -----------------------------------------------------------------------------------

    def _count_fill(self, strategy: Scope, fill: Fill, ts: int) -> None:
        losing = strategy.trips.fill(fill)
        self._count(strategy, "losing_trades", losing, "reduce", ts)
        if self.layer.is_timed:
            count = strategy.flow.filled(fill.symbol, int(fill.side), ts)
            self._count(strategy, "repeated_fills", count - 1, "halt", ts)

    def _see_clock(self, ts: int) -> None:
        if ts < self._ts or ts <= 0:
            self.layer.fault = f"the clock went from {self._ts} to {ts}"
        elif self.layer.fault.startswith("the clock"):
            self.layer.fault = ""
        self._ts = max(self._ts, ts)

    def _reserve(self, order: Order, look: Look) -> None:
        is_sure = self.layer.exits_fill and order.type is OrderType.MARKET
        buckets = tuple(scope.book.bucket(order, is_sure=is_sure) for scope in look.scopes)
        cost = 0.0
        if order.side > 0:
            cost = self.layer.cost_of(order, look.worst_px)
        elif buckets[1] is Bucket.LEAVING:
            cost = -look.notional * (1.0 - self.layer.cost_rate)
        cost = cost if math.isfinite(cost) else 0.0
        working = _Working(order, look.scopes, buckets, order.qty, cost / order.qty)
        self._working[order.client_order_id] = working
        self.layer.known_ids.add(order.client_order_id)
        look.account.reserved += cost
        for scope, bucket in zip(look.scopes, buckets, strict=True):
            scope.book.add(order, order.qty, bucket)
        if self.layer.is_timed:
            for scope in look.scopes[:2]:
                scope.flow.sent(body_of(order), look.ts)

    def _done(self, working: _Working, qty: int) -> None:
        working.left -= qty
        working.scopes[1].reserved -= working.cost_each * qty
        for scope, bucket in zip(working.scopes, working.buckets, strict=True):
            scope.book.add(working.order, -qty, bucket)

    def _protected(self, order: Order, look: Look) -> Order:
        # Every opening order carries a stop and a target where the limits say so.
        if look.is_reducing or not look.px > 0:
            return order
        added: dict[str, int] = {}
        for key, name, sign in (
            ("stop_loss_pct", "stop_loss_px", -1),
            ("take_profit_pct", "take_profit_px", 1),
        ):
            distance = look.limit(key, look.account)
            if distance is not None and getattr(order, name) is None:
                px = look.worst_px * (1.0 + sign * int(order.side) * distance)
                added[name] = self._on_tick(order.symbol, px)
        if order.trail_px is not None:
            added.pop("stop_loss_px", None)
        return replace(order, **added) if added else order  # type: ignore[arg-type]

    def _on_tick(self, symbol: str, px: float) -> int:
        instrument = self.layer.instruments.get(symbol)
        tick = round(instrument.tick_size * PRICE_UNIT) if instrument else 1
        return max(round(px * PRICE_UNIT / tick), 1) * tick

    def _refuse(self, failure: Failure, scopes: Sequence[Scope], ts: int) -> None:
        self._tell(
            e.RiskEvent(
                e.DENIED, failure.scope, failure.rule, ts, failure.value, failure.limit,
                failure.message,
            )
        )  # fmt: skip
        if failure.check == "rate":
            flow = scopes[0].flow
            flow.refused.add(ts)
            if flow.refused.count(ts) >= _REFUSALS:
                why = f"{_REFUSALS} orders above {failure.rule} in a minute"
                self._trip("halt", scopes[0].name, (failure.rule, why), ts)

    def _count(self, scope: Scope, key: str, count: int, verb: str, ts: int) -> None:
        limit = self.layer.limit(key, scope.name)
        if limit is None or not limit > 0:
            return
        if count >= limit:
            self._trip(
                verb, scope.name, (key, f"{key} is {count}, allowed {limit:g}"), ts,
                found=(float(count), limit),
            )  # fmt: skip

    def _watch(self, scope: Scope, ts: int) -> None:
        for key, value in scope.losses_by_rule():
            limit = self.layer.limit(key, scope.name)
            if limit is not None and value > 0 and value >= limit * (1 - 1e-12):
                action = KINDS[key].action.value
                verb = "reduce" if action == "reduce_only" else action
                why = f"{key} of {scope.name} is {value:.4f}, allowed {limit:g}"
                self._trip(verb, scope.name, (key, why), ts, found=(value, limit))
        if self.layer.table.is_empty:
            return
        for row in distances(self.layer, scope):
            is_near = row.fraction >= self.layer.table.warn_at - 1e-12
            if is_near and row.key not in scope.warned:
                why = f"{row.key} of {row.scope} is {row.projected:.4g} of {row.limit:g}"
                self._tell(
                    e.RiskEvent(e.WARNED, row.scope, row.key, ts, row.projected, row.limit, why)
                )
            (scope.warned.add if is_near else scope.warned.discard)(row.key)

    def _trip(
        self,
        verb: str,
        scope: str,
        cause: tuple[str, str],
        ts: int,
        *,
        found: tuple[float, float] = (math.nan, math.nan),
        is_critical: bool = False,
    ) -> None:
        rule, why = cause
        change = self.layer.switch.trip(verb, scope, Cause(rule, "risk", why, ts))
        if change is not None:
            is_urgent = is_critical or verb == "flatten"
            self._tell(e.RiskEvent(e.BREACHED, scope, rule, ts, *found, why, is_urgent))
            self._tell_change(change, *found)

    def _tell_change(self, change: Change, value: float, limit: float) -> None:
        cause = change.cause
        message = f"{change.scope}: {change.before.name} to {change.after.name}: {cause.reason}"
        self._tell(
            e.RiskEvent(
                _TOLD[change.verb], change.scope, cause.rule, cause.ts, value, limit, message,
                change.after is State.HALTED,
            )
        )  # fmt: skip
        for handler in self._changed:
            self._call(handler, change)

    def _tell(self, event: e.RiskEvent) -> None:
        self.events.append(event)
        for handler in self._handlers:
            self._call(handler, event)

    def _call(self, handler: Callable[..., None], what: object) -> None:
        # A handler that fails must never keep a halt from taking hold.
        try:
            handler(what)
        except Exception:
            self.handler_failures += 1
            LOG.exception("risk: a handler failed on %s", what)


def announce(gate: RiskGate, event: e.RiskEvent) -> None:
    """Keep an event that the layer around a gate found, and hand it to the gate's handlers."""
    gate._tell(event)
