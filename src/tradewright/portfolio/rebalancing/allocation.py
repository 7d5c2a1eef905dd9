"""Target allocations as users write them: weights of instruments and of cash."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.instruments import normalise_symbol

CASH: Final = "CASH"
TOLERANCE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Allocation:
    """Weights that sum to 1.

    Parameters
    ----------
    weights : mapping of str to float
        Signed weights of instruments, without cash.
    cash : float
        Weight of cash.
    """

    weights: Mapping[str, float]
    cash: float


def parse_allocation(given: Mapping[str, float]) -> Allocation:
    """Read a target allocation such as ``{"AAPL": 0.4, "CASH": 0.6}``.

    Parameters
    ----------
    given : mapping of str to float
        Signed weights by symbol; ``CASH`` is what stays uninvested.

    Returns
    -------
    Allocation
        A sum below 1 is filled up with cash.

    Raises
    ------
    ConfigError
        If the sum is above 1 by more than 1e-6 (the sum is named), a weight is not finite, cash is
        negative, or a symbol is not valid or named twice.

    Examples
    --------
    >>> parse_allocation({"AAPL": 0.4, "CASH": 0.5})
    Allocation(weights={'AAPL': 0.4}, cash=0.6)
    """
    weights: dict[str, float] = {}
    for name, weight in given.items():
        try:
            symbol = normalise_symbol(name)
        except DataError as error:
            raise ConfigError(f"target allocation: {error}") from error
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise ConfigError(f"target allocation: weight of {symbol} is {weight!r}, not a number")
        if not math.isfinite(weight):
            raise ConfigError(f"target allocation: weight of {symbol} is {weight}, wanted finite")
        if symbol in weights:
            raise ConfigError(f"target allocation: {symbol} is named twice")
        weights[symbol] = float(weight)
    total = math.fsum(weights.values())
    if total > 1 + TOLERANCE:
        raise ConfigError(f"target allocation: weights sum to {total:.6f}, wanted 1")
    cash = weights.pop(CASH, 0.0)
    if cash < 0:
        raise ConfigError(f"target allocation: CASH is {cash}, wanted at least 0")
    return Allocation(weights, max(0.0, round(cash + 1.0 - total, 12)))
