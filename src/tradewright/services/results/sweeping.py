"""Try many parameters of a strategy by name, and count every one of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.metrics.statistics import expected_maximum_sharpe
from tradewright.services.luck.families import remember_overfitting
from tradewright.services.luck.trial_counts import counted_trials
from tradewright.services.luck.trial_sessions import sessions_per_year
from tradewright.services.results.named import DataChoice, NamedRun, costs_of, family_of

if TYPE_CHECKING:
    import polars as pl

    from tradewright.metrics.trials.overfitting import Overfitting
    from tradewright.metrics.trials.superiority import Superiority
    from tradewright.services.sweeping.size import SweepSize
    from tradewright.services.workspace import Workspace


@dataclass(frozen=True, slots=True)
class NamedMake:
    """Makes a strategy of the catalogue; unlike a lambda it travels to any process."""

    strategy: str

    def __call__(self, **parameters: Any) -> Any:
        """Return the strategy with these parameters."""
        from tradewright.strategies import create_strategy

        return create_strategy(self.strategy, **parameters)


METRICS: Final = ("total_return", "sharpe", "max_drawdown", "trades")


@dataclass(frozen=True, slots=True, eq=False)
class NamedSweep:
    """What a sweep found.

    Parameters
    ----------
    table : polars.DataFrame
        One row per configuration, best Sharpe ratio first: parameters, then metrics.
    metrics : tuple of str
        Names of the metric columns.
    counted : int
        Trials counted in the family so far.
    luck : float
        Annual Sharpe ratio that the best of so many trials reaches without skill.
    family : str
        Under which the trials are counted.
    overfitting : Overfitting or None
        How often the best of one half of time fails in the other; None with fewer than two sets.
    superiority : Superiority or None
        Whether any set beats buy-and-hold of the universe, all sets taken together.
    failures : tuple of dict
        Parameters and ``cause`` of the sets that have no figures.
    sweep_id : str
        Under which it is stored.
    report : Path or None
        Its page.
    digest : str
        Of the sets and figures in the order tried; equal for any number of workers.
    """

    table: pl.DataFrame
    metrics: tuple[str, ...]
    counted: int
    luck: float
    family: str
    overfitting: Overfitting | None = None
    superiority: Superiority | None = None
    failures: tuple[dict[str, Any], ...] = ()
    sweep_id: str = ""
    report: Path | None = None
    digest: str = ""

    def as_document(self) -> dict[str, Any]:
        """Return the sweep as plain values."""
        from tradewright.services.results.documents import plain

        document: dict[str, Any] = plain(
            {
                "sweep_id": self.sweep_id,
                "report": None if self.report is None else str(self.report),
                "digest": self.digest,
                "configurations": self.table.to_dicts(),
                "failures": list(self.failures),
                "counted": self.counted,
                "expected_maximum_sharpe": self.luck,
                "family": self.family,
                "overfitting": None if self.overfitting is None else asdict(self.overfitting),
                "superiority": None if self.superiority is None else asdict(self.superiority),
            }
        )
        return document


def named_size(
    wanted: NamedRun,
    bars: Bars,
    values: Mapping[str, Sequence[Any]],
    search: str,
    workers: int | None = None,
) -> SweepSize | None:
    """Return what a sweep of very many sets would take; None for one that need not ask.

    Parameters
    ----------
    wanted, bars, values, search, workers
        See `sweep_named`.
    """
    from tradewright.domain.rules import FillRules
    from tradewright.services.sweeping.size import LARGE, count_sets, measure_size
    from tradewright.services.sweeping.units import SetWork

    if count_sets(values, search) <= LARGE:
        return None
    make = NamedMake(wanted.strategy)
    work = SetWork(make, bars, costs_of(wanted), wanted.cash, FillRules())
    return measure_size(work, values, search, workers)


def check_named(wanted: NamedRun, values: Mapping[str, Sequence[Any]]) -> None:
    """Check strategy, parameters and the first set of a sweep before anything is run.

    Raises
    ------
    ConfigError
        If the strategy or a parameter is unknown, or its first set does not fit.
    """
    from tradewright.strategies import create_strategy

    create_strategy(wanted.strategy, **{name: given[0] for name, given in values.items()})


def sweep_named(
    workspace: Workspace,
    wanted: NamedRun,
    bars: Bars,
    values: Mapping[str, Sequence[Any]],
    *,
    search: str = "grid",
    progress: Callable[[float, str], None] | None = None,
    confirm: bool = False,
    resume: bool = False,
    workers: int | None = None,
    ray_address: str | None = None,
    choice: DataChoice | None = None,
) -> NamedSweep:
    """Run a strategy by name over a grid of parameters and count every trial.

    Parameters
    ----------
    workspace : Workspace
        Keeps the counts.
    wanted : NamedRun
        Strategy, cash and costs; its parameters are those of the grid.
    bars : Bars
        The tape.
    values : mapping of str to sequence
        Values of each parameter.
    search : str
        ``grid``, ``random:N`` or ``optuna:N``.
    progress : callable, optional
        ``progress(fraction, message)``.
    confirm : bool
        Whether very many sets are meant, see `sweep`.
    resume : bool
        Go on where the same sweep was killed; finished sets are kept in either case.
    workers : int, optional
        Processes; all cores unless given, once the work is worth it.
    ray_address : str, optional
        Cluster to run on, see `sweep`.
    choice : DataChoice, optional
        Where the bars came from, kept with the result.

    Returns
    -------
    NamedSweep
        Sorted by Sharpe ratio, stored.

    Raises
    ------
    ConfigError
        If the strategy, a parameter or the search is unknown; nothing was run.
    """
    from tradewright.services.results.stored_sweeps import folder_of, keep_sweep
    from tradewright.services.sweep import sweep
    from tradewright.services.sweeping.journal import sweep_key
    from tradewright.services.sweeping.tester import MOST_CELLS

    check_named(wanted, values)
    key = sweep_key({"run": wanted, "values": dict(values), "search": search,
                     "data": bars.data_version})[:16]  # fmt: skip
    journal = folder_of(workspace, key) / "finished.jsonl"
    if not resume:
        journal.unlink(missing_ok=True)
    family = family_of(wanted.strategy, bars)
    found = sweep(
        NamedMake(wanted.strategy),
        bars,
        dict(values),
        search=search,
        cash=wanted.cash,
        costs=costs_of(wanted),
        seed=wanted.seed,
        progress=progress,
        workspace=workspace,
        family=family,
        confirm=confirm,
        resume=journal,
        workers=workers,
        ray_address=ray_address,
    )
    counted, luck = _luck(workspace, family, sessions_per_year(bars))
    fits = found.trials * bars.n_bars <= MOST_CELLS
    overfitting = found.overfitting() if fits else None
    if overfitting is not None:
        remember_overfitting(workspace, family, overfitting)
    superiority = found.superiority(seed=wanted.seed) if fits else None
    names = tuple(name for name in METRICS if name in found.table.columns)
    told = NamedSweep(
        found.table.sort("sharpe", descending=True, nulls_last=True).select(*values, *names),
        names,
        counted,
        luck,
        family,
        overfitting=overfitting,
        superiority=superiority,
        failures=found.failures,
        sweep_id=key,
        report=folder_of(workspace, key) / "report.html",
        digest=found.digest,
    )
    keep_sweep(workspace, told, found, wanted=wanted, bars=bars, search=search, choice=choice)
    return told


def _luck(workspace: Workspace, family: str, sessions_a_year: float) -> tuple[int, float]:
    every = counted_trials(workspace, family)
    known = np.array([ratio for ratio in every if math.isfinite(ratio)])
    spread = float(known.var(ddof=1)) if len(known) > 1 else 0.0
    best = expected_maximum_sharpe(spread, max(len(every), 1))
    return len(every), best * math.sqrt(sessions_a_year)
