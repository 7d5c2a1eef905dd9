"""Prices in the account's currency, per unit of quantity: multiplier and rate applied."""

from __future__ import annotations

from typing import Any, Final

from tradewright.costs.rounding import product_half_even
from tradewright.jit import load_int, part

FACTOR_UNIT: Final = 10_000
"""With a factor in units of 1e-12: what makes ``product_half_even`` divide by 1e12."""


@part
def in_money(account: Any, column: int, px: int) -> int:
    """Return what one unit of an instrument is worth at a price, in the account's currency.

    Parameters
    ----------
    account : record of `ACCOUNT_DTYPE`
        Market and state.
    column : int
        Instrument.
    px : int
        Price as the instrument is quoted, 1e-8 units.

    Returns
    -------
    int
        Price times multiplier times the last rate known, 1e-8 units, rounded half to even; `px`
        itself in an account whose instruments need neither.
    """
    if account.factor_line == 0:
        return px
    factor = load_int(account.factor_line, column)
    return int(product_half_even(px, factor, px * 0 + FACTOR_UNIT))


@part
def use_rates(account: Any, row: int) -> None:
    """Convert at what was known at the close of a row from now on."""
    account.factor_line = account.factors + max(row, 0) * account.n_instruments * 8
