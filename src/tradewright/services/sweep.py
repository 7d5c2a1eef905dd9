"""Try many parameters: arrays in one compiled pass on all cores, strategies one run each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.errors import CancelledError, ConfigError, StrategyError, nearest
from tradewright.domain.money import to_minor
from tradewright.domain.rules import FillRules
from tradewright.services.luck.trial_sessions import sessions_per_year
from tradewright.services.sweeping.crews import crew_for
from tradewright.services.sweeping.found import Sweep
from tradewright.services.sweeping.journal import SweepJournal, sweep_key
from tradewright.services.sweeping.searches import (
    count_of,
    product_sets,
    random_sets,
    searched_sets,
)
from tradewright.services.sweeping.size import check_size, is_long, measure_size
from tradewright.services.sweeping.tester import Tester
from tradewright.services.sweeping.units import FIGURES, SetWork

if TYPE_CHECKING:
    from tradewright.services.workspace import Workspace

__all__ = ["Sweep", "sweep"]

STANDARD: Final = Costs.standard()


def sweep(
    make: Callable[..., Any] | str,
    bars: Bars,
    grid: Mapping[str, Iterable[Any]],
    *,
    search: str = "grid",
    workers: int | None = None,
    ray_address: str | None = None,
    costs: Costs | None = STANDARD,
    cash: float = 100_000.0,
    rules: FillRules | None = None,
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
    workspace: Workspace | None = None,
    family: str = "",
    confirm: bool = False,
    resume: Path | str | None = None,
) -> Sweep:
    """Backtest many sets of parameters.

    Parameters
    ----------
    make : callable or str
        ``make(**parameters)`` returns what `backtest` takes: `Signals`, `TargetWeights`, `Orders`
        or a strategy. None leaves a set out; it is no trial. Or the name of a strategy of the
        catalogue.
    bars : Bars
        The tape.
    grid : mapping of str to iterable
        Values of each parameter.
    search : str
        ``grid`` tries all sets, ``random:N`` N of them, ``optuna:N`` lets a search choose N.
    workers : int or None
        Threads for arrays, processes for strategies (1 is this process alone). Unless given, all
        cores for arrays, and for strategies as soon as more than some seconds of work are left.
        The result does not depend on it.
    ray_address : str, optional
        Address of a Ray cluster that runs strategies, ``host:port``, ``auto`` or ``local``; that
        of the settings (``compute.ray_address``) unless given or `workers` are.
    costs : Costs or None
        `Costs.standard` unless given; None is no cost.
    cash : float
        Cash at the start of each run; > 0.
    rules : FillRules, optional
        How the venue fills arrays.
    seed : int
        Of the random choice and the search.
    progress : callable, optional
        ``progress(fraction, message)``.
    workspace : Workspace, optional
        Where the trials are counted, under `family`.
    family : str
        Hash of data, universe, label and strategy.
    confirm : bool
        Whether more than 100,000 sets are meant.
    resume : Path or str, optional
        File that keeps the finished sets until the sweep is done; the same sweep goes on from it.

    Returns
    -------
    Sweep
        Figures of every set.

    Raises
    ------
    ConfigError
        If the grid is empty, the search is unknown, every set was left out, very many sets are
        not confirmed (with the time and memory they would take), or `resume` is another sweep's.

    StrategyError
        If `make` raised, or the strategy of every set did.
    CancelledError
        If the user stopped it; finished sets are in `resume`.

    Notes
    -----
    Timing: as `backtest`. `make` and what it holds travel to other processes by cloudpickle, also
    from a notebook; arrays of 64 kB and more lie in files that all of them map. A set whose process
    dies or finds no memory is tried once more, then listed in `Sweep.failures`; a strategy that
    raises is listed at once. The others finish; `resume` tries the failed ones again.

    Examples
    --------
    >>> import numpy as np, tradewright as tw
    >>> bars = tw.sample_bars(["AAPL"], start="2016-01-01")
    >>> def hold(first):
    ...     entries = np.zeros(bars.close.shape, dtype=bool)
    ...     entries[first] = True
    ...     return tw.Signals(entries, ~entries & False)
    >>> tw.sweep(hold, bars, {"first": [0, 5]}).trials
    2
    """
    values = {name: list(given) for name, given in grid.items()}
    empty = [name for name, given in values.items() if not given]
    if not values or empty:
        raise ConfigError(f"grid: no values for {', '.join(empty) or 'any parameter'}")
    work = SetWork(_making(make), bars, costs, cash, rules or FillRules())
    crew = crew_for(workers, ray_address)
    if not confirm:
        check_size(work, values, search, workers)
    if progress is not None and crew is None and is_long(work, values, search):
        progress(0.0, f"begin: {measure_size(work, values, search, workers)}")
    tester = Tester(work, workers=workers, crew=crew)
    tester.progress = progress
    if resume is not None:
        name = make if isinstance(make, str) else getattr(make, "__qualname__", "")
        facts = {"grid": values, "search": search, "seed": seed, "data": bars.data_version,
                 "costs": costs, "cash": cash, "rules": work.rules,
                 "make": name}  # fmt: skip
        tester.journal = SweepJournal(Path(resume), sweep_key(facts))
    try:
        _search(tester, values, search, seed)
    except KeyboardInterrupt:
        kept = "" if resume is None else "; finished sets are kept, resume goes on"
        raise CancelledError(f"sweep: stopped by the user{kept}") from None
    found = _as_sweep(tester, tuple(values))
    if workspace is not None:
        year = math.sqrt(sessions_per_year(bars))
        workspace.runs.add_trials(family, [ratio / year for ratio in tester.uncounted()])
    tester.end()
    return found


def _making(make: Callable[..., Any] | str) -> Callable[..., Any]:
    if callable(make):
        return make
    if not isinstance(make, str):
        raise ConfigError(
            f"make is {type(make).__name__}, wanted a function of the parameters or the name of a "
            "strategy"
        )
    from tradewright.services.results.sweeping import NamedMake
    from tradewright.strategies import catalogue

    if make not in catalogue():
        raise ConfigError(f"strategy {make!r} is not known; {nearest(make, catalogue())}")
    return NamedMake(make)


def _search(tester: Tester, values: dict[str, list[Any]], search: str, seed: int) -> None:
    kind, _, text = search.partition(":")
    if kind == "grid" and not text:
        tester.total = math.prod(len(given) for given in values.values())
        tester.test(product_sets(values))
    elif kind in ("random", "optuna"):
        tester.total = count_of(search, text)
        chooser = random_sets if kind == "random" else searched_sets
        chooser(tester, values, tester.total, seed)
    else:
        raise ConfigError(f"search is {search!r}, wanted grid, random:N or optuna:N")


def _as_sweep(tester: Tester, names: tuple[str, ...]) -> Sweep:
    import polars as pl

    failures = tuple({**tester.sets[at], "cause": cause} for at, cause in tester.lost.items())
    done = tester.finished
    if not done and failures:
        raise StrategyError(f"sweep: all {len(failures)} sets failed; {failures[0]['cause']}")
    if not done:
        raise ConfigError("sweep: make returned None for every set, nothing was run")
    sets = [tester.sets[at] for at in done]
    figures = zip(*(row for row in tester.rows if row is not None), strict=True)
    columns: dict[str, Any] = {name: [chosen[name] for chosen in sets] for name in names}
    for name, column in zip(FIGURES, figures, strict=True):
        columns[name] = list(column)
    table = pl.DataFrame(columns, strict=False).with_columns(
        pl.col("sharpe").cast(pl.Float64).fill_nan(None),
        (pl.col("final_equity") / to_minor(1, tester.currency)).alias("final_equity"),
    )
    return Sweep(table, names, len(done), failures, tester)
