"""The limits a size must keep, and the steps in which a large target is reached."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tradewright.domain.errors import ConfigError, nearest

MODES: Final = ("backtest", "paper", "live")
BACKTEST_POSITION: Final = 0.25
"""Largest weight of one holding in a backtest: research may look further than an account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """What an account allows, apart from what a study or an optimiser asks for.

    Parameters
    ----------
    max_trade_pct : float
        Largest single order, a fraction of equity; a larger target is reached in several orders.
    max_position_size : float
        Largest weight of one holding on paper and live.
    backtest_position_size : float
        The same in a backtest.
    max_sector_weight : float
        Largest weight of one sector.

    Raises
    ------
    ConfigError
        If a limit is not above 0 and at most 3.
    """

    max_trade_pct: float = 0.05
    max_position_size: float = 0.2
    backtest_position_size: float = BACKTEST_POSITION
    max_sector_weight: float = 0.4

    def __post_init__(self) -> None:
        for name in (
            "max_trade_pct",
            "max_position_size",
            "backtest_position_size",
            "max_sector_weight",
        ):
            value = getattr(self, name)
            if not 0 < value <= 3:
                raise ConfigError(f"account limit {name} is {value}, wanted above 0, at most 3")

    def position_limit(self, mode: str) -> float:
        """Return the largest weight of one holding in a mode.

        Raises
        ------
        ConfigError
            If the mode is not ``backtest``, ``paper`` or ``live``.

        Examples
        --------
        >>> AccountLimits().position_limit("backtest"), AccountLimits().position_limit("live")
        (0.25, 0.2)
        """
        checked_mode(mode)
        return self.backtest_position_size if mode == "backtest" else self.max_position_size

    def order_limit(self, mode: str) -> float:
        """Return the largest single order in a mode; infinite in a backtest."""
        checked_mode(mode)
        return math.inf if mode == "backtest" else self.max_trade_pct


def checked_mode(mode: str) -> str:
    """Return a mode of trading that exists.

    Raises
    ------
    ConfigError
        If it does not, naming the nearest.
    """
    if mode not in MODES:
        raise ConfigError(f"mode is {mode!r}; {nearest(mode, MODES)}")
    return mode


def tightest(limits: Mapping[str, float]) -> tuple[str, float]:
    """Return name and value of the smallest limit; the first of equal ones.

    Parameters
    ----------
    limits : mapping of str to float
        At least one; NaN counts as 0, because an unknown limit allows nothing.

    Returns
    -------
    tuple of (str, float)
        The one that binds first.

    Examples
    --------
    >>> tightest({"max_position_size": 0.2, "sector": 0.05})
    ('sector', 0.05)
    """
    known = {name: 0.0 if math.isnan(value) else value for name, value in limits.items()}
    name = min(known, key=known.__getitem__)
    return name, max(0.0, known[name])


def next_weight(held: float, target: float, largest_order: float) -> float:
    """Return the weight to go to now: the target, or one largest order towards it.

    Parameters
    ----------
    held, target : float
        Signed weights.
    largest_order : float
        Largest change at once; infinite is no limit.

    Returns
    -------
    float
        Between `held` and `target`.

    Examples
    --------
    >>> round(next_weight(0.02, 0.2, 0.05), 6), next_weight(0.18, 0.2, 0.05)
    (0.07, 0.2)
    """
    change = target - held
    if abs(change) <= largest_order:
        return target
    return held + math.copysign(largest_order, change)
