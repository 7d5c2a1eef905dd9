"""Orders, what happens to them, and our executions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from itertools import combinations
from typing import Final

from tradewright.domain.errors import ConfigError
from tradewright.domain.money import PRICE_UNIT


class Side(IntEnum):
    """Direction; the value is the sign of the quantity."""

    BUY = 1
    SELL = -1


class OrderType(IntEnum):
    """How an order fills; see docs/concepts/life-of-an-order.md."""

    MARKET = 0
    LIMIT = 1
    STOP = 2
    STOP_LIMIT = 3
    TRAILING_STOP = 4


class TimeInForce(IntEnum):
    """How long an order works."""

    GTC = 0
    DAY = 1
    IOC = 2
    FOK = 3
    OPG = 4
    CLS = 5
    GTD = 6


class OrderStatus(IntEnum):
    """State of an order; FILLED and later are terminal."""

    NEW = 0
    WORKING = 1
    PARTIALLY_FILLED = 2
    FILLED = 3
    CANCELLED = 4
    EXPIRED = 5
    REJECTED = 6
    DENIED = 7

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more can happen to the order."""
        return self >= OrderStatus.FILLED


class FillReason(IntEnum):
    """Which rule made a fill."""

    ORDER = 0
    STOP = 1
    TARGET = 2
    TRAIL = 3
    LIQUIDATION = 4
    CLOSE_AT_END = 5
    DELISTING = 6
    CORPORATE_ACTION = 7
    EXCHANGE = 8


class DenyReason(IntEnum):
    """Why an order was refused or cut; NONE where it was not."""

    NONE = 0
    INSUFFICIENT_CASH = 1
    BELOW_LOT = 2
    NO_SHORTING = 3
    RISK_LIMIT = 4
    NO_BAR = 5
    HALTED = 6
    LIQUIDITY = 7
    SIBLING_FILLED = 8
    USER = 9
    TRIGGER_ENDED = 10
    NO_BORROW = 11
    MARGIN_CALL = 12
    CORPORATE_ACTION = 13


