"""The manifest: which files make up the store right now."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from tradewright.adapters.stores.bar_files.files import write_whole
from tradewright.domain.errors import DataError
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.ports.bar_store import SeriesInfo

FORMAT: Final = 1
NAME: Final = "manifest.json"


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file: rows of some symbols, sorted by symbol and time.

    `partition` is ``source/interval/symbol-bucket/first year``; `revised` says whether it holds
    later values of bars in other parts; `lost` that the file was damaged and set aside. `counts`
    are the rows of each symbol, in the order of the file; `timeline` is the digest of its times
    (empty in parts of old stores): parts that share one need it read once.
    """

    path: str
    partition: str
    symbols: tuple[str, ...]
    counts: tuple[int, ...]
    first_ts: int
    last_ts: int
    first_known: int
    rows: int
    n_bytes: int
    revised: bool = False
    lost: bool = False
    timeline: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """What is stored of one symbol from one source at one interval, and what the symbol is."""

    instrument: Instrument
    source: str
    interval: str
    adjustment: str
    first_ts: int
    last_ts: int
    rows: int
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """Source, interval, symbol."""
        return self.source, self.interval, self.instrument.symbol

    def info(self) -> SeriesInfo:
        """Return the public record of the series."""
        return SeriesInfo(
            symbol=self.instrument.symbol,
            source=self.source,
            interval=self.interval,
            first_ts=self.first_ts,
            last_ts=self.last_ts,
            rows=self.rows,
            adjustment=self.adjustment,
            calendar=self.instrument.calendar,
            sector=self.instrument.sector,
        )


@dataclass(frozen=True, slots=True)
class Manifest:
    """A consistent state of the store; a reader that holds one sees a snapshot."""

    revision: int = 0
    parts: tuple[Part, ...] = ()
    series: dict[tuple[str, str, str], Series] = field(default_factory=dict)
    datasets: tuple[dict[str, Any], ...] = ()
    actions: str = ""

    def changed(self, **changes: Any) -> Manifest:
        """Return the next state."""
        return replace(self, revision=self.revision + 1, **changes)


def load_manifest(root: Path) -> Manifest:
    """Read the manifest of a store; an empty store has none.

    Raises
    ------
    DataError
        If the file is damaged or of a later format.
    """
    path = root / NAME
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Manifest()
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: the manifest of the bar store cannot be read: {error}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise DataError(f"{path}: format {data.get('format')!r}, this version reads {FORMAT}")
    try:
        return _from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: the manifest of the bar store is damaged: {error!r}") from error


def save_manifest(root: Path, manifest: Manifest) -> None:
    """Replace the manifest at once; a crash leaves the old or the new one."""
    text = json.dumps(_to_json(manifest), separators=(",", ":")).encode()
    write_whole(root / NAME, lambda aside: _write(aside, text))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _to_json(manifest: Manifest) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "revision": manifest.revision,
        "actions": manifest.actions,
        "parts": [asdict(part) for part in manifest.parts],
        "series": [asdict(series) for series in manifest.series.values()],
        "datasets": list(manifest.datasets),
    }


def _from_json(data: dict[str, Any]) -> Manifest:
    parts = tuple(
        Part(**{**row, "symbols": tuple(row["symbols"]), "counts": tuple(row["counts"])})
        for row in data["parts"]
    )
    series = {}
    for row in data["series"]:
        instrument = dict(row["instrument"])
        instrument["asset_class"] = AssetClass(instrument["asset_class"])
        made = Series(
            **{**row, "instrument": Instrument(**instrument), "notes": tuple(row["notes"])}
        )
        series[made.key] = made
    return Manifest(
        revision=data["revision"],
        parts=parts,
        series=series,
        datasets=tuple(data["datasets"]),
        actions=data["actions"],
    )
