"""Settings of a study chosen inside its first training window, before any day that is tested."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.errors import ConfigError, LeakError, ModelError, RefusedError
from tradewright.services.study import fitting, loading, recording
from tradewright.services.study.stages import Progress
from tradewright.services.study.trading import open_trading
from tradewright.services.sweeping.journal import SweepJournal, sweep_key
from tradewright.services.sweeping.searches import (
    count_of,
    product_sets,
    random_sets,
    searched_sets,
)

if TYPE_CHECKING:
    import polars as pl

    from tradewright.domain.bars import Bars
    from tradewright.features import FeatureTable
    from tradewright.services.runs import Run
    from tradewright.services.study_page import StudyPage
    from tradewright.services.workspace import Workspace

SECTIONS: Final = ("model", "decision")
FOLDS: Final = 3
"""Parts of the first training window: the last of its thirds is forecast in three steps."""
LEAST_TEST: Final = 10
Change = Callable[[Mapping[str, Any]], "StudyPage"]


@dataclass(frozen=True, slots=True, eq=False)
class Tuned:
    """What tuning chose, and what the study then earned.

    Parameters
    ----------
    best : mapping of str to value
        The chosen settings by dotted path.
    table : polars.DataFrame
        One row a set in the order tried: its settings, ``sharpe`` (annual, on the last third of
        the first training window; null where undefined) and ``total_return`` there.
    run : Run or None
        The study with the chosen settings over all windows; its verdict knows every trial. None
        where it was not asked for.
    """

    best: Mapping[str, Any]
    table: pl.DataFrame
    run: Run | None = None

    @property
    def sentence(self) -> str:
        """The choice in words."""
        chosen = ", ".join(f"{name} = {value}" for name, value in self.best.items())
        top: Any = self.table["sharpe"].max()
        return (
            f"{len(self.table)} sets tried inside the first training window; chosen: {chosen} "
            f"(Sharpe {top:.2f} there)"
        )

    def as_document(self) -> dict[str, Any]:
        """Return the choice and the trials as plain values."""
        from tradewright.services.results.documents import plain

        document: dict[str, Any] = plain(
            {
                "best": dict(self.best),
                "trials": self.table.to_dicts(),
                "summary": self.sentence,
                "run_id": None if self.run is None else self.run.run_id,
                "verdict": None if self.run is None else self.run.verdict.sentence,
            }
        )
        return document


def tune_page(
    changed: Change,
    workspace: Workspace,
    space: Mapping[str, Sequence[Any]],
    *,
    search: str,
    progress: Progress | None = None,
    allow_unhealthy: bool = False,
    workers: int | None = None,
    resume: bool = False,
    save: bool = True,
) -> Tuned:
    """Choose settings of a study on the training rows of its first window.

    Parameters
    ----------
    changed : callable
        Gives the page with values replaced by dotted path.
    workspace : Workspace
        Holds the bars, and counts each set as a trial of the study's family.
    space : mapping of str to sequence
        Values of each setting, paths within ``model`` and ``decision``.
    search : str
        ``grid``, ``random:N`` or ``optuna:N``.
    progress : callable, optional
        ``progress(fraction, message)``.
    allow_unhealthy : bool
        Go on with data that fail the health gate.
    workers : int, optional
        Fits side by side.
    resume : bool
        Go on where the same tuning was stopped or killed.
    save : bool
        Whether the sets are counted.

    Returns
    -------
    Tuned
        Without a run.

    Raises
    ------
    ConfigError
        If a path or value does not fit, or the first training window is too short.
    RefusedError, LeakError
        If a gate or the leak guard refuses.
    ModelError
        If no set has a Sharpe ratio.

    Notes
    -----
    Timing: the bars after the first training window are cut off before anything is computed. Its
    first two thirds are fitted on, and its last third is forecast in three steps of a growing
    window, traded with the study's decision and costs. Every day that the study tests lies after.
    """
    values = _checked(changed, space)
    page = changed({})
    if progress is not None:
        progress(0.0, "data: the first training window")
    data = loading.load_data(page, workspace)
    health = loading.health_guard(page, data)
    if not health.ok and not allow_unhealthy:
        raise RefusedError(f"data-health gate: {health.summary}")
    table = fitting.build_features(page, data.traded)
    leak = fitting.leak_guard(page, data.traded, table=table)
    if not leak.ok:
        raise LeakError(leak.summary)
    first = fitting.warm_up(page, data.traded, table).first_row
    last = first + page.validation.training_days - page.validation.embargo_days
    inner = _inner_windows(last - first)
    job = _Trials(changed, inner, data.everything.rows(0, last), data.traded.rows(0, last))
    job.workers, job.progress = workers, progress
    origin = recording.origin_of(data.everything, workspace.clock.now_ns())
    facts = {"page": page.config_hash, "space": values, "search": search, "data": origin.version}
    path = workspace.data_dir / "walks" / f"tune-{sweep_key(facts)[:16]}.jsonl"
    job.journal = _journal(path, sweep_key(facts), resume=resume)
    _search(job, values, search, page.seed)
    best = job.best()
    if save:
        family = recording.trial_family(page, origin.version)
        workspace.runs.add_trials(family, [row[2] for row in job.rows])
    job.journal.finish()
    return Tuned(best, job.table(tuple(values)))


class _Trials:
    """Evaluates sets on the bars of the first training window."""

    def __init__(
        self, changed: Change, inner: Mapping[str, Any], everything: Bars, traded: Bars
    ) -> None:
        self.changed, self.inner = changed, inner
        self.everything, self.traded = everything, traded
        self.features: FeatureTable = fitting.build_features(changed({}), traded)
        self.workers: int | None = None
        self.progress: Progress | None = None
        self.journal: SweepJournal
        self.total = 0
        self.sets: list[dict[str, Any]] = []
        self.rows: list[tuple[float, ...]] = []

    def test(self, sets: Iterable[dict[str, Any]]) -> list[float]:
        """Evaluate sets; return the Sharpe ratio of each."""
        before = len(self.rows)
        for chosen in sets:
            number = len(self.rows)
            known = self.journal.known.get(number)
            row = self._run(chosen) if known is None else known
            if known is None:
                self.journal.append(number, [row])
            self.sets.append(chosen)
            self.rows.append(row)
            if self.progress is not None and self.total:
                done = f"trials: {number + 1} of {self.total}, Sharpe {row[0]:.2f}"
                self.progress(min((number + 1) / self.total, 1.0), done)
        return [row[0] for row in self.rows[before:]]

    def best(self) -> dict[str, Any]:
        """Return the set with the highest ratio, of equals the first."""
        ratios = np.array([row[0] for row in self.rows])
        if not np.isfinite(ratios).any():
            raise ModelError(
                f"tune: none of {len(ratios)} sets has a Sharpe ratio inside the first training "
                "window: nothing was traded there"
            )
        return self.sets[int(np.nanargmax(ratios))]

    def table(self, names: tuple[str, ...]) -> pl.DataFrame:
        """Return what was tried."""
        import polars as pl

        columns: dict[str, Any] = {name: [row[name] for row in self.sets] for name in names}
        columns["sharpe"] = [row[0] for row in self.rows]
        columns["total_return"] = [row[1] for row in self.rows]
        return pl.DataFrame(columns, strict=False).with_columns(pl.col("sharpe").fill_nan(None))

    def _run(self, chosen: Mapping[str, Any]) -> tuple[float, ...]:
        page = self.changed({**chosen, **self.inner})
        result = fitting.fit_study(page, self.traded, self.features, workers=self.workers)
        rows = (result.folds[0].window.test_first, result.folds[-1].window.test_last)
        market = open_trading(page, self.everything, rows)
        outcome = market.run(result.forecasts, costs=page.charged())
        figures = market.figures(outcome)
        return figures["sharpe"], figures["total_return"], market.sharpe_per_period(outcome)


def _checked(changed: Change, space: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    values = {path: list(given) for path, given in space.items()}
    if not values:
        raise ConfigError("tune: no settings to choose; name some, as in model.params.alpha=0.1,1")
    for path, given in values.items():
        if path.partition(".")[0] not in SECTIONS:
            raise ConfigError(f"tune: {path} cannot be tuned, wanted settings of model or decision")
        if not given:
            raise ConfigError(f"tune: no values for {path}")
        for value in given:
            changed({path: value})  # an unknown path or a wrong value is named here
    return values


def _inner_windows(n_rows: int) -> dict[str, Any]:
    test = n_rows // (3 * FOLDS)
    if test < LEAST_TEST:
        raise ConfigError(
            f"tune: the first training window has {n_rows} rows, wanted {3 * FOLDS * LEAST_TEST} "
            "or more to choose in it"
        )
    return {
        "validation.scheme": "expanding",
        "validation.training_days": n_rows - FOLDS * test,
        "validation.testing_days": test,
        "validation.overlap_days": 0,
        "validation.keep_tail": False,
        "validation.controls": 0,
    }


def _journal(path: Path, key: str, *, resume: bool) -> SweepJournal:
    if not resume:
        path.unlink(missing_ok=True)
    return SweepJournal(path, key)


def _search(job: _Trials, values: dict[str, list[Any]], search: str, seed: int) -> None:
    kind, _, text = search.partition(":")
    if search == "grid":
        job.total = math.prod(len(given) for given in values.values())
        job.test(product_sets(values))
    elif kind in ("random", "optuna"):
        job.total = count_of(search, text)
        chooser = random_sets if kind == "random" else searched_sets
        chooser(job, values, job.total, seed)
    else:
        raise ConfigError(f"search is {search!r}, wanted grid, random:N or optuna:N")
