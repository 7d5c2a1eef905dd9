"""Where fitted models are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One immutable version of a model."""

    name: str
    version: str
    stage: str
    content_hash: str
    created_ns: int
    model_type: str
    metrics: Mapping[str, float]
    parameters: Mapping[str, Any]
    run_id: str


class ModelRegistry(Protocol):
    """Tracks fits and registers their files."""

    def log_run(
        self,
        experiment: str,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        *,
        tags: Mapping[str, str],
        artifacts: Path | None = None,
    ) -> str:
        """Record one fit; return its tracking id."""
        ...

    def register(self, name: str, tracking_id: str, *, content_hash: str) -> ModelVersion:
        """Make a version of a model from a recorded fit."""
        ...

    def list_models(self) -> Sequence[ModelVersion]:
        """Return every version, newest first."""
        ...

    def load(self, name: str, version: str | None = None) -> Path:
        """Return the folder of a version's files (the newest if not named)."""
        ...
