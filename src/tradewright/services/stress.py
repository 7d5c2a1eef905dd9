"""Stress a strategy: let scenarios happen to its market and run the same engine on it."""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders, Signals, TargetWeights
from tradewright.domain.errors import ConfigError
from tradewright.domain.outcome import Outcome, RunStatus
from tradewright.metrics.benchmark import buy_and_hold
from tradewright.metrics.drawdowns import drawdown_series
from tradewright.metrics.returns import performance
from tradewright.risk.scenarios import (
    Onset,
    StressTestScenario,
    choose_scenarios,
    onsets,
    read_scenarios,
    shocked_bars,
)
from tradewright.risk.scenarios.shock import AFTERMATH, LOOKBACK
from tradewright.services.backtest_config import BacktestConfig
from tradewright.services.backtest_plan import DEFAULT_CASH, STANDARD, BacktestPlan, plan_backtest
from tradewright.services.results.documents import plain
from tradewright.services.results.timeline import Timeline, measure
from tradewright.services.study.safe_yaml import read_page
from tradewright.strategies import create_strategy

if TYPE_CHECKING:
    import polars as pl

Progress = Callable[[float, str], None]
Levels = NDArray[np.float64]

DRAWDOWN_LIMIT: Final = 0.15
"""Counts as breached where the configuration sets no `max_drawdown_limit`."""
METRICS: Final = (
    "total_return",
    "annual_return",
    "annual_volatility",
    "sharpe",
    "sortino",
    "max_drawdown",
    "var_95",
    "cvar_95",
)
_LARGER_IS_WORSE: Final = {"annual_volatility", "var_95", "cvar_95"}


@dataclass(frozen=True, slots=True)
class StressStart:
    """One start of one scenario, beside the same span without it.

    Parameters
    ----------
    first_day, last_day : str
        Of what is measured: shock, recovery, and 21 sessions after the shock at least.
    is_cut : bool
        The data ended before the scenario did.
    normal_metrics, stressed_metrics : mapping of str to float
        `METRICS` over that span; drawdown <= 0, risk figures are positive loss fractions.
    performance_degradation : mapping of str to float
        ``(normal - stressed) / max(|normal|, 1e-12)``, its sign turned for figures where larger is
        worse: positive is worse everywhere.
    benchmark_drawdown : float
        Of the equally weighted instruments, bought at the onset and held through the scenario.
    sessions_to_trough : int
        From the onset to the lowest equity.
    sessions_to_regain : int or None
        From the onset until the equity of the onset is back; None if it never is.
    recovered_share : float
        Share of the largest loss against the onset that is made good at the end; 1 without a loss.
    breach_share : float
        Share of sessions beyond a limit.
    stress_resilience_score : float
        0 to 100.
    message : str
        Empty, or why the run ended early.
    """

    first_day: str
    last_day: str
    is_cut: bool
    normal_metrics: Mapping[str, float]
    stressed_metrics: Mapping[str, float]
    performance_degradation: Mapping[str, float]
    benchmark_drawdown: float
    sessions_to_trough: int
    sessions_to_regain: int | None
    recovered_share: float
    breach_share: float
    stress_resilience_score: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """One scenario over all its starts.

    Parameters
    ----------
    scenario : StressTestScenario
        What happened.
    starts : tuple of StressStart
        In order of time.
    """

    scenario: StressTestScenario
    starts: tuple[StressStart, ...]

    @property
    def worst(self) -> StressStart:
        """The start with the lowest score."""
        return min(self.starts, key=lambda start: start.stress_resilience_score)

    @property
    def median(self) -> StressStart:
        """The start whose score is the (lower) median."""
        middle = statistics.median_low(start.stress_resilience_score for start in self.starts)
        return next(s for s in self.starts if s.stress_resilience_score == middle)


@dataclass(frozen=True, slots=True)
class StressReport:
    """What a strategy does under stress.

    Parameters
    ----------
    name : str
        What was run.
    results : tuple of ScenarioResult
        One for each scenario.
    limits : mapping of str to float
        What counts as breached.
    notes : tuple of str
        What a reader must know.
    """

    name: str
    results: tuple[ScenarioResult, ...]
    limits: Mapping[str, float]
    notes: tuple[str, ...] = ()

    def __getitem__(self, scenario: str) -> ScenarioResult:
        """Return the result of a scenario by name."""
        for result in self.results:
            if result.scenario.name == scenario:
                return result
        raise KeyError(scenario)

    @property
    def table(self) -> pl.DataFrame:
        """One row for each scenario and start."""
        import polars as pl

        return pl.DataFrame(list(self._rows()))

    def _rows(self) -> Iterator[dict[str, Any]]:
        for result in self.results:
            for start in result.starts:
                row = {"scenario": result.scenario.name, **asdict(start)}
                normal, stressed = row.pop("normal_metrics"), row.pop("stressed_metrics")
                row.pop("performance_degradation")
                yield {
                    **row,
                    **{f"normal_{name}": value for name, value in normal.items()},
                    **{f"stressed_{name}": value for name, value in stressed.items()},
                }

    def as_document(self) -> dict[str, Any]:
        """Return plain values for JSON; not-a-numbers are None."""
        return {
            "name": self.name,
            "limits": dict(self.limits),
            "notes": list(self.notes),
            "scenarios": [
                {
                    **asdict(result.scenario),
                    "worst": plain(asdict(result.worst)),
                    "median": plain(asdict(result.median)),
                    "starts": [plain(asdict(start)) for start in result.starts],
                }
                for result in self.results
            ],
        }


