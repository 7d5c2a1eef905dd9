"""Targets to orders."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from tradewright.domain.currencies.worth import WORTH_UNIT, money_px
from tradewright.domain.errors import ConfigError
from tradewright.domain.money import PRICE_UNIT, QTY_UNIT, minor_exponent
from tradewright.domain.orders import Side
from tradewright.execution.rounding import Rounding, round_quantity

_SLACK: Final = 1.0 + 1e-12  # a whole number of lots may fall just short in float arithmetic


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """A change of a position: what to send, and whether it only makes the position smaller."""

    side: Side
    qty: int
    reduces: bool


def target_quantity(
    weight: float,
    *,
    equity_minor: int,
    px: float,
    lot: int,
    currency: str = "USD",
    rounding: Rounding = Rounding.DOWN,
    factor: int = WORTH_UNIT,
) -> int:
    """Return the quantity that a weight stands for.

    Parameters
    ----------
    weight : float
        Signed fraction of equity.
    equity_minor : int
        Equity in minor units; a negative one buys nothing.
    px : float
        Price at the decision, in major units.
    lot : int
        Lot in units of 1e-8.
    currency : str
        Currency of the equity.
    rounding : Rounding
        DOWN never holds more than the weight.
    factor : int
        Worth of a price of 1 in that currency, 1e-12 units (`domain.currencies.worth`).

    Returns
    -------
    int
        Signed quantity in units of 1e-8.

    Raises
    ------
    ConfigError
        If weight or price is not finite, or the price is not above 0.

    Examples
    --------
    >>> target_quantity(0.5, equity_minor=100_000, px=30.0, lot=100_000_000) // 100_000_000
    16
    """
    if not (0 < px < math.inf and math.isfinite(weight)):
        raise ConfigError(f"weight {weight} at price {px}: wanted finite numbers, price above 0")
    # In the order of the kernel's batch drive, so that both find the same quantity.
    value = money_px(round(px * PRICE_UNIT), factor) * 10.0 ** (minor_exponent(currency) - 16)
    units = abs(weight) * max(equity_minor, 0) / value
    qty = round_quantity(units / QTY_UNIT, lot, rounding)
    if rounding is Rounding.DOWN:
        qty = math.floor(units * _SLACK) // lot * lot
    return qty if weight > 0 else -qty


def plan_order(target: int, held: int, working: int = 0) -> PlannedOrder | None:
    """Return the order that moves a position to its target, or None where none is needed.

    Parameters
    ----------
    target, held : int
        Wanted and present quantity, signed, in units of 1e-8.
    working : int
        Signed quantity of our orders that still work and will change the position.

    Returns
    -------
    PlannedOrder or None
        Its `reduces` is true when the whole order makes the held position smaller.

    Examples
    --------
    >>> plan_order(5, 2), plan_order(0, 3).reduces, plan_order(4, 4)
    (PlannedOrder(side=<Side.BUY: 1>, qty=3, reduces=False), True, None)
    """
    change = target - held - working
    if not change:
        return None
    side = Side.BUY if change > 0 else Side.SELL
    reduces = held * change < 0 and abs(change) <= abs(held)
    return PlannedOrder(side, abs(change), reduces)
