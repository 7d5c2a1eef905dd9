"""What scenarios happen to: a chain from bars to equity that can be run on other bars."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders, Signals, TargetWeights
from tradewright.domain.errors import ConfigError
from tradewright.domain.outcome import Outcome
from tradewright.risk.scenarios import (
    Onset,
    StressTestScenario,
    choose_scenarios,
    onsets,
    shocked_bars,
)
from tradewright.risk.scenarios.shock import AFTERMATH, LOOKBACK
from tradewright.services.backtest_plan import BacktestPlan, plan_backtest, rows_of
from tradewright.services.stressing.measured import (
    ScenarioResult,
    StressReport,
    Trial,
    day_of,
    measure_start,
)

Progress = Callable[[float, str], None]
DRAWDOWN_LIMIT: Final = 0.15
"""Counts as breached where the configuration sets no `max_drawdown_limit`."""
FIXED: Final = (
    "the decisions were made ahead on the real bars and are replayed as they are: they do not see "
    "the scenario and cannot react to it; prices in them stay as they were"
)


class Chain(Protocol):
    """A strategy with its account."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def bars(self) -> Bars:
        """What scenarios happen to."""
        ...

    @property
    def rows(self) -> tuple[int, int]:
        """First row and row after the last between which scenarios are put."""
        ...

    @property
    def drawdown_limit(self) -> float:
        """A deeper fall of equity is a breach; fraction > 0."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of how it was run."""
        ...

    def run(self, scenario: StressTestScenario, onset: Onset, end: int) -> Trial:
        """Run the span up to row `end` with and without the scenario."""
        ...


def run_chain(
    chain: Chain,
    scenarios: Sequence[StressTestScenario] | None,
    *,
    starts: int,
    progress: Progress | None = None,
) -> StressReport:
    """Let scenarios happen to a chain, each from several days on.

    Parameters
    ----------
    chain : Chain
        The strategy with its account.
    scenarios : sequence of StressTestScenario, optional
        The usual ones unless given.
    starts : int
        Evenly spaced onsets of each scenario, >= 1.
    progress : callable, optional
        ``progress(fraction, message)``.

    Returns
    -------
    StressReport
        Per scenario and onset the same span with and without the scenario.

    Raises
    ------
    ConfigError
        If `starts` is no whole number above 0, or the bars are not daily or too few.
    """
    if isinstance(starts, bool) or not isinstance(starts, int) or starts < 1:
        raise ConfigError(f"starts is {starts!r}, wanted a whole number >= 1")
    bars = chain.bars
    if bars.interval != "1d":
        raise ConfigError(f"stress counts in sessions: wanted daily bars, found {bars.interval}")
    chosen = choose_scenarios(None) if scenarios is None else tuple(scenarios)
    planned = [(row, _onsets_of(chain, row, starts)) for row in chosen]
    total, done, results = sum(len(rows) for _, rows in planned), 0, []
    for scenario, rows in planned:
        found = []
        for onset in rows:
            if progress is not None:
                progress(done / total, f"{scenario.name} from {day_of(bars, onset.row)}")
            end = min(max(onset.recovery_end, onset.shock_end + AFTERMATH), chain.rows[1])
            trial = chain.run(scenario, onset, end)
            limit = chain.drawdown_limit
            found.append(measure_start(trial, bars, onset, end, drawdown_limit=limit))
            done += 1
        results.append(ScenarioResult(scenario, tuple(found)))
    if progress is not None:
        progress(1.0, f"{total} runs")
    limits = {"max_drawdown_limit": chain.drawdown_limit}
    told = (*chain.notes, *_notes(tuple(results)))
    return StressReport(chain.name, tuple(results), limits, told)


