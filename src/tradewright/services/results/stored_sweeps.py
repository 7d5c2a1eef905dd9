"""Sweeps on disk: what was tried, what it gave, and the page that shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewright.domain.bars import Bars
from tradewright.domain.errors import DataError, NoDataError, nearest
from tradewright.domain.time import from_ns
from tradewright.services.results.documents import plain
from tradewright.services.sweeping.found import axis_of
from tradewright.services.sweeping.page import shown_rows, sweep_page

if TYPE_CHECKING:
    from tradewright.services.results.named import DataChoice, NamedRun
    from tradewright.services.results.sweeping import NamedSweep
    from tradewright.services.sweeping.found import Sweep
    from tradewright.services.workspace import Workspace

SETTINGS = ("cash", "fee_bps", "slippage_bps", "seed")
FILE, PAGE = "sweep.json", "report.html"


def folder_of(workspace: Workspace, sweep_id: str) -> Path:
    """Return where a sweep is kept."""
    return workspace.data_dir / "sweeps" / sweep_id


def keep_sweep(
    workspace: Workspace,
    told: NamedSweep,
    found: Sweep,
    *,
    wanted: NamedRun,
    bars: Bars,
    search: str,
    choice: DataChoice | None = None,
) -> None:
    """Store a sweep and its page; the same sweep run again takes its place.

    Parameters
    ----------
    workspace : Workspace
        Whose data directory.
    told : NamedSweep
        What it found.
    found : Sweep
        Its sets.
    wanted : NamedRun
        Strategy, cash and costs.
    bars : Bars
        The tape.
    search : str
        As it was asked for.
    choice : DataChoice, optional
        Where the bars came from.
    """
    title = f"{wanted.strategy} sweep"
    luck = {
        "counted": told.counted,
        "luck": told.luck,
        "overfitting": told.overfitting and told.overfitting.probability,
        "spa": told.superiority and told.superiority.spa,
    }
    rows = shown_rows(found)
    document = {
        "sweep_id": told.sweep_id,
        "title": title,
        "strategy": wanted.strategy,
        "search": search,
        "created_ns": workspace.clock.now_ns(),
        "symbols": list(bars.symbols),
        "first_day": str(from_ns(int(bars.ts[0])).date()),
        "last_day": str(from_ns(int(bars.ts[-1])).date()),
        "data_version": bars.data_version,
        "data": None if choice is None else asdict(choice),
        "settings": {name: getattr(wanted, name) for name in SETTINGS},
        "axes": {name: list(axis_of([row[name] for row in rows])) for name in found.parameters},
        "rows": rows,
        "failures": list(told.failures),
        "family": told.family,
        "digest": told.digest,
        **luck,
    }  # fmt: skip
    folder = folder_of(workspace, told.sweep_id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PAGE).write_text(sweep_page(found, title, luck), encoding="utf-8")
    whole = folder / f"{FILE}.part"
    whole.write_text(json.dumps(plain(document)), encoding="utf-8")
    whole.replace(folder / FILE)


def list_sweeps(workspace: Workspace) -> Sequence[Mapping[str, Any]]:
    """Return the stored sweeps without their rows, newest first; ``sets`` says how many."""
    found = []
    for path in (workspace.data_dir / "sweeps").glob(f"*/{FILE}"):
        document = _read(path)
        rows = document.pop("rows")
        found.append({**document, "sets": len(rows), "best": rows[0] if rows else None})
    return sorted(found, key=lambda row: -row["created_ns"])


def load_sweep(workspace: Workspace, sweep_id: str) -> Mapping[str, Any]:
    """Return a stored sweep as `keep_sweep` wrote it.

    Raises
    ------
    NoDataError
        If there is none, with the nearest.
    """
    path = folder_of(workspace, sweep_id) / FILE
    if not re.fullmatch(r"[0-9a-f]{16}", sweep_id) or not path.is_file():
        known = [str(row["sweep_id"]) for row in list_sweeps(workspace)]
        raise NoDataError(f"no sweep {sweep_id!r}; {nearest(sweep_id, known)}")
    return _read(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise DataError(f"{path}: is no stored sweep: {error}") from error
    return document
