"""A run as files for other programs; each file appears whole or not at all."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tradewright.domain.errors import ConfigError, EdgeError
from tradewright.domain.time import from_ns
from tradewright.services.results.documents import metrics_document, plain

if TYPE_CHECKING:
    from tradewright.services.runs import Run

TABLES: Final = ("trades", "fills", "orders", "equity", "exposure", "costs", "benchmark")
WINDOW_TABLES: Final = ("window_costs",)


def write_whole(path: str | Path, content: bytes) -> Path:
    """Write a file aside, sync and rename it.

    Parameters
    ----------
    path : str or Path
        Missing folders are made.
    content : bytes
        What to write.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    EdgeError
        If the disk refuses; what stood there before stays.
    """
    target = Path(path)
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise EdgeError(f"cannot write {target}: {error.strerror}") from error
    return target


def json_of(run: Run) -> str:
    """Return the run as one JSON document.

    Returns
    -------
    str
        What `tradewright.services.results.schema` describes; times as RFC 3339 UTC. The figures
        of a run that did not complete, or leaks, are null.
    """
    document: dict[str, Any] = {
        "manifest": run.manifest,
        "execution_start": run.execution_start.isoformat(),
        "execution_end": run.execution_end.isoformat(),
        "total_periods": run.total_periods,
        **metrics_document(run),
    }
    if run.may_show_performance:
        from tradewright.services.results.evidence import window_rows

        timeline = run.timeline
        document["acceptance"] = [
            {"name": c.name, "value": c.value, "limit": c.limit, "ok": c.ok} for c in run.acceptance
        ]
        document["windows"] = window_rows(run)
        document["period_results"] = [_texts(asdict(period)) for period in run.period_results]
        document["stability_metrics"] = run.stability_metrics
        document["cost_sensitivity"] = run.cost_sensitivity
        document["path_bounds"] = {
            **run.path_bounds,
            "path_dependent_fills": run.outcome.path_dependent_fills,
        }
        document["costs"] = {
            "instruments": run.costs.to_dicts(),
            "windows": run.window_costs.to_dicts(),
        }
        document["stress"] = dict(run.stress) or None
        document["controls"] = run.controls
        document["trades"] = [_texts(row) for row in run.trades.to_dicts()]
        document["actions"] = [_texts(row) for row in run.actions.to_dicts()]
        document["equity"] = {
            "time": [from_ns(int(ts)).isoformat() for ts in run.outcome.ts[timeline.rows]],
            **{name: run.benchmark[name].to_list() for name in run.benchmark.columns[1:]},
        }
    return json.dumps(plain(document), allow_nan=False, default=str)


def write_tables(run: Run, folder: str | Path, kind: str) -> list[Path]:
    """Write every table of a run into a folder.

    Parameters
    ----------
    run : Run
        What to write.
    folder : str or Path
        Made if missing.
    kind : str
        ``csv`` or ``parquet``.

    Returns
    -------
    list of Path
        One file per table; without trades, costs and benchmark where figures may not be shown, and
        with ``actions`` where corporate actions touched the account.

    Raises
    ------
    ConfigError
        If `kind` is another one.
    """
    import io

    if kind not in ("csv", "parquet"):
        raise ConfigError(f"format {kind!r} is not known; known: csv, parquet")
    names: tuple[str, ...] = ("fills", "orders", "equity")
    if run.may_show_performance:
        names = (*TABLES, *(WINDOW_TABLES if run.extras.windows else ()))
        names = (*names, *(("stress_starts",) if run.stress else ()))
    names = (*names, *(("actions",) if len(run.outcome.effects) else ()))
    written = []
    for name in names:
        frame, buffer = getattr(run, name), io.BytesIO()
        if kind == "csv":
            frame.write_csv(buffer, datetime_format="%Y-%m-%dT%H:%M:%S%.fZ")
        else:
            frame.write_parquet(buffer, compression="zstd")
        written.append(write_whole(Path(folder) / f"{name}.{kind}", buffer.getvalue()))
    return written


def _texts(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in row.items()}
