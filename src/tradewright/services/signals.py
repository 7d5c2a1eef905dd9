"""Replay a list of dated signals, and say how good they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, DataError, nearest
from tradewright.domain.instruments import normalise_symbol
from tradewright.domain.signals import Action
from tradewright.domain.time import to_ns
from tradewright.metrics.signal_quality import SignalQuality, signal_quality
from tradewright.strategies.signal_replay import DatedSignal

REQUIRED: Final = ("timestamp", "symbol", "action")
OPTIONAL: Final = ("confidence", "size", "stop", "target", "hold")
_DIRECTION: Final = {Action.BUY: 1.0, Action.HOLD: 0.0, Action.SELL: -1.0}


def read_signals(source: str | Path | Any) -> tuple[DatedSignal, ...]:
    """Read dated signals from a CSV or Parquet file or a frame.

    Parameters
    ----------
    source : path or polars.DataFrame
        Columns ``timestamp, symbol, action`` and, where there are some, ``confidence, size, stop,
        target, hold``. A timestamp is a date (known at that session's close) or a time with its
        offset; an action is BUY, HOLD or SELL in either case.

    Returns
    -------
    tuple of DatedSignal
        In the order of the file.

    Raises
    ------
    DataError
        Naming the file, the row and what was wanted.
    """
    name, table = _table(source)
    columns = {str(column).strip().lower(): column for column in table.columns}
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise DataError(
            f"{name}: no column {missing[0]!r} among {', '.join(table.columns)}; wanted "
            f"{', '.join(REQUIRED)} and perhaps {', '.join(OPTIONAL)}"
        )
    for column in columns:
        if column not in (*REQUIRED, *OPTIONAL):
            hint = nearest(column, (*REQUIRED, *OPTIONAL))
            raise DataError(f"{name}: column {column!r} is not known; {hint}")
    rows = table.rename({old: new for new, old in columns.items()}).to_dicts()
    if not rows:
        raise DataError(f"{name}: it has no signal")
    return tuple(_signals(name, rows))


def judge_signals(signals: Sequence[DatedSignal], bars: Bars, *, horizon: int = 5) -> SignalQuality:
    """Measure what followed signals: from the open after each, over some bars.

    Parameters
    ----------
    signals : sequence of DatedSignal
        In any order.
    bars : Bars
        The tape.
    horizon : int
        Bars from the next open to the close that is compared, >= 1.

    Returns
    -------
    SignalQuality
        Signals whose horizon reaches over the end of the tape do not count.

    Raises
    ------
    ConfigError
        If the horizon is below 1.
    DataError
        If a signal names an instrument that the bars do not have.
    """
    if horizon < 1:
        raise ConfigError(f"horizon is {horizon}, wanted 1 bar or more")
    ordered = sorted(signals, key=lambda signal: signal.ts_known)
    place = {symbol: column for column, symbol in enumerate(bars.symbols)}
    strange = sorted({signal.symbol for signal in ordered} - place.keys())
    if strange:
        raise DataError(f"signals name {', '.join(strange)}, which the bars do not have")
    columns = np.array([place[signal.symbol] for signal in ordered], dtype=np.int64)
    rows = np.searchsorted(bars.ts, [signal.ts_known for signal in ordered])
    entry, leave = rows + 1, rows + horizon
    reaches = leave < bars.n_bars
    entry, leave = np.where(reaches, entry, 0), np.where(reaches, leave, 0)
    moved = bars.close[leave, columns] / bars.open[entry, columns] - 1.0
    return signal_quality(
        np.array([_DIRECTION[signal.action] for signal in ordered]),
        np.array([signal.confidence for signal in ordered]),
        np.where(reaches, moved, np.nan),
        instrument=columns,
        instrument_sessions=int((~np.isnan(bars.close)).sum()),
    )


def _table(source: Any) -> tuple[str, Any]:
    import polars as pl

    if isinstance(source, pl.DataFrame):
        return "signals", source
    path = Path(source)
    try:
        if path.suffix == ".parquet":
            return path.name, pl.read_parquet(path)
        return path.name, pl.read_csv(path, infer_schema=False)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path.name}: cannot be read as a table: {error}") from None


def _signals(name: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[DatedSignal]:
    for number, row in enumerate(rows, start=1):
        try:
            yield DatedSignal(
                ts_known=_moment(row["timestamp"]),
                symbol=normalise_symbol(str(row["symbol"] or "")),
                action=Action.of(str(row["action"] or "").strip()),
                confidence=_number(row, "confidence", float("nan")),
                size=_number(row, "size", None),
                stop=_number(row, "stop", None),
                target=_number(row, "target", None),
                hold=_bars(row),
            )
        except (DataError, ConfigError) as error:
            raise DataError(f"{name}, row {number}: {error}") from None


def _moment(value: Any) -> int:
    from datetime import UTC, date, datetime

    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError:
            raise DataError(f"timestamp is {value!r}, wanted 2016-01-31 or a time") from None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise DataError(f"timestamp {value} has no offset; write {value}+00:00 for UTC")
        return to_ns(value)
    if isinstance(value, date):
        return to_ns(datetime(value.year, value.month, value.day, tzinfo=UTC))
    raise DataError(f"timestamp is {value!r}, wanted a date or a time with its offset")


def _number(row: Mapping[str, Any], key: str, missing: Any) -> Any:
    value = row.get(key)
    if value is None or value == "":
        return missing
    try:
        return float(value)
    except (TypeError, ValueError):
        raise DataError(f"{key} is {value!r}, wanted a number") from None


def _bars(row: Mapping[str, Any]) -> int | None:
    value = _number(row, "hold", None)
    if value is not None and not float(value).is_integer():
        raise DataError(f"hold is {value}, wanted whole bars")
    return None if value is None else int(value)
