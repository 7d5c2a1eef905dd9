"""A run as files, and back: lossless, readable after the code changed, without any other data."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.actions import action_from_row, action_row
from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.errors import DataError
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.domain.outcome import EFFECT_DTYPE, FILL_DTYPE, ORDER_DTYPE, Outcome, RunStatus
from tradewright.metrics.sessions import session_rows

if TYPE_CHECKING:
    import polars as pl

    from tradewright.services.runs import Run

FORMAT: Final = 1
MOST_CELLS: Final = 600_000
"""Bars times instruments stored at full resolution; above it the chart keeps sessions."""

_EQUITY: Final = ("equity", "cash", "long_value", "short_value", "financing")


def write_documents(run: Run) -> dict[str, bytes]:
    """Return the files of a run by name.

    Returns
    -------
    dict of str to bytes
        ``manifest.json metrics.json extras.json outcome.json equity.parquet fills.parquet
        orders.parquet bars.parquet``, where figures may be shown ``trades.parquet
        benchmark.parquet``, and where corporate actions touched the account ``effects.parquet``.
    """
    outcome = run.outcome
    equity = {"ts": outcome.ts, **{name: getattr(outcome, name) for name in _EQUITY}}
    if outcome.funding is not None:
        equity["funding"] = outcome.funding
    if outcome.unsettled is not None:
        equity["unsettled"] = outcome.unsettled
    documents = {
        "manifest.json": as_json(run.manifest),
        "metrics.json": as_json(metrics_document(run)),
        "extras.json": as_json(_extras_document(run)),
        "outcome.json": as_json(_outcome_document(run)),
        "equity.parquet": _parquet(equity),
        "fills.parquet": _parquet(_columns(outcome.fills)),
        "orders.parquet": _parquet(_columns(outcome.orders)),
        "bars.parquet": _parquet(_bars_columns(chart_bars(run.bars))),
    }
    if len(outcome.effects):
        documents["effects.parquet"] = _parquet(_columns(outcome.effects))
    if run.may_show_performance:
        documents["trades.parquet"] = _frame_bytes(run.trades)
        documents["benchmark.parquet"] = _frame_bytes(run.benchmark)
    return documents


def _extras_document(run: Run) -> dict[str, Any]:
    # What needs the plan to be computed is stored with the run.
    document = run.extras.as_document()
    if run.outcome.path_dependent_fills:
        document["path_bounds"] = dict(run.path_bounds)
    return document


def metrics_document(run: Run) -> dict[str, Any]:
    """Return verdict, metrics and statistics; the figures are null where they may not be shown."""
    verdict = run.verdict
    shown = verdict.may_show_performance
    return {
        "verdict": {
            "word": verdict.word,
            "sentence": verdict.sentence,
            "cautions": list(verdict.cautions),
        },
        "metrics": dict(run.metrics) if shown else None,
        "statistics": run.statistics.as_document() if shown else None,
        "acceptance": [asdict(check) for check in run.acceptance] if shown else [],
        "chance": run.chance.as_document() if shown else None,
        "attribution": run.attribution.as_document() if shown and run.attribution else None,
        "benchmarks": [held.name for held in run.benchmarks] if shown else [],
        "periods_per_year": run.timeline.periods_per_year if shown else None,
        "risk_free": run.risk_free,
    }


def read_outcome(read: Callable[[str], bytes]) -> tuple[Outcome, Bars, dict[str, Any]]:
    """Rebuild outcome and bars from files.

    Parameters
    ----------
    read : callable
        Returns the bytes of a file by its name.

    Returns
    -------
    outcome, bars, document : Outcome, Bars, dict
        The document holds name, kind, seed and the other arguments of the run.

    Raises
    ------
    DataError
        If a file is not what was written; names the file.
    """
    document = read_json(read, "outcome.json")
    if document.get("format") != FORMAT:
        raise DataError(f"outcome.json: format {document.get('format')!r}, wanted {FORMAT}")
    instruments = tuple(_instrument(item) for item in document["instruments"])
    equity = _table(read, "equity.parquet")
    outcome = Outcome(
        instruments=instruments,
        ts=equity["ts"],
        **{name: equity[name] for name in _EQUITY},
        fills=_structured(read, "fills.parquet", FILL_DTYPE),
        effects=_effects(read, document),
        actions=tuple(action_from_row(row) for row in document.get("actions", ())),
        orders=_structured(read, "orders.parquet", ORDER_DTYPE),
        initial_cash=document["initial_cash"],
        marks=np.array([math.nan if m is None else m for m in document["marks"]], dtype=float),
        currency=document["currency"],
        worth=None if document.get("worth") is None else np.array(document["worth"], dtype=float),
        status=RunStatus(document["status"]),
        message=document["message"],
        path_dependent_fills=document["path_dependent_fills"],
        notes=tuple(document["notes"]),
        funding=equity.get("funding"),
        unsettled=equity.get("unsettled"),
    )
    bars = _bars(read, document["bars"], instruments)
    return outcome, bars, document


def chart_bars(bars: Bars) -> Bars:
    """Return the bars to keep with a run: all of them, or sessions where they are too many.

    Returns
    -------
    Bars
        Above `MOST_CELLS` cells the bars of a session are joined (open first, high max, low min,
        close last, volume sum) and a note says so.
    """
    if bars.n_bars * bars.n_instruments <= MOST_CELLS:
        return bars
    rows = session_rows(bars.ts, interval=bars.interval, calendar=bars.instruments[0].calendar)
    if len(rows) == bars.n_bars:
        return bars
    starts = np.concatenate((np.array([0], dtype=np.int64), rows[:-1] + 1))
    with np.errstate(invalid="ignore"):
        joined: dict[str, Any] = {
            "open": bars.open[starts],
            "high": np.fmax.reduceat(bars.high, starts, axis=0),
            "low": np.fmin.reduceat(bars.low, starts, axis=0),
            "close": bars.close[rows],
            "volume": np.add.reduceat(np.nan_to_num(bars.volume), starts, axis=0),
        }
    return Bars(
        instruments=bars.instruments,
        ts=bars.ts[rows],
        **joined,
        interval="1d",
        source=bars.source,
        adjustment=bars.adjustment,
        data_version=bars.data_version,
        notes=(*bars.notes, f"kept with the run as sessions, traded as {bars.interval}"),
        rates={name: line[rows] for name, line in bars.rates.items()},
        actions=bars.actions,
    )


def as_json(value: Any) -> bytes:
    """Write plain values as JSON: NaN and infinity become null, keys keep their order."""
    return json.dumps(plain(value), allow_nan=False, indent=1, default=str).encode()


def plain(value: Any) -> Any:
    """Return the same with NaN and infinity as None, tuples as lists and NumPy numbers as Python's.

    Examples
    --------
    >>> plain({"a": (1.0, float("nan")), "b": np.int64(3)})
    {'a': [1.0, None], 'b': 3}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def read_json(read: Callable[[str], bytes], name: str) -> dict[str, Any]:
    """Read one JSON file of a run.

    Raises
    ------
    DataError
        If it is not a JSON object; names the file.
    """
    try:
        found = json.loads(read(name))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{name} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{name} holds {type(found).__name__}, wanted an object")
    return found


