"""The checks of an order, in the order they are made; the first failure is the answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from tradewright.domain.money import PRICE_UNIT, QTY_UNIT
from tradewright.domain.orders import DenyReason, Order
from tradewright.domain.time import NS_PER_SECOND
from tradewright.risk.control.book import Exposure
from tradewright.risk.control.scopes import Layer, Scope
from tradewright.risk.control.switch import State

_SLACK: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an order may not be sent.

    Parameters
    ----------
    check : str
        Which of the twelve checks.
    rule : str
        Key of the limit, or what else refuses.
    scope : str
        Where.
    value, limit : float
        What would be, and what is allowed; NaN where there is no number.
    message : str
        One line.
    reason : DenyReason
        Code of the order event.
    """

    check: str
    rule: str
    scope: str
    value: float
    limit: float
    message: str
    reason: DenyReason = DenyReason.RISK_LIMIT


@dataclass(eq=False)
class Look:
    """An order beside everything it is checked against.

    Parameters
    ----------
    layer : Layer
        Limits, prices, switch and books.
    order : Order
        What wants to be sent.
    scopes : tuple of Scope
        Strategy, account, portfolio.
    ts : int
        Now, UTC nanoseconds.
    is_closing : bool
        Whether the layer itself closes the position.
    """

    layer: Layer
    order: Order
    scopes: tuple[Scope, ...]
    ts: int
    is_closing: bool = False
    _exposures: dict[tuple[str, bool], Exposure] = field(default_factory=dict)

    @property
    def strategy(self) -> Scope:
        """The narrowest scope."""
        return self.scopes[0]

    @property
    def account(self) -> Scope:
        """The account that pays."""
        return self.scopes[1]

    @cached_property
    def px(self) -> float:
        """Last price of the instrument; NaN where none is known."""
        return self.layer.prices.get(self.order.symbol, math.nan)

    @cached_property
    def worst_px(self) -> float:
        """Price of the worst case: the limit of a buy, the last price of the rest."""
        limit = self.order.limit_px
        if limit and self.order.side > 0:
            return max(limit / PRICE_UNIT, self.px if self.px > 0 else 0.0)
        return self.px

    @cached_property
    def is_reducing(self) -> bool:
        """Whether the order can only make the position smaller, in account and strategy."""
        own, all_ = self.strategy.book, self.account.book
        return all_.is_reducing(self.order) and own.is_reducing(self.order)

    @cached_property
    def notional(self) -> float:
        """Worst value of the order in the base currency."""
        worth = self.layer.worth_of(self.order.symbol)
        return self.order.qty / QTY_UNIT * self.worst_px * worth

    def exposure(self, scope: Scope, *, counted: bool) -> Exposure:
        """Return the worst values of a scope, with or without the order."""
        place = (scope.name, counted)
        if place not in self._exposures:
            self._exposures[place] = scope.book.exposure(self.order, counted=counted)
        return self._exposures[place]

    def limit(self, key: str, scope: Scope) -> float | None:
        """Return a limit of a scope, scaled where an alert has scaled it down."""
        return self.layer.limit(key, scope.name)


Check = Callable[[Look], Iterator[Failure]]


def check_switch(look: Look) -> Iterator[Failure]:
    """Refuse what the circuit breaker does not let through."""
    state, where = look.layer.standing(look.scopes)
    if state is State.NORMAL:
        return
    if look.is_reducing and (
        state is State.REDUCE_ONLY or (look.is_closing and state < State.HALTED)
    ):
        return
    causes = look.layer.switch.causes(where)
    why = causes[-1].reason if causes else look.layer.fault or "no reason is known"
    yield Failure(
        "switch", state.name.lower(), where, math.nan, math.nan,
        f"{where} is {state.name}: {why}", DenyReason.HALTED,
    )  # fmt: skip


def check_session(look: Look) -> Iterator[Failure]:
    """Refuse an order while its venue is closed."""
    if not look.layer.is_open(look.order.symbol, look.ts):
        yield Failure(
            "session", "closed", look.account.name, math.nan, math.nan,
            f"{look.order.symbol}: its venue is closed", DenyReason.NO_BAR,
        )  # fmt: skip


