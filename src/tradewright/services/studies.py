"""A study from its page to a stored, checked result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tradewright.domain.errors import (
    ConfigError,
    NoDataError,
    nearest,
)
from tradewright.services.decisions import account_notes
from tradewright.services.results.extras import Guard
from tradewright.services.runs import Run
from tradewright.services.study import fitting, loading
from tradewright.services.study.job import StudyJob
from tradewright.services.study.safe_yaml import MAX_BYTES, Path_, read_page, with_values
from tradewright.services.study.stages import Progress, Stages
from tradewright.services.study_page import StudyPage, build_page
from tradewright.services.workspace import Workspace, current_workspace

if TYPE_CHECKING:
    from tradewright.services.beside.repeating import Rerun
    from tradewright.services.study.tuning import Tuned
    from tradewright.services.walking.paths import Paths
    from tradewright.services.walking.walk import Walk

__all__ = ["Study", "StudyCheck", "list_studies"]

SHIPPED: Final = files("tradewright.services").joinpath("studies_shipped")
FOLDERS: Final = ("studies", "examples")


@dataclass(frozen=True, slots=True)
class StudyCheck:
    """What is known of a study before it runs.

    Parameters
    ----------
    health, leak : Guard
        Verdicts of the data-health gate and the leak guard.
    n_bars, n_instruments : int
        Size of the data.
    warm_up_bars : int
        Bars until all features are known.
    windows, fits : int
        Walk-forward windows, and models to fit with the controls.
    seconds, memory_mb : float
        Rough estimates of a run.
    notes : tuple of str
        What a reader must know.
    """

    health: Guard
    leak: Guard
    n_bars: int
    n_instruments: int
    warm_up_bars: int
    windows: int
    fits: int
    seconds: float
    memory_mb: float
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether a run would be allowed to show a result."""
        return bool(self.health.ok) and bool(self.leak.ok)