def stress(
    what: Any,
    bars: Bars,
    scenarios: Iterable[str | StressTestScenario] | None = None,
    *,
    cash: float = DEFAULT_CASH,
    costs: Costs | None = STANDARD,
    config: BacktestConfig | Mapping[str, Any] | None = None,
    starts: int = 5,
    progress: Progress | None = None,
) -> StressReport:
    r"""Let scenarios happen to the market and run a strategy through them.

    Parameters
    ----------
    what : Strategy, str or callable
        A strategy, the name of a reference strategy, or a function of `Bars` that returns decided
        arrays (it is called on the shocked bars). Arrays themselves are refused: they cannot react.
    bars : Bars
        Real daily bars; at least 62 sessions.
    scenarios : iterable of str or StressTestScenario, optional
        See `tradewright.risk.scenarios.SCENARIOS`; ``all`` for every one. By default the four
        named ones with the falls of 2007-2009 and 2020 beside them.
    cash, costs, config
        As for `tw.backtest`. The quoted spread is multiplied by the scenario's volatility factor.
    starts : int
        Evenly spaced onsets for each scenario, >= 1.
    progress : callable, optional
        ``progress(fraction, message)``.

    Returns
    -------
    StressReport
        Per scenario and onset the same span with and without the scenario.

    Raises
    ------
    ConfigError
        If a scenario or argument is wrong, or the bars are not daily.

    Notes
    -----
    Every run starts up to 252 sessions before the onset, so that the strategy holds what it would
    hold, and is measured from the close before the onset.

    .. math:: score = 100 [0.5\, clip(1 - DD / DD_{benchmark}, 0, 1) + 0.3\, recovered
              + 0.2 (1 - breached)]
    """
    if isinstance(starts, bool) or not isinstance(starts, int) or starts < 1:
        raise ConfigError(f"starts is {starts!r}, wanted a whole number >= 1")
    if bars.interval != "1d":
        raise ConfigError(f"stress counts in sessions: wanted daily bars, found {bars.interval}")
    if isinstance(what, Signals | TargetWeights | Orders):
        raise ConfigError(
            f"{type(what).__name__} were decided on the real bars and cannot react to others: "
            "pass a function of bars that returns them"
        )
    if isinstance(what, str):
        what = create_strategy(what)
    chosen = choose_scenarios(scenarios)
    trial = _Trial(what, bars, cash, costs, config)
    planned = [(row, onsets(bars.n_bars, row, count=starts)) for row in chosen]
    total, done, results = sum(len(rows) for _, rows in planned), 0, []
    for scenario, rows in planned:
        found = []
        for onset in rows:
            if progress is not None:
                progress(done / total, f"{scenario.name} from {_day(bars, onset.row)}")
            found.append(trial.run(scenario, onset))
            done += 1
        results.append(ScenarioResult(scenario, tuple(found)))
    if progress is not None:
        progress(1.0, f"{total} runs")
    return StressReport(trial.name, tuple(results), trial.limits, _notes(tuple(results)))


def scenarios_of(
    names: Iterable[str] | None, page: Path | None = None
) -> tuple[StressTestScenario, ...]:
    """Return scenarios by name, with the user's own from a YAML page.

    Parameters
    ----------
    names : iterable of str, optional
        The usual ones if left out; with a page also all of the page.
    page : Path, optional
        A mapping of name to the fields of `StressTestScenario`.

    Returns
    -------
    tuple of StressTestScenario
        In the order asked for.

    Raises
    ------
    ConfigError
        If the page cannot be read, or a name or a key is unknown.
    """
    if page is None:
        return choose_scenarios(names)
    try:
        text = page.read_bytes()
    except OSError as error:
        raise ConfigError(f"scenario file {page}: {error.strerror}") from None
    return choose_scenarios(names, read_scenarios(read_page(text, str(page))[0]))


