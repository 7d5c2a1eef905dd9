"""What is given as a cost, checked and made plain."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tradewright.domain.errors import ConfigError


def amount(name: str, value: object) -> float:
    """Return a rate or an amount, which is finite and at least 0.

    Raises
    ------
    ConfigError
        If it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise ConfigError(f"costs.{name} is {value!r}, wanted a number of at least 0")
    number = float(value)
    if not 0 <= number < math.inf:
        raise ConfigError(f"costs.{name} is {number}, wanted a finite number of at least 0")
    return number


def by_symbol(name: str, given: Mapping[str, float] | None) -> dict[str, float] | None:
    """Return amounts by symbol; None where none are given.

    Raises
    ------
    ConfigError
        If it is no mapping of symbols to amounts.
    """
    if not given:
        return None
    if not isinstance(given, Mapping):
        raise ConfigError(f"costs.{name} is {given!r}, wanted amounts by symbol")
    return {str(symbol): amount(f"{name}[{symbol}]", value) for symbol, value in given.items()}


def symbols_of(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return symbols; None where none are given.

    Raises
    ------
    ConfigError
        If it is no list of texts.
    """
    if not given:
        return None
    if isinstance(given, str) or not all(isinstance(symbol, str) for symbol in given):
        raise ConfigError(f"costs.hard_to_borrow is {given!r}, wanted a list of symbols")
    return tuple(given)


def rising_tiers(given: Sequence[Sequence[float]] | None) -> tuple[tuple[float, ...], ...] | None:
    """Return tiers as (from, fee_bps, maker_fee_bps); None where none are given.

    Raises
    ------
    ConfigError
        If they do not start at 0 and rise, or a tier is not two or three amounts.
    """
    if not given:
        return None
    tiers = []
    for at, tier in enumerate(given):
        if not isinstance(tier, list | tuple) or len(tier) not in (2, 3):
            raise ConfigError(f"costs.fee_tiers[{at}] is {tier!r}, wanted (from, fee_bps)")
        values = [amount(f"fee_tiers[{at}]", value) for value in tier]
        if max(values[1:]) >= 10_000:
            raise ConfigError(f"costs.fee_tiers[{at}] is {tier!r}, wanted below 10000")
        tiers.append((values[0], values[1], values[-1]))
    starts = [tier[0] for tier in tiers]
    if starts[0] != 0 or any(a >= b for a, b in pairwise(starts)):
        raise ConfigError(f"costs.fee_tiers start at {starts}, wanted 0 and then rising")
    return tuple(tiers)


def scaled(value: float) -> int:
    """Return a number in units of 1e-8."""
    return round(value * 1e8)


def told(value: Any) -> str:
    """Return a cost setting as text for reports."""
    return f"{value:g}" if isinstance(value, float) else str(value)