class Study:
    """One YAML page, ready to check and run.

    Parameters
    ----------
    page : StudyPage
        Checked settings.
    where : str
        Where the page came from, for messages.
    values : mapping, optional
        The page as it was written, so that single values can be replaced.
    """

    def __init__(
        self, page: StudyPage, where: str = "study", values: Mapping[str, Any] | None = None
    ) -> None:
        self.page = page
        self.where = where
        self._values = dict(values) if values is not None else page.to_mapping()
        self._lines: dict[Path_, int] = {}

    def __repr__(self) -> str:
        return f"Study({self.page.name!r}, {self.page.model.type}, {self.where})"

    @classmethod
    def load(cls, path_or_name: str | Path) -> Study:
        """Load a study page from a file, or by the name of a shipped or stored one.

        Parameters
        ----------
        path_or_name : str or Path
            A file, or a name found in ``./studies``, ``./examples`` or among the shipped pages.

        Returns
        -------
        Study
            Checked.

        Raises
        ------
        NoDataError
            If there is no such page, naming the nearest.
        ConfigError
            With every error of the page, each with its line.

        Examples
        --------
        >>> Study.load("demo").page.universe.sample
        'stocks'
        """
        text, where = _read(path_or_name)
        values, lines = read_page(text, where)
        study = cls(build_page(values, where, lines), where, values)
        study._lines = lines
        return study

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], where: str = "study") -> Study:
        """Build a study from plain values, for example a stored run's resolved settings."""
        return cls(build_page(values, where), where, values)

    @property
    def resolved(self) -> dict[str, Any]:
        """Every setting, defaults included, as values that JSON can hold."""
        return self.page.to_mapping()

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.page.name

    def with_settings(
        self, changes: Mapping[str, Any] | None = None, *, seed: int | None = None
    ) -> Study:
        """Return the study with values replaced by their dotted path.

        Raises
        ------
        ConfigError
            If a path or value does not fit.

        Examples
        --------
        >>> Study.load("demo").with_settings({"decision.top_k": 3}).page.decision.top_k
        3
        """
        given = dict(changes or {})
        if seed is not None:
            given["seed"] = seed
        if not given:
            return self
        values = with_values(self._values, given)
        study = Study(build_page(values, self.where, self._lines), self.where, values)
        study._lines = self._lines
        return study

    def check(
        self,
        workspace: Workspace | None = None,
        *,
        quick: bool = False,
        progress: Progress | None = None,
    ) -> StudyCheck:
        """Check data, features and windows of the study; nothing is fitted or stored.

        Parameters
        ----------
        workspace : Workspace, optional
            The default one unless given.
        quick : bool
            Sample the dates of the leak guard.
        progress : callable, optional
            ``progress(fraction, message)``.

        Returns
        -------
        StudyCheck
            Verdicts, warm-up, windows, and rough estimates of time and memory.

        Raises
        ------
        ConfigError
            If the page does not fit the data.
        NoDataError
            If a symbol or the range of dates has no bar.
        """
        space = workspace if workspace is not None else current_workspace()
        stages = Stages(progress)
        with stages.stage("data"):
            data = loading.load_data(self.page, space)
        with stages.stage("data health"):
            health = loading.health_guard(self.page, data)
        with stages.stage("features"):
            table = fitting.build_features(self.page, data.traded)
            warm = fitting.warm_up(self.page, data.traded, table)
        with stages.stage("leak guard") as report:
            leak = fitting.leak_guard(
                self.page, data.traded, table=table, quick=quick, progress=report
            )
        stages.finish()
        fits = warm.windows * (1 + self.page.validation.controls)
        seconds, memory = fitting.estimate(self.page, table, fits)
        return StudyCheck(
            health=health,
            leak=leak,
            n_bars=data.traded.n_bars,
            n_instruments=data.traded.n_instruments,
            warm_up_bars=warm.first_row,
            windows=warm.windows,
            fits=fits,
            seconds=seconds + sum(stages.seconds.values()),
            memory_mb=memory,
            notes=(
                *data.traded.notes,
                *table.notes,
                *account_notes(self.page.decision.settings(), space.account),
            ),
        )

    def run(
        self,
        workspace: Workspace | None = None,
        *,
        progress: Progress | None = None,
        allow_unhealthy: bool = False,
        seed: int | None = None,
        changes: Mapping[str, Any] | None = None,
        save: bool = True,
        workers: int | None = None,
        resume: bool = False,
    ) -> Run:
        """Run the whole chain: data, gates, features, fit, trade, controls, verdict.

        Parameters
        ----------
        workspace : Workspace, optional
            The default one unless given.
        progress : callable, optional
            ``progress(fraction, message)``; it may raise `CancelledError` to stop the run.
        allow_unhealthy : bool
            Go on with data that fail the health gate; the report then says so.
        seed : int, optional
            Instead of the page's.
        changes : mapping, optional
            Values by dotted path instead of the page's.
        save : bool
            Whether the run is stored and its model registered.
        workers : int, optional
            Fits side by side; the processor's cores unless given. Does not change the result.
        resume : bool
            Go on where the same study was stopped or killed: its finished fits are on disk, under
            ``walks/`` of the data directory, until it is done.

        Returns
        -------
        Run
            With its evidence; stored as COMPLETED.

        Raises
        ------
        ConfigError, NoDataError
            Before any work; nothing is stored.
        RefusedError
            If a gate or the leak guard refuses; stored as FAILED without figures.
        CancelledError
            If it was stopped; stored as CANCELLED.
        """
        study = self.with_settings(changes, seed=seed)
        space = workspace if workspace is not None else current_workspace()
        job = StudyJob(
            study.page,
            space,
            Stages(progress),
            allow_unhealthy=allow_unhealthy,
            save=save,
            workers=workers,
            resume=resume,
        )
        return job.run()

    def walkforward(
        self,
        workspace: Workspace | None = None,
        *,
        progress: Progress | None = None,
        allow_unhealthy: bool = False,
        changes: Mapping[str, Any] | None = None,
        save: bool = True,
        workers: int | None = None,
        resume: bool = False,
    ) -> Walk:
        """Run the study and measure every window on its own, in sample and out.

        Parameters
        ----------
        workspace, progress, allow_unhealthy, changes, save, workers, resume
            See `run`.

        Returns
        -------
        Walk
            The stitched run, one row a window, and the walk-forward efficiency.

        Raises
        ------
        TradewrightError
            As `run`.
        """
        from tradewright.services.walking.walk import Walk

        study = self.with_settings(changes)
        space = workspace if workspace is not None else current_workspace()
        job = StudyJob(
            study.page,
            space,
            Stages(progress),
            allow_unhealthy=allow_unhealthy,
            save=save,
            workers=workers,
            by_window=True,
            resume=resume,
        )
        run = job.run()
        return Walk(run, job.window_figures, ("features",), 1, dict(run.extras.stage_seconds))

    def tune(
        self,
        space: Mapping[str, Sequence[Any]],
        *,
        search: str = "optuna:20",
        workspace: Workspace | None = None,
        progress: Progress | None = None,
        allow_unhealthy: bool = False,
        workers: int | None = None,
        resume: bool = False,
        save: bool = True,
    ) -> Tuned:
        """Choose settings inside the first training window, then run the study with them.

        Parameters
        ----------
        space : mapping of str to sequence
            Values of each setting by dotted path, within ``model`` and ``decision``, for example
            ``{"model.params.alpha": [0.1, 1, 10], "decision.top_k": [3, 5, 8]}``.
        search : str
            ``grid``, ``random:N`` or ``optuna:N``.
        workspace, progress, allow_unhealthy, workers, resume, save
            See `run`; every set counts as a trial of the verdict.

        Returns
        -------
        Tuned
            The choice, every trial, and the run over all windows.

        Raises
        ------
        TradewrightError
            As `services.study.tuning.tune_page` and `run`.
        """
        from dataclasses import replace

        from tradewright.services.study.tuning import tune_page

        def tell(start: float, share: float) -> Progress | None:
            if progress is None:
                return None
            return lambda part, message: progress(start + share * part, message)

        space_of = workspace if workspace is not None else current_workspace()
        found = tune_page(
            lambda changes: self.with_settings(changes).page,
            space_of,
            space,
            search=search,
            progress=tell(0.0, 0.6),
            allow_unhealthy=allow_unhealthy,
            workers=workers,
            resume=resume,
            save=save,
        )
        run = self.run(
            space_of,
            progress=tell(0.6, 0.4),
            allow_unhealthy=allow_unhealthy,
            changes=found.best,
            save=save,
            workers=workers,
            resume=resume,
        )
        run.learn(replace(run.extras, notes=(*run.extras.notes, found.sentence)))
        if save:
            run.save(space_of)
        return replace(found, run=run)

    def paths(
        self,
        workspace: Workspace | None = None,
        *,
        groups: int = 6,
        tested: int = 2,
        progress: Progress | None = None,
        allow_unhealthy: bool = False,
        save: bool = True,
    ) -> Paths:
        """Judge the study on combinatorial purged folds.

        Parameters
        ----------
        workspace, progress, allow_unhealthy, save
            See `run`; `save` counts the study as a trial.
        groups, tested : int
            Groups of dates, and how many are tested together; 6 and 2 make 15 fits and 5 paths.

        Returns
        -------
        Paths
            One row a path.
        """
        from tradewright.services.walking.paths import study_paths
        from tradewright.training.combinatorial import Combinatorial

        return study_paths(
            self.page,
            workspace if workspace is not None else current_workspace(),
            folds=Combinatorial(groups, tested, self.page.validation.embargo_days or None),
            progress=progress,
            allow_unhealthy=allow_unhealthy,
            save=save,
        )

    @staticmethod
    def rerun(run_id: str = "latest", workspace: Workspace | None = None) -> Rerun:
        """Repeat a stored run and compare; see `services.beside.repeating.rerun`."""
        from tradewright.services.beside.repeating import rerun

        return rerun(run_id, workspace)


