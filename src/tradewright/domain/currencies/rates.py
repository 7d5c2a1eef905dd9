"""Rates of exchange that lie with the bars: which there are, and the way from one to another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.domain.time import from_ns

FloatArray = NDArray[np.float64]
Pair = tuple[str, str]
QUOTED: Final = (AssetClass.FOREX, AssetClass.CRYPTO)
"""Kinds whose price is a rate of exchange."""


def pair_of(instrument: Instrument) -> Pair | None:
    """Return the two currencies that an instrument exchanges; None where it is no pair.

    Examples
    --------
    >>> pair_of(Instrument("EURGBP", AssetClass.FOREX, currency="GBP"))
    ('EUR', 'GBP')
    """
    if instrument.asset_class not in QUOTED:
        return None
    plain = re.sub(r"[/_-]", "", instrument.symbol.removesuffix("=X"))
    base = plain.removesuffix(instrument.currency)
    return (base, instrument.currency) if base and base != plain else None


def read_pair(text: str) -> Pair:
    """Return the two currencies of ``EUR/USD``; six letters alone are cut in the middle.

    Raises
    ------
    ConfigError
        If it is not such a text.
    """
    parts = re.split(r"[/_-]", str(text).strip().upper().removesuffix("=X"))
    if len(parts) == 1 and len(parts[0]) == 6:
        parts = [parts[0][:3], parts[0][3:]]
    if len(parts) != 2 or not all(re.fullmatch(r"[A-Z]{3,5}", part) for part in parts):
        raise ConfigError(f"pair {text!r}, wanted two currencies as EUR/USD")
    return parts[0], parts[1]


def known_rates(bars: Bars) -> dict[Pair, FloatArray]:
    """Return the last rate known at each close, by pair: what one of the first is worth.

    Parameters
    ----------
    bars : Bars
        Its `rates`, and instruments that are pairs, which count first.

    Returns
    -------
    dict of (str, str) to ndarray of shape (n_bars,)
        NaN before the first.
    """
    found = {read_pair(name): _carried(line) for name, line in bars.rates.items()}
    for column, instrument in enumerate(bars.instruments):
        pair = pair_of(instrument)
        if pair is not None:
            found[pair] = _carried(bars.close[:, column])
    return found


def rate_line(rates: Mapping[Pair, FloatArray], given: str, wanted: str) -> FloatArray | None:
    """Return what one unit of a currency is worth in another at each close.

    The pair itself, its inverse, or the way over one third currency, the first in the alphabet.

    Parameters
    ----------
    rates : mapping of (str, str) to ndarray
        From `known_rates`.
    given, wanted : str
        Currencies.

    Returns
    -------
    ndarray of shape (n_bars,) or None
        None where there is no such way.
    """
    direct = _direct(rates, given, wanted)
    if direct is not None:
        return direct
    for over in sorted({code for pair in rates for code in pair}):
        first, second = _direct(rates, given, over), _direct(rates, over, wanted)
        if first is not None and second is not None:
            return first * second
    return None


def conversion(bars: Bars, currency: str) -> FloatArray:
    """Return what one unit of each instrument's currency is worth in the account's.

    Parameters
    ----------
    bars : Bars
        The market with its rates.
    currency : str
        Of the account.

    Returns
    -------
    ndarray of shape (n_bars, n_instruments)
        The last rate known at each close; a row before an instrument's first bar holds its first
        rate, which nothing uses.

    Raises
    ------
    ConfigError
        If there is no rate for a currency.
    DataError
        If the first rate is later than the first bar that needs it.
    """
    rates, out = known_rates(bars), np.ones(bars.close.shape)
    lines: dict[str, FloatArray] = {}
    for column, instrument in enumerate(bars.instruments):
        own = instrument.currency
        if own == currency:
            continue
        if own not in lines:
            line = rate_line(rates, own, currency)
            if line is None:
                raise ConfigError(_no_rate(instrument, currency, rates))
            lines[own] = line
        out[:, column] = _usable(bars, column, lines[own], currency)
    return out


def _usable(bars: Bars, column: int, line: FloatArray, currency: str) -> FloatArray:
    known = np.flatnonzero(~np.isnan(line))
    priced = np.flatnonzero(~np.isnan(bars.close[:, column]))
    if len(priced) and (not len(known) or known[0] > priced[0]):
        symbol, first = bars.symbols[column], from_ns(bars.ts[priced[0]])
        told = f"is of {from_ns(bars.ts[known[0]]):%Y-%m-%d}" if len(known) else "is missing"
        raise DataError(
            f"{symbol}: its bars start {first:%Y-%m-%d}, but the first rate from "
            f"{bars.instruments[column].currency} to {currency} {told}"
        )
    return np.where(np.isnan(line), line[known[0]] if len(known) else 1.0, line)


def _no_rate(instrument: Instrument, currency: str, rates: Mapping[Pair, FloatArray]) -> str:
    own = instrument.currency
    there = ", ".join("/".join(pair) for pair in rates) or "none"
    return (
        f"{instrument.symbol} is priced in {own}, the account is in {currency}, and there is no "
        f"rate for {own}/{currency}; known rates: {there}. Add the pair to the bars, or its rates "
        "with marketdata.add_rates"
    )


def _direct(rates: Mapping[Pair, FloatArray], given: str, wanted: str) -> FloatArray | None:
    if (given, wanted) in rates:
        return rates[given, wanted]
    if (wanted, given) in rates:
        inverse: FloatArray = 1.0 / rates[wanted, given]
        return inverse
    return None


def _carried(line: FloatArray) -> FloatArray:
    # The last value that is not NaN, as of each row.
    known = ~np.isnan(line)
    rows = np.maximum.accumulate(np.where(known, np.arange(len(line)), -1))
    found: FloatArray = np.where(rows >= 0, line[np.maximum(rows, 0)], np.nan)
    return found
