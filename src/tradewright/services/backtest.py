"""Run a backtest: the use case behind `tw.backtest`, the command line and the API."""

from __future__ import annotations

import asyncio
import copy
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tradewright.costs import Costs
from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.decisions import Orders, Signals, TargetWeights
from tradewright.domain.errors import CancelledError, ConfigError, NoDataError
from tradewright.domain.forecasts import ForecastPanel
from tradewright.domain.outcome import Outcome, RunStatus
from tradewright.engine import Desk, FactorSource, LoopResult, LoopSetup, Sleeves, run_loop
from tradewright.services.backtest_config import BacktestConfig
from tradewright.services.backtest_plan import (
    DEFAULT_CASH,
    STANDARD,
    BacktestPlan,
    plan_backtest,
    resolved_config,
    schedule_of,
    settling_of,
)
from tradewright.strategies import is_strategy

if TYPE_CHECKING:
    from tradewright.engine.frames import FrameSource, IndicatorSource
    from tradewright.services.runs import Run

__all__ = [
    "BacktestConfig",
    "BacktestPlan",
    "backtest",
    "backtest_async",
    "feature_source",
    "plan_backtest",
    "run_backtest",
    "run_outcome",
]

Progress = Callable[[float, str], None]
_REPORTS = 200  # progress reports of a run


def backtest(
    what: Any,
    bars: Bars,
    *,
    cash: float = DEFAULT_CASH,
    costs: Costs | None = STANDARD,
    config: BacktestConfig | Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    finer: Bars | None = None,
) -> Run:
    """Run a strategy or decisions made ahead over bars.

    Parameters
    ----------
    what : Strategy, Signals, TargetWeights, Orders or str
        A strategy (any object with `on_bar`), arrays decided ahead, or the name of a reference
        strategy.
    bars : Bars
        The tape.
    cash : float
        Cash at the start, in the base currency; > 0.
    costs : Costs or None
        `Costs.standard` unless given (or set in `config`); None is no cost and shown in red.
    config : BacktestConfig or mapping, optional
        Dates, limits, fill rules, seed, benchmark; nothing is limited without one.
    progress : callable, optional
        ``progress(fraction, message)``; the fraction never falls. It may raise `CancelledError`
        to stop the run.
    finer : Bars, optional
        Bars of a shorter interval, for ``rules.intrabar: finer``: what happens inside a bar is
        read from them where they add up to it.

    Returns
    -------
    Run
        COMPLETED; FAILED when the strategy raised or the data broke off, CANCELLED when it was
        stopped: the part until then is kept, and a warning says so.

    Raises
    ------
    ConfigError
        If an argument is wrong; nothing was run.
    NoDataError
        If a symbol or the range of dates has no bar.

    Notes
    -----
    Timing: what is decided at the close of a bar fills at the open of the next at the earliest;
    the decisions of the last bar are never filled.

    Examples
    --------
    >>> import tradewright as tw
    >>> bars = tw.sample_bars(["AAPL"], start="2016-01-01")
    >>> tw.backtest("buy_and_hold", bars).outcome.status.value
    'COMPLETED'
    """
    plan = plan_backtest(what, bars, cash=cash, costs=costs, config=config, finer=finer)
    return run_backtest(plan, progress)


async def backtest_async(
    what: Any,
    bars: Bars,
    *,
    cash: float = DEFAULT_CASH,
    costs: Costs | None = STANDARD,
    config: BacktestConfig | Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    finer: Bars | None = None,
) -> Run:
    """Run `backtest` in a thread; cancelling the task stops it within one bar.

    Parameters
    ----------
    what, bars, cash, costs, config, progress, finer
        See `backtest`; `progress` is called in that thread.

    Returns
    -------
    Run
        As from `backtest`.

    Raises
    ------
    asyncio.CancelledError
        When the task was cancelled; its first argument is the `Run` with the part until then.
    """
    plan = plan_backtest(what, bars, cash=cash, costs=costs, config=config, finer=finer)
    stop = threading.Event()
    work = asyncio.ensure_future(asyncio.to_thread(run_backtest, plan, progress, stop.is_set))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        stop.set()
        raise asyncio.CancelledError(await work) from None


