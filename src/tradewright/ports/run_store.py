"""Where finished runs are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of the list of runs."""

    run_id: str
    name: str
    kind: str  # study, backtest, sweep, paper
    status: str  # RunStatus
    created_ns: int
    digest: str
    verdict: str
    metrics: Mapping[str, float]


class RunStore(Protocol):
    """Runs by id; a run is written aside and appears whole or not at all."""

    def save(self, summary: RunSummary, documents: Mapping[str, bytes]) -> Path:
        """Store a run's files (``manifest.json``, ``equity.parquet`` …) and its line; atomic."""
        ...

    def amend(self, run_id: str, documents: Mapping[str, bytes]) -> Path:
        """Replace or add files of a stored run; its other files and its line stay; atomic.

        Raises
        ------
        NoDataError
            If there is no such run.
        """
        ...

    def load(self, run_id: str, document: str) -> bytes:
        """Return one file of a run; ``latest`` is the newest run.

        Raises
        ------
        NoDataError
            If there is no such run or file.
        """
        ...

    def list_runs(self, *, kind: str | None = None, limit: int = 50) -> Sequence[RunSummary]:
        """Return summaries, newest first."""
        ...

    def add_trials(self, family: str, sharpes: Sequence[float]) -> None:
        """Count evaluated configurations of a family (data, universe, label, strategy)."""
        ...

    def trials(self, family: str) -> Sequence[float]:
        """Return the per-period Sharpe ratio of every trial counted for a family."""
        ...
