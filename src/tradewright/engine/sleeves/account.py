"""Several strategies as one: what the engine runs when an account is shared."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from tradewright.domain.errors import ConfigError, LedgerError
from tradewright.domain.money import PRICE_UNIT
from tradewright.domain.orders import DenyReason, Fill, Order, OrderEvent, OrderStatus, Side
from tradewright.engine.context import RunContext
from tradewright.engine.desk import TARGET, Desk, own_hook
from tradewright.engine.planning import limited_weights, quantity_wanted
from tradewright.engine.sleeves.book import SleeveBook
from tradewright.engine.sleeves.netting import Netting
from tradewright.engine.sleeves.sharing import share_amount, share_fill, share_quantity
from tradewright.engine.tape import Cursor
from tradewright.execution import plan_order
from tradewright.risk import reduce_only_quantity
from tradewright.strategies import is_strategy

if TYPE_CHECKING:
    from tradewright.engine.loop import LoopSetup

RESERVE: Final = "reserve"
"""Name of the book that has what no sleeve was given."""


@dataclass(frozen=True, slots=True)
class Sleeve:
    """A strategy with its part of the capital.

    Parameters
    ----------
    strategy : object
        Has `on_bar` and any of the other hooks.
    share : float
        Part of the cash at the start, in (0, 1].
    name : str
        The strategy's own name unless given.

    Raises
    ------
    ConfigError
        If the strategy has no `on_bar` or the share is out of range.
    """

    strategy: Any
    share: float
    name: str = ""

    def __post_init__(self) -> None:
        if not is_strategy(self.strategy):
            raise ConfigError(f"sleeve: {self.strategy!r} is no strategy: it has no on_bar")
        own = str(getattr(self.strategy, "name", "") or type(self.strategy).__name__)
        object.__setattr__(self, "name", self.name or own)
        if isinstance(self.share, bool) or not 0 < self.share <= 1:
            raise ConfigError(
                f"sleeve {self.name}: share is {self.share!r}, wanted above 0, at most 1"
            )


@dataclass(slots=True)
class _Member:
    strategy: Any
    ctx: RunContext
    book: SleeveBook
    hooks: dict[str, Any]

    def call(self, name: str, *arguments: Any) -> None:
        hook = self.hooks[name]
        if hook is not None:
            hook(self.ctx, *arguments)


class Sleeves:
    """Several strategies on one account, each with its budget, positions and profit.

    To the engine it is one strategy. Each sleeve sees its own cash, equity and positions.
    Targets of all sleeves are netted per instrument before an order is sent, and its fills are
    shared back pro rata by what each still wants, the odd lot first by sequence; orders that a
    sleeve sends itself (`buy`, `sell`, `bracket`, targets with a stop) stay its own.

    Parameters
    ----------
    sleeves : sequence of Sleeve
        At least one; their shares add up to at most 1, the rest stays in reserve.
    internal_cross : bool
        Whether opposite targets are exchanged inside at the next open, without cost, before the
        rest is sent. By default the net is sent and both sides are booked at its fills, sharing
        its costs by quantity.

    Raises
    ------
    ConfigError
        If there is none, a name repeats or the shares add up to more than 1.

    Notes
    -----
    Timing: as for one strategy; what is decided at a close is filled or exchanged at the next open
    at the earliest.
    Where all targets of an instrument cancel out there is nothing to send, and they are exchanged
    at the next open in either mode. Limits on weights apply to each sleeve's equity; limits on
    profit and loss to the account, and what they close is taken from the sleeves that hold it.
    Financing is shared by short value and debt. Protective orders only reduce the account's
    position: where another sleeve's trade ends that position the venue cancels them, and the
    sleeve learns it by `on_order`.

    Examples
    --------
    >>> from tradewright.strategies import MeanReversion, SmaCross
    >>> both = Sleeves([Sleeve(SmaCross(), 0.6), Sleeve(MeanReversion(), 0.4)])
    >>> list(both.parameters["sleeves"])
    ['sma_cross', 'mean_reversion']
    """

    name = "sleeves"

    def __init__(self, sleeves: Sequence[Sleeve], *, internal_cross: bool = False) -> None:
        self.sleeves, self.internal_cross = tuple(sleeves), bool(internal_cross)
        names = [sleeve.name for sleeve in self.sleeves]
        if not names:
            raise ConfigError("sleeves: wanted at least one")
        for at, name in enumerate(names):
            if name in names[:at] or name == RESERVE or "/" in name:
                raise ConfigError(f"sleeves: name {name!r} is taken or holds a '/', give another")
        self._shares = [Fraction(str(float(sleeve.share))) for sleeve in self.sleeves]
        if sum(self._shares) > 1:
            raise ConfigError(
                f"sleeves: shares add up to {float(sum(self._shares)):g}, wanted at most 1"
            )
        self.parameters = {
            "internal_cross": self.internal_cross,
            "sleeves": {
                sleeve.name: {
                    "strategy": str(getattr(sleeve.strategy, "name", "")),
                    "share": float(sleeve.share),
                    "parameters": dict(getattr(sleeve.strategy, "parameters", {}) or {}),
                }
                for sleeve in self.sleeves
            },
        }
        self.books: dict[str, SleeveBook] = {}
        self._members: list[_Member] = []
        self._books: list[SleeveBook] = []
        self._owner: dict[str, int] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Sleeves:
        again = [replace(s, strategy=copy.deepcopy(s.strategy, memo)) for s in self.sleeves]
        return Sleeves(again, internal_cross=self.internal_cross)

    def attach(self, desk: Desk, setup: LoopSetup, cursor: Cursor) -> None:
        """Open the books for a run; the engine calls it once before the first bar."""
        self._desk, self._names = desk, [sleeve.name for sleeve in self.sleeves]
        self._netting = Netting(len(self.sleeves), crosses=self.internal_cross)
        self._owner, self._protected = {}, dict[tuple[int, str], list[str]]()
        self._untold = list[tuple[int, Fill]]()
        self._lots = {symbol: desk.ctx.lot(symbol) for symbol in desk.ctx.symbols}
        rest = 1 - sum(self._shares)
        budgets = share_amount(setup.initial_cash, [*self._shares, rest])
        start = int(setup.bars.ts[0])
        self._books = [
            SleeveBook(
                name,
                budget,
                desk.currency,
                ts_event=start,
                last_close=desk.ctx.last_close,
                factor=desk.ctx.factor,
                working=self._working,
            )
            for name, budget in zip([*self._names, RESERVE], budgets, strict=True)
        ]
        self.books = {book.name: book for book in self._books}
        self._members = []
        for sleeve, book in zip(self.sleeves, self._books, strict=False):
            ctx = RunContext(
                setup.bars,
                cursor,
                book,
                run_id=f"{setup.run_id}/{sleeve.name}",
                currency=desk.currency,
                forecasts=getattr(sleeve.strategy, "forecasts", None) or setup.forecasts,
                indicators=setup.indicators,
                frames=setup.frames,
                universe=setup.universe,
            )
            ctx.positions = book.positions
            names = ("on_start", "on_fill", "on_order", "on_timer", "on_stop")
            hooks = {name: own_hook(sleeve.strategy, name) for name in names}
            self._members.append(_Member(sleeve.strategy, ctx, book, hooks))

    # -- what the engine calls ------------------------------------------------------------------

    def on_start(self, ctx: RunContext) -> None:
        """Start every strategy."""
        for member in self._members:
            member.call("on_start")

    def on_fill(self, ctx: RunContext, fill: Fill) -> None:
        """Share a fill of the account; who has a part in it is told when all are booked."""
        order_id, signed = fill.client_order_id, int(fill.side) * fill.qty
        n = len(self._members)
        owner = self._owner_of(order_id)
        if owner >= 0:
            parts = [signed if at == owner else 0 for at in range(n)]
        elif symbol := self._netting.serves(order_id):
            parts = self._netting.serve(symbol, signed, self._lots[symbol])
        else:  # of the account: a limit closes, the venue liquidates; those who hold it give it up
            held = [member.book.positions.get(fill.symbol, 0) for member in self._members]
            against = [-h if h * signed < 0 else 0 for h in held]
            parts = share_quantity(against, signed, self._lots[fill.symbol])
        parts.append(signed - sum(parts))  # what is nobody's goes to the reserve
        self._book(fill, parts)

    def on_order(self, ctx: RunContext, event: OrderEvent) -> None:
        """Tell the sleeve that an order is of, or those whose wishes it ends."""
        self._tell(ctx)
        owner = self._owner_of(event.client_order_id)
        if owner >= 0:
            self._members[owner].call("on_order", event)
        elif event.status.is_terminal and self._netting.serves(event.client_order_id):
            for at in self._netting.end(event.client_order_id):
                self._members[at].call("on_order", event)

    def on_bar(self, ctx: RunContext, bar: Any) -> None:
        """Let every sleeve decide, net what they want, send it."""
        self._exchange(ctx, bar)
        self._drop_what_was_not_sent()
        self._agree(ctx)
        self._tell(ctx)
        own: dict[str, list[Order]] = {}
        direct: list[Order] = []
        for at, member in enumerate(self._members):
            member.ctx.account_seen = None
            for name in member.ctx.due_timers():
                member.call("on_timer", name)
            member.strategy.on_bar(member.ctx, bar)
            self._collect(at, own)
            direct += self._own_orders(at, ctx)
        self._send(ctx, own, direct)
        for book in self._books:
            book.mark()

    def on_stop(self, ctx: RunContext) -> None:
        """End every strategy."""
        for member in self._members:
            member.call("on_stop")

    def rows(self) -> list[dict[str, str | float | int]]:
        """Return who made what: a row per sleeve, and one of the reserve; see `SleeveBook.row`."""
        return [book.row() for book in self._books]

    # -- in ---------------------------------------------------------------------------------------

    def _book(self, fill: Fill, parts: Sequence[int]) -> None:
        names = [book.name for book in self._books]
        pieces = share_fill(fill, parts, names, self._desk.currency, self._factor(fill))
        for at, piece in enumerate(pieces):
            if piece is None:
                continue
            self._books[at].apply(piece)
            if at < len(self._members):
                self._untold.append((at, piece))

    def _factor(self, fill: Fill) -> int:
        # What the venue converted at: the last rate known before the bar.
        return self._desk.ctx.factor(fill.symbol, self._desk.row - 1)

    def _tell(self, ctx: RunContext) -> None:
        # As for one strategy: every fill of the bar and what it costs is booked by now.
        if not self._untold:
            return
        self._agree(ctx)
        untold, self._untold = self._untold, []
        for member in self._members:
            member.ctx.account_seen = None
        for at, piece in untold:
            self._members[at].call("on_fill", piece)

    def _exchange(self, ctx: RunContext, bar: Any) -> None:
        # What crosses inside changes hands at this bar's open, without cost.
        for symbol, parts in list(self._netting.crossing.items()):
            px = bar[symbol].open
            if not px > 0:
                continue
            del self._netting.crossing[symbol]
            name = f"cross:{bar.row}:{symbol}"
            qty = sum(part for part in parts if part > 0)
            units = round(px * PRICE_UNIT)
            fill = Fill(name, name, symbol, Side.BUY, qty, units, 0, 0, 0, 0, 0, ctx.now_ns)
            self._book(fill, [*parts, 0])

    def _drop_what_was_not_sent(self) -> None:
        # A limit of the account may have taken an order away before it left.
        for order_id in list(self._netting.working.values()):
            if order_id not in self._desk.working:
                self._netting.end(order_id)

    def _agree(self, ctx: RunContext) -> None:
        # The books add up to the account: positions by the fills, cash by sharing financing.
        account = ctx.account
        held = {symbol for book in self._books for symbol in book.positions}
        for symbol in sorted({*held, *account.positions}):
            ours = sum(book.positions.get(symbol, 0) for book in self._books)
            theirs = account.positions.get(symbol, 0)
            if ours != theirs:
                raise LedgerError(f"position of {symbol}: sleeves hold {ours}, account {theirs}")
        rest = account.cash_minor - sum(book.cash_minor for book in self._books)
        if not rest:
            return
        weights = [self._owes(book) for book in self._books]
        if not any(weights):
            weights = [book.budget_minor for book in self._books]
        for book, part in zip(self._books, share_amount(rest, weights), strict=True):
            if part:
                book.ledger.transfer(
                    part, ts_event=ctx.now_ns, ref="financing", account="financing"
                )

    @staticmethod
    def _owes(book: SleeveBook) -> int:
        short = sum(-min(book.value_of(symbol), 0) for symbol in book.positions)
        return short + max(-book.cash_minor, 0)

    # -- out --------------------------------------------------------------------------------------

    def _collect(self, at: int, own: dict[str, list[Order]]) -> None:
        # Targets of one sleeve: to the netting, or to orders of its own where they are protected.
        member, desk = self._members[at], self._desk
        ctx = member.ctx
        wanted, ctx.wanted = ctx.wanted, {}
        if not wanted:
            return
        weights = limited_weights(ctx, wanted, desk.limits, desk.sectors)
        for symbol in ctx.symbols if len(wanted) > 1 else wanted:
            if symbol not in wanted:
                continue
            want, held = wanted[symbol], ctx.positions.get(symbol, 0)
            desk.ctx.cancels += self._protected.pop((at, symbol), [])
            qty = quantity_wanted(ctx, symbol, want, weights, desk.currency)
            if qty is None:
                self._netting.want(at, symbol, 0)
                if want.weight:
                    self._deny(member, symbol)
                continue
            planned = plan_order(qty, held)
            protects = planned is not None and not planned.reduces
            if planned is None or want.protection == (None, None) or not protects:
                self._netting.want(at, symbol, qty - held)
                continue
            self._netting.want(at, symbol, 0)
            order = ctx.make_order(
                planned.side, planned.qty, symbol, protection=want.protection, tag=TARGET
            )
            self._owner[order.client_order_id] = at
            self._protected.setdefault((at, symbol), []).append(order.client_order_id)
            own.setdefault(symbol, []).append(order)

    def _own_orders(self, at: int, outer: RunContext) -> list[Order]:
        ctx, name = self._members[at].ctx, self._names[at]
        # A label joins the orders of one sleeve, not those of two that chose the same word.
        orders = [replace(o, oco=f"{name}/{o.oco}") if o.oco else o for o in ctx.orders]
        ctx.orders = []
        for order in orders:
            self._owner[order.client_order_id] = at
        outer.cancels += [one for one in ctx.cancels if self._owner_of(one) == at]
        ctx.cancels = []
        outer.notes += [(ts, f"{name}: {text}") for ts, text in ctx.notes]
        ctx.notes = []
        return orders

    def _send(self, ctx: RunContext, own: dict[str, list[Order]], direct: list[Order]) -> None:
        first: list[Order] = []
        then: list[Order] = []
        netted = {n.symbol: n for n in self._netting.plan(ctx.symbols, self._lots)}
        for symbol in ctx.symbols:
            orders = list(own.get(symbol, ()))
            net = netted.get(symbol)
            if net is not None and net.replaces:
                ctx.cancels.append(net.replaces)
            held = ctx.positions.get(symbol, 0)
            qty = net.qty if net is not None else 0
            if self._desk.halted:
                qty = reduce_only_quantity(held + qty, held) - held
                if not qty and net is not None:
                    self._netting.forget(symbol)
            if qty:
                order = ctx.make_order(
                    Side.BUY if qty > 0 else Side.SELL, abs(qty), symbol, tag=TARGET
                )
                self._netting.sent(symbol, order.client_order_id)
                orders.insert(0, order)
            for order in orders:
                (first if held * order.side < 0 else then).append(order)
        ctx.orders += first + then + direct

    def _deny(self, member: _Member, symbol: str) -> None:
        event = OrderEvent(
            "", symbol, OrderStatus.DENIED, member.ctx.now_ns, DenyReason.NO_BAR,
            "no bar at the decision",
        )  # fmt: skip
        self._desk.denied.append(replace(event, message=f"{member.book.name}: {event.message}"))
        member.call("on_order", event)

    # -- whose -----------------------------------------------------------------------------------

    def _owner_of(self, order_id: str) -> int:
        # Children are named after their parents.
        while order_id not in self._owner:
            order_id, _, child = order_id.rpartition(":")
            if not child or not order_id:
                return -1
        return self._owner[order_id]

    def _working(self, name: str) -> list[Order]:
        at = self._names.index(name) if name in self._names else -1
        orders = self._desk.venue.open_orders()
        return [o for o in orders if self._owner_of(o.client_order_id) == at]