def check_tradable(look: Look) -> Iterator[Failure]:
    """Refuse an instrument without a price, or with one that is too old."""
    symbol = look.order.symbol
    if not look.px > 0:
        if not look.is_reducing and not look.layer.table.is_empty:
            yield Failure(
                "tradable", "no_price", look.account.name, look.px, math.nan,
                f"{symbol}: no price is known", DenyReason.NO_BAR,
            )  # fmt: skip
        return
    bars_old = look.layer.stale.get(symbol)
    if bars_old is not None and not look.is_reducing:
        limit = look.limit("stale_bars", look.account)
        yield Failure(
            "tradable", "stale_bars", look.account.name, bars_old,
            math.nan if limit is None else limit,
            f"{symbol}: no price for {bars_old} bars, it may only be reduced",
        )  # fmt: skip
    most = look.limit("stale_seconds", look.account) if look.layer.is_timed else None
    age = (look.ts - look.layer.priced_at.get(symbol, look.ts)) / NS_PER_SECOND
    if most is not None and age > most and not look.is_reducing:
        yield Failure(
            "tradable", "stale_seconds", look.account.name, age, most,
            f"{symbol}: its last price is {age:.0f} s old, allowed are {most:g}",
        )  # fmt: skip


def check_duplicate(look: Look) -> Iterator[Failure]:
    """Refuse the same order again within seconds, and an id that was sent before."""
    order = look.order
    if order.client_order_id in look.layer.known_ids:
        yield Failure(
            "duplicate", "client_order_id", look.strategy.name, math.nan, math.nan,
            f"{order.client_order_id} was sent before",
        )  # fmt: skip
    within = look.limit("duplicate_seconds", look.strategy) if look.layer.is_timed else None
    if within is not None and look.strategy.flow.is_repeat(
        body_of(order), look.ts, round(within * NS_PER_SECOND)
    ):
        yield Failure(
            "duplicate", "duplicate_seconds", look.strategy.name, math.nan, within,
            f"{order.symbol}: the same order was sent within {within:g} s",
        )  # fmt: skip


def check_sanity(look: Look) -> Iterator[Failure]:
    """Refuse prices and sizes that look like a slip."""
    order, account = look.order, look.account
    limit = look.layer.collar(order.symbol, account.name)
    if limit is not None and order.limit_px and look.px > 0:
        away = abs(order.limit_px / PRICE_UNIT / look.px - 1.0)
        if away > limit + _SLACK:
            yield _over(look, ("price_collar", account), away, limit)
    if look.is_reducing:
        return
    for key, value in (
        ("max_order_notional", look.notional),
        ("max_trade_pct", look.notional / account.equity if account.equity > 0 else math.inf),
    ):
        limit = look.limit(key, account)
        if limit is not None and not value <= limit + _SLACK:
            yield _over(look, (key, account), value, limit)
    limit = look.limit("max_order_share_of_adv", account)
    if limit is not None:
        volume = look.layer.volumes.get(order.symbol, 0.0)
        share = order.qty / QTY_UNIT / volume if volume > 0 else math.inf
        if share > limit + _SLACK:
            yield _over(look, ("max_order_share_of_adv", account), share, limit)


def check_rate(look: Look) -> Iterator[Failure]:
    """Refuse more orders than a person could have meant."""
    if not look.layer.is_timed:
        return
    for scope in look.scopes[:2]:
        for key, window in (
            ("orders_per_second", scope.flow.second),
            ("orders_per_minute", scope.flow.minute),
        ):
            limit = look.limit(key, scope)
            if limit is not None and (count := window.count(look.ts) + 1) > limit:
                yield _over(look, (key, scope), float(count), limit)


def check_cash(look: Look) -> Iterator[Failure]:
    """Refuse what the cash does not cover, all working orders at their worst."""
    account = look.account
    least = look.limit("min_cash", account)
    if least is None or look.order.side < 0 or look.is_reducing:
        return
    left = account.cash - account.reserved - look.layer.cost_of(look.order, look.worst_px)
    wanted = least * account.equity
    if not left >= wanted - _SLACK * max(account.equity, 1.0):
        yield Failure(
            "cash", "min_cash", account.name, left, wanted,
            f"{look.order.symbol}: {left:.2f} of cash would be left, wanted {wanted:.2f}",
            DenyReason.INSUFFICIENT_CASH,
        )  # fmt: skip


def check_position(look: Look) -> Iterator[Failure]:
    """Refuse a holding that is too large, too small or one too many."""
    yield from _grown(look, "max_position_size", lambda e: e.position)
    if look.is_reducing:
        return
    least = look.limit("min_position_size", look.account)
    after = look.exposure(look.account, counted=True)
    if least is not None and look.account.equity > 0:
        share = after.position / look.account.equity
        if share < least - _SLACK:
            yield _over(look, ("min_position_size", look.account), share, least)
    for scope in look.scopes:
        limit = look.limit("max_positions", scope)
        count = look.exposure(scope, counted=True).positions
        if limit is not None and count > limit and count > scope.book.positions:
            yield _over(look, ("max_positions", scope), float(count), limit)


