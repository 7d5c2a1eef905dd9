"""The finished windows of a rule's walk-forward in a file, so that a killed one goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from tradewright.domain.bars import Bars
from tradewright.services.sweeping.journal import SweepJournal, sweep_key
from tradewright.training.splits import Window

DAYS = ("train_from", "train_to", "test_from", "test_to")


class WindowWork(Protocol):
    """What walks windows."""

    tried: dict[tuple[Any, ...], list[float]]

    def walk(self, window: Window) -> tuple[dict[str, Any], Any]:
        """Choose and test one window; return its row and what decides in it."""
        ...

    def made(self, window: Window, chosen: Mapping[str, Any]) -> Any:
        """Return what decides in a window's test."""
        ...

    def note(self, chosen: Iterable[Any], ratio: float) -> None:
        """Remember the ratio of a set in one window."""
        ...


class WalkJournal:
    """Rows of finished windows, and the ratio of every set tried in them.

    Parameters
    ----------
    path : Path
        The file; made when the first window is finished.
    bars : Bars
        The tape.
    values : mapping of str to sequence
        Values of each parameter; a set is kept as places in them.
    plan : object
        Settings of the walk.

    Raises
    ------
    ConfigError
        If the file is that of another walk.
    """

    def __init__(
        self, path: Path, bars: Bars, values: Mapping[str, Sequence[Any]], plan: Any
    ) -> None:
        facts = {"walk": plan, "values": dict(values), "data": bars.data_version}
        self._journal = SweepJournal(path, sweep_key(facts))
        self._values = values

    def walk(self, job: WindowWork, window: Window) -> tuple[dict[str, Any], Any]:
        """Return the row of a window and what decides in it, from the file if it is there."""
        kept: Any = self._journal.known.get(window.index)
        if kept is not None:
            return self._restored(job, window, *kept)
        before = {key: len(ratios) for key, ratios in job.tried.items()}
        row, what = job.walk(window)
        tried = [
            [self._places(key), ratio]
            for key, ratios in job.tried.items()
            for ratio in ratios[before.get(key, 0) :]
        ]
        plain = {k: v.isoformat() if isinstance(v, date) else v for k, v in row.items()}
        for name, place in zip(self._values, self._places(row[n] for n in self._values),
                               strict=True):  # fmt: skip
            plain[name] = place
        entry: Any = (plain, tried)
        self._journal.append(window.index, [entry])
        return row, what

    def finish(self) -> None:
        """Remove the file: the walk is done."""
        self._journal.finish()

    def _restored(
        self, job: WindowWork, window: Window, plain: dict[str, Any], tried: list[Any]
    ) -> tuple[dict[str, Any], Any]:
        for places, ratio in tried:
            chosen = zip(self._values.values(), places, strict=True)
            job.note([given[at] for given, at in chosen], ratio)
        row = {k: date.fromisoformat(v) if k in DAYS else v for k, v in plain.items()}
        for name, given in self._values.items():
            row[name] = given[plain[name]]
        return row, job.made(window, {name: row[name] for name in self._values})

    def _places(self, chosen: Iterable[Any]) -> list[int]:
        return [given.index(value)
                for given, value in zip(self._values.values(), chosen, strict=True)]  # fmt: skip