def list_studies() -> list[dict[str, str]]:
    """Return the pages that can be named: name, file and where it lies."""
    found: dict[str, dict[str, str]] = {}
    for folder in FOLDERS:
        for path in sorted(Path(folder).glob("*.yaml")) if Path(folder).is_dir() else []:
            found.setdefault(path.stem, {"name": path.stem, "path": str(path), "origin": folder})
    for entry in sorted(SHIPPED.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".yaml"):
            name = entry.name.removesuffix(".yaml")
            found.setdefault(name, {"name": name, "path": str(entry), "origin": "shipped"})
    return list(found.values())


def _read(path_or_name: str | Path) -> tuple[bytes, str]:
    path = Path(path_or_name).expanduser()
    name = str(path_or_name)
    is_name = path.suffix == "" and path.name == name
    if is_name:
        for row in list_studies():
            if row["name"] == name:
                return Path(row["path"]).read_bytes(), row["path"]
    if not path.is_file():
        hint = nearest(name, [row["name"] for row in list_studies()])
        raise NoDataError(f"no study page {name!r}: neither a file nor a known name; {hint}")
    if path.stat().st_size > MAX_BYTES:
        raise ConfigError(f"{path}: a study page has at most {MAX_BYTES} bytes")
    try:
        return path.read_bytes(), str(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
