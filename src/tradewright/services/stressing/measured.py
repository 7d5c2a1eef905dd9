"""What a strategy did in a scenario: one start, all starts of a scenario, the whole report."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.domain.outcome import Outcome, RunStatus
from tradewright.metrics.benchmark import buy_and_hold
from tradewright.metrics.drawdowns import drawdown_series
from tradewright.metrics.returns import performance
from tradewright.risk.scenarios import Onset, StressTestScenario
from tradewright.services.results.documents import plain
from tradewright.services.results.timeline import Timeline, measure

if TYPE_CHECKING:
    import polars as pl

Levels = NDArray[np.float64]

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
        from tradewright.services.results.tables import stress_frame

        return stress_frame(self.as_document())

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


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What a chain did over one span, without and with a scenario.

    Parameters
    ----------
    normal, stressed : Outcome
        On the bars as they were, and as the scenario made them; both begin at or before the close
        before the onset.
    shocked : Bars
        Bars of the stressed outcome.
    """

    normal: Outcome
    stressed: Outcome
    shocked: Bars


def measure_start(
    trial: Trial, bars: Bars, onset: Onset, end: int, *, drawdown_limit: float
) -> StressStart:
    """Measure one start from the close before the onset to the end of the span.

    Parameters
    ----------
    trial : Trial
        Both outcomes.
    bars : Bars
        As they were, whole.
    onset : Onset
        Rows of `bars`.
    end : int
        Row after the last of the span.
    drawdown_limit : float
        A fall from the highest equity beyond it counts as a breach; fraction > 0.

    Returns
    -------
    StressStart
        Figures of the two.

    Raises
    ------
    ConfigError
        If the stressed run ended before the scenario began.
    """
    base_ns = int(bars.ts[onset.row - 1])
    line = _line(trial.stressed, bars.interval, base_ns)
    usual = _line(trial.normal, bars.interval, base_ns)
    normal, stressed = _figures(usual), _figures(line)
    base = int(np.searchsorted(trial.shocked.ts, base_ns))
    held = drawdown_series(buy_and_hold(trial.shocked.close[base:]))
    path = _path(line.levels)
    breached = drawdown_series(line.levels)[1:] < -drawdown_limit
    share = float(breached.mean()) if breached.size else 0.0
    worst = float(np.nanmin(held))
    ended = trial.stressed.status is RunStatus.COMPLETED
    return StressStart(
        first_day=day_of(bars, onset.row),
        last_day=day_of(bars, end - 1),
        is_cut=onset.is_cut,
        normal_metrics=normal,
        stressed_metrics=stressed,
        performance_degradation=_degradation(normal, stressed),
        benchmark_drawdown=worst,
        sessions_to_trough=path[0],
        sessions_to_regain=path[1],
        recovered_share=path[2],
        breach_share=share,
        stress_resilience_score=resilience_score(stressed["max_drawdown"], worst, path[2], share),
        message="" if ended else trial.stressed.message,
    )


def day_of(bars: Bars, row: int) -> str:
    """Return the date of a row, ``YYYY-MM-DD``."""
    return str(bars.times[row].astype("datetime64[D]"))


def _line(outcome: Outcome, interval: str, base_ns: int) -> Timeline:
    if not len(outcome.ts) or outcome.ts[-1] <= base_ns:
        raise ConfigError(f"the run ended before the scenario began: {outcome.message}")
    return measure(outcome, interval=interval, first_ns=base_ns)


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
