"""When a portfolio is brought back to its targets."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final

from tradewright.domain.errors import ConfigError, nearest

METHODS: Final = ("percentage", "absolute", "volatility", "calendar")
PERIODS: Final = ("monthly", "quarterly")


@dataclass(frozen=True, slots=True, kw_only=True)
class RebalancingConfig:
    """Triggers, intervals, costs and taxes of rebalancing.

    Parameters
    ----------
    threshold_method : str
        ``percentage``: drift relative to the target weight; ``absolute``: drift as a weight;
        ``volatility``: volatility of the portfolio relative to that of its targets; ``calendar``:
        first session of the month or quarter.
    rebalance_threshold : float
        Drift that triggers, for ``percentage`` and ``absolute``; also the half width of the band
        of a partial rebalance.
    volatility_threshold : float
        Relative change of volatility that triggers, for ``volatility``.
    calendar_period : str
        ``monthly`` or ``quarterly``, for ``calendar``.
    min_rebalance_interval, max_rebalance_interval : int
        Calendar days within which nothing but a breached risk limit trades, and after which it
        trades even without a trigger.
    transaction_cost_threshold : float
        A plan that costs more than this fraction of equity is deferred.
    benefit_multiple : float
        The expected gain of utility must exceed this multiple of the cost, where expected returns
        and a covariance are given.
    risk_aversion : float
        Lambda of the utility ``w'mu - lambda/2 w'Sw``.
    holding_days : float
        Sessions for which the new weights are expected to be held.
    partial : bool
        Whether trades end at the edge of the band in place of its middle.
    consider_tax_implications : bool
        Whether gains on young lots are postponed and losses may be harvested.
    harvest_losses : bool
        Whether losses of more than `harvest_threshold` are offered for harvesting.
    harvest_threshold : float
        Loss of a lot, as a fraction of its cost, from which it may be harvested.
    wash_sale_days : int
        Days before and after a harvested loss without purchases of the same instrument.

    Raises
    ------
    ConfigError
        Naming the field, the value found and the values wanted.
    """

    threshold_method: str = "percentage"
    rebalance_threshold: float = 0.05
    min_rebalance_interval: int = 7
    max_rebalance_interval: int = 30
    transaction_cost_threshold: float = 0.002
    consider_tax_implications: bool = True
    volatility_threshold: float = 0.10
    calendar_period: str = "monthly"
    benefit_multiple: float = 1.0
    risk_aversion: float = 2.5
    holding_days: float = 21.0
    partial: bool = False
    harvest_losses: bool = False
    harvest_threshold: float = 0.05
    wash_sale_days: int = 30

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            wanted = {"str": str, "bool": bool}.get(str(item.type), (int, float))
            is_flag = isinstance(value, bool) and wanted is not bool
            if is_flag or not isinstance(value, wanted):
                what = {"str": "text", "bool": "true or false"}.get(str(item.type), "a number")
                raise ConfigError(f"rebalancing.{item.name} is {value!r}, wanted {what}")
        for name, known in (("threshold_method", METHODS), ("calendar_period", PERIODS)):
            value = getattr(self, name)
            if value not in known:
                raise ConfigError(f"rebalancing.{name} is {value!r}; {nearest(str(value), known)}")
        for name in ("rebalance_threshold", "volatility_threshold", "harvest_threshold"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ConfigError(f"rebalancing.{name} is {value}, wanted above 0")
        for name in ("transaction_cost_threshold", "benefit_multiple", "risk_aversion",
                     "holding_days", "wash_sale_days", "min_rebalance_interval"):  # fmt: skip
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise ConfigError(f"rebalancing.{name} is {value}, wanted at least 0")
        low, high = self.min_rebalance_interval, self.max_rebalance_interval
        if not low <= high:
            raise ConfigError(
                f"rebalancing.min_rebalance_interval {low} is above "
                f"rebalancing.max_rebalance_interval {high}"
            )
