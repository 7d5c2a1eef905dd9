"""Tables that a run needs beside its bars, read from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewright.costs.funding import Funding, funding_by_symbol
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, NoDataError

if TYPE_CHECKING:
    import polars as pl


def read_table(path: str | Path, what: str) -> pl.DataFrame:
    """Return a CSV or Parquet file as a table.

    Parameters
    ----------
    path : str or Path
        The file; ``.parquet``, anything else is text with commas.
    what : str
        What it holds, for messages.

    Raises
    ------
    NoDataError
        If there is no such file, or it has no rows.
    ConfigError
        If it cannot be read.
    """
    import polars as pl

    file = Path(path)
    if not file.is_file():
        raise NoDataError(f"{what} {file}: no such file")
    try:
        is_parquet = file.suffix.lower() == ".parquet"
        table = pl.read_parquet(file) if is_parquet else pl.read_csv(file, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ConfigError(f"{what} {file}: {error}") from None
    if not table.height:
        raise NoDataError(f"{what} {file}: it has no rows")
    return table


def read_funding(path: str | Path, symbol: str = "") -> Funding:
    """Return the funding rates of a file, by symbol.

    Parameters
    ----------
    path : str or Path
        CSV or Parquet with columns ``time`` and ``rate``, and ``symbol`` where it has several; see
        `tradewright.costs.funding.funding_by_symbol` for spellings and forms of time.
    symbol : str
        Symbol of a file without such a column.

    Raises
    ------
    NoDataError
        If there is no such file, or it has no rows.
    ConfigError
        Naming file, row, the value found and the value wanted.
    """
    import polars as pl

    table = read_table(path, "funding")
    if symbol and not {"symbol", "instrument"} & {name.lower() for name in table.columns}:
        table = table.with_columns(symbol=pl.lit(symbol))
    try:
        found = funding_by_symbol(table)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return found or {}


def read_instruments(path: str | Path) -> dict[str, dict[str, Any]]:
    """Return the terms of contracts of a YAML (or JSON) file, by symbol.

    Parameters
    ----------
    path : str or Path
        ``ES: {multiplier: 50, tick_size: 0.25}``, a line a symbol; see
        `BacktestConfig.instruments`.

    Raises
    ------
    NoDataError
        If there is no such file.
    ConfigError
        Naming file, symbol and term.
    """
    from tradewright.services.markets.contracts import contracts_of
    from tradewright.services.study.safe_yaml import read_page

    file = Path(path)
    if not file.is_file():
        raise NoDataError(f"instruments {file}: no such file")
    try:
        found = contracts_of(read_page(file.read_text(encoding="utf-8"), str(file))[0])
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return {symbol: dict(terms) for symbol, terms in found.items()}


def with_rates(bars: Bars, path: str | Path) -> Bars:
    """Return bars with the rates of exchange of a file.

    Parameters
    ----------
    bars : Bars
        What is traded.
    path : str or Path
        CSV or Parquet: columns ``pair``, ``time`` and ``rate``, or bars of currency pairs.

    Raises
    ------
    NoDataError
        If there is no such file, or it has no rows.
    ConfigError, DataError
        Naming file, row, the value found and the value wanted.
    """
    from tradewright.marketdata import add_rates, read_bars

    table = read_table(path, "rates of exchange")
    names = {name.strip().lower() for name in table.columns}
    try:
        return add_rates(bars, table if "rate" in names else read_bars(path))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
