"""The one conversion from float64 research numbers to exact quantities and prices."""

from __future__ import annotations

import math
from enum import Enum

from tradewright.domain.errors import ConfigError
from tradewright.domain.money import PRICE_UNIT, QTY_UNIT


class Rounding(Enum):
    """Where a number between two steps goes."""

    DOWN = "down"  # towards zero for quantities, to the lower price
    UP = "up"
    NEAREST = "nearest"  # ties to the even step


_SNAP = 1e-12  # a float this close to a step, relatively, is that step


def lot_units(lot_size: float) -> int:
    """Return a lot size in units of 1e-8, at least 1."""
    return max(round(lot_size * QTY_UNIT), 1)


def round_quantity(value: float, lot: int, rounding: Rounding = Rounding.DOWN) -> int:
    """Round a signed quantity to the lot.

    Parameters
    ----------
    value : float
        Quantity in units of the instrument.
    lot : int
        Lot in units of 1e-8; see `lot_units`.
    rounding : Rounding
        DOWN goes towards zero, UP away from it.

    Returns
    -------
    int
        Signed quantity in units of 1e-8, a multiple of the lot.

    Raises
    ------
    ConfigError
        If the value is NaN or infinite, or too large for 64 bits.

    Examples
    --------
    >>> round_quantity(-2.7, lot_units(1.0)), round_quantity(0.3 - 0.2, lot_units(0.1))
    (-200000000, 10000000)
    """
    if not math.isfinite(value):
        raise ConfigError(f"quantity is {value}, wanted a finite number")
    steps = _steps(abs(value) * QTY_UNIT / lot, rounding)
    units = steps * lot
    if units >= 2**62:
        raise ConfigError(f"quantity {value:g} is too large: at most {2**62 / QTY_UNIT:g}")
    return -units if value < 0 else units


def round_price(value: float, tick_size: float, rounding: Rounding = Rounding.NEAREST) -> int:
    """Round a price to the tick.

    Parameters
    ----------
    value : float
        Price in major units; > 0.
    tick_size : float
        Tick in major units.
    rounding : Rounding
        DOWN for a buy limit (less aggressive) or a sell stop that may trigger later, UP for a
        sell limit or a sell stop that should trigger earlier.

    Returns
    -------
    int
        Price in units of 1e-8, at least one tick.

    Raises
    ------
    ConfigError
        If the price is not a finite number above 0.

    Examples
    --------
    >>> round_price(10.017, 0.01, Rounding.DOWN), round_price(10.017, 0.01, Rounding.UP)
    (1001000000, 1002000000)
    """
    return round_to_tick(value, tick_units(tick_size), rounding)


def tick_units(tick_size: float) -> int:
    """Return a tick in units of 1e-8, at least 1."""
    return max(round(tick_size * PRICE_UNIT), 1)


def round_to_tick(value: float, tick: int, rounding: Rounding) -> int:
    """Round a price to a tick given in units of 1e-8; see `round_price`.

    Parameters
    ----------
    value : float
        Price in major units; > 0.
    tick : int
        Tick in units of 1e-8; see `tick_units`.
    rounding : Rounding
        Where a price between two ticks goes.

    Returns
    -------
    int
        Price in units of 1e-8, at least one tick.

    Raises
    ------
    ConfigError
        If the price is not a finite number above 0.
    """
    if not 0.0 < value < math.inf:
        raise ConfigError(f"price is {value}, wanted a finite number above 0")
    steps = value * PRICE_UNIT / tick
    near = round(steps)
    if abs(steps - near) > _SNAP * steps and rounding is not Rounding.NEAREST:
        near = math.floor(steps) if rounding is Rounding.DOWN else math.ceil(steps)
    return near * tick if near > 0 else tick


def _steps(steps: float, rounding: Rounding) -> int:
    near = round(steps)
    if rounding is Rounding.NEAREST or abs(steps - near) <= _SNAP * steps:
        return near
    return math.floor(steps) if rounding is Rounding.DOWN else math.ceil(steps)