@dataclass(frozen=True, slots=True)
class Order:
    """An instruction, exact.

    Parameters
    ----------
    client_order_id : str
        Derived, never random, so that a repeat after a crash is the same order.
    symbol : str
        Canonical symbol.
    side : Side
        BUY or SELL.
    qty : int
        Unsigned quantity in units of 1e-8 (`tradewright.domain.money.QTY_UNIT`); > 0.
    type : OrderType
        How it fills.
    tif : TimeInForce
        How long it works.
    limit_px, stop_px : int or None
        Prices in units of 1e-8.
    stop_loss_px, take_profit_px : int or None
        Bracket children, live from the fill of this order; they cancel each other.
    reduce_only : bool
        Whether the order may only make a position smaller.
    ts_decided : int
        UTC nanoseconds of the decision; it fills later, never at or before it.
    tag : str
        The strategy's own label.
    trail_px : int or None
        Distance of a trailing stop in units of 1e-8: of this order where its type is
        TRAILING_STOP (which starts at `stop_px`, or at this distance from the decision's close),
        otherwise of a bracket child.
    trail_fraction : float or None
        Distance of a TRAILING_STOP as a fraction of the price it follows, in place of `trail_px`.
    expires_ns : int
        UTC nanoseconds after which a GTD order ends; 0 for every other.
    oco : str
        Orders of one name cancel each other: they share one quantity.
    after : str
        Id of the order whose first fill makes this one live; it is cancelled if that order ends
        without a fill.

    Raises
    ------
    ConfigError
        If the quantity is not positive, a price the type needs is missing, the bracket contradicts
        itself or the order's own price, or the time in force does not go with the type.
    """

    client_order_id: str
    symbol: str
    side: Side
    qty: int
    type: OrderType = OrderType.MARKET
    tif: TimeInForce = TimeInForce.GTC
    limit_px: int | None = None
    stop_px: int | None = None
    stop_loss_px: int | None = None
    take_profit_px: int | None = None
    reduce_only: bool = False
    ts_decided: int = 0
    tag: str = ""
    trail_px: int | None = None
    trail_fraction: float | None = None
    expires_ns: int = 0
    oco: str = ""
    after: str = ""

    def __post_init__(self) -> None:
        # The common case passes by a few comparisons; what is wrong is found out afterwards.
        limit, stop, trail = self.limit_px, self.stop_px, self.trail_px
        loss, profit = self.stop_loss_px, self.take_profit_px
        if (
            self.qty <= 0
            or (self.type != OrderType.MARKET and self._lacks())
            or (limit is not None and limit <= 0)
            or (stop is not None and stop <= 0)
            or (trail is not None and trail <= 0)
            or (loss is not None and loss <= 0)
            or (profit is not None and profit <= 0)
            or ((loss is not None or profit is not None) and self._contradiction())
            or self.trail_fraction is not None
            or self.tif >= TimeInForce.OPG
            or self.expires_ns
        ):
            self._refuse()

    def _lacks(self) -> str:
        # The first price that the type needs and the order does not have.
        for name in _NEEDS[self.type]:
            if not getattr(self, name) and not (name == "trail_px" and self.trail_fraction):
                return name
        return ""

    def _contradiction(self) -> str:
        # A bracket leaves at a loss on one side of the entry and with a profit on the other.
        levels = [
            ("stop_loss_px", self.stop_loss_px),
            ("limit_px", self.limit_px),
            ("stop_px", self.stop_px if self.type != OrderType.TRAILING_STOP else None),
            ("take_profit_px", self.take_profit_px),
        ]
        given = [(name, px) for name, px in levels if px is not None]
        wanted = "below" if self.side is Side.BUY else "above"
        for (first, low), (second, high) in combinations(given, 2):
            is_entry = {first, second} == {"limit_px", "stop_px"}
            if not is_entry and self.side * (high - low) <= 0:
                return (
                    f"{first} is {low / PRICE_UNIT:g} and {second} {high / PRICE_UNIT:g}, wanted "
                    f"{first} {wanted} {second} for a {self.side.name}"
                )
        return ""

    def _refuse(self) -> None:
        name = self.client_order_id
        if self.qty <= 0:
            raise ConfigError(f"order {name}: qty is {self.qty}, wanted above 0")
        if lacks := self._lacks():
            raise ConfigError(f"order {name}: {self.type.name} needs {lacks}")
        prices = (
            self.limit_px,
            self.stop_px,
            self.stop_loss_px,
            self.take_profit_px,
            self.trail_px,
        )
        if any(price is not None and price <= 0 for price in prices):
            raise ConfigError(f"order {name}: prices {prices}, wanted above 0")
        if contradiction := self._contradiction():
            raise ConfigError(f"order {name}: {contradiction}")
        self._refuse_terms()

    def _refuse_terms(self) -> None:
        name, fraction, tif = self.client_order_id, self.trail_fraction, self.tif
        if fraction is not None:
            if self.type != OrderType.TRAILING_STOP or self.trail_px is not None:
                raise ConfigError(
                    f"order {name}: trail_fraction is for a TRAILING_STOP without trail_px"
                )
            if not 0 < fraction < 1:
                raise ConfigError(f"order {name}: trail_fraction is {fraction}, wanted in (0, 1)")
        is_timed = tif in (TimeInForce.OPG, TimeInForce.CLS)
        if is_timed and self.type not in (OrderType.MARKET, OrderType.LIMIT):
            raise ConfigError(
                f"order {name}: {tif.name} is for MARKET and LIMIT, found {self.type.name}"
            )
        if (tif == TimeInForce.GTD) != (self.expires_ns > 0):
            raise ConfigError(
                f"order {name}: expires_ns is {self.expires_ns} with {tif.name}, wanted a time "
                "with GTD and only there"
            )


_NEEDS: Final[dict[OrderType, tuple[str, ...]]] = {
    OrderType.MARKET: (),
    OrderType.LIMIT: ("limit_px",),
    OrderType.STOP: ("stop_px",),
    OrderType.STOP_LIMIT: ("limit_px", "stop_px"),
    OrderType.TRAILING_STOP: ("trail_px",),
}


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """A change of an order's state."""

    client_order_id: str
    symbol: str
    status: OrderStatus
    ts_event: int
    reason: DenyReason = DenyReason.NONE
    message: str = ""


@dataclass(frozen=True, slots=True)
class Fill:
    """One of our executions, with every component of its cost.

    Parameters
    ----------
    execution_id : str
        Unique at the venue; a repeat changes nothing.
    client_order_id : str
        The order it belongs to.
    symbol : str
        Canonical symbol.
    side : Side
        BUY or SELL.
    qty : int
        Quantity in units of 1e-8; > 0.
    px : int
        Raw price in units of 1e-8, before cost components.
    notional_minor : int
        ``qty * px`` in minor units, rounded half to even once; >= 0.
    fee_minor, spread_minor, slippage_minor, impact_minor : int
        Cost components in minor units; >= 0 (a rebate makes `fee_minor` negative).
    ts_event : int
        UTC nanoseconds of the execution.
    reason : FillReason
        Which rule made it.
    """

    execution_id: str
    client_order_id: str
    symbol: str
    side: Side
    qty: int
    px: int
    notional_minor: int
    fee_minor: int
    spread_minor: int
    slippage_minor: int
    impact_minor: int
    ts_event: int
    reason: FillReason = FillReason.ORDER

    @property
    def cost_minor(self) -> int:
        """Sum of the cost components, in minor units."""
        return self.fee_minor + self.spread_minor + self.slippage_minor + self.impact_minor

    @property
    def cash_minor(self) -> int:
        """Change of cash, in minor units: negative when buying."""
        return -int(self.side) * self.notional_minor - self.cost_minor