def run_backtest(
    plan: BacktestPlan,
    progress: Progress | None = None,
    is_stopped: Callable[[], bool] | None = None,
) -> Run:
    """Run a planned backtest and wrap its outcome.

    Parameters
    ----------
    plan : BacktestPlan
        From `plan_backtest`.
    progress : callable, optional
        See `backtest`.
    is_stopped : callable, optional
        Asked before every bar.

    Returns
    -------
    Run
        See `backtest`.
    """
    from tradewright.services.results.extras import RunExtras
    from tradewright.services.runs import Run

    again = _pristine(plan)
    outcome = run_outcome(plan, progress, is_stopped)
    if outcome.status is not RunStatus.COMPLETED:
        text = f"backtest {plan.name} {outcome.status.value}: {outcome.message}"
        warnings.warn(text, RuntimeWarning, stacklevel=3)
    run = Run(
        outcome,
        bars=plan.bars,
        benchmark=plan.config.benchmark,
        name=plan.name,
        kind="backtest",
        config=resolved_config(plan),
        extras=RunExtras(sleeves=tuple(plan.what.rows()))
        if isinstance(plan.what, Sleeves)
        else None,
        seed=plan.config.seed,
        rerunner=None if again is None else (lambda: run_backtest(again)),
    )
    run.made_of = again
    return run


def run_outcome(
    plan: BacktestPlan,
    progress: Progress | None = None,
    is_stopped: Callable[[], bool] | None = None,
) -> Outcome:
    """Run a planned backtest and return what the engine recorded.

    Arrays go to the compiled batch drive, strategies to the one loop over the simulated venue.

    Parameters
    ----------
    plan : BacktestPlan
        From `plan_backtest`.
    progress, is_stopped : callable, optional
        See `run_backtest`.

    Returns
    -------
    Outcome
        With its status; one that did not complete reaches up to the last bar processed.
    """
    what, rules = plan.what, plan.config.rules
    if is_strategy(what):
        return _run_strategy(plan, progress, is_stopped)
    from tradewright.simulation import run_orders, run_signals, run_weights

    drive: Any = {Signals: run_signals, TargetWeights: run_weights, Orders: run_orders}[type(what)]
    if progress is not None:
        progress(0.0, f"{plan.bars.n_bars} bars")
    try:
        outcome: Outcome = drive(
            plan.bars,
            what,
            cash_minor=plan.cash_minor,
            costs=plan.costs,
            rules=rules,
            currency=plan.config.currency,
            actions=schedule_of(plan),
            finer=plan.finer,
            settling=settling_of(rules),
        )
    except KeyboardInterrupt:
        raise CancelledError("stopped by the user; a compiled run keeps no part") from None
    if progress is not None:
        progress(1.0, f"{plan.bars.n_bars} bars")
    return outcome


def run_again(plan: BacktestPlan) -> Outcome | None:
    """Run a plan whose strategy is kept for later runs; None for one that cannot be copied."""
    fresh = _pristine(plan)
    return None if fresh is None else run_outcome(fresh)


def feature_source(bars: Bars) -> Callable[[str], NDArray[np.float64]]:
    """Return what answers ``ctx.indicator``: causal features of the tape, computed on first use.

    Parameters
    ----------
    bars : Bars
        The tape.

    Returns
    -------
    callable
        Gives the values (n_bars, n_instruments) of one feature by name.
    """
    if bars.actions:
        from tradewright.services.data.restated import features_as_of_now

        return features_as_of_now(bars, _feature_of)
    return partial(_feature_of, bars)


def _feature_of(bars: Bars, name: str) -> NDArray[np.float64]:
    from tradewright.features import compute, parse_features

    table = compute(parse_features([name]), bars if bars.n_bars > 1 else _and_nothing(bars))
    if len(table.names) != 1:
        raise ConfigError(f"indicator {name!r} is {len(table.names)} columns, name one of them")
    column: NDArray[np.float64] = table.values[: bars.n_bars, :, 0]
    return column


def _and_nothing(bars: Bars) -> Bars:
    # A single bar and a row without any: features want two rows and look at no later one.
    fields: Any = {name: np.vstack([getattr(bars, name), bars.close * np.nan]) for name in FIELDS}
    return replace(bars, ts=np.append(bars.ts, bars.ts[-1] + 1), **fields)


def frame_source(
    bars: Bars, indicators: Callable[[Bars], IndicatorSource] = feature_source
) -> FrameSource:
    """Return what answers ``ctx.history(..., interval="1d")``: the tape in a coarser interval.

    Parameters
    ----------
    bars : Bars
        The tape.
    indicators : callable
        Gives what answers for features of the coarser bars.

    Returns
    -------
    callable
        Gives the coarser bars, put together session by session and stamped with their close, and
        the features on them; None where the tape fills no whole bar.
    """
    tape = bars
    if bars.actions:
        from tradewright.services.data.restated import in_first_shares

        tape = in_first_shares(bars)

    def frame_of(interval: str) -> tuple[Bars, IndicatorSource] | None:
        from tradewright.marketdata import resample

        try:
            coarser = resample(tape, interval, keep_begun=False)
        except NoDataError:
            return None
        return coarser, _no_indicator if bars.actions else indicators(coarser)

    return frame_of


