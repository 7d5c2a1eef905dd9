"""What one fill costs: compiled, and the same function for planning and for charging."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from tradewright.costs.rounding import UNIT, product_half_even, share_half_even
from tradewright.costs.terms import terms_at
from tradewright.jit import load_float, part, whole

BUYS: Final = 1
MAKES: Final = 2
PERMANENT: Final = 0.314
TEMPORARY: Final = 0.142


@part
def raw_fee(terms: Any, qty: int, notional: int, flags: int) -> int:
    """Return the fee of a fill before the minimum and maximum of its order.

    Parameters
    ----------
    terms : record of `TERMS_DTYPE`
        Cost terms.
    qty : int
        1e-8 units; >= 0.
    notional : int
        Minor units; >= 0.
    flags : int
        `BUYS` where the fill buys (selling also pays the regulatory rate), plus `MAKES` where a
        limit order makes it.

    Returns
    -------
    int
        Minor units.
    """
    rate = terms.maker_rate if flags & MAKES else terms.fee_rate
    if not flags & BUYS:
        rate += terms.sell_rate
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
def impact_rate(terms: Any, qty: int, liquidity: tuple[float, float, float]) -> int:
    r"""Return the impact of a fill as a fraction in units of 1e-8.

    Either the square-root law :math:`Y\,\sigma\,\sqrt{Q/V}` [1]_, or half the permanent plus the
    temporary impact :math:`\tfrac12\gamma\sigma\frac{Q}{V}\left(\frac{\Theta}{V}\right)^{1/4}
    + \eta\sigma\left(\frac{Q}{VT}\right)^{3/5}`, the expected cost of a trade in [2]_, with daily
    volatility and volume, shares outstanding and the days the trade takes.

    Parameters
    ----------
    terms : record of `TERMS_DTYPE`
        Cost terms.
    qty : int
        1e-8 units; >= 0.
    liquidity : tuple of float
        Daily volatility as a fraction and average daily volume in units, from past sessions, NaN
        where unknown; shares outstanding.

    Returns
    -------
    int
        Fraction in units of 1e-8, at most 1; 0 where volatility or volume are unknown.

    References
    ----------
    .. [1] Tóth et al., "Anomalous Price Impact and the Critical Nature of Liquidity in Financial
       Markets", Physical Review X 1, 021006, 2011, eq. 1.
    .. [2] Almgren, Thum, Hauptmann, Li, "Direct Estimation of Equity Market Impact", Risk, July
       2005, eq. 5 and 6, with the fitted coefficients of table 2.
    """
    sigma, adv, shares = liquidity
    if not (sigma > 0.0 and adv > 0.0):
        return 0
    part_of_day = qty / (adv * UNIT)
    if terms.almgren_days > 0.0:
        lasting = PERMANENT * sigma * part_of_day * np.sqrt(np.sqrt(shares / adv))
        passing = TEMPORARY * sigma * (part_of_day / terms.almgren_days) ** 0.6
        rate = terms.impact * (0.5 * lasting + passing)
    else:
        rate = terms.impact * sigma * np.sqrt(part_of_day)
    return int(np.rint(min(rate, 1.0) * 1e8))


@part
def taking_costs(
    terms: Any,
    qty: int,
    notional: int,
    half_spread: int,
    liquidity: tuple[float, float, float],
) -> tuple[int, int, int]:
    """Return half spread, slippage and impact of a fill that takes liquidity, in minor units."""
    spread = share_half_even(notional, half_spread) if half_spread else 0
    slip = terms.slippage
    if terms.slippage_vol > 0.0 and liquidity[0] > 0.0:
        slip = min(slip + int(np.rint(terms.slippage_vol * liquidity[0] * 1e8)), UNIT)
    slippage = share_half_even(notional, slip) if slip else 0
    if terms.impact == 0.0:
        return spread, slippage, 0
    rate = impact_rate(terms, qty, liquidity)
    return spread, slippage, share_half_even(notional, rate) if rate else 0


@whole
def planned_costs(
    address: int, qty: int, px: int, flags: int, market: int
) -> tuple[int, int, int, int, int]:
    """Return notional, fee, spread, slippage and impact of an order filled at once.

    Parameters
    ----------
    address : int
        Address of the terms.
    qty, px : int
        1e-8 units; > 0.
    flags : int
        `BUYS` and `MAKES`.
    market : int
        Address of four floats: `liquidity` of `impact_rate`, and the estimated half spread as a
        fraction, NaN for that of the terms.
    """
    terms = terms_at(address, 0)
    notional = product_half_even(qty, px, terms.exponent_scale)
    fee = order_fee(terms, raw_fee(terms, qty, notional, flags))
    if flags & MAKES:
        return notional, fee, 0, 0, 0
    half_spread, estimate = terms.half_spread, load_float(market, 3)
    if estimate >= 0.0:
        half_spread = int(np.rint(min(estimate, 1.0) * 1e8))
    liquidity = (load_float(market, 0), load_float(market, 1), load_float(market, 2))
    spread, slippage, impact = taking_costs(terms, qty, notional, half_spread, liquidity)
    return notional, fee, spread, slippage, impact