def _outcome_document(run: Run) -> dict[str, Any]:
    outcome, bars = run.outcome, run.bars
    kept = chart_bars(bars)
    return {
        "format": FORMAT,
        "name": run.name,
        "kind": run.kind,
        "seed": run.seed,
        "created_ns": run.created_ns,
        "risk_free": run.risk_free,
        "benchmark": run.benchmark_symbol,
        "instruments": [asdict(instrument) for instrument in outcome.instruments],
        "initial_cash": int(outcome.initial_cash),
        "marks": [float(mark) for mark in outcome.marks],
        "worth": None if outcome.worth is None else [float(w) for w in outcome.worth],
        "currency": outcome.currency,
        "status": str(outcome.status),
        "message": outcome.message,
        "path_dependent_fills": int(outcome.path_dependent_fills),
        "notes": list(outcome.notes),
        "bars": {
            "interval": kept.interval,
            "traded_interval": bars.interval,
            "source": bars.source,
            "adjustment": bars.adjustment,
            "data_version": bars.data_version,
            "notes": list(kept.notes),
            **({"actions": [action_row(a) for a in bars.actions]} if bars.actions else {}),
        },
        **(
            {"actions": [action_row(action) for action in outcome.actions]}
            if len(outcome.effects)
            else {}
        ),
    }


