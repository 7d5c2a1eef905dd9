"""Read a file of bars: detect, say what was detected, check every row, stamp the closes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.errors import ConfigError, DataError, NoDataError
from tradewright.domain.panels import build_bars
from tradewright.marketdata.importers import meaning
from tradewright.marketdata.importers.actions_table import read_actions
from tradewright.marketdata.importers.columns import find_columns
from tradewright.marketdata.importers.files import LINE, load_table
from tradewright.marketdata.importers.options import ImportKeywords, ImportOptions, ImportResult
from tradewright.marketdata.importers.times import read_times
from tradewright.marketdata.validation import CheckedRows, check_rows

if TYPE_CHECKING:
    import polars as pl


def read_bars(
    path_or_frame: Any,
    columns: Mapping[str, str] | None = None,
    *,
    actions: Any = None,
    **options: Unpack[ImportKeywords],
) -> Bars:
    """Read bars from a file or a data frame.

    Parameters
    ----------
    path_or_frame : path, polars.DataFrame or pandas.DataFrame
        CSV, text, gzip, Parquet or Feather file, or a frame.
    columns : mapping of str to str, optional
        Field to column, for columns whose names are not recognised.
    actions : path, frame or sequence of CorporateAction, optional
        Splits, dividends and the like of prices as traded, see `read_actions`. Those that stand
        in the file of bars itself are taken unless given.
    **options
        Fields of `ImportOptions`: ``symbol timezone day_first interval stamp calendar adjustment
        decimal currency source on_bad now_ns``.

    Returns
    -------
    Bars
        Its `notes` say what was detected.

    Raises
    ------
    ConfigError
        If something cannot be told from the data; the message says which option to give.
    DataError
        If the file is missing, empty, damaged or no table of bars, or rows break a rule.

    Notes
    -----
    Timing: every bar is stamped with its close; see `ImportOptions.stamp`.
    Missing data: a row with NaN is refused, never filled; a missing volume column gives NaN.
    """
    found = import_bars(path_or_frame, ImportOptions(columns=columns or {}, **options))
    if actions is not None:
        is_table = isinstance(actions, list | tuple)
        return found.bars.with_actions(actions if is_table else read_actions(actions))
    return found.bars.with_actions(found.actions) if found.bars.adjustment == "none" else found.bars


def import_bars(source: Any, options: ImportOptions | None = None) -> ImportResult:
    """Read bars from a file or a data frame, with everything that was found out.

    Parameters
    ----------
    source : path, polars.DataFrame or pandas.DataFrame
        As in `read_bars`.
    options : ImportOptions, optional
        What is known.

    Returns
    -------
    ImportResult
        Bars, detections, quarantined rows, counts, actions.

    Raises
    ------
    ConfigError, DataError
        As in `read_bars`.
    """
    table, name = load_table(source)
    try:
        return _import(source, table, name, options or ImportOptions())
    except (ConfigError, DataError) as error:
        # Of several files the one that is meant must be named.
        if name in str(error) or type(error) not in (ConfigError, DataError, NoDataError):
            raise
        raise type(error)(f"{name}: {error}") from error


def _import(source: Any, table: pl.DataFrame, name: str, options: ImportOptions) -> ImportResult:
    import polars as pl

    columns = find_columns([n for n in table.columns if n != LINE], options.columns)
    detected = {"columns": ", ".join(f"{field}={column!r}" for field, column in columns.items())}
    times = read_times(table, columns, options)
    detected |= times.detected
    symbols, detected["symbol"] = meaning.read_symbols(table, columns, options, source)
    raw = pl.DataFrame(
        {
            "line": table[LINE].cast(pl.Int64),
            "symbol": symbols,
            "raw_time": table[columns["time"]].cast(pl.String),
            "ts": times.ts.cast(pl.Int64),
            **meaning.read_numbers(table, columns, options, detected),
        }
    )
    interval = meaning.find_interval(raw, times, options, detected)
    instruments = meaning.find_instruments(raw, options, detected)
    stamped = meaning.stamp_closes(
        raw, times, interval, instruments, options=options, detected=detected
    )
    now_ns = options.now_ns if options.now_ns is not None else time.time_ns()
    checked = check_rows(stamped, now_ns=now_ns)
    if options.on_bad == "raise":
        checked.refuse(name, as_written=partial(_cells_of, table, columns))
    rows = checked.accepted
    if rows.height == 0:
        raise DataError(f"{name}: none of {checked.rows_in} rows can be used")
    detected |= _counts(checked)
    adjustment = meaning.find_adjustment(rows, table, options, detected)
    present = [instruments[symbol] for symbol in sorted(set(rows["symbol"]))]
    index = {instrument.symbol: place for place, instrument in enumerate(present)}
    bars = build_bars(
        present,
        rows["symbol"].replace_strict(index, return_dtype=pl.Int64).to_numpy(),
        rows["ts"].to_numpy(),
        {field: rows[field].fill_null(float("nan")).to_numpy() for field in FIELDS},
        interval=interval,
        source=options.source,
        adjustment=adjustment,
        notes=tuple(f"import {key}: {value}" for key, value in detected.items()),
    )
    adjusted = rows.select("symbol", "ts", "adj_close") if "adj_close" in columns else None
    return ImportResult(
        bars=bars,
        detected=detected,
        quarantined=checked.quarantined,
        duplicates=checked.duplicates,
        rows_in=checked.rows_in,
        actions=meaning.read_actions(rows, options.source, adjustment),
        adjusted_close=adjusted,
    )


def _cells_of(table: pl.DataFrame, columns: dict[str, str], line: int) -> dict[str, object]:
    import polars as pl

    row = table.row(by_predicate=pl.col(LINE) == line, named=True)
    return {field: row[columns[field]] for field in ("symbol", *FIELDS) if field in columns}


def _counts(checked: CheckedRows) -> dict[str, str]:
    words = {
        "order": (checked.disordered, "rows were out of order and were sorted"),
        "duplicates": (checked.duplicates, "repeated rows were left out"),
        "quarantined": (checked.quarantined.height, "rows were set aside"),
    }
    return {key: f"{count} {text}" for key, (count, text) in words.items() if count}
