"""The finished sets of a sweep in a file, so that a killed sweep goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tradewright.domain.errors import ConfigError

BLOCK: Final = 512
"""Sets of arrays between two writes."""
SYNC_S: Final = 1.0
"""Seconds between two flushes to the disk; a process that is killed loses nothing even so."""

Row = tuple[float, ...] | None


def sweep_key(facts: Mapping[str, Any]) -> str:
    """Return the identity of a sweep: equal grids, searches, data and costs give equal text."""
    text = json.dumps(facts, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class SweepJournal:
    """Figures of finished sets by their number in the order in which the sweep asks for them.

    Parameters
    ----------
    path : Path
        The file; made when the first sets are finished.
    key : str
        From `sweep_key`.

    Raises
    ------
    ConfigError
        If the file is the journal of another sweep, or none at all.

    Notes
    -----
    A line is the number of a set and the rows of the sets from it on, as they were finished; a
    set that was left out is null, one that failed is not kept and is tried again. A line that was
    cut, and what follows it, is forgotten.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key = Path(path), key
        self.known: dict[int, Row] = {}
        self.counted: frozenset[int] = frozenset()
        """Sets that were counted as trials already, in a sweep some of whose sets failed."""
        self._synced = 0.0
        self._read()

    def append(self, first: int, rows: Sequence[Row]) -> None:
        """Keep the rows of the sets from number `first` on."""
        self._write([first, rows])

    def count(self, numbers: Sequence[int]) -> None:
        """Note that these sets are counted as trials."""
        self._write({"counted": list(numbers)})

    def finish(self) -> None:
        """Remove the file: the sweep is done."""
        self.path.unlink(missing_ok=True)

    def _write(self, line: Any) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self.path.exists()
        with self.path.open("a", encoding="utf-8") as file:
            if is_new:
                file.write(json.dumps({"sweep": self.key}) + "\n")
            file.write(json.dumps(line) + "\n")
            file.flush()
            if time.monotonic() - self._synced >= SYNC_S:
                os.fsync(file.fileno())
                self._synced = time.monotonic()

    def _read(self) -> None:
        try:
            lines = self.path.read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return
        head = _parsed(lines[0])
        if not isinstance(head, dict) or head.get("sweep") != self.key:
            raise ConfigError(
                f"{self.path}: belongs to another sweep or walk (grid, search, data, costs or rule "
                "differ); remove it or name another file"
            )
        good = [json.dumps(head)]
        for line in _whole(lines[1:]):
            good.append(json.dumps(line))
            if isinstance(line, dict):
                self.counted |= frozenset(line["counted"])
                continue
            first, rows = line
            for at, row in enumerate(rows):
                self.known[first + at] = None if row is None else tuple(row)
        # What was cut is cut off, so that the next line begins on a line of its own.
        self.path.write_text("\n".join(good) + "\n", encoding="utf-8")


def _whole(lines: Sequence[str]) -> Iterator[Any]:
    for line in lines:
        found = _parsed(line)
        is_rows = isinstance(found, list) and len(found) == 2 and isinstance(found[1], list)
        if not is_rows and not (isinstance(found, dict) and "counted" in found):
            return
        yield found


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None
