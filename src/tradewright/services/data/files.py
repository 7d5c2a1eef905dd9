"""Files in and out of the bar store."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, EdgeError
from tradewright.domain.time import from_ns
from tradewright.marketdata import ImportOptions, import_bars
from tradewright.services.data.looking import load
from tradewright.services.workspace import Workspace

FORMATS: Final = (".csv", ".parquet")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import found and stored.

    Parameters
    ----------
    file : str
        Name of the file.
    detected : mapping of str to str
        What was found out about it.
    symbols : tuple of str
        Symbols in it.
    first, last : str
        First and last close, RFC 3339.
    rows_in, accepted, quarantined, duplicates : int
        ``rows_in = accepted + quarantined + duplicates``.
    inserted, revised, unchanged : int
        What the store did with the accepted rows; zero on a dry run.
    actions : int
        Splits and dividends stored.
    refused : tuple of str
        The first quarantined rows with their rule.
    stored : bool
        False on a dry run.
    """

    file: str
    detected: Mapping[str, str]
    symbols: tuple[str, ...]
    first: str
    last: str
    rows_in: int
    accepted: int
    quarantined: int
    duplicates: int
    inserted: int
    revised: int
    unchanged: int
    actions: int
    refused: tuple[str, ...]
    stored: bool


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote."""

    file: str
    format: str
    rows: int
    symbols: tuple[str, ...]
    adjustment: str
    data_version: str


def import_file(
    workspace: Workspace,
    path: str | Path,
    options: ImportOptions | None = None,
    *,
    dry_run: bool = False,
) -> ImportReport:
    """Import a file of bars into the store.

    Parameters
    ----------
    workspace : Workspace
        Store and clock.
    path : path
        CSV, text, gzip, Parquet or Feather file.
    options : ImportOptions, optional
        What is known about it.
    dry_run : bool
        Whether only to show what would be stored.

    Returns
    -------
    ImportReport
        Detections and counts.

    Raises
    ------
    ConfigError
        If something must be said about the file; the message says which option.
    DataError
        If it holds no bars, or rows break a rule and ``on_bad`` is ``raise``.
    """
    now_ns = workspace.clock.now_ns()
    found = import_bars(path, options)
    bars = found.bars
    inserted = revised = unchanged = actions = 0
    if not dry_run:
        zone = found.detected.get("timezone", "days of the calendar")
        query = f"file {Path(path).name}, times: {zone}"
        written = workspace.bars.write(bars, ts_known=now_ns, query=query)
        inserted, revised, unchanged = written.inserted, written.revised, written.unchanged
        actions = workspace.bars.write_actions(found.actions)
        _keep_quarantined(workspace, found.quarantined, Path(path).name, now_ns)
    refused = tuple(
        f"line {row['line']}: {row['rule']}: {row['symbol']} {row['raw_time']}"
        for row in found.quarantined.head(20).iter_rows(named=True)
    )
    return ImportReport(
        file=Path(path).name,
        detected=found.detected,
        symbols=bars.symbols,
        first=from_ns(int(bars.ts[0])).isoformat(),
        last=from_ns(int(bars.ts[-1])).isoformat(),
        rows_in=found.rows_in,
        accepted=int((~np.isnan(bars.close)).sum()),
        quarantined=found.quarantined.height,
        duplicates=found.duplicates,
        inserted=inserted,
        revised=revised,
        unchanged=unchanged,
        actions=actions,
        refused=refused,
        stored=not dry_run,
    )


def export(
    workspace: Workspace,
    symbols: Sequence[str],
    out: str | Path,
    *,
    overwrite: bool = False,
    **selection: Any,
) -> ExportReport:
    """Write bars to a CSV or Parquet file, whole or not at all.

    Parameters
    ----------
    workspace : Workspace
        Store.
    symbols : sequence of str
        What to write.
    out : path
        ``.csv`` or ``.parquet``.
    overwrite : bool
        Whether an existing file may be replaced.
    **selection
        ``interval source start_ns end_ns as_of_ns adjustment``, see `load`.

    Returns
    -------
    ExportReport
        File, rows, version.

    Raises
    ------
    ConfigError
        If the file exists and `overwrite` is off, or its kind is not known.
    """
    path = Path(out)
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path}: kind {path.suffix!r} is not known; wanted .csv or .parquet")
    if path.exists() and not overwrite:
        raise ConfigError(f"{path}: the file exists; give --overwrite to replace it")
    bars = load(workspace, symbols, **selection)
    rows = _write_table(bars, path)
    return ExportReport(
        file=str(path),
        format=path.suffix.lower()[1:],
        rows=rows,
        symbols=bars.symbols,
        adjustment=bars.adjustment,
        data_version=bars.data_version,
    )


def _write_table(bars: Bars, path: Path) -> int:
    import polars as pl

    columns = bars.columns()
    table = pl.DataFrame({**columns, "symbol": columns["symbol"].tolist()}).with_columns(
        pl.col("timestamp").dt.replace_time_zone("UTC")
    )
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() == ".csv":
            table.write_csv(aside, datetime_format="%Y-%m-%dT%H:%M:%S%:z")
        else:
            table.write_parquet(aside, compression="zstd")
        os.replace(aside, path)
    except (OSError, pl.exceptions.PolarsError) as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise EdgeError(f"{path}: cannot be written: {error}") from error
    return table.height


# Refused rows are kept as they came, beside the store, until somebody decides on them.
def _keep_quarantined(workspace: Workspace, rows: Any, name: str, now_ns: int) -> None:
    if rows.height == 0:
        return
    folder = workspace.data_dir / "quarantine"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{from_ns(now_ns):%Y%m%dT%H%M%S}_{name}.parquet"
    aside = path.with_name(f".{path.name}.new")
    rows.write_parquet(aside)
    os.replace(aside, path)
