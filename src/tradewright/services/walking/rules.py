"""Walk-forward of a rule: parameters are chosen on each training window, traded on its test."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Signals, TargetWeights
from tradewright.domain.errors import ConfigError
from tradewright.domain.rules import FillRules
from tradewright.domain.time import from_ns
from tradewright.ledger import round_trips
from tradewright.metrics.drawdowns import drawdown_series
from tradewright.metrics.returns import RISK_FREE, returns_of, sharpe
from tradewright.services.backtest import (
    BacktestConfig,
    plan_backtest,
    run_backtest,
    run_outcome,
)
from tradewright.services.luck.trial_counts import counted_trials
from tradewright.services.results.extras import RunExtras
from tradewright.services.results.extras import Window as ShownWindow
from tradewright.services.sweep import Sweep, sweep
from tradewright.services.walking.journal import WalkJournal
from tradewright.services.walking.relay import Relay, stitched
from tradewright.services.walking.spans import (
    annual,
    periods,
    rows_before,
    session_ends,
    windows_in_rows,
)
from tradewright.services.walking.walk import Walk
from tradewright.strategies import is_strategy
from tradewright.training.splits import WalkForward, Window, newest_window

if TYPE_CHECKING:
    from tradewright.services.workspace import Workspace

STANDARD: Final = Costs.standard()
Make = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleWalk:
    """How a rule is walked forward.

    Parameters
    ----------
    scheme : WalkForward
        Windows in sessions.
    search : str
        ``grid``, ``random:N`` or ``optuna:N`` inside each training window, see `sweep`.
    carry_positions : bool
        Whether positions go on over the border of two windows.
    cash : float
        At the start; > 0.
    costs : Costs or None
        None is no cost.
    rules : FillRules
        How the venue fills.
    seed : int
        Of a random search.
    """

    scheme: WalkForward = field(default_factory=WalkForward)
    search: str = "grid"
    carry_positions: bool = True
    cash: float = 100_000.0
    costs: Costs | None = STANDARD
    rules: FillRules = field(default_factory=FillRules)
    seed: int = 0


def walk_forward(
    make: Make,
    bars: Bars,
    grid: Mapping[str, Iterable[Any]],
    *,
    settings: RuleWalk | None = None,
    name: str = "walk_forward",
    progress: Callable[[float, str], None] | None = None,
    workspace: Workspace | None = None,
    family: str = "",
    resume: Path | str | None = None,
) -> Walk:
    """Choose parameters on the past of each window, trade its future, and join the futures.

    Parameters
    ----------
    make : callable
        ``make(bars, **parameters)`` returns `Signals`, `TargetWeights` or a strategy for the bars
        it is given: those up to the end of training when parameters are chosen, up to the end of
        the test when they are traded. None leaves a set out.
    bars : Bars
        The tape.
    grid : mapping of str to iterable
        Values of each parameter; one value each walks a fixed rule.
    settings : RuleWalk, optional
        Windows, search, costs.
    name : str
        Of the run.
    progress : callable, optional
        ``progress(fraction, message)``.
    workspace : Workspace, optional
        Where the trials are counted, if a family is given.
    family : str
        Of the trials.
    resume : Path or str, optional
        File that keeps the finished windows until the walk is done; the same walk goes on from
        it.

    Returns
    -------
    Walk
        The stitched run and a row for each window.

    Raises
    ------
    ConfigError
        If no window fits, no set of a window can be traded, or an argument is wrong.

    Notes
    -----
    Timing: what is chosen for a window has seen no bar after its training span, less the embargo.
    The highest Sharpe ratio is chosen, of equals the first tried. Every set evaluated in any
    window counts as one trial.

    Examples
    --------
    >>> import tradewright as tw
    >>> bars = tw.sample_bars(["AAPL"], start="2012-01-01")
    >>> def trend(bars, n):
    ...     up = np.zeros(bars.close.shape, dtype=bool)
    ...     up[n:] = bars.close[n:] > bars.close[:-n]
    ...     return tw.Signals(up, ~up)
    >>> len(walk_forward(trend, bars, {"n": [20, 60]}).rows)
    19
    """
    plan = settings or RuleWalk()
    values = {key: list(given) for key, given in grid.items()}
    windows = windows_in_rows(plan.scheme, bars)
    job = _Job(make, bars, values, plan)
    kept = None if resume is None else WalkJournal(Path(resume), bars, values, plan)
    rows, chosen = [], []
    started = time.perf_counter()
    for number, window in enumerate(windows):
        if progress is not None:
            progress(number / (len(windows) + 1), f"window {number + 1} of {len(windows)}")
        row, what = job.walk(window) if kept is None else kept.walk(job, window)
        rows.append(row)
        chosen.append(what)
    walked = time.perf_counter()
    run = job.run_stitched(windows, chosen, rows, name)
    if progress is not None:
        progress(1.0, f"{len(windows)} windows")
    seconds = {"windows": walked - started, "stitched run": time.perf_counter() - walked}
    every = job.ratios()
    if workspace is not None and family:
        workspace.runs.add_trials(family, every)
        every = list(counted_trials(workspace, family))
    known = tuple(ratio for ratio in every if np.isfinite(ratio))
    run.learn(replace(run.extras, trials=known, n_trials=len(every), trial_family=family))
    if kept is not None:
        kept.finish()
    return Walk(run, tuple(rows), tuple(values), len(job.tried), seconds)


class _Job:
    """The windows of a walk, one by one."""

    def __init__(
        self, make: Make, bars: Bars, values: dict[str, list[Any]], plan: RuleWalk
    ) -> None:
        self.make, self.bars, self.values, self.plan = make, bars, values, plan
        self.tried: dict[tuple[Any, ...], list[float]] = {}

    def walk(self, window: Window) -> tuple[dict[str, Any], Any]:
        """Choose and test one window; return its row and what decides in it."""
        last = rows_before(self.bars, window.train_last, self.plan.scheme.embargo)
        if last <= window.train_first:
            raise ConfigError(f"walk-forward: the embargo leaves nothing of window {window.index}")
        found = self._sweep(self.values, window.train_first, last, self.plan.search)
        for row in found.table.iter_rows(named=True):
            self.note([row[name] for name in self.values], row["sharpe"] or np.nan)
        best = found.best
        chosen = {name: best[name] for name in self.values}
        what = self.made(window, chosen)
        test = self._test(window, what)
        ts = self.bars.ts
        row = {
            "window": window.index + 1,
            "train_from": from_ns(int(ts[window.train_first])).date(),
            "train_to": from_ns(int(ts[last - 1])).date(),
            "test_from": from_ns(int(ts[window.test_first])).date(),
            "test_to": from_ns(int(ts[window.test_last - 1])).date(),
            **chosen,
            "in_sample_return": annual(
                best["total_return"], self.bars.rows(window.train_first, last)
            ),
            "in_sample_sharpe": _number(best["sharpe"]),
            "annual_return": annual(
                test["total_return"], self.bars.rows(window.test_first, window.test_last)
            ),
            "sharpe": test["sharpe"],
            "max_drawdown": test["max_drawdown"],
            "trades": test["trades"],
        }
        return row, what

    def made(self, window: Window, chosen: Mapping[str, Any]) -> Any:
        """Return what decides in a window's test."""
        return self.make(self.bars.rows(0, window.test_last), **chosen)

    def note(self, chosen: Iterable[Any], ratio: float) -> None:
        """Remember the annual Sharpe ratio of a set in one window."""
        self.tried.setdefault(tuple(chosen), []).append(ratio)

    def run_stitched(
        self,
        windows: tuple[Window, ...],
        chosen: list[Any],
        rows: list[dict[str, Any]],
        name: str,
    ) -> Any:
        """Run what each window chose as one strategy."""
        last = windows[-1].test_last
        owner = newest_window(windows, last)
        carry = self.plan.carry_positions
        are_arrays = [isinstance(what, Signals | TargetWeights) for what in chosen]
        what: Any
        if all(are_arrays):
            what = stitched(chosen, owner, carry=carry)
        elif any(are_arrays):
            raise ConfigError("walk-forward: make returned arrays and strategies, wanted one kind")
        else:
            what = Relay(chosen, owner, carry=carry)
        run = run_backtest(self._planned(what, self.bars.rows(0, last)))
        run.name = name
        run.extras = RunExtras(windows=self._shown(windows, rows))
        return run

    def ratios(self) -> list[float]:
        """Return a Sharpe ratio per period of every set tried: the mean over its windows."""
        root = float(np.sqrt(periods(self.bars)))
        return [_mean(found) / root for found in self.tried.values()]

    def _test(self, window: Window, what: Any) -> dict[str, Any]:
        # The window alone: flat at its first test row, and a strategy knows the bars before.
        first = window.train_first if is_strategy(what) else window.test_first
        span = self.bars.rows(first, window.test_last)
        if is_strategy(what):
            owner = np.where(np.arange(span.n_bars) < window.test_first - first, -1, 0)
            runner: Any = Relay([copy.deepcopy(what)], owner)
        else:
            runner = _cut(what, first, window.test_last)
        outcome = run_outcome(self._planned(runner, span))
        held = outcome.equity[max(0, window.test_first - first - 1) :].astype(np.float64)
        returns = returns_of(held[session_ends(self.bars.rows(window.test_last - len(held),
                                                              window.test_last))])  # fmt: skip
        trips = round_trips(outcome)
        return {
            "total_return": float(held[-1] / held[0] - 1.0),
            "sharpe": sharpe(returns, periods_per_year=periods(span), risk_free=RISK_FREE),
            "max_drawdown": float(drawdown_series(held).min()),
            "trades": int((~trips["is_open"]).sum()),
        }

    def _planned(self, what: Any, bars: Bars) -> Any:
        return plan_backtest(
            what,
            bars,
            cash=self.plan.cash,
            costs=self.plan.costs,
            config=BacktestConfig.neutral().changed(rules=self.plan.rules),
        )

    def _sweep(self, values: dict[str, list[Any]], first: int, last: int, search: str) -> Sweep:
        history, span = self.bars.rows(0, last), self.bars.rows(first, last)

        def made(**parameters: Any) -> Any:
            return _cut(self.make(history, **parameters), first, last)

        return sweep(
            made,
            span,
            values,
            search=search,
            cash=self.plan.cash,
            costs=self.plan.costs,
            rules=self.plan.rules,
            seed=self.plan.seed,
        )

    def _shown(
        self, windows: tuple[Window, ...], rows: list[dict[str, Any]]
    ) -> tuple[ShownWindow, ...]:
        ts, embargo = self.bars.ts, self.plan.scheme.embargo
        scores = ("in_sample_return", "in_sample_sharpe")
        return tuple(
            ShownWindow(
                number=window.index + 1,
                train_start_ns=int(ts[window.train_first]),
                train_end_ns=int(ts[rows_before(self.bars, window.train_last, embargo) - 1]),
                test_start_ns=int(ts[window.test_first]),
                test_end_ns=int(ts[window.test_last - 1]),
                scores={key: row[key] for key in scores if np.isfinite(row[key])},
                parameters={key: row[key] for key in self.values},
            )
            for window, row in zip(windows, rows, strict=True)
        )


def _cut(what: Any, first: int, last: int) -> Any:
    if isinstance(what, TargetWeights):
        return TargetWeights(what.weights[first:last])
    if not isinstance(what, Signals):
        return what
    flags = {
        name: None if (given := getattr(what, name)) is None else given[first:last]
        for name in ("entries", "exits", "short_entries", "short_exits")
    }
    size = what.size if isinstance(what.size, float) else what.size[first:last]
    return _with_flags(what, flags, size)


def _with_flags(what: Signals, flags: Mapping[str, Any], size: Any) -> Signals:
    return Signals(
        flags["entries"],
        flags["exits"],
        short_entries=flags["short_entries"],
        short_exits=flags["short_exits"],
        size=size,
        stop=what.stop,
        target=what.target,
        trail=what.trail,
    )


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
