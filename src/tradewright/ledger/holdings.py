"""A position as the book sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tradewright.domain.money import QTY_UNIT, minor_exponent


@dataclass(frozen=True, slots=True)
class Holding:
    """A position as the book sees it.

    Parameters
    ----------
    qty : int
        Signed quantity in units of 1e-8; long positive.
    cost_minor : int
        What it cost, without fees, signed like the quantity.
    realised_minor : int
        Profit of what was closed, before cost components.
    """

    qty: int = 0
    cost_minor: int = 0
    realised_minor: int = 0

    def average_cost(self, currency: str = "USD") -> float:
        """Return the average price paid, in major units; NaN when flat."""
        if not self.qty:
            return float("nan")
        scale = int(10 ** minor_exponent(currency))
        return self.cost_minor * QTY_UNIT / (self.qty * scale)


FLAT: Final = Holding()