class PlanChain:
    """A planned backtest: a strategy, a function that decides arrays, or arrays decided ahead.

    A strategy runs from up to 252 sessions before the onset; arrays from their first row, so that
    they hold what they held.

    Parameters
    ----------
    plan : BacktestPlan
        From `plan_backtest`.
    make : callable, optional
        Decides the arrays anew on other bars.
    """

    def __init__(self, plan: BacktestPlan, make: Callable[[Bars], Any] | None = None) -> None:
        if make is None and plan.bars.actions and isinstance(plan.what, Orders):
            raise ConfigError(
                "stress: orders decided ahead on prices as traded cannot be replayed where splits "
                "and dividends are taken into the prices; pass a function of bars"
            )
        bars, told = comparable(plan.bars)
        plan = replace(plan, bars=bars)
        self._plan, self._make = plan, make
        is_array = isinstance(plan.what, Signals | TargetWeights | Orders)
        self._is_fixed = make is None and (is_array or plan.name in _ARRAYS)
        self._normal: dict[tuple[int, int], Outcome] = {}
        self.name = plan.name if make is None else str(getattr(make, "__name__", plan.name))
        self.bars = plan.bars
        self.rows = (0, plan.bars.n_bars)
        self.drawdown_limit = plan.config.max_drawdown_limit or DRAWDOWN_LIMIT
        self.notes = (*((FIXED,) if self._is_fixed else ()), *told)

    def run(self, scenario: StressTestScenario, onset: Onset, end: int) -> Trial:
        """Run the span up to row `end` with and without the scenario."""
        first = 0 if self._is_fixed else max(onset.row - LOOKBACK, 0)
        if (first, end) not in self._normal:
            real = self.bars.rows(first, end)
            self._normal[first, end] = self._outcome(real, self._plan.costs)
        shocked = shocked_bars(self.bars, scenario, onset).rows(first, end)
        costs = wider(self._plan.costs, scenario)
        return Trial(self._normal[first, end], self._outcome(shocked, costs), shocked)

    def _outcome(self, bars: Bars, costs: Costs | None) -> Outcome:
        from tradewright.services.backtest import run_outcome

        plan, what = self._plan, self._plan.what
        if self._make is not None:
            config = plan.config.changed(start_date=None, end_date=None)
            made = plan_backtest(self._make(bars), bars, costs=costs, config=config)
            return run_outcome(replace(made, cash_minor=plan.cash_minor))
        if isinstance(what, Signals | TargetWeights | Orders):
            what = cut_arrays(what, bars.n_bars)
        return run_outcome(replace(plan, what=copy.deepcopy(what), bars=bars, costs=costs))


_ARRAYS: Final = {"signals", "target_weights", "orders"}
"""Names of plans whose decisions were made ahead."""


def comparable(bars: Bars) -> tuple[Bars, tuple[str, ...]]:
    """Return bars whose prices compare from day to day, and what must be said of them.

    Parameters
    ----------
    bars : Bars
        Prices as traded may carry splits and dividends, which a shock would take for moves.

    Returns
    -------
    Bars, tuple of str
        Adjusted to total return where they carry some.
    """
    if not bars.actions:
        return bars, ()
    from tradewright.marketdata import adjust

    note = "splits and dividends are taken into the prices before a scenario changes them"
    return adjust(bars, mode="total_return"), (note,)


def wider(costs: Costs | None, scenario: StressTestScenario) -> Costs | None:
    """Return the costs of a scenario: the quoted spread times its volatility multiplier."""
    if costs is None:
        return None
    return replace(costs, spread_bps=costs.spread_bps * scenario.volatility_multiplier)


def cut_arrays(what: Any, n_bars: int) -> Any:
    """Return the first rows of decisions made ahead.

    Parameters
    ----------
    what : Signals, TargetWeights or Orders
        Decided for at least as many bars.
    n_bars : int
        Rows to keep.

    Returns
    -------
    Signals, TargetWeights or Orders
        Of the same kind.
    """
    return what.until(n_bars) if isinstance(what, Orders) else rows_of(what, 0, n_bars)


def _onsets_of(chain: Chain, scenario: StressTestScenario, starts: int) -> tuple[Onset, ...]:
    first, end = chain.rows
    return tuple(
        replace(
            onset,
            row=onset.row + first,
            shock_end=onset.shock_end + first,
            recovery_end=onset.recovery_end + first,
        )
        for onset in onsets(end - first, scenario, count=starts)
    )


def _notes(results: tuple[ScenarioResult, ...]) -> tuple[str, ...]:
    names = {result.scenario.name for result in results}
    notes = []
    if names & {"market_crash", "covid_shock"}:
        notes.append(
            "market_crash and covid_shock are mild against history; "
            "hist_2007_2009 and hist_2020 are what was"
        )
    cut = [r.scenario.name for r in results if any(start.is_cut for start in r.starts)]
    if cut:
        notes.append(f"the data end before the scenario does: {', '.join(cut)}")
    return tuple(notes)
