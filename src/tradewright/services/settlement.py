"""When a trade of an instrument settles, on its exchange's and its banks' calendars."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np

from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.execution.settlement import BankDays, bank_days, settlement_date, value_date
from tradewright.marketdata.calendars import calendar_of

_EXCHANGE_OF: Final = {
    "AUD": "XASX",
    "CAD": "XTSE",
    "CHF": "XSWX",
    "GBP": "XLON",
    "HKD": "XHKG",
    "JPY": "XTKS",
    "SEK": "XSTO",
}
"""Exchanges whose sessions stand for bank days where no rule is known."""


def settles_on(traded: date, instrument: Instrument) -> date:
    """Return the settlement date of a trade.

    Parameters
    ----------
    traded : date
        Trade date.
    instrument : Instrument
        What was traded; its calendar is the exchange.

    Returns
    -------
    date
        By the cycle that held on the trade date. A day on which the exchange is open and banks
        are closed does not count.

    Raises
    ------
    ConfigError
        If the contract does not settle by date, or the banks of a currency are not known.

    Examples
    --------
    >>> settles_on(date(2024, 10, 11), Instrument("AAPL")).isoformat()
    '2024-10-15'
    """
    kind = instrument.asset_class
    if kind is AssetClass.CRYPTO:
        return settlement_date(traded, kind, lambda _: True)
    if kind is AssetClass.FOREX:
        base, quote = instrument.symbol[:3], instrument.symbol[-3:]
        return value_date(traded, f"{base}/{quote}", _banks(base), _banks(quote))
    sessions, banks = _sessions(instrument.calendar), _banks(instrument.currency)
    return settlement_date(
        traded,
        kind,
        lambda day: sessions(day) and banks(day),
        is_us=instrument.currency == "USD",
    )


def _sessions(calendar: str) -> BankDays:
    known = calendar_of(calendar)
    return lambda day: bool(known.is_session(np.array([day], dtype="datetime64[D]"))[0])


def _banks(currency: str) -> BankDays:
    if currency in ("USD", "EUR"):
        return bank_days(currency)
    if currency in _EXCHANGE_OF:
        return _sessions(_EXCHANGE_OF[currency])
    raise ConfigError(f"bank days of {currency} are not known; known: EUR, USD, "
                      f"{', '.join(sorted(_EXCHANGE_OF))}")  # fmt: skip
