"""How far each limit is, and the state of a scope as of now."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tradewright.domain.time import NS_PER_SECOND
from tradewright.risk.control.catalogue import KINDS
from tradewright.risk.control.scopes import Layer, Scope

STALE_NS: Final = 60 * NS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Distance:
    """Use of one limit.

    Parameters
    ----------
    key, scope : str
        Which limit, where; the name of the instrument or sector that is nearest stands in `name`.
    used, projected : float
        Now, and with every working order at its worst.
    limit : float
        What is allowed.
    name : str
        Instrument, sector or currency; empty for the whole scope.
    """

    key: str
    scope: str
    used: float
    projected: float
    limit: float
    name: str = ""

    @property
    def fraction(self) -> float:
        """The larger of both over the limit; infinite where nothing is allowed and some is used."""
        worst = max(self.used, self.projected)
        if KINDS[self.key].is_floor:
            return 0.0
        if self.limit > 0:
            return worst / self.limit
        return math.inf if worst > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the row as values that JSON can hold."""
        return {
            "limit": self.key,
            "scope": self.scope,
            "name": self.name,
            "used": self.used,
            "projected": self.projected,
            "allowed": self.limit,
            "fraction": self.fraction if math.isfinite(self.fraction) else None,
            "action": KINDS[self.key].action.value,
        }


def distances(layer: Layer, scope: Scope) -> Iterator[Distance]:
    """Yield the use of every limit that is in force in a scope and has one.

    Parameters
    ----------
    layer : Layer
        Limits and prices.
    scope : Scope
        A strategy, an account or the portfolio.

    Yields
    ------
    Distance
        For limits on holdings, exposure and losses; rules on single orders have no use.
    """
    for key, value in scope.losses_by_rule():
        limit = layer.limit(key, scope.name)
        if limit is not None:
            yield Distance(key, scope.name, max(value, 0.0), max(value, 0.0), limit)
    wanted = {
        key: limit
        for key in (*_EXPOSURES, *_NAMED, "max_positions", "var_95", "losing_trades")
        if (limit := layer.limit(key, scope.name)) is not None
    }
    if not wanted:
        return
    held = scope.book.value()
    equity = scope.equity if scope.equity > 0 else math.nan
    now = {
        "max_gross": sum(abs(v) for v in held.values()) / equity,
        "max_net": abs(sum(held.values())) / equity,
    }
    now["max_leverage"] = now["max_gross"]
    then = {"max_gross": scope.book.gross / equity, "max_net": scope.book.net / equity}
    then["max_leverage"] = then["max_gross"]
    for key in _EXPOSURES:
        if key in wanted:
            yield Distance(key, scope.name, _some(now[key]), _some(then[key]), wanted[key])
    for key in _NAMED:
        if key in wanted:
            name, worst = _largest(layer, scope, key)
            yield Distance(
                key, scope.name, _some(_now(layer, key, name, held) / equity),
                _some(worst / equity), wanted[key], name,
            )  # fmt: skip
    if "max_positions" in wanted:
        open_ = float(sum(1 for v in held.values() if v != 0))
        yield Distance(
            "max_positions", scope.name, open_, float(scope.book.positions), wanted["max_positions"]
        )
    if "losing_trades" in wanted:
        lost = float(scope.trips.losing)
        yield Distance("losing_trades", scope.name, lost, lost, wanted["losing_trades"])
    if "var_95" in wanted and (held or scope.book.positions):
        measured = layer.value_at_risk(scope)
        yield Distance("var_95", scope.name, measured, measured, wanted["var_95"])


_EXPOSURES: Final = ("max_gross", "max_net", "max_leverage")
_NAMED: Final = ("max_position_size", "max_sector_weight", "max_currency_weight")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A scope as of now.

    Parameters
    ----------
    ts : int
        UTC nanoseconds.
    equity, day_profit, gross, net : float
        In the base currency.
    drawdown : float
        From the high-water mark, <= 0.
    positions : int
        Instruments held.
    oldest_price_s : float
        Age of the oldest price of what is held, in seconds; 0 where nothing is.
    stale : bool
        Whether a price is missing or too old: the figures use the last one known.
    unpriced : tuple of str
        Held without any price; nothing is said about their value.
    """

    ts: int
    equity: float
    day_profit: float
    gross: float
    net: float
    drawdown: float
    positions: int
    oldest_price_s: float
    stale: bool
    unpriced: tuple[str, ...]


def snapshot(layer: Layer, scope: Scope, ts: int, *, stale_ns: int = STALE_NS) -> Snapshot:
    """Value a scope on the newest prices.

    Parameters
    ----------
    layer : Layer
        Prices.
    scope : Scope
        What to value.
    ts : int
        Now, UTC nanoseconds.
    stale_ns : int
        Age from which a price is stale.

    Returns
    -------
    Snapshot
        Cash and positions; with a position that has no price the equity of the last mark stands,
        and it is said.
    """
    gross = net = 0.0
    count, oldest = 0, ts
    unpriced = []
    prices, priced_at = layer.prices, layer.priced_at
    for symbol, holding in scope.book.holdings.items():
        if not holding.qty:
            continue
        count += 1
        px = prices.get(symbol)
        if px is None:
            unpriced.append(symbol)
            continue
        value = holding.qty * px * layer.worth_of(symbol) * 1e-8
        net += value
        gross += abs(value)
        at = priced_at[symbol]
        oldest = min(oldest, at)
    equity = scope.equity if unpriced else scope.cash + net
    minor = 10.0**layer.exponent
    start, high = scope.losses.day_start / minor, scope.losses.high_water / minor
    return Snapshot(
        ts=ts,
        equity=equity,
        day_profit=equity - start,
        gross=gross,
        net=net,
        drawdown=min(equity / high - 1.0, 0.0) if high > 0 else 0.0,
        positions=count,
        oldest_price_s=(ts - oldest) / NS_PER_SECOND,
        stale=bool(unpriced) or ts - oldest > stale_ns,
        unpriced=tuple(unpriced),
    )


def _largest(layer: Layer, scope: Scope, key: str) -> tuple[str, float]:
    book = scope.book
    table = {
        "max_position_size": book.worst,
        "max_sector_weight": book.by_sector,
        "max_currency_weight": {
            code: value for code, value in book.by_currency.items() if code != layer.currency
        },
    }[key]
    return max(table.items(), key=lambda item: item[1], default=("", 0.0))


def _now(layer: Layer, key: str, name: str, held: dict[str, float]) -> float:
    total = 0.0
    for symbol, value in held.items():
        instrument = layer.instruments.get(symbol)
        label = {
            "max_position_size": symbol,
            "max_sector_weight": (instrument.sector if instrument else "") or "unclassified",
            "max_currency_weight": instrument.currency if instrument else "",
        }[key]
        total += abs(value) if label == name else 0.0
    return total


def _some(value: float) -> float:
    # What is not known counts as all of the limit and more.
    return value if math.isfinite(value) else math.inf