def _effects(read: Callable[[str], bytes], document: Mapping[str, Any]) -> NDArray[np.void]:
    # What corporate actions did, where they touched the account.
    if "actions" in document:
        return _structured(read, "effects.parquet", EFFECT_DTYPE)
    return np.zeros(0, dtype=EFFECT_DTYPE)


def _columns(table: NDArray[np.void]) -> dict[str, NDArray[Any]]:
    return {name: np.ascontiguousarray(table[name]) for name in table.dtype.names or ()}


def _bars_columns(bars: Bars) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {"ts": bars.ts}
    for name in FIELDS:
        panel = getattr(bars, name)
        for index in range(bars.n_instruments):
            columns[f"{name}_{index}"] = np.ascontiguousarray(panel[:, index])
    return columns | {f"rate {name}": line for name, line in bars.rates.items()}


def _bars(
    read: Callable[[str], bytes], about: Mapping[str, Any], instruments: tuple[Instrument, ...]
) -> Bars:
    table = _table(read, "bars.parquet")
    panels: dict[str, Any] = {}
    for name in FIELDS:
        columns = [table[f"{name}_{index}"] for index in range(len(instruments))]
        panels[name] = np.column_stack(columns)
    return Bars(
        instruments=instruments,
        ts=table["ts"],
        **panels,
        interval=about["interval"],
        source=about["source"],
        adjustment=about["adjustment"],
        data_version=about["data_version"],
        notes=tuple(about["notes"]),
        rates={n.removeprefix("rate "): table[n] for n in table if n.startswith("rate ")},
        actions=tuple(action_from_row(row) for row in about.get("actions", ())),
    )


def _instrument(item: Mapping[str, Any]) -> Instrument:
    return Instrument(**{**item, "asset_class": AssetClass(item["asset_class"])})


def _parquet(columns: Mapping[str, NDArray[Any]]) -> bytes:
    import polars as pl

    return _frame_bytes(pl.DataFrame(dict(columns)))


def _frame_bytes(frame: Any) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def read_frame(read: Callable[[str], bytes], name: str) -> pl.DataFrame:
    """Read one table of a run.

    Raises
    ------
    DataError
        If it is not Parquet; names the file.
    """
    import polars as pl

    try:
        return pl.read_parquet(io.BytesIO(read(name)))
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{name} is not a Parquet table: {error}") from error


def _table(read: Callable[[str], bytes], name: str) -> dict[str, NDArray[Any]]:
    frame = read_frame(read, name)
    return {column: frame[column].to_numpy() for column in frame.columns}


def _structured(read: Callable[[str], bytes], name: str, dtype: np.dtype[Any]) -> NDArray[np.void]:
    columns = _table(read, name)
    missing = [field for field in dtype.names or () if field not in columns]
    if missing:
        raise DataError(f"{name}: column {missing[0]!r} is missing")
    length = len(next(iter(columns.values()))) if columns else 0
    table: NDArray[np.void] = np.empty(length, dtype)
    for field in dtype.names or ():
        table[field] = columns[field]
    return table
