"""What one fill costs: compiled, and the same function for planning and for charging."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradewright.costs.rounding import UNIT, product_half_even, share_half_even
from tradewright.costs.terms import terms_at
from tradewright.jit import part, whole


@part
def raw_fee(terms: Any, qty: int, notional: int, is_buy: bool) -> int:
    """Return the fee of a fill before the minimum and maximum of its order.

    Parameters
    ----------
    terms : record of `TERMS_DTYPE`
        Cost terms.
    qty : int
        1e-8 units; >= 0.
    notional : int
        Minor units; >= 0.
    is_buy : bool
        Whether the fill buys; selling also pays the regulatory rate.

    Returns
    -------
    int
        Minor units.
    """
    rate = terms.fee_rate if is_buy else terms.fee_rate + terms.sell_rate
    fee = share_half_even(notional, rate) if rate else 0
    if terms.fee_per_share:
        fee += product_half_even(qty, terms.fee_per_share, terms.exponent_scale)
    return fee


@part
def order_fee(terms: Any, raw: int) -> int:
    """Return what an order pays in fees when its fills add up to `raw`, in minor units."""
    fee = raw + terms.fee_per_order
    return int(min(max(fee, terms.fee_min), terms.fee_max))


@part
def impact_rate(terms: Any, qty: int, sigma: float, adv: float) -> int:
    r"""Return the impact of a fill as a fraction in units of 1e-8.

    The square-root law :math:`Y\,\sigma\,\sqrt{Q/V}` with daily volatility and volume [1]_.

    Parameters
    ----------
    terms : record of `TERMS_DTYPE`
        Cost terms.
    qty : int
        1e-8 units; >= 0.
    sigma : float
        Daily volatility as a fraction, from past sessions; NaN where unknown.
    adv : float
        Average daily volume in units, from past sessions; NaN where unknown.

    Returns
    -------
    int
        Fraction in units of 1e-8, at most 1; 0 where volatility or volume are unknown.

    References
    ----------
    .. [1] Tóth et al., "Anomalous Price Impact and the Critical Nature of Liquidity in Financial
       Markets", Physical Review X 1, 021006, 2011, eq. 1.
    """
    if terms.impact == 0.0 or not (sigma > 0.0 and adv > 0.0):
        return 0
    rate = terms.impact * sigma * np.sqrt(qty / (adv * UNIT))
    return int(np.rint(min(rate, 1.0) * 1e8))


@part
def taking_costs(
    terms: Any, qty: int, notional: int, sigma: float, adv: float
) -> tuple[int, int, int]:
    """Return half spread, slippage and impact of a fill that takes liquidity, in minor units."""
    spread = share_half_even(notional, terms.half_spread) if terms.half_spread else 0
    slippage = share_half_even(notional, terms.slippage) if terms.slippage else 0
    rate = impact_rate(terms, qty, sigma, adv)
    return spread, slippage, share_half_even(notional, rate) if rate else 0


@whole
def planned_costs(  # noqa: PLR0917 - compiled: numbers by position
    address: int, qty: int, px: int, flags: int, sigma: float, adv: float
) -> tuple[int, int, int, int, int]:
    """Return notional, fee, spread, slippage and impact of an order filled at once.

    Parameters
    ----------
    address : int
        Address of the terms.
    qty, px : int
        1e-8 units; > 0.
    flags : int
        1 where the fill buys, plus 2 where it is a limit order's.
    sigma, adv : float
        See `impact_rate`.
    """
    terms = terms_at(address, 0)
    notional = product_half_even(qty, px, terms.exponent_scale)
    fee = order_fee(terms, raw_fee(terms, qty, notional, (flags & 1) == 1))
    if flags & 2:
        return notional, fee, 0, 0, 0
    spread, slippage, impact = taking_costs(terms, qty, notional, sigma, adv)
    return notional, fee, spread, slippage, impact
