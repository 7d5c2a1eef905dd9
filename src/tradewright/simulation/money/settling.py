"""Cash held in the currency of an instrument: what a fill takes from it or adds to it.

That cash is the position in the pair of the two currencies (`settles` of the instrument).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tradewright.costs.rounding import UNIT, product_half_even
from tradewright.costs.terms import terms_at
from tradewright.jit import load_int, part
from tradewright.simulation.money.worth import FACTOR_UNIT
from tradewright.simulation.tables import instrument_at


@part
def rate_now(account: Any, column: int) -> float:
    """Return what one unit of an instrument's currency is worth in the account's, last known."""
    factor = float(load_int(account.factor_line, column))
    return factor / float(instrument_at(account.instruments, column).own_factor)


@part
def local_minor(account: Any, column: int, qty: int, px: int) -> int:
    """Return quantity times price times multiplier in the instrument's own minor units."""
    holding = instrument_at(account.instruments, column)
    own_px = product_half_even(px, holding.own_factor, px * 0 + FACTOR_UNIT)
    return int(product_half_even(qty, own_px, holding.own_scale))


@part
def local_costs(account: Any, column: int, costs: int) -> int:
    """Return an amount of the account's minor units in those of an instrument's currency."""
    scale = float(instrument_at(account.instruments, column).own_scale)
    base = float(terms_at(account.terms, 0).exponent_scale)
    return int(np.rint(float(costs) / base / rate_now(account, column) * scale))


@part
def held_minor(account: Any, column: int) -> int:
    """Return the cash held in an instrument's currency, in whole minor units of it."""
    holding = instrument_at(account.instruments, column)
    pair = instrument_at(account.instruments, holding.settles - 1)
    return int(pair.position // (UNIT // holding.own_scale))


@part
def held_worth(account: Any, column: int) -> float:
    """Return the same in the account's minor units, at the last rate known."""
    scale = float(instrument_at(account.instruments, column).own_scale)
    base = float(terms_at(account.terms, 0).exponent_scale)
    return float(float(held_minor(account, column)) / scale * rate_now(account, column) * base)
