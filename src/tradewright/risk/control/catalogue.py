"""Every limit once: key, scopes, default, action, ceiling, and whether a profile scales it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Action(StrEnum):
    """What a breached limit does."""

    DENY = "deny"
    REDUCE_ONLY = "reduce_only"
    HALT = "halt"
    FLATTEN = "flatten"
    ATTACH = "attach"


STRATEGY: Final = "strategy"
ACCOUNT: Final = "account"
PORTFOLIO: Final = "portfolio"
SCOPE_KINDS: Final = (STRATEGY, ACCOUNT, PORTFOLIO)
"""From the narrow to the wide; an order is checked in each of them and the tightest limit wins."""

WARN_AT: Final = 0.8


@dataclass(frozen=True, slots=True)
class LimitKind:
    """A rule that can be given a value.

    Parameters
    ----------
    key : str
        Name in configuration and events.
    defaults : mapping of str to float
        Value by kind of scope, where a profile switches the standard table on.
    action : Action
        What a breach does.
    meaning : str
        One line for people.
    scales : bool
        Whether a profile multiplies it.
    ceiling : float
        Largest value that can be set at all.
    is_count : bool
        Whether it is a whole number.
    is_floor : bool
        Whether it is a least value, so that the largest is the tightest.
    is_timed : bool
        Whether it counts seconds of the wall clock; bars of a tape have none.
    """

    key: str
    defaults: Mapping[str, float]
    action: Action
    meaning: str
    scales: bool = False
    ceiling: float = 1.0
    is_count: bool = False
    is_floor: bool = False
    is_timed: bool = False


def _everywhere(value: float) -> dict[str, float]:
    return dict.fromkeys(SCOPE_KINDS, value)


_TABLE: Final = (
    LimitKind("max_trade_pct", {ACCOUNT: 0.05}, Action.DENY,
              "Value of one order, of equity", ceiling=3.0),
    LimitKind("max_position_size", _everywhere(0.20), Action.DENY,
              "Value of one holding, of equity", scales=True, ceiling=3.0),
    LimitKind("max_sector_weight", _everywhere(0.40), Action.DENY,
              "Gross value in one sector, of equity", scales=True, ceiling=3.0),
    LimitKind("max_currency_weight", {ACCOUNT: 0.50, PORTFOLIO: 0.50}, Action.DENY,
              "Gross value in one foreign currency, of equity", scales=True, ceiling=3.0),
    LimitKind("min_cash", {ACCOUNT: 0.0}, Action.DENY,
              "Cash left after the worst case of all working orders, of equity", is_floor=True),
    LimitKind("stop_loss_pct", {ACCOUNT: 0.05}, Action.ATTACH,
              "Distance of the stop that every opening order carries"),
    LimitKind("take_profit_pct", {ACCOUNT: 0.15}, Action.ATTACH,
              "Distance of the target that every opening order carries"),
    LimitKind("max_gross", _everywhere(1.0), Action.DENY,
              "Sum of absolute values, of equity", ceiling=3.0),
    LimitKind("max_net", _everywhere(1.0), Action.DENY,
              "Absolute value of the sum, of equity", ceiling=3.0),
    LimitKind("max_leverage", {ACCOUNT: 1.0, PORTFOLIO: 1.0}, Action.DENY,
              "Gross value over equity", ceiling=3.0),
    LimitKind("max_positions", _everywhere(100.0), Action.DENY,
              "Holdings at once", ceiling=10_000.0, is_count=True),
    LimitKind("min_position_size", {ACCOUNT: 0.01}, Action.DENY,
              "Least value of a new holding, of equity", is_floor=True),
    LimitKind("price_collar", {ACCOUNT: 0.05}, Action.DENY,
              "Distance of a limit price from the last price"),
    LimitKind("max_order_notional", {ACCOUNT: 50_000.0}, Action.DENY,
              "Value of one order, in the base currency", ceiling=1e12),
    LimitKind("max_order_share_of_adv", {ACCOUNT: 0.01}, Action.DENY,
              "Quantity of one order, of the average daily volume"),
    LimitKind("orders_per_second", {STRATEGY: 5.0, ACCOUNT: 10.0}, Action.DENY,
              "Orders in a second", ceiling=10_000.0, is_count=True, is_timed=True),
    LimitKind("orders_per_minute", {STRATEGY: 100.0, ACCOUNT: 200.0}, Action.DENY,
              "Orders in a minute; three refusals in a minute halt the strategy",
              ceiling=100_000.0, is_count=True, is_timed=True),
    LimitKind("duplicate_seconds", {STRATEGY: 2.0}, Action.DENY,
              "The same order again within so many seconds", ceiling=3600.0, is_floor=True,
              is_timed=True),
    LimitKind("repeated_fills", {STRATEGY: 10.0}, Action.HALT,
              "Fills of one instrument and side in a minute", ceiling=10_000.0, is_count=True,
              is_timed=True),
    LimitKind("broker_rejects", {STRATEGY: 5.0}, Action.HALT,
              "Orders the venue rejects in a minute", ceiling=10_000.0, is_count=True,
              is_timed=True),
    LimitKind("daily_loss", {STRATEGY: 0.02, ACCOUNT: 0.03, PORTFOLIO: 0.03}, Action.REDUCE_ONLY,
              "Loss since the last session, until the next one", scales=True),
    LimitKind("weekly_loss", {ACCOUNT: 0.06}, Action.HALT, "Loss since the last week", scales=True),
    LimitKind("drawdown", {STRATEGY: 0.15, ACCOUNT: 0.15}, Action.HALT,
              "Fall from the high-water mark"),
    LimitKind("drawdown_flatten", {PORTFOLIO: 0.20}, Action.FLATTEN,
              "Fall from the high-water mark at which everything is closed"),
    LimitKind("losing_trades", {STRATEGY: 5.0}, Action.REDUCE_ONLY,
              "Losing round trips one after another; entries pause for a session",
              ceiling=1000.0, is_count=True),
    LimitKind("var_95", {ACCOUNT: 0.03}, Action.DENY,
              "Gaussian value at risk of one session at 95 %; denies what raises it"),
    LimitKind("stale_bars", {ACCOUNT: 2.0}, Action.REDUCE_ONLY,
              "Bars of the tape without a price, after which an instrument may only be reduced",
              ceiling=10_000.0, is_count=True),
    LimitKind("stale_seconds", {ACCOUNT: 900.0}, Action.REDUCE_ONLY,
              "Age of an instrument's last price", ceiling=10 * 86_400.0, is_timed=True),
)  # fmt: skip

KINDS: Final[Mapping[str, LimitKind]] = {kind.key: kind for kind in _TABLE}
"""Limits by key, in the order of the documentation."""

HARD_LEVERAGE: Final = 3.0
"""No table and no profile may pass it."""

PRICE_COLLARS: Final[Mapping[str, float]] = {
    "stock": 0.05,
    "etf": 0.05,
    "forex": 0.02,
    "cfd": 0.02,
    "crypto": 0.10,
    "crypto_perp": 0.10,
}
"""Default collars by class of instrument; 0.05 elsewhere. A collar that is set holds for all."""
