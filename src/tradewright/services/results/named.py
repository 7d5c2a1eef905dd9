"""Run a strategy of the catalogue on data, count it as a trial, and store it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.costs.funding import Funding
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, DataError, NoDataError
from tradewright.domain.intervals import INTERVALS
from tradewright.domain.outcome import RunStatus
from tradewright.domain.time import NS_PER_DAY, parse_date
from tradewright.metrics.statistics import sharpe_moments
from tradewright.services.luck.families import known_overfitting
from tradewright.services.luck.trial_counts import counted_trials, reset_notes
from tradewright.services.runs import Guard, Run

if TYPE_CHECKING:
    from tradewright.services.workspace import Workspace
    from tradewright.strategies import SignalReplay

SAMPLE: Final = "sample"
STORE: Final = "store"
NOTHING_LATER: Final = Guard(
    None,
    "The leak guard had no features to check: the engine called the strategy bar by bar and "
    "showed it nothing later.",
)
MADE_ELSEWHERE: Final = Guard(
    None,
    "The signals were made elsewhere: nothing here can say what was known when they were made.",
)
MOST_POINTS: Final = 100_000


@dataclass(frozen=True, slots=True)
class DataChoice:
    """Which bars to run on.

    Parameters
    ----------
    data : str
        ``sample``, ``store`` (the bar store), or the path of a file of bars.
    symbols : tuple of str
        Instruments; all there are if empty.
    start, end : str or None
        First and last day, both included, ``YYYY-MM-DD``.
    interval : str
        Of the stored bars.
    fx_rates : str
        File of rates of exchange, laid beside the bars; none if empty.
    actions : str
        Table of corporate actions for prices as traded: a file, or ``store`` for those stored with
        the bars; without it stored prices are adjusted, and a file's own actions are taken.
    finer : str
        A shorter interval of stored bars, or the path of a file of them, to read inside the bars;
        none if empty.
    """

    data: str = SAMPLE
    symbols: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None
    interval: str = "1d"
    fx_rates: str = ""
    actions: str = ""
    finer: str = ""


@dataclass(frozen=True, slots=True)
class NamedRun:
    """A strategy by name with its settings.

    Parameters
    ----------
    strategy : str
        Name in the catalogue.
    parameters : mapping
        What differs from its defaults.
    cash : float
        At the start, major units.
    fee_bps, slippage_bps : float or None
        Per side; the standard costs where both are None.
    seed : int
        Of everything random.
    funding : mapping, optional
        Funding rates by symbol, beside the costs.
    settings : mapping
        Further settings of `BacktestConfig`.
    """

    strategy: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    cash: float = 100_000.0
    fee_bps: float | None = None
    slippage_bps: float | None = None
    seed: int = 0
    funding: Funding | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


def open_bars(workspace: Workspace, choice: DataChoice) -> Bars:
    """Read the bars that were chosen.

    Parameters
    ----------
    workspace : Workspace
        Holds the bar store.
    choice : DataChoice
        Which.

    Returns
    -------
    Bars
        Within the dates.

    Raises
    ------
    NoDataError
        If a symbol, file or range has no bar.
    ConfigError
        If a day is not a date, or the end is before the start.
    """
    first = None if choice.start is None else _day_ns("--from", choice.start)
    last = None if choice.end is None else _day_ns("--to", choice.end) + NS_PER_DAY
    if first is not None and last is not None and last <= first:
        raise ConfigError(f"--to {choice.end} is before --from {choice.start}")
    from tradewright.marketdata import read_actions, read_bars
    from tradewright.services.data import load_adjusted

    if choice.actions == STORE and choice.data != STORE:
        raise ConfigError(f"--actions store goes with --data store, found --data {choice.data}")
    if choice.data == SAMPLE:
        if choice.interval != "1d":
            raise ConfigError(f"the sample is daily, --interval is {choice.interval}")
        bars = _of_sample(workspace, choice.symbols)
    elif choice.data == STORE:
        symbols = choice.symbols or tuple(
            sorted(
                {s.symbol for s in workspace.bars.list_series() if s.interval == choice.interval}
            )
        )
        if not symbols:
            raise NoDataError(
                f"the bar store has no {choice.interval} bars; fetch or import some first"
            )
        adjust = "none" if choice.actions else "any"
        bars = load_adjusted(workspace, symbols, adjust=adjust, interval=choice.interval)
    else:
        if not Path(choice.data).exists():
            raise NoDataError(f"--data {choice.data}: no such file; known: sample, store, a file")
        try:
            bars = read_bars(choice.data)
        except (ConfigError, DataError) as error:
            raise type(error)(
                f"{error}\n  'tradewright data import {choice.data}' takes such answers as flags; "
                "then run with --data store"
            ) from error
        bars = bars.select(choice.symbols) if choice.symbols else bars
    if choice.fx_rates:
        from tradewright.services.markets.files import with_rates

        bars = with_rates(bars, choice.fx_rates)
    if choice.actions not in ("", STORE):
        bars = bars.with_actions(read_actions(choice.actions))
    return bars if first is None and last is None else bars.between(first, last)


def open_finer(workspace: Workspace, choice: DataChoice) -> Bars | None:
    """Read the finer bars that were chosen; None where none were.

    Raises
    ------
    NoDataError
        If there are none of the symbols in these dates.
    """
    if not choice.finer:
        return None
    if choice.finer in INTERVALS:
        return open_bars(workspace, replace(choice, data=STORE, interval=choice.finer))
    return open_bars(workspace, replace(choice, data=choice.finer))


def _of_sample(workspace: Workspace, symbols: Sequence[str]) -> Bars:
    from tradewright.marketdata import sample_bars

    try:
        return sample_bars(list(symbols) or None)
    except NoDataError as error:
        stored = {row.symbol for row in workspace.bars.list_series()}
        elsewhere = [name for name in symbols if name in stored]
        if not elsewhere:
            raise
        names = ", ".join(elsewhere)
        raise NoDataError(f"{error}; {names} is in the bar store: --data store") from error


def run_named(
    workspace: Workspace,
    wanted: NamedRun,
    bars: Bars,
    *,
    choice: DataChoice | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Run:
    """Run a strategy by name, count it as a trial of its family, and store it.

    Parameters
    ----------
    workspace : Workspace
        Where the run is stored, whatever its end.
    wanted : NamedRun
        Strategy and settings.
    bars : Bars
        The tape.
    choice : DataChoice, optional
        How the bars were opened; kept in the manifest, so that the run can be repeated.
    progress : callable, optional
        ``progress(fraction, message)``.

    Returns
    -------
    Run
        Stored.

    Raises
    ------
    ConfigError
        If the strategy, a parameter or a setting is unknown or out of range; nothing was run.
    """
    from tradewright.strategies import create_strategy

    strategy = create_strategy(wanted.strategy, **wanted.parameters)
    return _run(workspace, wanted, strategy, bars, choice=choice, progress=progress)


def run_signals(
    workspace: Workspace,
    wanted: NamedRun,
    strategy: SignalReplay,
    bars: Bars,
    *,
    progress: Callable[[float, str], None] | None = None,
) -> Run:
    """Run a list of signals, count it as a trial of its family, and store it.

    Parameters
    ----------
    workspace, bars, progress
        As for `run_named`.
    wanted : NamedRun
        Cash, costs and seed; its strategy and parameters are not used.
    strategy : SignalReplay
        The signals.

    Returns
    -------
    Run
        Stored; it says that nobody can check what the signals knew.
    """
    return _run(workspace, wanted, strategy, bars, leak=MADE_ELSEWHERE, progress=progress)


def _run(
    workspace: Workspace,
    wanted: NamedRun,
    strategy: Any,
    bars: Bars,
    *,
    leak: Guard = NOTHING_LATER,
    choice: DataChoice | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Run:
    from tradewright.services.backtest import BacktestConfig, backtest

    config = BacktestConfig.neutral().changed(seed=wanted.seed, **wanted.settings)
    finer = None if choice is None else open_finer(workspace, choice)
    if finer is not None:
        config = config.changed(rules=replace(config.rules, intrabar="finer"))
    run = backtest(
        strategy,
        bars,
        cash=wanted.cash,
        costs=costs_of(wanted),
        config=config,
        progress=progress,
        finer=finer,
    )
    run.name = wanted.strategy
    if choice is not None:
        run.given_manifest["opened"] = asdict(choice)
    try:
        if progress is not None:
            progress(1.0, "figures: health, luck, report")
        run.learn(replace(run.extras, leak=leak, health=health_of(bars)))
        if run.is_complete:
            count_trials(run, workspace, family_of(wanted.strategy, bars), [per_period_sharpe(run)])
        run.save(workspace)
    except KeyboardInterrupt:
        run = _stopped(run, bars)
        if not _is_stored(run, workspace):  # the same run, judged before, stays
            run.save(workspace)
    return run


def _is_stored(run: Run, workspace: Workspace) -> bool:
    try:
        workspace.runs.load(run.run_id, "manifest.json")
    except NoDataError:
        return False
    return True


# It reached its end but nobody judged it, and a run without verdict shows no figures.
def _stopped(run: Run, bars: Bars) -> Run:
    message = "stopped by the user before it was judged"
    return Run(
        replace(run.outcome, status=RunStatus.CANCELLED, message=message),
        bars,
        name=run.name,
        config=run.config,
        manifest=run.given_manifest,
        extras=run.extras,
        seed=run.seed,
        created_ns=run.created_ns,
    )


def health_of(bars: Bars) -> Guard:
    """Return what the data-health gate says of bars."""
    from tradewright.marketdata import check_health

    verdict = check_health(bars)
    return Guard(bool(verdict.ok), str(verdict.summary))


def costs_of(wanted: NamedRun) -> Any:
    """Return the costs a run asks for: the standard ones, or those named with zero for the rest."""
    from tradewright.costs import Costs

    if wanted.fee_bps is None and wanted.slippage_bps is None:
        return replace(Costs.standard(), funding=wanted.funding)
    return Costs(
        fee_bps=wanted.fee_bps or 0.0,
        slippage_bps=wanted.slippage_bps or 0.0,
        funding=wanted.funding,
    )


def family_of(strategy: str, bars: Bars) -> str:
    """Return the family in which trials are counted: data, universe and strategy."""
    keys = {"data": bars.data_version, "universe": sorted(bars.symbols), "strategy": strategy}
    return hashlib.sha256(json.dumps(keys, sort_keys=True).encode()).hexdigest()[:16]


def per_period_sharpe(run: Run) -> float:
    """Return the Sharpe ratio of one session, in which trials are counted; NaN if undefined."""
    timeline = run.timeline
    free = run.risk_free / timeline.periods_per_year
    return sharpe_moments(timeline.returns, risk_free_per_period=free).sharpe


def count_trials(run: Run, workspace: Workspace, family: str, ratios: Sequence[float]) -> None:
    """Count trials of a family and let the run know all of them; a stored run counts once.

    Parameters
    ----------
    run : Run
        Its statistics and verdict are made again with the new count.
    workspace : Workspace
        Keeps the counts.
    family : str
        From `family_of`.
    ratios : sequence of float
        Per-period Sharpe ratio of each configuration tried.
    """
    if not _is_stored(run, workspace):
        workspace.runs.add_trials(family, ratios)
    every = counted_trials(workspace, family)
    run.learn(
        replace(
            run.extras,
            trials=tuple(ratio for ratio in every if math.isfinite(ratio)),
            n_trials=len(every),
            trial_family=family,
            notes=(*run.extras.notes, *reset_notes(workspace, family)),
            overfitting=known_overfitting(workspace, family),
        )
    )


def parse_parameter(text: str, defaults: Mapping[str, Any]) -> tuple[str, Any]:
    """Read ``NAME=VALUE``, the value in the type of the parameter's default.

    Raises
    ------
    ConfigError
        If the form is another one or the value has the wrong type.

    Examples
    --------
    >>> parse_parameter("fast=10", {"fast": 20})
    ('fast', 10)
    """
    name, given, value = text.partition("=")
    name, value = name.strip(), value.strip()
    if not given or not name or not value:
        raise ConfigError(f"--set {text!r}: wanted NAME=VALUE")
    return name, _typed(name, value, defaults.get(name))


def parse_grid(text: str, defaults: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """Read ``NAME=A:B:STEP`` (both ends included) or ``NAME=V1,V2,…``.

    Raises
    ------
    ConfigError
        If the form is another one, or the step does not lead from A to B.

    Examples
    --------
    >>> parse_grid("fast=5:20:5", {"fast": 1})
    ('fast', [5, 10, 15, 20])
    >>> parse_grid("level=0.1,0.2", {"level": 1.0})
    ('level', [0.1, 0.2])
    """
    name, given, values = text.partition("=")
    name = name.strip()
    if not given or not name or not values:
        raise ConfigError(f"--grid {text!r}: wanted NAME=A:B:STEP or NAME=V1,V2")
    default = defaults.get(name)
    parts = values.split(":")
    if len(parts) == 1:
        return name, [_typed(name, part.strip(), default) for part in values.split(",")]
    if len(parts) not in (2, 3):
        raise ConfigError(f"--grid {text!r}: wanted NAME=A:B:STEP")
    low, high = (_typed(name, part, default) for part in parts[:2])
    step = _typed(name, parts[2], default) if len(parts) == 3 else type(low)(1)
    if isinstance(low, str | bool) or not step > 0 or high < low:
        raise ConfigError(f"--grid {text!r}: wanted A <= B and a step above 0")
    count = int(np.floor((high - low) / step + 1e-9)) + 1
    if count > MOST_POINTS:
        raise ConfigError(f"--grid {text!r}: {count} values, wanted at most {MOST_POINTS}")
    return name, [low + step * k for k in range(count)]


def _typed(name: str, value: str, default: Any) -> Any:
    if isinstance(default, bool):
        words = {"true": True, "yes": True, "false": False, "no": False}
        if value.lower() not in words:
            raise ConfigError(f"parameter {name} is {value!r}, wanted true or false")
        return words[value.lower()]
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    if isinstance(default, int | float):
        raise ConfigError(f"parameter {name} is {value!r}, wanted a number")
    return value


def _day_ns(flag: str, text: str) -> int:
    try:
        return int(np.datetime64(parse_date(text), "ns").astype(np.int64))
    except DataError as error:
        raise ConfigError(f"{flag}: {error}") from error
