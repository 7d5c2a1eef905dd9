"""The finished sets of a sweep in a file, so that a killed sweep goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tradewright.domain.errors import ConfigError

BLOCK: Final = 512
"""Sets between two writes."""

Row = tuple[float, ...] | None


def sweep_key(facts: Mapping[str, Any]) -> str:
    """Return the identity of a sweep: equal grids, searches, data and costs give equal text."""
    text = json.dumps(facts, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class SweepJournal:
    """Figures of finished sets, in the order in which the sweep asks for them.

    Parameters
    ----------
    path : Path
        The file; made when the first block is finished.
    key : str
        From `sweep_key`.

    Raises
    ------
    ConfigError
        If the file is the journal of another sweep, or none at all.

    Notes
    -----
    A line is a block of rows; a set that was left out is null. The last line is forgotten if it
    was cut.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key = Path(path), key
        self.kept = 0
        self._rows = iter(self._read())

    def take(self, count: int) -> list[Row]:
        """Return the rows of the next sets that are finished, at most `count`."""
        found: list[Row] = []
        for row in self._rows:
            found.append(row)
            if len(found) == count:
                break
        self.kept += len(found)
        return found

    def append(self, rows: Sequence[Row]) -> None:
        """Keep the rows of a finished block."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self.path.exists()
        with self.path.open("a", encoding="utf-8") as file:
            if is_new:
                file.write(json.dumps({"sweep": self.key}) + "\n")
            file.write(json.dumps(rows) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def finish(self) -> None:
        """Remove the file: the sweep is done."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> list[Row]:
        try:
            lines = self.path.read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return []
        found: list[Row] = []
        head = _parsed(lines[0])
        if not isinstance(head, dict) or head.get("sweep") != self.key:
            raise ConfigError(
                f"{self.path}: belongs to another sweep (grid, search, data, costs or rule "
                "differ); remove it or name another file"
            )
        for line in _whole(lines[1:]):
            found += [None if row is None else tuple(row) for row in line]
        # What was cut is cut off, so that the next block begins on a line of its own.
        good = [json.dumps(head), *(json.dumps(line) for line in _whole(lines[1:]))]
        self.path.write_text("\n".join(good) + "\n", encoding="utf-8")
        return found


def _whole(lines: Sequence[str]) -> Iterator[list[Any]]:
    for line in lines:
        found = _parsed(line)
        if not isinstance(found, list):
            return
        yield found


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None
