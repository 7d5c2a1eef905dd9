"""Read the embedded sample."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from importlib.resources import as_file, files
from typing import Final

from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.errors import NoDataError, nearest
from tradewright.domain.instruments import AssetClass, Instrument, normalise_symbol
from tradewright.domain.panels import build_bars
from tradewright.domain.time import moment_ns
from tradewright.marketdata.calendars import calendar_of

FOLDER: Final = files("tradewright.marketdata.sample")
FUNDS: Final = frozenset({"SPY", "QQQ", "TLT", "GLD"})
NOTES: Final = (
    "survivorship: today's members (the sample's stocks were chosen knowing that they survived)",
    "prices are adjusted by the source for splits and dividends as of 2017-11",
)


@lru_cache(maxsize=1)
def _sector_table() -> dict[str, str]:
    with FOLDER.joinpath("sample_universe_sectors.csv").open(encoding="utf-8") as lines:
        return {row["symbol"]: row["sector"] for row in csv.DictReader(lines)}


def sectors() -> dict[str, str]:
    """Return the GICS sector of each symbol of the embedded sample.

    Returns
    -------
    dict of str to str
        Symbol to sector; empty text for the funds. Today's classification, also for older dates.

    Examples
    --------
    >>> sectors()["JPM"]
    'Financials'
    """
    return dict(_sector_table())


def sample_bars(
    symbols: Sequence[str] | str | None = None,
    start: str | date | datetime | None = None,
    end: str | date | datetime | None = None,
) -> Bars:
    """Return daily bars of the embedded sample, 32 US instruments, 2005 to 2017.

    Parameters
    ----------
    symbols : sequence of str, optional
        Which instruments, in the order wanted; all of them, by symbol, when left out.
    start, end : str, date or aware datetime, optional
        Bars that close in ``[start, end)``; a date is its midnight UTC.

    Returns
    -------
    Bars
        Prices adjusted for splits and dividends by the source; NaN where the source has no row.

    Raises
    ------
    NoDataError
        If a symbol is not in the sample (naming the nearest), or no bar lies in the range.
    DataError
        If a date cannot be read, or a datetime has no time zone.

    Notes
    -----
    Timing: a row is stamped with, and known at, the close of its New York session.
    Missing data: rows the source lacks are NaN; nothing is filled.

    Examples
    --------
    >>> bars = sample_bars(["AAPL", "SPY"], start="2017-11-06")
    >>> bars.symbols, bars.n_bars, str(bars.times[-1])
    (('AAPL', 'SPY'), 5, '2017-11-10T21:00:00.000000000')
    """
    import polars as pl

    known = _sector_table()
    names = _wanted(symbols, known)
    with as_file(FOLDER.joinpath("sample_universe.parquet")) as path:
        frame = pl.read_parquet(path, memory_map=False)
    if len(names) < len(known):
        frame = frame.filter(pl.col("symbol").is_in(names))
    index = {name: place for place, name in enumerate(names)}
    column = frame["symbol"].replace_strict(index, return_dtype=pl.Int64).to_numpy()
    days = frame["timestamp"].dt.date().to_numpy().astype("datetime64[D]")
    bars = build_bars(
        [_instrument(name, known[name]) for name in names],
        column,
        calendar_of("XNYS").close_stamps(days),
        {name: frame[name].cast(pl.Float64).to_numpy() for name in FIELDS},
        interval="1d",
        source="sample",
        adjustment="source_adjusted",
        notes=NOTES,
    )
    if start is None and end is None:
        return bars
    return bars.between(moment_ns(start), moment_ns(end))


def _wanted(symbols: Sequence[str] | str | None, known: dict[str, str]) -> list[str]:
    if symbols is None:
        return sorted(known)
    asked = [symbols] if isinstance(symbols, str) else list(symbols)
    names = list(dict.fromkeys(normalise_symbol(symbol) for symbol in asked))
    if not names:
        raise NoDataError("sample: no symbol was asked for")
    for name in names:
        if name not in known:
            raise NoDataError(f"symbol {name!r} is not in the sample; {nearest(name, known)}")
    return names


def _instrument(symbol: str, sector: str) -> Instrument:
    kind = AssetClass.ETF if symbol in FUNDS else AssetClass.STOCK
    return Instrument(symbol=symbol, asset_class=kind, sector=sector)