class _Trial:
    """The strategy and its account, run over one span as it was and as it would be."""

    def __init__(
        self, what: Any, bars: Bars, cash: float, costs: Costs | None, config: Any
    ) -> None:
        self._what, self._bars, self._cash = what, bars, cash
        plan = self._plan(bars, costs, config)
        self.name, self._config, self._costs = plan.name, plan.config, plan.costs
        if not isinstance(what, str) and callable(what) and hasattr(what, "__name__"):
            self.name = what.__name__
        self.limits = {"max_drawdown_limit": self._config.max_drawdown_limit or DRAWDOWN_LIMIT}
        self._normal: dict[tuple[int, int], Outcome] = {}

    def run(self, scenario: StressTestScenario, onset: Onset) -> StressStart:
        watched = max(onset.recovery_end, onset.shock_end + AFTERMATH)
        first, end = max(onset.row - LOOKBACK, 0), min(watched, self._bars.n_bars)
        if (first, end) not in self._normal:
            self._normal[first, end] = self._outcome(self._bars.rows(first, end), self._costs)
        costs = _wider(self._costs, scenario.volatility_multiplier)
        shocked = shocked_bars(self._bars, scenario, onset).rows(first, end)
        outcome, base = self._outcome(shocked, costs), onset.row - 1 - first
        line = self._line(outcome, shocked, base)
        usual = self._line(self._normal[first, end], self._bars.rows(first, end), base)
        normal, stressed = _figures(usual), _figures(line)
        held = drawdown_series(buy_and_hold(shocked.close[base:]))
        path = _path(line.levels)
        breached = drawdown_series(line.levels)[1:] < -self.limits["max_drawdown_limit"]
        share = float(breached.mean()) if breached.size else 0.0
        worst = float(np.nanmin(held))
        return StressStart(
            first_day=_day(self._bars, onset.row),
            last_day=_day(self._bars, end - 1),
            is_cut=onset.is_cut,
            normal_metrics=normal,
            stressed_metrics=stressed,
            performance_degradation=_degradation(normal, stressed),
            benchmark_drawdown=worst,
            sessions_to_trough=path[0],
            sessions_to_regain=path[1],
            recovered_share=path[2],
            breach_share=share,
            stress_resilience_score=resilience_score(
                stressed["max_drawdown"], worst, path[2], share
            ),
            message="" if outcome.status is RunStatus.COMPLETED else outcome.message,
        )

    def _plan(self, bars: Bars, costs: Costs | None, config: Any) -> BacktestPlan:
        what = self._what
        made = what(bars) if _makes_decisions(what) else copy.deepcopy(what)
        return plan_backtest(made, bars, cash=self._cash, costs=costs, config=config)

    def _outcome(self, bars: Bars, costs: Costs | None) -> Outcome:
        from tradewright.services.backtest import run_outcome

        return run_outcome(self._plan(bars, costs, self._config))

    def _line(self, outcome: Outcome, bars: Bars, base: int) -> Timeline:
        if len(outcome.ts) <= base + 1:
            raise ConfigError(f"the run ended before the scenario began: {outcome.message}")
        return measure(outcome, interval=bars.interval, first_ns=int(bars.ts[base]))


def resilience_score(
    drawdown: float, benchmark_drawdown: float, recovered: float, breached: float
) -> float:
    """Return the stress resilience score, 0 to 100.

    Parameters
    ----------
    drawdown, benchmark_drawdown : float
        Of the strategy and of the benchmark in the scenario, <= 0.
    recovered : float
        Share of the loss made good at the end, in [0, 1].
    breached : float
        Share of sessions beyond a limit, in [0, 1].

    Returns
    -------
    float
        ``100 [0.5 clip(1 - DD / DD_benchmark, 0, 1) + 0.3 recovered + 0.2 (1 - breached)]``; a
        benchmark that did not fall leaves the first part whole only to a strategy that did not.

    Examples
    --------
    >>> resilience_score(-0.10, -0.40, 0.5, 0.25)
    67.5
    """
    if benchmark_drawdown < 0.0:
        spared = min(max(1.0 - drawdown / benchmark_drawdown, 0.0), 1.0)
    else:
        spared = 1.0 if drawdown == 0.0 else 0.0
    return 100.0 * (0.5 * spared + 0.3 * recovered + 0.2 * (1.0 - breached))


def _makes_decisions(what: Any) -> bool:
    return callable(what) and not hasattr(what, "on_bar")


def _wider(costs: Costs | None, factor: float) -> Costs | None:
    return None if costs is None else replace(costs, spread_bps=costs.spread_bps * factor)


def _figures(line: Timeline) -> dict[str, float]:
    found = performance(line.returns, periods_per_year=line.periods_per_year)
    found["max_drawdown"] = float(drawdown_series(line.levels).min())
    return {name: found[name] for name in METRICS}


def _degradation(normal: Mapping[str, float], stressed: Mapping[str, float]) -> dict[str, float]:
    return {
        name: (normal[name] - stressed[name])
        / max(abs(normal[name]), 1e-12)
        * (-1.0 if name in _LARGER_IS_WORSE else 1.0)
        for name in METRICS
    }


def _path(levels: Levels) -> tuple[int, int | None, float]:
    # Sessions to the trough, sessions until the start is regained, share recovered at the end.
    start, trough = levels[0], int(np.argmin(levels))
    loss = start - levels[trough]
    if loss <= 0.0:
        return 0, 0, 1.0
    back = np.nonzero(levels[trough:] >= start)[0]
    share = float(np.clip((levels[-1] - levels[trough]) / loss, 0.0, 1.0))
    return trough, trough + int(back[0]) if back.size else None, share


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


def _day(bars: Bars, row: int) -> str:
    return str(bars.times[row].astype("datetime64[D]"))
