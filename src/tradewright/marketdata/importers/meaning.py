"""What the columns of a table of bars mean: symbols, numbers, interval, stamps, adjustment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.actions import ActionKind, CorporateAction, dividends_as_traded
from tradewright.domain.bars import FIELDS
from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import (
    SYMBOL_PATTERN,
    AssetClass,
    Instrument,
    normalise_symbol,
)
from tradewright.domain.intervals import INTRADAY_MINUTES, NS_PER_MINUTE, parse_interval
from tradewright.domain.time import NS_PER_DAY
from tradewright.marketdata.calendars import TradingCalendar, calendar_of
from tradewright.marketdata.importers.options import ImportOptions
from tradewright.marketdata.importers.times import ReadTimes
from tradewright.marketdata.stamping import close_stamps

if TYPE_CHECKING:
    import polars as pl

CURRENCIES: Final = frozenset(
    ["AUD", "CAD", "CHF", "CNH", "EUR", "GBP", "HKD", "JPY", "NOK", "NZD", "SEK", "SGD", "USD"]
)
COINS: Final = frozenset(
    ["ADA", "BCH", "BTC", "DOGE", "DOT", "ETH", "LTC", "SOL", "USDC", "USDT", "XRP"]
)
PEGGED: Final = frozenset(["USDC", "USDT"])
EXTRA: Final = ("adj_close", "dividend", "split")
NAME_LAYOUTS: Final = (
    (re.compile(r"^([A-Za-z][A-Za-z0-9-]*)\.us$"), r"\1", "name of the .us file"),
    (re.compile(r"^([A-Z0-9]+)_([A-Z0-9]+)-\d+[mhdwM]$"), r"\1/\2", "name of the freqtrade file"),
    (re.compile(r"^([A-Z]{6})_\d*[A-Za-z]+\d*(?:_(?:ASK|BID))?$"), r"\1", "name of the forex file"),
    (re.compile(r"^(\^?[A-Z][A-Z0-9.=]{0,9})$"), r"\1", "name of the file"),
)


def read_symbols(
    table: pl.DataFrame, columns: Mapping[str, str], options: ImportOptions, source: Any
) -> tuple[pl.Series, str]:
    """Return the symbol of each row (null where it is none) and how it was found.

    Raises
    ------
    ConfigError
        If the table has no symbol column and its name shows none; give ``symbol``.
    """
    import polars as pl

    if "symbol" in columns:
        text = table[columns["symbol"]].cast(pl.String).str.strip_chars().str.to_uppercase()
        valid = text.str.contains(SYMBOL_PATTERN.pattern)
        frame = pl.DataFrame({"text": text, "valid": valid})
        symbols = frame.select(pl.when("valid").then("text")).to_series()
        return symbols, f"column {columns['symbol']!r}, {symbols.n_unique()} symbols"
    if options.symbol is not None:
        return pl.repeat(normalise_symbol(options.symbol), table.height, eager=True), "given"
    if isinstance(source, str | Path):
        stem = re.sub(r"\.(csv|txt|tsv|gz|parquet|feather|arrow|ipc)\b", "", Path(source).name)
        for pattern, form, found in NAME_LAYOUTS:
            if match := pattern.match(stem):
                symbol = normalise_symbol(match.expand(form))
                return pl.repeat(symbol, table.height, eager=True), f"{symbol}, from the {found}"
    raise ConfigError("the table has no symbol column and no telling name; give symbol='AAPL'")


def read_numbers(
    table: pl.DataFrame,
    columns: Mapping[str, str],
    options: ImportOptions,
    detected: dict[str, str],
) -> dict[str, pl.Series]:
    """Return the number columns as float64; text that is no number becomes NaN.

    Raises
    ------
    ConfigError
        If it cannot be told whether a comma is a decimal sign; give ``decimal``.
    """
    import polars as pl

    decimal = options.decimal
    texts = [table[columns[f]] for f in FIELDS if f in columns]
    texts = [t.drop_nulls() for t in texts if t.dtype == pl.String]
    with_comma = [t for t in texts if t.str.contains(",", literal=True).any()]
    if decimal is None and with_comma:
        joined = pl.concat(with_comma)
        thousands = joined.str.contains(r"^\s*[-$]?\d{1,3}(,\d{3})+(\.\d*)?\s*$")
        plain = ~joined.str.contains(",", literal=True)
        sure = joined.str.contains(r",\d*\.\d|,\d{3},").any()
        if (thousands | plain).all() and not sure and not joined.str.contains(r"\.").any():
            raise ConfigError(
                "numbers like '1,234' could be 1234 or 1.234; give decimal='.' or ','"
            )
        decimal = "." if (thousands | plain).all() else ","
    decimal = decimal or "."
    detected["decimal"] = decimal
    numbers: dict[str, pl.Series] = {}
    for field in (*FIELDS, *EXTRA):
        if field not in columns:
            if field == "volume":
                numbers[field] = pl.repeat(None, table.height, dtype=pl.Float64, eager=True)
                detected["volume"] = "none in the data"
            continue
        column = table[columns[field]]
        if column.dtype == pl.String:
            column = _to_numbers(column, decimal)
        numbers[field] = column.cast(pl.Float64, strict=False).fill_null(float("nan"))
    return numbers


def _to_numbers(column: pl.Series, decimal: str) -> pl.Series:
    import polars as pl

    text = column.str.strip_chars().str.strip_prefix("$")
    if decimal == ",":
        text = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    else:
        text = text.str.replace_all(",", "", literal=True)
    return text.cast(pl.Float64, strict=False)


def find_interval(
    raw: pl.DataFrame, times: ReadTimes, options: ImportOptions, detected: dict[str, str]
) -> str:
    """Return the length of the bars, from the most frequent step between them.

    Raises
    ------
    ConfigError
        If no step of a known interval is frequent; give ``interval``.
    """
    import polars as pl

    if options.interval is not None:
        detected["interval"] = f"{options.interval} (given)"
        return parse_interval(options.interval)
    steps = (
        raw.filter(pl.col("ts").is_not_null())
        .sort("symbol", "ts")
        .select(step=pl.col("ts").diff().over("symbol"))
        .filter(pl.col("step") > 0)["step"]
    )
    if times.is_date:
        days = float(steps.quantile(0.25, "lower") or NS_PER_DAY) / NS_PER_DAY
        found = "1d" if days < 5 else "1wk" if days < 12 else "1mo" if days < 45 else "3mo"
        detected["interval"] = found
        return found
    names = {minutes * NS_PER_MINUTE: name for name, minutes in INTRADAY_MINUTES.items()}
    counts = steps.value_counts(sort=True)
    top = int(counts["step"][0]) if counts.height else 0
    if top not in names and top != NS_PER_DAY:
        raise ConfigError(
            "the length of the bars cannot be told from their times; give interval='1m' or another"
        )
    found = names.get(top, "1d")
    share = float(counts["count"][0]) / max(len(steps), 1)
    detected["interval"] = f"{found} ({share:.0%} of the steps)"
    return found


def find_instruments(
    raw: pl.DataFrame, options: ImportOptions, detected: dict[str, str]
) -> dict[str, Instrument]:
    """Return the instrument of each symbol, with asset class and calendar read from its form."""
    instruments = {}
    for symbol in sorted(set(raw["symbol"].drop_nulls().to_list())):
        kind, calendar = asset_of(symbol)
        instruments[symbol] = Instrument(
            symbol=symbol,
            asset_class=kind,
            currency=options.currency or currency_of(symbol),
            calendar=options.calendar or calendar,
            tick_size=0.01 if kind in (AssetClass.STOCK, AssetClass.INDEX) else 1e-8,
        )
    calendars = sorted({i.calendar for i in instruments.values()})
    found = "given" if options.calendar else "from the form of the symbols; calendar= changes it"
    detected["calendar"] = f"{', '.join(calendars)} ({found})"
    return instruments


def asset_of(symbol: str) -> tuple[AssetClass, str]:
    """Return the asset class and calendar that the form of a symbol suggests.

    Parameters
    ----------
    symbol : str
        Canonical symbol.

    Returns
    -------
    (AssetClass, str)
        Forex and crypto pairs and index names are recognised; anything else is a New York stock.

    Examples
    --------
    >>> asset_of("EURUSD"), asset_of("BTC/USD")[1], asset_of("AAPL")[1]
    ((<AssetClass.FOREX: 'forex'>, '24/5'), '24/7', 'XNYS')
    """
    plain = re.sub(r"[/_-]", "", symbol.removesuffix("=X"))
    if len(plain) == 6 and {plain[:3], plain[3:]} <= CURRENCIES:
        return AssetClass.FOREX, "24/5"
    parts = re.split(r"[/_-]", symbol)
    if parts[0] in COINS and (len(parts) > 1 or symbol == parts[0]):
        perpetual = len(parts) > 1 and parts[1] == "PERP"
        return (AssetClass.CRYPTO_PERP if perpetual else AssetClass.CRYPTO), "24/7"
    for coin in COINS:
        if plain.startswith(coin) and plain[len(coin) :] in CURRENCIES | COINS:
            return AssetClass.CRYPTO, "24/7"
    if symbol.startswith("^"):
        return AssetClass.INDEX, "XNYS"
    return AssetClass.STOCK, "XNYS"


def currency_of(symbol: str) -> str:
    """Return the currency that the form of a symbol says its price is in.

    Examples
    --------
    >>> currency_of("EURGBP"), currency_of("ADA/BTC"), currency_of("BTCUSDT"), currency_of("AAPL")
    ('GBP', 'BTC', 'USD', 'USD')

    Notes
    -----
    Coins that are pegged to the dollar count as dollars.
    """
    kind, _ = asset_of(symbol)
    plain = re.sub(r"[/_-]", "", symbol.removesuffix("=X"))
    if kind is AssetClass.FOREX:
        return plain[3:]
    if kind is AssetClass.CRYPTO:
        for coin in sorted(COINS, key=len, reverse=True):
            quoted = plain[len(coin) :] if plain.startswith(coin) else ""
            if quoted in CURRENCIES | COINS - PEGGED:
                return quoted
    return "USD"


def stamp_closes(
    raw: pl.DataFrame,
    times: ReadTimes,
    interval: str,
    instruments: Mapping[str, Instrument],
    *,
    options: ImportOptions,
    detected: dict[str, str],
) -> pl.DataFrame:
    """Return the rows with `ts` moved to the close of each bar.

    Raises
    ------
    ConfigError
        If it cannot be told whether the times are opens or closes; give ``stamp``.
    """
    import polars as pl

    stamps = raw["ts"].to_numpy().copy() if not raw["ts"].has_nulls() else None
    filled = raw["ts"].fill_null(0).to_numpy().copy() if stamps is None else stamps
    days = (filled // NS_PER_DAY).astype("datetime64[D]")
    strange = 0
    for name in sorted({i.calendar for i in instruments.values()}):
        calendar = calendar_of(name)
        mine = [s for s, i in instruments.items() if i.calendar == name]
        rows = (raw["symbol"].is_in(mine) & raw["ts"].is_not_null()).to_numpy()
        stamp, why = _layout_stamp(times, calendar, options, detected)
        if not stamp:
            stamp, why = _seen_stamp(filled[rows], interval, calendar), "seen at session edges"
        detected["stamp"] = f"{stamp} ({why})"
        filled[rows] = close_stamps(filled[rows], stamp=stamp, interval=interval, calendar=calendar)
        if stamp == "session_date" and interval == "1d":
            strange += int((~calendar.is_session(days[rows])).sum())
    if strange:
        detected["sessions"] = f"{strange} rows lie on days that are no session of the calendar"
    stamped = pl.Series("ts", filled)
    return raw.with_columns(ts=pl.when(pl.col("ts").is_not_null()).then(stamped))


def _layout_stamp(
    times: ReadTimes, calendar: TradingCalendar, options: ImportOptions, detected: dict[str, str]
) -> tuple[str, str]:
    if times.is_date and (options.stamp is None or calendar.name != "24/7"):
        return "session_date", "dates without a time of day"
    if options.stamp is not None:
        return options.stamp, "given"
    columns = re.sub(r"[^a-z=']", "", detected["columns"].lower())
    if "time='opentime'" in columns or "freqtrade" in detected["symbol"]:
        return "open", "so by the layout"
    if "time='closetime'" in columns:
        return "close", "so by the layout"
    return "", ""


# A bar stamped with its open starts inside a session and never at its close; one stamped with its
# close ends inside and never at the open. Data that show neither edge do not tell.
def _seen_stamp(
    ts: np.ndarray[Any, np.dtype[np.int64]], interval: str, calendar: TradingCalendar
) -> str:
    if calendar.name != "24/7" and len(ts):
        as_close = calendar.session_of(ts) >= 0
        as_open = calendar.session_of(ts + 1) >= 0
        if as_open.mean() > 0.98 and as_open.sum() > as_close.sum():
            return "open"
        if as_close.mean() > 0.98 and as_close.sum() > as_open.sum():
            return "close"
    raise ConfigError(
        f"it cannot be told whether times are opens or closes of the {interval} bars; "
        "give stamp='open' or stamp='close'"
    )


def find_adjustment(
    rows: pl.DataFrame, table: pl.DataFrame, options: ImportOptions, detected: dict[str, str]
) -> str:
    """Return what was done to the prices, from the layout or the adjusted close beside them."""
    import polars as pl

    names = {name.lower().replace(" ", "") for name in table.columns}
    found, why = "none", "nothing in the data says otherwise; adjustment= changes it"
    if options.adjustment is not None:
        found, why = options.adjustment, "given"
    elif "openint" in names:
        found, why = "source_adjusted", "layout with OpenInt holds adjusted prices"
    elif {"adjclose", "stocksplits"} <= names:
        found, why = "splits", "layout of Yahoo with actions"
    elif "adj_close" in rows.columns:
        factor = pl.col("adj_close") / pl.col("close")
        step = (factor / factor.shift().over("symbol")).log().abs()
        jumps = rows.sort("symbol", "ts").select((step.is_finite() & (step > 0.35)).sum()).item()
        found = "none" if jumps else "splits"
        why = (
            f"adjusted close steps by a split {jumps} times"
            if jumps
            else "adjusted close is smooth"
        )
    detected["adjustment"] = f"{found} ({why})"
    return found


def read_actions(rows: pl.DataFrame, source: str, adjustment: str) -> tuple[CorporateAction, ...]:
    """Return the splits and dividends that the rows state, known from the ex-date on."""
    actions = []
    for field, kind in (("split", ActionKind.SPLIT), ("dividend", ActionKind.CASH_DIVIDEND)):
        if field not in rows.columns:
            continue
        for row in rows.filter(rows[field].is_finite() & (rows[field] > 0)).iter_rows(named=True):
            if field == "split" and row[field] == 1.0:
                continue
            ex_date = date(1970, 1, 1) + timedelta(days=row["ts"] // NS_PER_DAY)
            known = (row["ts"] // NS_PER_DAY) * NS_PER_DAY
            actions.append(CorporateAction(row["symbol"], kind, ex_date, row[field], known, source))
    return dividends_as_traded(actions) if adjustment == "splits" else tuple(actions)