def _no_indicator(name: str) -> NDArray[np.float64]:
    raise ConfigError(
        f"indicator {name!r} with an interval is not there on prices as traded with corporate "
        "actions: take ctx.history(..., interval=...), which is restated as of now"
    )


class TapeFeed:
    """All rows of a tape at once, as fast as they are taken.

    Parameters
    ----------
    n_bars : int
        Rows.
    progress : callable, optional
        Told the fraction done, about 200 times.
    is_stopped : callable, optional
        Asked before every bar.
    """

    def __init__(
        self,
        n_bars: int,
        progress: Progress | None = None,
        is_stopped: Callable[[], bool] | None = None,
    ) -> None:
        self._n, self._progress, self._is_stopped = n_bars, progress, is_stopped

    def rows(self, desk: Desk) -> Iterator[int]:
        """Yield the rows of the tape."""
        n, progress, is_stopped = self._n, self._progress, self._is_stopped
        size = max(n // _REPORTS, 1)
        for first in range(0, n, size):
            if progress is not None:
                progress(first / n, f"bar {first} of {n}")
            for row in range(first, min(first + size, n)):
                if is_stopped is not None and is_stopped():
                    raise CancelledError(f"stopped by the user before bar {row} of {n}")
                yield row
        if progress is not None:
            progress(1.0, f"bar {n} of {n}")


def loop_setup(plan: BacktestPlan, venue: Any, feed: Any, **parts: Any) -> LoopSetup:
    """Put the one loop together for a planned run, over any venue and feed.

    `parts` are further fields of the setup; ``indicators`` and ``frames`` come from the whole tape
    unless they are among them.
    """
    parts.setdefault("indicators", feature_source(plan.bars))
    parts.setdefault("frames", frame_source(plan.bars))
    forecasts = getattr(plan.what, "forecasts", None)
    return LoopSetup(
        bars=plan.bars,
        feed=feed,
        venue=venue,
        strategy=plan.what,
        run_id=plan.run_id,
        initial_cash=plan.cash_minor,
        currency=plan.config.currency,
        limits=plan.limits,
        forecasts=forecasts if isinstance(forecasts, ForecastPanel) else None,
        factors=_factors_of(plan.bars),
        max_seconds_per_bar=plan.config.max_seconds_per_bar,
        universe=plan.config.universe,  # type: ignore[arg-type]  # made one by its config
        **parts,
    )


def _factors_of(bars: Bars) -> FactorSource | None:
    if not bars.actions:
        return None
    from tradewright.marketdata import forward_factors

    return lambda mode: forward_factors(bars, mode=mode)


def open_venue(plan: BacktestPlan) -> Any:
    """Return the simulated venue of a planned run."""
    from tradewright.simulation import FinerVenue, SimulatedVenue

    account: dict[str, Any] = {
        "cash_minor": plan.cash_minor,
        "costs": plan.costs,
        "rules": plan.config.rules,
        "currency": plan.config.currency,
    }
    account["settling"] = settling_of(plan.config.rules)
    if plan.finer is not None:
        return FinerVenue(plan.bars, plan.finer, **account)
    return SimulatedVenue(plan.bars, actions=schedule_of(plan), **account)


def finish(outcome: Outcome, result: LoopResult) -> Outcome:
    """Return the venue's outcome with how the loop ended, and the notes of the run."""
    notes = []
    if result.denied:
        notes.append(f"{len(result.denied)} orders denied: {result.denied[0].message}")
    notes += [f"incident: {text}" for text in result.incidents[:10]]
    if result.traceback:
        notes.append(result.traceback)
    return replace(
        outcome,
        status=result.status,
        message=result.message,
        notes=(*outcome.notes, *notes),
    )


def _pristine(plan: BacktestPlan) -> BacktestPlan | None:
    # The plan with the strategy as it is before it ran; None for one that cannot be copied.
    if not is_strategy(plan.what):
        return plan
    try:
        return replace(plan, what=copy.deepcopy(plan.what))
    except (TypeError, ValueError, AttributeError, RecursionError):
        return None


def _run_strategy(
    plan: BacktestPlan, progress: Progress | None, is_stopped: Callable[[], bool] | None
) -> Outcome:
    from tradewright.services.risk.guarding import guard_for

    venue = open_venue(plan)
    feed = TapeFeed(plan.bars.n_bars, progress, is_stopped)
    result = run_loop(loop_setup(plan, venue, feed, guard=guard_for(plan)))
    return finish(venue.outcome(), result)
