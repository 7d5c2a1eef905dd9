"""Try many parameters: arrays in one compiled pass on all cores, strategies one run each."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Signals, TargetWeights
from tradewright.domain.errors import ConfigError, StrategyError, TradewrightError, nearest
from tradewright.domain.money import to_minor
from tradewright.domain.outcome import Outcome
from tradewright.domain.rules import FillRules
from tradewright.metrics.benchmark import buy_and_hold
from tradewright.metrics.returns import RISK_FREE, returns_of
from tradewright.services.luck.trial_sessions import (
    session_closes,
    session_levels,
    sessions_per_year,
    set_figures,
)
from tradewright.services.sweeping.journal import BLOCK, SweepJournal, sweep_key
from tradewright.services.sweeping.searches import (
    count_of,
    product_sets,
    random_sets,
    searched_sets,
)
from tradewright.services.sweeping.size import check_size

if TYPE_CHECKING:
    import polars as pl

    from tradewright.metrics.trials.overfitting import Overfitting
    from tradewright.metrics.trials.superiority import Superiority
    from tradewright.services.backtest_config import BacktestConfig
    from tradewright.services.runs import Run
    from tradewright.services.workspace import Workspace

FloatArray = NDArray[np.float64]
FIGURES: Final = ("total_return", "sharpe", "max_drawdown", "trades", "final_equity")
STANDARD: Final = Costs.standard()
MOST_CELLS: Final = 25_000_000
"""Sessions times sets whose returns are held at once, 200 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """What a sweep found.

    Parameters
    ----------
    table : polars.DataFrame
        One row per set in the order tried: its parameters, then ``total_return``, ``sharpe``
        (annual; null without variance), ``max_drawdown`` (fractions), ``trades`` and
        ``final_equity`` (currency of the account).
    parameters : tuple of str
        Names of the parameter columns.
    trials : int
        Number of sets that were evaluated; each is a trial of the family's deflated Sharpe.
    """

    table: pl.DataFrame
    parameters: tuple[str, ...]
    trials: int
    _tester: _Tester | None = field(default=None, repr=False)

    @property
    def best(self) -> dict[str, Any]:
        """Parameters and figures of the highest Sharpe ratio; of many trials, the luckiest too."""
        return dict(self.table.sort("sharpe", descending=True, nulls_last=True).row(0, named=True))

    @property
    def returns(self) -> FloatArray:
        """Session returns of every set, (n_sessions, trials); arrays are traded again for them."""
        if self._tester is None:
            raise ConfigError("sweep: it was read from a table, the returns of its sets are gone")
        return self._tester.returns

    def overfitting(self, *, blocks: int = 16) -> Overfitting | None:
        """Return the probability that the best set was chosen for luck (PBO).

        Parameters
        ----------
        blocks : int
            Blocks the sessions are cut into; even.

        Returns
        -------
        Overfitting or None
            None with fewer than two sets, or fewer than two sessions a block: not applicable.
        """
        from tradewright.metrics.trials.overfitting import LEAST_ROWS, backtest_overfitting

        if self.trials < 2 or len(self.returns) < LEAST_ROWS * blocks:
            return None
        free = RISK_FREE / sessions_per_year(self._tester.bars) if self._tester else 0.0
        return backtest_overfitting(self.returns, blocks=blocks, risk_free_per_period=free)

    def superiority(self, *, size: float = 0.05, seed: int = 0) -> Superiority | None:
        """Test whether any set beats buy-and-hold, allowing for the search among all of them.

        Parameters
        ----------
        size : float
            Level of StepM.
        seed : int
            Of the bootstrap.

        Returns
        -------
        Superiority or None
            White's reality check, Hansen's SPA and StepM against the universe at equal weight;
            None with fewer than ten sessions.
        """
        from tradewright.metrics.trials.superiority import superiority

        if self._tester is None or len(self.returns) < 10:
            return None
        rng = np.random.default_rng(seed)
        return superiority(self.returns, self._tester.held_returns, rng, size=size)

    def run(self, **chosen: Any) -> Run:
        """Backtest one set and judge it with all trials of this sweep.

        Parameters
        ----------
        **chosen
            Parameters; those of `best` unless given.

        Returns
        -------
        Run
            Its verdict knows the ratio of every trial and the probability of overfitting.
        """
        from tradewright.services.backtest import backtest

        if self._tester is None:
            raise ConfigError("sweep: it was read from a table, its sets cannot be run")
        tester = self._tester
        picked = chosen or {name: self.best[name] for name in self.parameters}
        what = tester.make(**picked)
        run = backtest(
            what, tester.bars, cash=tester.cash, costs=tester.costs, config=tester.config_for(what)
        )
        year = math.sqrt(sessions_per_year(tester.bars))
        ratios = tuple(row[1] / year for row in tester.figures if math.isfinite(row[1]))
        found = self.overfitting()
        told = None if found is None else found.probability
        run.learn(replace(run.extras, trials=ratios, n_trials=self.trials, overfitting=told))
        return run

    def heatmap(
        self, x: str | None = None, y: str | None = None, *, figure: str = "sharpe"
    ) -> pl.DataFrame:
        """Return a figure over two parameters, the mean over the others.

        Parameters
        ----------
        x, y : str, optional
            Parameters of the columns and the rows; the first two unless given.
        figure : str
            One of the figures of `table`.

        Returns
        -------
        polars.DataFrame
            First column `y`, then one column per value of `x`.

        Raises
        ------
        ConfigError
            If there are fewer than two parameters, or a name is unknown.
        """
        if len(self.parameters) < 2:
            raise ConfigError("a heat map needs two parameters, this sweep has one")
        x, y = x or self.parameters[0], y or self.parameters[1]
        for name, known in ((x, self.parameters), (y, self.parameters), (figure, FIGURES)):
            if name not in known:
                raise ConfigError(f"heatmap: {name!r} is unknown; {nearest(name, known)}")
        wide = self.table.sort(x).pivot(x, index=y, values=figure, aggregate_function="mean")
        return wide.sort(y)