def check_concentration(look: Look) -> Iterator[Failure]:
    """Refuse too much of one sector or one foreign currency."""
    yield from _grown(look, "max_sector_weight", lambda e: e.sector)
    instrument = look.layer.instruments.get(look.order.symbol)
    if instrument is not None and instrument.currency != look.layer.currency:
        yield from _grown(look, "max_currency_weight", lambda e: e.currency)


def check_leverage(look: Look) -> Iterator[Failure]:
    """Refuse more exposure than the equity may carry."""
    yield from _grown(look, "max_gross", lambda e: e.gross)
    yield from _grown(look, "max_net", lambda e: e.net)
    yield from _grown(look, "max_leverage", lambda e: e.gross)


def check_loss(look: Look) -> Iterator[Failure]:
    """Refuse new risk where a loss limit is reached or the value at risk would pass its limit."""
    if look.is_reducing:
        return
    for scope in look.scopes:
        for key, value in scope.losses_by_rule():
            limit = look.limit(key, scope)
            if limit is not None and value >= limit - _SLACK and value > 0:
                yield _over(look, (key, scope), value, limit)
    account = look.account
    limit = look.limit("var_95", account)
    if limit is None:
        return
    after = look.layer.value_at_risk(account, look.order)
    if after <= limit + _SLACK:
        return
    # What is not known is no zero: an infinite figure is refused even where it was one before.
    if math.isinf(after) or after > look.layer.value_at_risk(account):
        yield _over(look, ("var_95", account), after, limit)


def check_compliance(look: Look) -> Iterator[Failure]:
    """Refuse what rules outside of risk forbid."""
    symbol = look.order.symbol
    if symbol in look.layer.restricted and not look.is_reducing:
        yield Failure(
            "compliance", "restricted", look.account.name, math.nan, math.nan,
            f"{symbol} is on the restricted list",
        )  # fmt: skip


CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("switch", check_switch),
    ("session", check_session),
    ("tradable", check_tradable),
    ("duplicate", check_duplicate),
    ("sanity", check_sanity),
    ("rate", check_rate),
    ("cash", check_cash),
    ("position", check_position),
    ("concentration", check_concentration),
    ("leverage", check_leverage),
    ("loss", check_loss),
    ("compliance", check_compliance),
)
"""In the order they are made."""


def body_of(order: Order) -> tuple[str, int, int, int]:
    """Return what makes two orders of a strategy the same: instrument, side, quantity, price."""
    return order.symbol, int(order.side), order.qty, order.limit_px or 0


def _grown(look: Look, key: str, part: Callable[[Exposure], float]) -> Iterator[Failure]:
    # An order that does not add to what is too large already may pass: it is the way out.
    for scope in () if look.is_reducing else look.scopes:
        limit = look.limit(key, scope)
        if limit is None:
            continue
        before = part(look.exposure(scope, counted=False))
        after = part(look.exposure(scope, counted=True))
        share = after / scope.equity if scope.equity > 0 else math.inf
        if not share <= limit + _SLACK and not after <= before * (1 + _SLACK):
            yield _over(look, (key, scope), share, limit)


def _over(look: Look, what: tuple[str, Scope], value: float, limit: float) -> Failure:
    key, scope = what
    message = f"{look.order.symbol}: {key} of {scope.name} would be {value:.6g}, allowed {limit:g}"
    return Failure(_CHECK_OF[key], key, scope.name, value, limit, message)


_CHECK_OF: Final = {
    "price_collar": "sanity",
    "max_order_notional": "sanity",
    "max_trade_pct": "sanity",
    "max_order_share_of_adv": "sanity",
    "orders_per_second": "rate",
    "orders_per_minute": "rate",
    "max_position_size": "position",
    "min_position_size": "position",
    "max_positions": "position",
    "max_sector_weight": "concentration",
    "max_currency_weight": "concentration",
    "max_gross": "leverage",
    "max_net": "leverage",
    "max_leverage": "leverage",
    "daily_loss": "loss",
    "weekly_loss": "loss",
    "drawdown": "loss",
    "drawdown_flatten": "loss",
    "var_95": "loss",
}
