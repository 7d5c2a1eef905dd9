"""What a price is worth in the account's currency: contract multipliers and rates of exchange."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.currencies.rates import conversion

WORTH_UNIT: Final = 10**12
"""A factor from price to money is held as an integer of 1e-12."""


def money_px(px: int, factor: int) -> int:
    """Return a price in the account's currency, per unit of quantity.

    Parameters
    ----------
    px : int
        Price as quoted, 1e-8 units.
    factor : int
        Multiplier times rate, 1e-12 units.

    Returns
    -------
    int
        1e-8 units, rounded half to even.

    Examples
    --------
    >>> money_px(4_500_25_000_000, 50 * WORTH_UNIT)  # 4,500.25 points of 50 each
    22501250000000
    """
    if factor == WORTH_UNIT:
        return px
    whole, rest = divmod(px * factor, WORTH_UNIT)
    return whole + (2 * rest > WORTH_UNIT or (2 * rest == WORTH_UNIT and whole % 2 == 1))


@dataclass(frozen=True, slots=True, eq=False)
class Worth:
    """What a price of 1 is worth in the account's currency, per unit of quantity.

    Parameters
    ----------
    factors : ndarray of shape (n_bars, n_instruments) or (1, n_instruments), int64
        Multiplier times the last rate known at each close, 1e-12 units; one row where nothing
        changes.
    """

    factors: NDArray[np.int64]

    @property
    def changes(self) -> bool:
        """Whether it differs from bar to bar."""
        return len(self.factors) > 1

    def at(self, row: int) -> NDArray[np.int64]:
        """Return the factors known at the close of a row, shape (n_instruments,)."""
        found: NDArray[np.int64] = self.factors[max(row, 0) if self.changes else 0]
        return found

    def lines(self) -> NDArray[np.float64]:
        """Return the factors as numbers, of the shape of `factors`."""
        return self.factors / WORTH_UNIT


def worth_of(bars: Bars, currency: str) -> Worth | None:
    """Return what prices are worth; None where every price is worth itself.

    Parameters
    ----------
    bars : Bars
        The market.
    currency : str
        Of the account.

    Raises
    ------
    ConfigError, DataError
        If an instrument has another currency and no rate, or none early enough.
    """
    values = np.array([instrument.multiplier for instrument in bars.instruments])
    if any(instrument.currency != currency for instrument in bars.instruments):
        return Worth(np.rint(conversion(bars, currency) * values * WORTH_UNIT).astype(np.int64))
    if (values == 1.0).all():
        return None
    return Worth(np.rint(values * WORTH_UNIT).astype(np.int64)[None, :])


def in_currency(bars: Bars, currency: str) -> Bars:
    """Return bars priced in one currency, for what compares returns.

    Parameters
    ----------
    bars : Bars
        The market with its rates.
    currency : str
        Wanted; bars that are priced in it come back as they are.
    """
    if all(instrument.currency == currency for instrument in bars.instruments):
        return bars
    rates = conversion(bars, currency)
    prices = {name: getattr(bars, name) * rates for name in ("open", "high", "low", "close")}
    named = tuple(replace(instrument, currency=currency) for instrument in bars.instruments)
    return replace(bars, instruments=named, **prices)
