"""When a trade of an instrument settles, on its exchange's and its banks' calendars."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.domain.intervals import interval_ns, is_intraday
from tradewright.domain.time import NS_PER_SECOND
from tradewright.execution.settlement import BankDays, bank_days, settlement_date, value_date
from tradewright.marketdata.calendars import calendar_of
from tradewright.simulation.money.proceeds import SettledRows
from tradewright.simulation.tape.laid import LaidBars

_HOUR_S: Final = 3600
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


def settled_rows(bars: Bars) -> SettledRows:
    """Return when the sales of each bar of a tape are paid, for ``rules.settlement: cash``.

    Parameters
    ----------
    bars : Bars
        The market.

    Returns
    -------
    SettledRows
        First bars that open on the settlement date or later, by kind of instrument.

    Raises
    ------
    ConfigError
        If an instrument does not settle by date.

    Notes
    -----
    Timing: dates are those of the instrument's exchange. A sale counts as traded on the day of its
    bar's close, and a bar of weeks or months opens on the day after the close before.
    """
    rows, class_of = list[NDArray[np.int64]](), list[int]()
    places = dict[tuple[str, ...], int]()
    for instrument in bars.instruments:
        pair = instrument.symbol if instrument.asset_class is AssetClass.FOREX else ""
        kind = (instrument.asset_class.value, instrument.calendar, instrument.currency, pair)
        if kind not in places:
            places[kind] = len(rows)
            rows.append(_rows_of(bars, instrument))
        class_of.append(places[kind])
    return SettledRows(np.array(rows, dtype=np.int64), np.array(class_of, dtype=np.int64))


def _rows_of(bars: Bars, instrument: Instrument) -> NDArray[np.int64]:
    zone = ZoneInfo(calendar_of(instrument.calendar).timezone)
    traded = _days(bars.ts - 1, zone)
    opened = _days(_opens(bars), zone) if _is_timed(bars) else traded
    if bars.interval in ("1wk", "1mo"):
        opened = np.append(traded[:1], np.minimum(traded[:-1] + 1, traded[1:]))
    days, row_of = np.unique(traded, return_inverse=True)
    try:
        paid = [settles_on(day, instrument) for day in days.tolist()]
    except ConfigError as error:
        raise ConfigError(f"rules.settlement is 'cash': {instrument.symbol}: {error}") from None
    due = np.searchsorted(opened, np.array(paid, dtype="datetime64[D]"), side="left")
    return np.maximum(due[row_of], np.arange(bars.n_bars)).astype(np.int64)


def _is_timed(bars: Bars) -> bool:
    return isinstance(bars, LaidBars) or is_intraday(bars.interval)


def _opens(bars: Bars) -> NDArray[np.int64]:
    return bars.opens if isinstance(bars, LaidBars) else bars.ts - interval_ns(bars.interval)


def _days(stamps: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.datetime64]:
    # Local dates; the zone is asked once for each hour of the tape.
    hours, at = np.unique(stamps // (_HOUR_S * NS_PER_SECOND), return_inverse=True)
    found = [datetime.fromtimestamp(hour * _HOUR_S, zone).date() for hour in hours.tolist()]
    return np.array(found, dtype="datetime64[D]")[at]
