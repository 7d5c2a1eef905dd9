"""The one cost object: it plans what a trade would cost and charges what it did."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError
from tradewright.domain.money import minor_exponent, to_minor
from tradewright.domain.orders import Side

BPS: Final = 1e-4
_RATES: Final = ("fee_bps", "sell_fee_bps", "spread_bps", "slippage_bps")


@dataclass(frozen=True, slots=True)
class Costs:
    """Fees, spread, slippage, impact and financing of trading.

    What is not named is zero. Limit fills pay fees only: no spread, slippage or impact.

    Parameters
    ----------
    fee_bps : float
        Commission per side in basis points of the notional.
    fee_per_share : float
        Commission per unit, in the account's currency.
    fee_per_order : float
        Fixed commission of an order that fills, in the account's currency.
    fee_min, fee_max : float or None
        Bounds of the commission of one order, in the account's currency.
    sell_fee_bps : float
        Regulatory fee of the selling side, in basis points of the notional.
    spread_bps : float
        Quoted bid-ask spread in basis points; each taking fill pays half of it.
    slippage_bps : float
        Loss per taking fill, in basis points of the notional.
    impact : float or None
        Coefficient ``Y`` of the square-root impact law (1.0 is usual); None is off.
    borrow_rate : float
        Annual rate on the market value of short positions, act/360.
    debit_rate : float
        Annual rate on negative cash, act/360.

    Raises
    ------
    ConfigError
        If a value is negative, NaN or infinite, or the bounds of the fee cross.

    Notes
    -----
    Rates are held to 1e-8 (0.0001 basis points).

    Examples
    --------
    >>> Costs(fee_bps=10).plan(100, 50.0).fee
    500
    """

    fee_bps: float = 0.0
    fee_per_share: float = 0.0
    fee_per_order: float = 0.0
    fee_min: float = 0.0
    fee_max: float | None = None
    sell_fee_bps: float = 0.0
    spread_bps: float = 0.0
    slippage_bps: float = 0.0
    impact: float | None = None
    borrow_rate: float = 0.0
    debit_rate: float = 0.0

    def __init__(
        self,
        fee_bps: float = 0.0,
        *,
        fee_per_share: float = 0.0,
        fee_per_order: float = 0.0,
        fee_min: float = 0.0,
        fee_max: float | None = None,
        sell_fee_bps: float = 0.0,
        spread_bps: float = 0.0,
        slippage_bps: float = 0.0,
        impact: float | None = None,
        borrow_rate: float = 0.0,
        debit_rate: float = 0.0,
    ) -> None:
        given = {name: value for name, value in locals().items() if name != "self"}
        for name, value in given.items():
            optional = name in ("fee_max", "impact")
            object.__setattr__(
                self, name, None if optional and value is None else _amount(name, value)
            )
        for name in _RATES:
            if getattr(self, name) >= 10_000:
                raise ConfigError(f"costs.{name} is {getattr(self, name)}, wanted below 10000")
        if self.fee_max is not None and self.fee_max < self.fee_min:
            raise ConfigError(
                f"costs.fee_max is {self.fee_max}, wanted at least fee_min {self.fee_min}"
            )

    @classmethod
    def standard(cls) -> Costs:
        """Return the costs charged unless others are given.

        Returns
        -------
        Costs
            10 basis points of fee, 5 of slippage, 0.005 a year for borrowing.
        """
        return cls(fee_bps=10, slippage_bps=5, borrow_rate=0.005)

    @property
    def is_free(self) -> bool:
        """Whether nothing is ever charged."""
        return all(not getattr(self, field.name) for field in fields(self))

    def terms(self, currency: str = "USD") -> NDArray[np.void]:
        """Return the record that the compiled code charges by.

        Parameters
        ----------
        currency : str
            Currency of the account.

        Returns
        -------
        structured ndarray of shape (1,)
            One row of `tradewright.costs.terms.TERMS_DTYPE`.
        """
        from tradewright.costs.terms import NO_MAXIMUM, TERMS_DTYPE

        row = np.zeros(1, dtype=TERMS_DTYPE)
        row["fee_rate"] = _scaled(self.fee_bps * BPS)
        row["fee_per_share"] = _scaled(self.fee_per_share)
        row["fee_per_order"] = to_minor(self.fee_per_order, currency)
        row["fee_min"] = to_minor(self.fee_min, currency)
        row["fee_max"] = NO_MAXIMUM if self.fee_max is None else to_minor(self.fee_max, currency)
        row["sell_rate"] = _scaled(self.sell_fee_bps * BPS)
        row["half_spread"] = _scaled(self.spread_bps * BPS / 2)
        row["slippage"] = _scaled(self.slippage_bps * BPS)
        row["impact"] = self.impact or 0.0
        row["borrow"] = self.borrow_rate
        row["debit"] = self.debit_rate
        row["exponent_scale"] = 10 ** minor_exponent(currency)
        return row

    def plan(
        self,
        qty: float,
        price: float,
        *,
        side: Side = Side.BUY,
        is_limit: bool = False,
        sigma: float = math.nan,
        adv: float = math.nan,
        currency: str = "USD",
    ) -> CostPlan:
        """Return what a fill would cost, by the function that charges it.

        Parameters
        ----------
        qty : float
            Units; > 0.
        price : float
            Price; > 0.
        side : Side
            BUY or SELL.
        is_limit : bool
            Whether a limit order makes the fill.
        sigma, adv : float
            Daily volatility (fraction) and volume (units); needed for impact only.
        currency : str
            Currency of the account.

        Returns
        -------
        CostPlan
            Components in minor units.

        Raises
        ------
        ConfigError
            If quantity or price is not a positive number.
        """
        from tradewright.costs.charging import planned_costs

        for name, value in (("qty", qty), ("price", price)):
            if not 0 < value < 4e10:
                raise ConfigError(f"costs.plan: {name} is {value}, wanted above 0 and below 4e10")
        terms = self.terms(currency)
        flags = (side == Side.BUY) + 2 * is_limit
        parts = planned_costs(
            terms.ctypes.data, _scaled(qty), _scaled(price), flags, float(sigma), float(adv)
        )
        return CostPlan(*(int(part) for part in parts))

    def describe(self) -> str:
        """Return the costs in one line for reports.

        Examples
        --------
        >>> Costs.standard().describe()
        'fee_bps 10, slippage_bps 5, borrow_rate 0.005'
        """
        named = [(field.name, getattr(self, field.name)) for field in fields(self)]
        return ", ".join(f"{name} {value:g}" for name, value in named if value) or "no costs"


@dataclass(frozen=True, slots=True)
class CostPlan:
    """What a fill would cost, minor units.

    Parameters
    ----------
    notional : int
        Quantity times price.
    fee, spread, slippage, impact : int
        Components; >= 0.
    """

    notional: int
    fee: int
    spread: int
    slippage: int
    impact: int

    @property
    def total(self) -> int:
        """Sum of the components, in minor units."""
        return self.fee + self.spread + self.slippage + self.impact


def _amount(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise ConfigError(f"costs.{name} is {value!r}, wanted a number of at least 0")
    number = float(value)
    if not 0 <= number < math.inf:
        raise ConfigError(f"costs.{name} is {number}, wanted a finite number of at least 0")
    return number


def _scaled(value: float) -> int:
    return round(value * 1e8)
