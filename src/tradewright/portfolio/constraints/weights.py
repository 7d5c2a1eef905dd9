"""What a portfolio may look like."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tradewright.domain.errors import ConfigError

SOFT: Final = ("max_turnover", "max_tracking_error", "sectors")
"""Constraints that are dropped, in this order, where the problem has no solution with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizationConstraints:
    """Limits of the weights, in fractions of equity; None is off.

    Parameters
    ----------
    min_weight, max_weight : float
        Bounds of every weight.
    target_return : float, optional
        Smallest expected return a year.
    transaction_cost : float or mapping of str to float
        Cost of one unit traded, as a fraction of its value; of each symbol with a mapping.
    min_weights, max_weights : mapping of str to float
        Bounds of single instruments, instead of the common ones.
    sectors : mapping of str to str
        Sector of each symbol.
    groups : mapping of str to sequence of str
        Members of further groups, by name.
    sector_min, sector_max : mapping of str to float, or float
        Bounds of the sum of a sector or group; a number holds for every sector.
    min_positions, max_positions : int, optional
        How many instruments are held.
    min_position_size : float
        Smallest weight held; smaller ones are 0.
    max_volatility : float, optional
        Largest expected volatility a year.
    max_turnover : float, optional
        Largest one-way turnover ½Σ|Δw| from the current weights.
    max_tracking_error : float, optional
        Largest volatility a year of the difference to `benchmark_weights`.
    benchmark_weights : mapping of str to float, optional
        The portfolio that tracking error and beta look at.
    min_beta, max_beta : float, optional
        Bounds of the beta to the benchmark.
    max_gross : float, optional
        Largest Σ|w|.
    min_net, max_net : float
        Bounds of Σw; both 1 is fully invested, the remainder is cash.
    max_long, max_short : float, optional
        Largest sum of the long and of the short weights.
    linear : sequence of str
        Further constraints as text, see `linear_text.parse_linear`.
    holding_period_days : float
        Calendar days that the cost of a trade is spread over, for comparing it with yearly
        returns.

    Raises
    ------
    ConfigError
        If a value is out of its range or two of them contradict each other, naming both.
    """

    min_weight: float = 0.0
    max_weight: float = 1.0
    target_return: float | None = None
    transaction_cost: float | Mapping[str, float] = 0.001
    min_weights: Mapping[str, float] = field(default_factory=dict)
    max_weights: Mapping[str, float] = field(default_factory=dict)
    sectors: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sector_min: Mapping[str, float] | float = field(default_factory=dict)
    sector_max: Mapping[str, float] | float = field(default_factory=dict)
    min_positions: int | None = None
    max_positions: int | None = None
    min_position_size: float = 0.0
    max_volatility: float | None = None
    max_turnover: float | None = None
    max_tracking_error: float | None = None
    benchmark_weights: Mapping[str, float] | None = None
    min_beta: float | None = None
    max_beta: float | None = None
    max_gross: float | None = None
    min_net: float = 1.0
    max_net: float = 1.0
    max_long: float | None = None
    max_short: float | None = None
    linear: Sequence[str] = ()
    holding_period_days: float = 365.0

    def __post_init__(self) -> None:
        for name in ("max_volatility", "max_tracking_error", "max_gross", "holding_period_days"):
            self._check(name, above=0.0)
        for name in ("max_turnover", "max_long", "max_short", "min_position_size"):
            self._check(name, least=0.0)
        for name in ("min_weight", "max_weight", "target_return", "min_net", "max_net"):
            self._check(name)
        for name in ("min_beta", "max_beta"):
            self._check(name)
            if getattr(self, name) is not None and self.benchmark_weights is None:
                raise ConfigError(f"{name} needs benchmark_weights")
        if self.max_tracking_error is not None and self.benchmark_weights is None:
            raise ConfigError("max_tracking_error needs benchmark_weights")
        for name in ("min_positions", "max_positions"):
            count = getattr(self, name)
            if count is not None and (
                isinstance(count, bool) or not isinstance(count, int) or count < 1
            ):
                raise ConfigError(f"{name} is {count!r}, wanted a whole number of 1 or more")
        costs = self.transaction_cost
        rates = costs.values() if isinstance(costs, Mapping) else [costs]
        for rate in rates:
            if not 0 <= rate < 1:
                raise ConfigError(f"transaction_cost is {rate}, wanted 0 to 1")
        for low, high in (
            ("min_weight", "max_weight"),
            ("min_positions", "max_positions"),
            ("min_beta", "max_beta"),
            ("min_net", "max_net"),
        ):
            first, last = getattr(self, low), getattr(self, high)
            if first is not None and last is not None and first > last:
                raise ConfigError(f"{low} {first} and {high} {last} contradict each other")
        self._check_sectors()

    def _check(self, name: str, *, above: float | None = None, least: float | None = None) -> None:
        value = getattr(self, name)
        if value is None:
            return
        wanted = "a finite number"
        good = isinstance(value, int | float) and math.isfinite(value)
        if above is not None:
            good, wanted = good and value > above, f"above {above:g}"
        if least is not None:
            good, wanted = good and value >= least, f"at least {least:g}"
        if not good:
            raise ConfigError(f"{name} is {value!r}, wanted {wanted}")

    def _check_sectors(self) -> None:
        for sector in self.sector_names():
            low, high = self.bound_of(sector, "sector_min"), self.bound_of(sector, "sector_max")
            if low is not None and high is not None and low > high:
                raise ConfigError(
                    f"sector_min {low} and sector_max {high} of {sector} contradict each other"
                )

    def sector_names(self) -> tuple[str, ...]:
        """Return the names of all sectors and groups, sorted."""
        return tuple(sorted({*self.sectors.values(), *self.groups}))

    def bound_of(self, sector: str, which: str) -> float | None:
        """Return `sector_min` or `sector_max` of one sector or group."""
        bounds = getattr(self, which)
        if isinstance(bounds, Mapping):
            return bounds.get(sector)
        return float(bounds) if sector in set(self.sectors.values()) else None

    def members(self) -> dict[str, list[str]]:
        """Return the symbols of every sector and group."""
        found: dict[str, list[str]] = {name: list(names) for name, names in self.groups.items()}
        for symbol, sector in self.sectors.items():
            found.setdefault(sector, []).append(symbol)
        return found
