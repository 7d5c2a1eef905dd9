"""Stress a strategy: let scenarios happen to its market and run the same engine on it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.risk.scenarios import StressTestScenario, choose_scenarios, read_scenarios
from tradewright.services.backtest_config import BacktestConfig
from tradewright.services.backtest_plan import DEFAULT_CASH, STANDARD, plan_backtest
from tradewright.services.stressing.chains import PlanChain, run_chain
from tradewright.services.stressing.measured import StressReport
from tradewright.services.study.safe_yaml import read_page

if TYPE_CHECKING:
    from tradewright.services.runs import Run

Progress = Callable[[float, str], None]


def stress(
    what: Any,
    bars: Bars | None = None,
    scenarios: Iterable[str | StressTestScenario] | None = None,
    *,
    cash: float = DEFAULT_CASH,
    costs: Costs | None = STANDARD,
    config: BacktestConfig | Mapping[str, Any] | None = None,
    starts: int = 5,
    models: str = "frozen",
    progress: Progress | None = None,
) -> StressReport:
    r"""Let scenarios happen to the market and run a strategy through them.

    Parameters
    ----------
    what : Strategy, str, callable, Signals, TargetWeights, Orders or Run
        A strategy, the name of a reference strategy, or a function of `Bars` that returns decided
        arrays (it is called on the shocked bars). Arrays themselves are replayed as they are: they
        were decided on the real bars and cannot react, and the report says so. A run, of a backtest
        or of a study, is made anew from what it was made from, and keeps the result.
    bars : Bars
        Real daily bars; at least 62 sessions. Those that carry corporate actions are adjusted
        first. Not with a run, which knows its own.
    scenarios : iterable of str or StressTestScenario, optional
        See `tradewright.risk.scenarios.SCENARIOS`; ``all`` for every one. By default the four
        named ones with the falls of 2007-2009 and 2020 beside them.
    cash, costs, config
        As for `tw.backtest`; not with a run. The quoted spread is multiplied by the scenario's
        volatility factor.
    starts : int
        Evenly spaced onsets for each scenario, >= 1.
    models : str
        For the run of a study: ``frozen`` keeps the model in force at the onset, ``refit`` fits
        every window that begins after it anew on the shocked bars.
    progress : callable, optional
        ``progress(fraction, message)``.

    Returns
    -------
    StressReport
        Per scenario and onset the same span with and without the scenario.

    Raises
    ------
    ConfigError
        If a scenario or argument is wrong, the bars are not daily, or the run does not know what
        it was made from.

    Notes
    -----
    A strategy starts up to 252 sessions before the onset, so that it holds what it would hold, and
    is measured from the close before the onset.

    .. math:: score = 100 [0.5\, clip(1 - DD / DD_{benchmark}, 0, 1) + 0.3\, recovered
              + 0.2 (1 - breached)]
    """
    from tradewright.services.runs import Run

    chosen = choose_scenarios(scenarios)
    if isinstance(what, Run):
        if bars is not None:
            raise ConfigError("stress: a run knows the bars it was made on; leave bars out")
        return _stress_run(what, chosen, starts, models, progress)
    if bars is None:
        raise ConfigError(f"stress: bars are missing, wanted Bars for {type(what).__name__}")
    make = what if _makes_decisions(what) else None
    plan = plan_backtest(
        copy.deepcopy(what) if make is None else make(bars),
        bars,
        cash=cash,
        costs=costs,
        config=config,
    )
    return run_chain(PlanChain(plan, make), chosen, starts=starts, progress=progress)


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


def _stress_run(
    run: Run,
    scenarios: tuple[StressTestScenario, ...],
    starts: int,
    models: str,
    progress: Progress | None,
) -> StressReport:
    from tradewright.services.stressing.kept import chain_of, learn_stress

    chain = chain_of(run, models=models)
    found = run_chain(chain, scenarios, starts=starts, progress=progress)
    learn_stress(run, found)
    return found


def _makes_decisions(what: Any) -> bool:
    return callable(what) and not hasattr(what, "on_bar")
