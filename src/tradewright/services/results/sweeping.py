"""Try many parameters of a strategy by name, and count every one of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.metrics.sessions import periods_per_year
from tradewright.metrics.statistics import expected_maximum_sharpe
from tradewright.services.luck.families import remember_overfitting
from tradewright.services.results.named import NamedRun, costs_of, family_of

if TYPE_CHECKING:
    import polars as pl

    from tradewright.metrics.trials.overfitting import Overfitting
    from tradewright.metrics.trials.superiority import Superiority
    from tradewright.services.sweeping.size import SweepSize
    from tradewright.services.workspace import Workspace

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
    """

    table: pl.DataFrame
    metrics: tuple[str, ...]
    counted: int
    luck: float
    family: str
    overfitting: Overfitting | None = None
    superiority: Superiority | None = None

    def as_document(self) -> dict[str, Any]:
        """Return the sweep as plain values."""
        from tradewright.services.results.documents import plain

        document: dict[str, Any] = plain(
            {
                "configurations": self.table.to_dicts(),
                "counted": self.counted,
                "expected_maximum_sharpe": self.luck,
                "family": self.family,
                "overfitting": None if self.overfitting is None else asdict(self.overfitting),
                "superiority": None if self.superiority is None else asdict(self.superiority),
            }
        )
        return document


def named_size(
    wanted: NamedRun, bars: Bars, values: Mapping[str, Sequence[Any]], search: str
) -> SweepSize | None:
    """Return what a sweep of very many sets would take; None for one that need not ask.

    Parameters
    ----------
    wanted, bars, values, search
        See `sweep_named`.
    """
    from tradewright.services.sweep import sweep
    from tradewright.services.sweeping.size import LARGE, count_sets, measure_size
    from tradewright.strategies import create_strategy

    if count_sets(values, search) <= LARGE:
        return None

    def run(sets: Iterable[dict[str, Any]]) -> None:
        for chosen in sets:
            alone = {name: [value] for name, value in chosen.items()}
            sweep(
                lambda **parameters: create_strategy(wanted.strategy, **parameters),
                bars,
                alone,
                cash=wanted.cash,
                costs=costs_of(wanted),
            )

    return measure_size(run, values, search)


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
        Threads for arrays; all cores unless given.

    Returns
    -------
    NamedSweep
        Sorted by Sharpe ratio.

    Raises
    ------
    ConfigError
        If the strategy, a parameter or the search is unknown; nothing was run.
    """
    import polars as pl

    from tradewright.services.sweep import MOST_CELLS, sweep
    from tradewright.services.sweeping.journal import sweep_key
    from tradewright.strategies import create_strategy

    create_strategy(wanted.strategy, **{name: given[0] for name, given in values.items()})
    key = sweep_key({"run": wanted, "values": dict(values), "search": search,
                     "data": bars.data_version})  # fmt: skip
    journal = workspace.data_dir / "sweeps" / f"{key}.jsonl"
    if not resume:
        journal.unlink(missing_ok=True)
    found = sweep(
        lambda **parameters: create_strategy(wanted.strategy, **parameters),
        bars,
        dict(values),
        search=search,
        cash=wanted.cash,
        costs=costs_of(wanted),
        progress=progress,
        confirm=confirm,
        resume=journal,
        workers=workers,
    )
    table = found.table.sort("sharpe", descending=True, nulls_last=True)
    leading = bars.instruments[0]
    ppy = periods_per_year(
        interval=bars.interval, calendar=leading.calendar, asset_class=leading.asset_class
    )
    ratios = [math.nan if v is None else float(v) / math.sqrt(ppy) for v in found.table["sharpe"]]
    family = family_of(wanted.strategy, bars)
    workspace.runs.add_trials(family, ratios)
    every = np.array([r for r in workspace.runs.trials(family) if math.isfinite(r)])
    counted = len(workspace.runs.trials(family))
    spread = float(every.var(ddof=1)) if len(every) > 1 else 0.0
    luck = expected_maximum_sharpe(spread, max(counted, 1)) * math.sqrt(ppy)
    names = tuple(name for name in METRICS if name in table.columns)
    chosen = table.select(*values, *(pl.col(name) for name in names))
    fits = found.trials * bars.n_bars <= MOST_CELLS
    overfitting = found.overfitting() if fits else None
    if overfitting is not None:
        remember_overfitting(workspace, family, overfitting)
    return NamedSweep(
        chosen,
        names,
        counted,
        luck,
        family,
        overfitting=overfitting,
        superiority=found.superiority(seed=wanted.seed) if fits else None,
    )
