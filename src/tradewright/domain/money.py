"""Exact money: integer minor units, and the scales of prices and quantities."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

from tradewright.domain.errors import ConfigError

PRICE_SCALE: Final = 8
"""Decimals of a price held as an integer."""

QTY_SCALE: Final = 8
"""Decimals of a quantity held as an integer."""

PRICE_UNIT: Final = 10**PRICE_SCALE
QTY_UNIT: Final = 10**QTY_SCALE

MINOR_EXPONENTS: Final[dict[str, int]] = {"BTC": 8, "ETH": 8, "JPY": 0, "KRW": 0}
"""Decimals of a currency's minor unit where they are not 2 (ISO 4217; crypto by convention)."""


def minor_exponent(currency: str) -> int:
    """Return how many decimals the minor unit of a currency has.

    Examples
    --------
    >>> minor_exponent("USD"), minor_exponent("JPY")
    (2, 0)
    """
    return MINOR_EXPONENTS.get(currency, 2)


def to_minor(amount: float | int | str | Decimal, currency: str = "USD") -> int:
    """Convert an amount to minor units, rounding half to even.

    Parameters
    ----------
    amount : float, int, str or Decimal
        Amount in major units (dollars).
    currency : str
        ISO 4217 code, or a crypto code.

    Returns
    -------
    int
        Minor units (cents).

    Raises
    ------
    ConfigError
        If the amount is not a finite number.

    Examples
    --------
    >>> to_minor(100_000), to_minor("0.125"), to_minor("0.135")
    (10000000, 12, 14)
    """
    try:
        value = Decimal(str(amount))
        scaled = value.scaleb(minor_exponent(currency))
        return int(scaled.to_integral_value(rounding=ROUND_HALF_EVEN))
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise ConfigError(f"amount {amount!r} is not a finite number of {currency}") from error


def from_minor(minor: int, currency: str = "USD") -> Decimal:
    """Convert minor units to an exact decimal amount.

    Examples
    --------
    >>> from_minor(12345)
    Decimal('123.45')
    """
    return Decimal(int(minor)).scaleb(-minor_exponent(currency))
