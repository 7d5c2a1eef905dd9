"""Models in MLflow, on a local SQLite file: tracking and registry without a server or network."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import math
import os
import re
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tradewright.domain.errors import ConfigError, EdgeError, ModelError, NoDataError, nearest
from tradewright.ports.model_registry import ModelVersion

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion

FOLDER: Final = "model"
MAIN: Final = "model.json"
RESERVED: Final = ("train", "load", "warmup", "types", "cache")
_NAME: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")
_QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "GIT_PYTHON_REFRESH": "quiet",
}


class MlflowRegistry:
    """A model registry in one folder: ``mlflow.db`` and the files of every recorded fit.

    Parameters
    ----------
    root : Path
        Folder; made at the first write.

    Notes
    -----
    MLflow is imported at the first call, with telemetry off. Model files are ours (see
    `tradewright.forecasts`); MLflow's pickled flavours are not used. A version's identity is the
    hash of its ``model.json``; `load` compares the files with it. Processes that write wait for
    each other, and the database appears whole or not at all, so that two first runs at once, or
    one that is killed, leave a registry that works.
    """

    def __init__(self, root: Path) -> None:
        self._root = Path(root).resolve()
        self._opened: MlflowClient | None = None
        self._lock = threading.RLock()

    def log_run(
        self,
        experiment: str,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        *,
        tags: Mapping[str, str],
        artifacts: Path | None = None,
    ) -> str:
        """Record one fit; return its tracking id.

        Parameters
        ----------
        experiment : str
            Group of fits, for example the study's name.
        parameters : mapping
            Settings of the fit; stored as text.
        metrics : mapping of str to float
            Scores; those that are not finite are left out.
        tags : mapping of str to str
            For example ``model_type`` and ``run_id``.
        artifacts : Path, optional
            Folder of a saved model.

        Raises
        ------
        ConfigError
            If the experiment's name is not allowed.
        ModelError
            If the folder holds no saved model.
        """
        check_name(experiment)
        if artifacts is not None and not (artifacts / MAIN).is_file():
            raise ModelError(f"{artifacts}: holds no {MAIN}; save a model there first")
        from mlflow.entities import Metric, Param, RunTag

        client = self._client()
        with self._alone():
            run = client.create_run(self._experiment(client, experiment))
            identity = str(run.info.run_id)
            now = int(run.info.start_time)
            client.log_batch(
                identity,
                metrics=[
                    Metric(_key(name), float(value), now, 0)
                    for name, value in metrics.items()
                    if math.isfinite(value)
                ],
                params=[Param(_key(k), str(v)[:6000]) for k, v in parameters.items()],
                tags=[RunTag(_key(k), str(v)[:5000]) for k, v in tags.items()],
            )
            if artifacts is not None:
                # Copied to where MLflow would put them: its own stored path is absolute, and a
                # moved data directory would keep writing to the old place.
                shutil.copytree(artifacts, self._folder(experiment, identity))
            client.set_terminated(identity)
        return identity

    def register(self, name: str, tracking_id: str, *, content_hash: str) -> ModelVersion:
        """Make a version of a model from a recorded fit.

        The same content registered again gives the version that exists.

        Raises
        ------
        ConfigError
            If the name is reserved or not allowed.
        ModelError
            If the fit recorded no files, or files with another hash.
        NoDataError
            If no such fit was recorded.
        """
        check_name(name)
        from mlflow.exceptions import MlflowException

        client = self._client()
        with self._alone():
            try:
                run = client.get_run(tracking_id)
            except MlflowException as error:
                raise NoDataError(f"no fit {tracking_id!r} is recorded") from error
            experiment = str(client.get_experiment(run.info.experiment_id).name)
            folder = self._folder(experiment, tracking_id)
            check_content(folder, content_hash)
            for known in self._versions(client, f"name = '{name}'"):
                if known.tags.get("content_hash") == content_hash:
                    return self._as_version(client, known)
            if not client.search_registered_models(filter_string=f"name = '{name}'"):
                client.create_registered_model(name)
            made = client.create_model_version(
                name,
                source=folder.as_uri(),
                run_id=tracking_id,
                tags={"content_hash": content_hash, "stage": "CANDIDATE", "experiment": experiment},
            )
            return self._as_version(client, client.get_model_version(name, made.version))

    def list_models(self) -> Sequence[ModelVersion]:
        """Return every version, newest first."""
        if self._is_empty():
            return []
        client = self._client()
        with self._named():
            found = [self._as_version(client, v) for v in self._versions(client, None)]
        return sorted(found, key=lambda v: (v.created_ns, int(v.version)), reverse=True)

    def load(self, name: str, version: str | None = None) -> Path:
        """Return the folder of a version's files (the newest if not named).

        Raises
        ------
        NoDataError
            If there is no such model or version, naming the nearest.
        ModelError
            If its files are missing or changed.
        """
        with self._named():
            versions = [] if self._is_empty() else self._versions(self._client(), None)
        chosen = pick(name, version, [(str(v.name), str(v.version)) for v in versions])
        found = next(v for v in versions if (v.name, str(v.version)) == chosen)
        folder = self._folder(str(found.tags["experiment"]), str(found.run_id))
        check_content(folder, str(found.tags["content_hash"]))
        return folder

    def _client(self) -> MlflowClient:
        with self._lock:
            if self._opened is None:
                for key, value in _QUIET.items():
                    os.environ.setdefault(key, value)
                for logger in ("mlflow", "alembic", "git"):
                    logging.getLogger(logger).setLevel(logging.ERROR)
                from mlflow import MlflowClient

                uri = f"sqlite:///{self._database}"
                with self._alone():
                    if not self._database.exists():
                        self._create()
                    self._opened = MlflowClient(tracking_uri=uri, registry_uri=uri)
                for logger in ("mlflow", "alembic", "git"):  # MLflow sets its own level on import
                    logging.getLogger(logger).setLevel(logging.ERROR)
            return self._opened

    @property
    def _database(self) -> Path:
        return self._root / "mlflow.db"

    # MLflow makes its tables in many steps; they are made aside and put in place at once.
    def _create(self) -> None:
        from mlflow import MlflowClient

        aside = self._root / "mlflow.db.new"
        aside.unlink(missing_ok=True)
        uri = f"sqlite:///{aside}"
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments()
        client.search_registered_models()
        aside.replace(self._database)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the registry against other threads and processes, and name what fails."""
        with self._lock, self._named():
            try:
                self._root.mkdir(parents=True, exist_ok=True)
                handle = (self._root / ".lock").open("a+")
            except OSError as error:
                raise EdgeError(f"model registry {self._root}: {error.strerror}") from error
            with handle:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield

    @contextmanager
    def _named(self) -> Iterator[None]:
        from alembic.util.exc import CommandError
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (CommandError, MlflowException, SQLAlchemyError) as error:
            reason = str(error).splitlines()[0][:200]
            raise EdgeError(f"model registry {self._database}: {reason}") from error

    def _is_empty(self) -> bool:
        return self._opened is None and not self._database.exists()

    def _experiment(self, client: MlflowClient, name: str) -> str:
        known = client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        place = self._root / "files" / name
        return str(client.create_experiment(name, artifact_location=place.as_uri()))

    def _folder(self, experiment: str, tracking_id: str) -> Path:
        # Derived, not read from MLflow, so that the data directory can be moved.
        return self._root / "files" / experiment / tracking_id / "artifacts" / FOLDER

    def _versions(self, client: MlflowClient, filter_string: str | None) -> list[MlflowVersion]:
        found: list[MlflowVersion] = []
        token = None
        while True:
            page = client.search_model_versions(filter_string, max_results=1000, page_token=token)
            found.extend(page)
            token = page.token
            if not token:
                return found

    def _as_version(self, client: MlflowClient, found: MlflowVersion) -> ModelVersion:
        run = client.get_run(str(found.run_id))
        return ModelVersion(
            name=str(found.name),
            version=str(found.version),
            stage=str(found.tags.get("stage", "CANDIDATE")),
            content_hash=str(found.tags.get("content_hash", "")),
            created_ns=int(found.creation_timestamp) * 1_000_000,
            model_type=str(run.data.tags.get("model_type", "")),
            metrics=dict(run.data.metrics),
            parameters=dict(run.data.params),
            run_id=str(run.data.tags.get("run_id", "")),
        )


