"""The in-memory twin of the run store, for tests and throw-away work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tradewright.adapters.stores.runs import LATEST, check_names, no_document, no_run
from tradewright.ports.run_store import RunSummary


class MemoryRunStore:
    """Runs in memory; implements `RunStore` and passes the same contract suite as the files."""

    def __init__(self) -> None:
        self._runs: dict[str, tuple[RunSummary, dict[str, bytes]]] = {}
        self._trials: dict[str, list[float]] = {}

    def save(self, summary: RunSummary, documents: Mapping[str, bytes]) -> Path:
        """Keep a run; a run of the same id is replaced."""
        check_names(summary.run_id, documents)
        self._runs.pop(summary.run_id, None)
        self._runs[summary.run_id] = (summary, dict(documents))
        return Path("memory") / summary.run_id

    def amend(self, run_id: str, documents: Mapping[str, bytes]) -> Path:
        """Replace or add files of a stored run; its other files and its line stay.

        Raises
        ------
        NoDataError
            If there is no such run.
        """
        wanted = self._known(run_id)
        summary, kept = self._runs[wanted]
        return self.save(summary, {**kept, **documents})

    def load(self, run_id: str, document: str) -> bytes:
        """Return one file of a run; ``latest`` is the newest run.

        Raises
        ------
        NoDataError
            If there is no such run or file.
        """
        summary, documents = self._runs[self._known(run_id)]
        if document not in documents:
            raise no_document(summary.run_id, document, documents)
        return documents[document]

    def list_runs(self, *, kind: str | None = None, limit: int = 50) -> Sequence[RunSummary]:
        """Return summaries, newest first."""
        latest_first = [summary for summary, _ in reversed(self._runs.values())]
        chosen = [summary for summary in latest_first if kind is None or summary.kind == kind]
        return sorted(chosen, key=lambda summary: -summary.created_ns)[:limit]

    def add_trials(self, family: str, sharpes: Sequence[float]) -> None:
        """Count evaluated configurations of a family."""
        self._trials.setdefault(family, []).extend(float(sharpe) for sharpe in sharpes)

    def _known(self, run_id: str) -> str:
        newest = self.list_runs(limit=1)
        wanted = newest[0].run_id if run_id == LATEST and newest else run_id
        if wanted not in self._runs:
            raise no_run(run_id, list(self._runs))
        return wanted

    def trials(self, family: str) -> Sequence[float]:
        """Return the per-period Sharpe ratio of every trial of a family, in order."""
        return list(self._trials.get(family, ()))
