"""Exact products of scaled integers, rounded half to even once."""

from __future__ import annotations

from typing import Final

from tradewright.jit import whole

UNIT: Final = 100_000_000
"""1e8: the scale of prices, quantities and rates held as integers."""

LARGEST: Final = 4_000_000_000_000_000_000
"""Operands and results stay below this, so that no intermediate leaves 64 bits."""

SMALL: Final = 90_000_000_000
"""An amount up to this times a rate up to 1 fits 64 bits."""


@whole
def product_half_even(a: int, b: int, exponent_scale: int) -> int:
    r"""Return ``a * b / 1e16 * exponent_scale``, rounded half to even, without a wider type.

    Both factors are split at 1e8; the four partial products fit 64 bits as long as each factor
    and the result stay below `LARGEST`.

    Parameters
    ----------
    a, b : int
        Factors in units of 1e-8; 0 <= factor < `LARGEST`.
    exponent_scale : int
        ``10 ** e`` for a currency with `e` decimals (0 to 8).

    Returns
    -------
    int
        The product of both in minor units.

    Examples
    --------
    >>> product_half_even(250_000_000, 1_001_000_000, 100)  # 2.5 shares at 10.01: 25.025
    2502
    """
    a_high = a // UNIT
    a_low = a - a_high * UNIT
    b_high = b // UNIT
    b_low = b - b_high * UNIT
    low = a_low * b_low
    carried = low // UNIT
    middle = a_high * b_low + a_low * b_high + carried
    if exponent_scale == 100:  # a divisor that is known makes no division
        divisor = UNIT // 100
        upper = middle // (UNIT // 100)
    else:
        divisor = UNIT // exponent_scale
        upper = middle // divisor
    whole = a_high * b_high * exponent_scale + upper
    rest = (middle - upper * divisor) * UNIT + (low - carried * UNIT)
    half = divisor * (UNIT // 2)
    if rest > half or (rest == half and whole & 1):
        whole += 1
    return whole


@whole
def share_half_even(amount: int, rate: int) -> int:
    """Return ``amount * rate / 1e8`` rounded half to even.

    Parameters
    ----------
    amount : int
        Minor units; 0 <= amount < `LARGEST`.
    rate : int
        Fraction in units of 1e-8; 0 <= rate <= 1e8.

    Returns
    -------
    int
        Minor units.

    Examples
    --------
    >>> share_half_even(12_500, 100_000), share_half_even(13_500, 100_000)  # 0.1 %
    (12, 14)
    """
    if amount > SMALL:
        return int(product_half_even(amount, rate, amount * 0 + UNIT))
    product = amount * rate
    share = product // UNIT
    rest = product - share * UNIT
    if rest > UNIT // 2 or (rest == UNIT // 2 and share & 1):
        share += 1
    return share
