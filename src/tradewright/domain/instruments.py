"""What can be traded, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tradewright.domain.errors import DataError

SYMBOL_PATTERN: Final = re.compile(r"^[A-Z0-9^][A-Z0-9.\-/_=:]{0,31}$")


class AssetClass(StrEnum):
    """Kind of contract."""

    STOCK = "stock"
    ETF = "etf"
    INDEX = "index"
    EQUITY_OPTION = "equity_option"
    FOREX = "forex"
    CFD = "cfd"
    CRYPTO = "crypto"
    CRYPTO_PERP = "crypto_perp"
    FUTURE = "future"


def normalise_symbol(text: str) -> str:
    """Return the canonical spelling of a symbol: stripped and upper-cased.

    Raises
    ------
    DataError
        If the text is not a symbol.

    Examples
    --------
    >>> normalise_symbol(" aapl ")
    'AAPL'
    """
    symbol = str(text).strip().upper()
    if not SYMBOL_PATTERN.match(symbol):
        raise DataError(
            f"symbol {text!r} is not valid: letters, digits and . - / _ = : up to 32 characters"
        )
    return symbol


@dataclass(frozen=True, slots=True)
class Instrument:
    """A tradable contract.

    Parameters
    ----------
    symbol : str
        Canonical text, upper case.
    asset_class : AssetClass
        Kind of contract.
    currency : str
        Currency of its price.
    calendar : str
        Name of its sessions: an exchange_calendars code, ``24/5`` or ``24/7``.
    lot_size : float
        Smallest step of a quantity; 1e-8 where fractions are allowed.
    tick_size : float
        Smallest step of a price.
    sector : str
        GICS sector, empty where unknown.
    multiplier : float
        Units of what is priced that one contract stands for: a position is worth quantity times
        price times this; 1e-12 to 4e6, held to 1e-12.
    """

    symbol: str
    asset_class: AssetClass = AssetClass.STOCK
    currency: str = "USD"
    calendar: str = "XNYS"
    lot_size: float = 1e-8
    tick_size: float = 0.01
    sector: str = ""
    multiplier: float = 1.0

    def __post_init__(self) -> None:
        if not SYMBOL_PATTERN.match(self.symbol):
            raise DataError(f"symbol {self.symbol!r} is not canonical; use normalise_symbol first")
        if not 1e-8 <= self.lot_size < float("inf"):
            raise DataError(f"{self.symbol}: lot_size is {self.lot_size}, wanted at least 1e-8")
        if not 0 < self.tick_size < float("inf"):
            raise DataError(f"{self.symbol}: tick_size is {self.tick_size}, wanted above 0")
        if not 1e-12 <= self.multiplier <= 4e6:
            raise DataError(f"{self.symbol}: multiplier is {self.multiplier}, wanted 1e-12 to 4e6")
