"""The registry's twin in memory, for tests and throw-away runs."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tradewright.adapters.registries.mlflow_registry import (
    MAIN,
    check_content,
    check_name,
    pick,
)
from tradewright.domain.errors import ModelError, NoDataError
from tradewright.ports.clock import Clock
from tradewright.ports.model_registry import ModelVersion


@dataclass(frozen=True, slots=True)
class _Fit:
    parameters: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    folder: Path | None


@dataclass(slots=True)
class MemoryRegistry:
    """A model registry that forgets; only the files lie in a folder.

    Parameters
    ----------
    root : Path
        Folder for copies of the files.
    clock : Clock
        Source of the times.
    """

    root: Path
    clock: Clock
    _fits: dict[str, _Fit] = field(default_factory=dict)
    _versions: list[tuple[ModelVersion, Path]] = field(default_factory=list)

    def log_run(
        self,
        experiment: str,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        *,
        tags: Mapping[str, str],
        artifacts: Path | None = None,
    ) -> str:
        """Record one fit; return its tracking id (see `MlflowRegistry.log_run`)."""
        check_name(experiment)
        identity = f"fit{len(self._fits) + 1}"
        folder = None
        if artifacts is not None:
            if not (artifacts / MAIN).is_file():
                raise ModelError(f"{artifacts}: holds no {MAIN}; save a model there first")
            folder = self.root / identity
            shutil.copytree(artifacts, folder)
        self._fits[identity] = _Fit(
            {k: str(v) for k, v in parameters.items()},
            {k: float(v) for k, v in metrics.items() if math.isfinite(v)},
            {k: str(v) for k, v in tags.items()},
            folder,
        )
        return identity

    def register(self, name: str, tracking_id: str, *, content_hash: str) -> ModelVersion:
        """Make a version of a model from a recorded fit (see `MlflowRegistry.register`)."""
        check_name(name)
        if tracking_id not in self._fits:
            raise NoDataError(f"no fit {tracking_id!r} is recorded")
        fit = self._fits[tracking_id]
        folder = fit.folder or self.root / tracking_id
        check_content(folder, content_hash)
        own = [version for version, _ in self._versions if version.name == name]
        for version in own:
            if version.content_hash == content_hash:
                return version
        made = ModelVersion(
            name=name,
            version=str(len(own) + 1),
            stage="CANDIDATE",
            content_hash=content_hash,
            created_ns=self.clock.now_ns(),
            model_type=fit.tags.get("model_type", ""),
            metrics=fit.metrics,
            parameters=fit.parameters,
            run_id=fit.tags.get("run_id", ""),
        )
        self._versions.append((made, folder))
        return made

    def list_models(self) -> Sequence[ModelVersion]:
        """Return every version, newest first."""
        return [version for version, _ in reversed(self._versions)]

    def load(self, name: str, version: str | None = None) -> Path:
        """Return the folder of a version's files (see `MlflowRegistry.load`)."""
        chosen = pick(name, version, [(v.name, v.version) for v, _ in self._versions])
        found, folder = next((v, f) for v, f in self._versions if (v.name, v.version) == chosen)
        check_content(folder, found.content_hash)
        return folder
