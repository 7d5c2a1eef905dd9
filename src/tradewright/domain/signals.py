"""BUY, HOLD or SELL of one instrument, with everything that led to it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import IntEnum
from typing import Any

from tradewright.domain.errors import DataError, nearest
from tradewright.domain.time import from_ns


class Action(IntEnum):
    """What a signal says; the number is the class a three-class model predicts."""

    BUY = 0
    HOLD = 1
    SELL = 2

    @classmethod
    def of(cls, given: str | int | Action) -> Action:
        """Read an action: its name in either case, or its class index.

        Raises
        ------
        DataError
            If it is neither, naming the nearest.

        Examples
        --------
        >>> Action.of("buy"), Action.of(2)
        (<Action.BUY: 0>, <Action.SELL: 2>)
        """
        try:
            return cls[given.upper()] if isinstance(given, str) else cls(given)
        except (KeyError, ValueError):
            known = [member.name for member in cls]
            raise DataError(f"action is {given!r}; {nearest(str(given), known)}") from None


@dataclass(frozen=True, slots=True)
class Blocked:
    """A filter that turned a signal into HOLD.

    Parameters
    ----------
    filter : str
        Its name.
    value, limit : float
        What was found, and what was wanted.
    """

    filter: str
    value: float
    limit: float

    def __str__(self) -> str:
        return f"filter {self.filter}: {self.value:.6g}, limit {self.limit:.6g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What to do with one instrument, as every view of it shows it.

    Parameters
    ----------
    symbol : str
        Instrument.
    action : Action
        BUY, HOLD or SELL.
    confidence, uncertainty : float
        Of the decision, in [0, 1].
    position_size : float
        Weight to hold, a fraction of equity, unsigned: BUY wants it long, SELL short; SELL with 0
        closes a long position, BUY with 0 a short one; HOLD leaves what is held.
    price : float
        Last price when it was decided.
    target_price, stop_loss : float or None
        Prices of the protective orders; None where the signal opens nothing or the stop is off.
    ts_known : int
        Time of the newest datum used, UTC nanoseconds; the decision may be acted on from then.
    expires_at : int
        UTC nanoseconds after which it must not be acted on.
    model_version : str
        Names and versions of the forecasts used.
    mode : str
        ``backtest``, ``paper`` or ``live``.
    regime : str
        Of the market, for example ``bullish/stable``.
    score : float
        Combined view in [-1, 1].
    agreement : float
        How far the sources agree, in [0, 1].
    reasons : tuple of str
        Sentences in the order of the decision.
    factors : mapping of str to float
        The adjustment factors of the size by name.
    sizing : mapping of str to float
        The sizes compared, the product of the factors and the limits, by name.
    sources : tuple of mapping
        Each forecast: name, kind, score, confidence, uncertainty, skill, weight.
    risk : mapping of str to float
        Risk figures of the instrument and of the position after the trade.
    blocked : Blocked or None
        The filter that made it HOLD.

    Raises
    ------
    DataError
        If a number is not finite or out of range, or the prices are on the wrong sides.
    """

    symbol: str
    action: Action
    confidence: float
    uncertainty: float
    position_size: float
    price: float
    ts_known: int
    expires_at: int
    target_price: float | None = None
    stop_loss: float | None = None
    model_version: str = ""
    mode: str = "backtest"
    regime: str = "mixed"
    score: float = 0.0
    agreement: float = 0.0
    reasons: tuple[str, ...] = ()
    factors: Mapping[str, float] = field(default_factory=dict)
    sizing: Mapping[str, float] = field(default_factory=dict)
    sources: tuple[Mapping[str, Any], ...] = ()
    risk: Mapping[str, float] = field(default_factory=dict)
    blocked: Blocked | None = None

    def __post_init__(self) -> None:
        for name in ("confidence", "uncertainty", "agreement"):
            if not 0 <= getattr(self, name) <= 1:
                self._refuse(f"{name} is {getattr(self, name)}, wanted 0 to 1")
        if not -1 <= self.score <= 1:
            self._refuse(f"score is {self.score}, wanted -1 to 1")
        if not 0 <= self.position_size < math.inf:
            self._refuse(f"position_size is {self.position_size}, wanted finite and >= 0")
        if self.expires_at < self.ts_known:
            self._refuse(f"expires_at {self.expires_at} is before ts_known {self.ts_known}")
        self._check_prices()

    def _check_prices(self) -> None:
        stop, target, price = self.stop_loss, self.target_price, self.price
        for name, value in (("stop_loss", stop), ("target_price", target)):
            if value is not None and not 0 < value < math.inf:
                self._refuse(f"{name} is {value}, wanted a price")
        if self.action is Action.HOLD:
            if stop is not None or target is not None or self.position_size:
                self._refuse("HOLD has a size, stop or target")
            return
        if not 0 < price < math.inf:
            self._refuse(f"price is {price}, wanted above 0")
        low, high = (stop, target) if self.action is Action.BUY else (target, stop)
        if (low is not None and low >= price) or (high is not None and high <= price):
            self._refuse(
                f"{self.action.name} at {price:g} with stop {stop} and target {target}: "
                "they are on the wrong sides"
            )

    def _refuse(self, why: str) -> None:
        raise DataError(f"signal of {self.symbol}: {why}")

    @property
    def id(self) -> str:
        """Identity: equal for the same decision on the same data, 16 hexadecimal digits."""
        text = f"{self.symbol}|{self.ts_known}|{self.model_version}|{self.mode}|{self.action.name}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def timestamp(self) -> datetime:
        """`ts_known` as an aware UTC datetime."""
        return from_ns(self.ts_known)

    @property
    def weight(self) -> float | None:
        """Signed weight wanted; None where HOLD leaves the position as it is."""
        if self.action is Action.HOLD:
            return None
        return self.position_size if self.action is Action.BUY else -self.position_size

    def to_dict(self) -> dict[str, Any]:
        """Return every field, id and times in ISO form, as values that JSON can hold.

        Unknown numbers (NaN, infinite) become None.
        """
        out: dict[str, Any] = {"id": self.id}
        for item in fields(self):
            out[item.name] = _plain(getattr(self, item.name))
        out["action"] = self.action.name
        out["timestamp"] = self.timestamp.isoformat()
        out["expires_at"] = from_ns(self.expires_at).isoformat()
        if self.blocked is not None:
            blocked = self.blocked
            out["blocked"] = {
                "filter": blocked.filter,
                "value": _plain(blocked.value),
                "limit": _plain(blocked.limit),
            }
        return out


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