def sweep(
    make: Callable[..., Any],
    bars: Bars,
    grid: Mapping[str, Iterable[Any]],
    *,
    search: str = "grid",
    workers: int | None = None,
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
    make : callable
        ``make(**parameters)`` returns what `backtest` takes: `Signals`, `TargetWeights`, `Orders`
        or a strategy. None leaves a set out; it is no trial.
    bars : Bars
        The tape.
    grid : mapping of str to iterable
        Values of each parameter.
    search : str
        ``grid`` tries all sets, ``random:N`` N of them, ``optuna:N`` lets a search choose N.
    workers : int or None
        Threads for arrays; all cores unless given. The result does not depend on it.
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

    Notes
    -----
    Timing: as `backtest`.

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
    fills = rules or FillRules()

    def fresh() -> _Tester:
        return _Tester(make, bars, costs=costs, cash=cash, rules=fills, workers=workers)

    if not confirm:
        check_size(lambda sets: fresh().test(sets), values, search)
    tester = fresh()
    if resume is not None:
        facts = {"grid": values, "search": search, "seed": seed, "data": bars.data_version,
                 "costs": costs, "cash": cash, "rules": fills,
                 "make": getattr(make, "__qualname__", "")}  # fmt: skip
        tester.journal = SweepJournal(Path(resume), sweep_key(facts))
    kind, _, text = search.partition(":")
    if kind == "grid" and not text:
        total = math.prod(len(given) for given in values.values())
        tester.total, tester.progress = total, progress
        tester.test(product_sets(values))
    elif kind in ("random", "optuna"):
        total = count_of(search, text)
        tester.total, tester.progress = total, progress
        chooser = random_sets if kind == "random" else searched_sets
        chooser(tester, values, total, seed)
    else:
        raise ConfigError(f"search is {search!r}, wanted grid, random:N or optuna:N")
    found = _as_sweep(tester, tuple(values), workspace, family)
    if tester.journal is not None:
        tester.journal.finish()
    return found


class _Tester:
    """Makes, runs and scores sets, and remembers them in order."""

    def __init__(
        self,
        make: Callable[..., Any],
        bars: Bars,
        *,
        costs: Costs | None,
        cash: float,
        rules: FillRules,
        workers: int | None,
    ) -> None:
        self.making, self.bars, self.costs, self.cash = make, bars, costs, cash
        self.rules, self.workers = rules, workers
        self.currency = bars.instruments[0].currency
        self.sets: list[dict[str, Any]] = []
        self.figures: list[tuple[float, ...]] = []
        self.levels: dict[int, FloatArray] = {}
        self.total = 0
        self.journal: SweepJournal | None = None
        self.progress: Callable[[float, str], None] | None = None

    def make(self, **chosen: Any) -> Any:
        """Return what the user's function makes of a set."""
        try:
            return self.making(**chosen)
        except TradewrightError:
            raise
        except Exception as error:  # the user's own code; name the set and go no further
            values = ", ".join(f"{name}={value!r}" for name, value in chosen.items())
            raise StrategyError(
                f"sweep: make({values}) raised {type(error).__name__}: {error}"
            ) from error

    def test(self, sets: Iterable[dict[str, Any]]) -> list[float]:
        """Run sets; return their Sharpe ratios, NaN where undefined or left out."""
        if self.journal is None:
            return self._test(sets)
        before, source = len(self.figures), iter(sets)
        while block := list(itertools.islice(source, BLOCK)):
            known = self.journal.take(len(block))
            for chosen, row in zip(block, known, strict=False):
                if row is not None:
                    self.sets.append(chosen)
                    self.figures.append(row)
            rest, first = block[len(known) :], len(self.sets)
            if rest:
                self._test(rest)
                done = {id(s): f for s, f in zip(self.sets[first:], self.figures[first:],
                                                 strict=True)}  # fmt: skip
                self.journal.append([done.get(id(chosen)) for chosen in rest])
        return [row[1] for row in self.figures[before:]]

    def _test(self, sets: Iterable[dict[str, Any]]) -> list[float]:
        source = iter(sets)
        before = len(self.figures)
        for chosen in source:
            what = self.make(**chosen)
            if isinstance(what, Signals | TargetWeights):
                self._test_arrays(itertools.chain([(chosen, what)], self._made(source)))
            elif what is not None:
                self._keep(chosen, self._run(what))
        return [row[1] for row in self.figures[before:]]

    def _made(self, sets: Iterator[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Any]]:
        for chosen in sets:
            what = self.make(**chosen)
            if what is not None:
                yield chosen, what

    def _test_arrays(self, made: Iterable[tuple[dict[str, Any], Any]]) -> None:
        from tradewright.simulation import sweep_signals

        taken: list[dict[str, Any]] = []

        def decisions() -> Iterator[Signals | TargetWeights]:
            for chosen, what in made:
                taken.append(chosen)
                yield what

        before = len(self.figures)
        found = sweep_signals(
            self.bars,
            decisions(),
            cash_minor=to_minor(self.cash, self.currency),
            costs=self.costs,
            rules=self.rules,
            currency=self.currency,
            risk_free=RISK_FREE,
            workers=self.workers,
            on_done=lambda done: self._tell(before + done),
        )
        columns = [getattr(found, name).tolist() for name in FIGURES]
        self.sets += taken
        self.figures += list(zip(*columns, strict=True))

    def _run(self, what: Any) -> Outcome:
        from tradewright.services.backtest import plan_backtest, run_outcome

        plan = plan_backtest(
            what, self.bars, cash=self.cash, costs=self.costs, config=self.config_for(what)
        )
        return run_outcome(plan)

    def config_for(self, what: Any) -> BacktestConfig | None:
        """Return the settings of a run of its own: the rules of arrays, none for a strategy."""
        from tradewright.services.backtest_config import BacktestConfig

        arrays = isinstance(what, Signals | TargetWeights)
        return BacktestConfig.neutral().changed(rules=self.rules) if arrays else None

    @cached_property
    def returns(self) -> FloatArray:
        """Session returns, one column a set."""
        rows, count = session_closes(self.bars), len(self.sets)
        if len(rows) * count > MOST_CELLS:
            raise ConfigError(
                f"sweep: the returns of {count} sets over {len(rows)} sessions are too many to "
                f"hold at once, wanted at most {MOST_CELLS // len(rows)} sets"
            )
        found = np.zeros((len(rows) - 1, count))
        for column, chosen in enumerate(self.sets):
            own = self.levels.get(column)
            if own is None:
                own = session_levels(self._run(self.make(**chosen)), self.bars)
            found[: len(own) - 1, column] = returns_of(own)
        return found

    @cached_property
    def held_returns(self) -> FloatArray:
        """Session returns of the universe bought at the first close and held, without costs."""
        rows = session_closes(self.bars)
        return returns_of(np.nan_to_num(buy_and_hold(self.bars.close[rows]), nan=1.0))

    def _keep(self, chosen: dict[str, Any], outcome: Outcome) -> None:
        levels = session_levels(outcome, self.bars)
        if len(levels) * len(self.sets) <= MOST_CELLS:
            self.levels[len(self.sets)] = levels
        self.sets.append(chosen)
        self.figures.append(set_figures(outcome, returns_of(levels), self.bars))
        self._tell(len(self.figures))

    def _tell(self, done: int) -> None:
        if self.progress is not None and self.total:
            self.progress(min(done / self.total, 1.0), f"{done} of {self.total} sets")


def _as_sweep(
    tester: _Tester, names: tuple[str, ...], workspace: Workspace | None, family: str
) -> Sweep:
    import polars as pl

    if not tester.sets:
        raise ConfigError("sweep: make returned None for every set, nothing was run")
    figures = list(zip(*tester.figures, strict=True))
    columns: dict[str, Any] = {name: [row[name] for row in tester.sets] for name in names}
    for name, column in zip(FIGURES, figures, strict=True):
        columns[name] = list(column)
    table = pl.DataFrame(columns, strict=False).with_columns(
        pl.col("sharpe").cast(pl.Float64).fill_nan(None),
        (pl.col("final_equity") / to_minor(1, tester.currency)).alias("final_equity"),
    )
    if workspace is not None:
        periods = sessions_per_year(tester.bars)
        ratios = [row[1] / math.sqrt(periods) for row in tester.figures]
        workspace.runs.add_trials(family, ratios)
    return Sweep(table, names, len(tester.sets), tester)