def check_name(name: str) -> None:
    """Refuse a name that is reserved or would not be a safe file and route name.

    Raises
    ------
    ConfigError
        Naming what is wrong.
    """
    if name in RESERVED:
        raise ConfigError(f"model name {name!r} is reserved: {', '.join(RESERVED)}")
    if not _NAME.match(name) or ".." in name:
        raise ConfigError(f"model name {name!r} is not allowed: letters, digits, '_', '.', '-'")


def check_content(folder: Path, wanted: str) -> None:
    """Refuse a model folder whose ``model.json`` does not have the wanted SHA-256.

    Raises
    ------
    ModelError
        If the file is missing or differs.
    """
    path = folder / MAIN
    if not path.is_file():
        raise ModelError(f"{path}: missing")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != wanted:
        raise ModelError(f"{path}: has hash {found[:12]}, wanted {wanted[:12]}; refused")


def pick(name: str, version: str | None, known: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return the (name, version) meant: the newest version where none is named.

    Raises
    ------
    NoDataError
        If there is no such model or version.
    """
    versions = [v for n, v in known if n == name]
    if not versions:
        hint = nearest(name, sorted({n for n, _ in known}))
        raise NoDataError(f"no model {name!r} is registered; {hint or 'none is'}")
    if version is None:
        return name, max(versions, key=int)
    if version not in versions:
        raise NoDataError(f"model {name} has no version {version!r}; {nearest(version, versions)}")
    return name, version


def _key(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_\-. /]", "_", str(name))[:250]
