"""The one cost object: it plans what a trade would cost and charges what it did."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.costs.amounts import amount, by_symbol, rising_tiers, scaled, symbols_of, told
from tradewright.costs.funding import Funding, funding_by_symbol
from tradewright.domain.errors import ConfigError
from tradewright.domain.money import minor_exponent, to_minor
from tradewright.domain.orders import Side

BPS: Final = 1e-4
_RATES: Final = (
    *("fee_bps", "maker_fee_bps", "sell_fee_bps", "spread_bps", "slippage_bps"),
    "liquidation_fee_bps",
    "fx_spread_bps",
)
_NO_COST: Final = ("impact_days", "model_scale")
_OPTIONAL: Final = ("fee_max", "maker_fee_bps", "impact")
ALMGREN: Final = "almgren2005"
CORWIN_SCHULTZ: Final = "corwin_schultz"


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
    maker_fee_bps : float or None
        Commission of limit fills, in place of `fee_bps`; None charges those the same.
    fee_tiers : sequence of (float, float) or of (float, float, float), optional
        ``(from, fee_bps)`` or ``(from, fee_bps, maker_fee_bps)``: the commission once the notional
        traded in the calendar month (UTC) has reached ``from``, in the account's currency, rising.
        A fill is charged by what was traded before it.
    spread_bps : float
        Quoted bid-ask spread in basis points; each taking fill pays half of it.
    spread_model : str or None
        ``corwin_schultz`` estimates the spread from highs and lows of the 20 sessions before, in
        place of `spread_bps`.
    slippage_bps : float
        Loss per taking fill, in basis points of the notional.
    slippage_vol : float
        Further loss per taking fill as a multiple of the daily volatility of 20 sessions before.
    impact : float, str or None
        Coefficient ``Y`` of the square-root impact law (1.0 is usual), or ``almgren2005``; None is
        off.
    impact_days : float
        Days over which a fill is worked, for ``almgren2005``; > 0.
    model_scale : float
        Multiple of what the named models of spread and impact say.
    shares_outstanding : mapping of str to float, optional
        By symbol, for ``almgren2005``.
    borrow_rate : float
        Annual rate on the market value of short positions, act/360.
    borrow_rates : mapping of str to float, optional
        The same by symbol, where it differs.
    hard_to_borrow : sequence of str, optional
        Symbols that cannot be sold short; a sale beyond what is held is refused (`NO_BORROW`).
    debit_rate : float
        Annual rate on negative cash, act/360.
    liquidation_fee_bps : float
        Fee of a fill that a margin call made, in basis points, beside its other costs.
    credit_rate : float
        Annual rate earned on cash beyond the value of short positions, act/360.
    funding : table, sequence or mapping, optional
        Funding rates of perpetuals: ``symbol``, ``time``, ``rate`` as a fraction of the position's
        value; see `tradewright.costs.funding`. Longs pay shorts where it is positive.
    fx_spread_bps : float
        Spread of an exchange of currencies in basis points: each fill of an instrument priced in
        another currency pays half of it, as part of its spread.

    Raises
    ------
    ConfigError
        If a value is negative, NaN or infinite, the bounds of the fee cross, tiers do not rise, or
        a model lacks what it needs.

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
    impact: float | str | None = None
    borrow_rate: float = 0.0
    debit_rate: float = 0.0
    maker_fee_bps: float | None = None
    fee_tiers: tuple[tuple[float, ...], ...] | None = None
    spread_model: str | None = None
    slippage_vol: float = 0.0
    impact_days: float = 1.0
    model_scale: float = 1.0
    shares_outstanding: dict[str, float] | None = None
    borrow_rates: dict[str, float] | None = None
    hard_to_borrow: tuple[str, ...] | None = None
    credit_rate: float = 0.0
    liquidation_fee_bps: float = 0.0
    funding: Funding | None = None
    fx_spread_bps: float = 0.0

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
        impact: float | str | None = None,
        borrow_rate: float = 0.0,
        debit_rate: float = 0.0,
        maker_fee_bps: float | None = None,
        fee_tiers: Sequence[Sequence[float]] | None = None,
        spread_model: str | None = None,
        slippage_vol: float = 0.0,
        impact_days: float = 1.0,
        model_scale: float = 1.0,
        shares_outstanding: Mapping[str, float] | None = None,
        borrow_rates: Mapping[str, float] | None = None,
        hard_to_borrow: Sequence[str] | None = None,
        credit_rate: float = 0.0,
        liquidation_fee_bps: float = 0.0,
        funding: Any = None,
        fx_spread_bps: float = 0.0,
    ) -> None:
        given = {name: value for name, value in locals().items() if name != "self"}
        for name in ("shares_outstanding", "borrow_rates"):
            object.__setattr__(self, name, by_symbol(name, given.pop(name)))
        object.__setattr__(self, "fee_tiers", rising_tiers(given.pop("fee_tiers")))
        object.__setattr__(self, "hard_to_borrow", symbols_of(given.pop("hard_to_borrow")))
        object.__setattr__(self, "spread_model", given.pop("spread_model"))
        object.__setattr__(self, "funding", funding_by_symbol(given.pop("funding")))
        for name, value in given.items():
            is_named = name == "impact" and isinstance(value, str)
            is_off = value is None and name in _OPTIONAL
            object.__setattr__(self, name, value if is_named or is_off else amount(name, value))
        self._check()

    def _check(self) -> None:
        for name in _RATES:
            value = getattr(self, name)
            if value is not None and value >= 10_000:
                raise ConfigError(f"costs.{name} is {value}, wanted below 10000")
        if self.fee_max is not None and self.fee_max < self.fee_min:
            raise ConfigError(
                f"costs.fee_max is {self.fee_max}, wanted at least fee_min {self.fee_min}"
            )
        if self.fee_tiers and (self.fee_bps or self.maker_fee_bps):
            raise ConfigError("costs.fee_tiers and fee_bps: give one; the first tier starts at 0")
        if self.spread_model is not None:
            if self.spread_model != CORWIN_SCHULTZ:
                raise ConfigError(
                    f"costs.spread_model is {self.spread_model!r}, wanted {CORWIN_SCHULTZ!r}"
                )
            if self.spread_bps:
                raise ConfigError("costs.spread_model and spread_bps: give one")
        if isinstance(self.impact, str):
            if self.impact != ALMGREN:
                raise ConfigError(
                    f"costs.impact is {self.impact!r}, wanted a coefficient or {ALMGREN!r}"
                )
            if not self.shares_outstanding or not self.impact_days:
                raise ConfigError(
                    f"costs.impact {ALMGREN!r} needs shares_outstanding and impact_days above 0"
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
        return all(
            not getattr(self, field.name) for field in fields(self) if field.name not in _NO_COST
        )

    def terms(self, currency: str = "USD") -> NDArray[np.void]:
        """Return the record that the compiled code charges by.

        Parameters
        ----------
        currency : str
            Currency of the account.

        Returns
        -------
        structured ndarray of shape (n_tiers,)
            Rows of `tradewright.costs.terms.TERMS_DTYPE`; one without tiers.
        """
        from tradewright.costs.terms import NO_MAXIMUM, TERMS_DTYPE

        maker = self.fee_bps if self.maker_fee_bps is None else self.maker_fee_bps
        tiers = self.fee_tiers or ((0.0, self.fee_bps, maker),)
        row = np.zeros(len(tiers), dtype=TERMS_DTYPE)
        for at, (least, fee_bps, maker_bps) in enumerate(tiers):
            row["tier_from"][at] = to_minor(least, currency)
            row["fee_rate"][at] = scaled(fee_bps * BPS)
            row["maker_rate"][at] = scaled(maker_bps * BPS)
        row["fee_per_share"] = scaled(self.fee_per_share)
        row["fee_per_order"] = to_minor(self.fee_per_order, currency)
        row["fee_min"] = to_minor(self.fee_min, currency)
        row["fee_max"] = NO_MAXIMUM if self.fee_max is None else to_minor(self.fee_max, currency)
        row["sell_rate"] = scaled(self.sell_fee_bps * BPS)
        row["half_spread"] = scaled(self.spread_bps * BPS / 2)
        row["slippage"] = scaled(self.slippage_bps * BPS)
        row["conversion"] = scaled(self.fx_spread_bps * BPS / 2)
        row["liquidation"] = scaled(self.liquidation_fee_bps * BPS)
        row["slippage_vol"] = self.slippage_vol
        is_named = isinstance(self.impact, str)
        row["impact"] = self.model_scale if is_named else self.impact or 0.0
        row["almgren_days"] = self.impact_days if is_named else 0.0
        row["borrow"] = self.borrow_rate
        row["debit"] = self.debit_rate
        row["credit"] = self.credit_rate
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
        shares: float = math.nan,
        half_spread: float = math.nan,
        traded: float = 0.0,
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
            Daily volatility (fraction) and volume (units); needed for impact and `slippage_vol`.
        shares : float
            Shares outstanding; needed for ``almgren2005`` only.
        half_spread : float
            Estimated half spread as a fraction; needed for a `spread_model` only.
        traded : float
            Notional traded in the month so far, which decides the tier.
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
        tier = int(np.searchsorted(terms["tier_from"], to_minor(traded, currency), "right")) - 1
        estimate = half_spread * self.model_scale
        market = np.array([sigma, adv, shares, estimate], dtype=np.float64)
        parts = planned_costs(
            terms.ctypes.data + tier * terms.itemsize,
            scaled(qty),
            scaled(price),
            flags,
            market.ctypes.data,
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
        shown = [
            f"funding of {', '.join(value)}" if name == "funding" else f"{name} {told(value)}"
            for name, value in named
            if value and (name not in _NO_COST or value != 1.0)
        ]
        return ", ".join(shown) or "no costs"

    def scaled(self, multiple: float) -> Costs:
        """Return costs with every rate and amount multiplied.

        Examples
        --------
        >>> Costs(fee_bps=10, fee_tiers=None, borrow_rates={"A": 0.1}).scaled(2.0).borrow_rates
        {'A': 0.2}
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        same = ["impact_days", "shares_outstanding", "hard_to_borrow"]
        if self.spread_model is None and not isinstance(self.impact, str):
            same.append("model_scale")
        for name, value in values.items():
            if name in same or value is None or isinstance(value, str):
                continue
            if name == "fee_tiers":
                values[name] = [(t[0], *(bps * multiple for bps in t[1:])) for t in value]
            elif name == "funding":
                values[name] = {s: _multiplied(rows, multiple) for s, rows in value.items()}
            elif isinstance(value, dict):
                values[name] = {symbol: rate * multiple for symbol, rate in value.items()}
            else:
                values[name] = value * multiple
        return Costs(**values)


def _multiplied(rows: Sequence[tuple[int, float]], multiple: float) -> list[tuple[int, float]]:
    return [(ns, rate * multiple) for ns, rate in rows]


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
