"""One set of a sweep: made, run and scored, wherever that happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Signals, TargetWeights
from tradewright.domain.errors import StrategyError, TradewrightError
from tradewright.domain.money import to_minor
from tradewright.domain.outcome import Outcome, RunStatus
from tradewright.domain.rules import FillRules
from tradewright.metrics.returns import RISK_FREE, returns_of
from tradewright.ports.crew import Lost
from tradewright.services.backtest_plan import settling_of
from tradewright.services.luck.trial_sessions import session_levels, set_figures

if TYPE_CHECKING:
    from tradewright.services.backtest_config import BacktestConfig
    from tradewright.simulation.sweeping.sweep import SweepResult

FIGURES: Final = ("total_return", "sharpe", "max_drawdown", "trades", "final_equity")
FloatArray = NDArray[np.float64]
Row = tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What a set gave: its `FIGURES`, and equity at the end of each session, where it is known."""

    figures: Row
    levels: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SetWork:
    """Makes, runs and scores a set; it can be sent to another process.

    Parameters
    ----------
    making : callable
        ``making(**parameters)``, the user's.
    bars : Bars
        The tape.
    costs : Costs or None
        None is no cost.
    cash : float
        At the start, major units.
    rules : FillRules
        How the venue fills arrays.
    """

    making: Callable[..., Any]
    bars: Bars
    costs: Costs | None
    cash: float
    rules: FillRules

    def make(self, **chosen: Any) -> Any:
        """Return what the user's function makes of a set."""
        try:
            return self.making(**chosen)
        except (TradewrightError, MemoryError):
            raise
        except Exception as error:  # the user's own code; name the set and go no further
            values = ", ".join(f"{name}={value!r}" for name, value in chosen.items())
            raise StrategyError(
                f"sweep: make({values}) raised {type(error).__name__}: {error}"
            ) from error

    def __call__(self, chosen: dict[str, Any]) -> Scored | Lost | None:
        """Return the figures of a set; None if it was left out, `Lost` if its run failed."""
        return self.score(self.make(**chosen))

    def score(self, what: Any) -> Scored | Lost | None:
        """Run and score what a set makes."""
        if what is None:
            return None
        if isinstance(what, Signals | TargetWeights):
            return Scored(self._of_arrays(what))
        outcome = self.outcome(what)
        if outcome.status is not RunStatus.COMPLETED:
            return Lost(outcome.message or outcome.status.value)
        levels = session_levels(outcome, self.bars)
        return Scored(set_figures(outcome, returns_of(levels), self.bars), levels)

    def outcome(self, what: Any) -> Outcome:
        """Run what a set makes."""
        from tradewright.services.backtest import plan_backtest, run_outcome

        config = self.config_for(what)
        return run_outcome(
            plan_backtest(what, self.bars, cash=self.cash, costs=self.costs, config=config)
        )

    def config_for(self, what: Any) -> BacktestConfig | None:
        """Return the settings of a run of its own: the rules of arrays, none for a strategy."""
        from tradewright.services.backtest_config import BacktestConfig

        arrays = isinstance(what, Signals | TargetWeights)
        return BacktestConfig.neutral().changed(rules=self.rules) if arrays else None

    def _of_arrays(self, what: Signals | TargetWeights) -> Row:
        found = self.swept([what])
        return tuple(getattr(found, name).tolist()[0] for name in FIGURES)

    def swept(self, sets: Sequence[Signals | TargetWeights]) -> SweepResult:
        """Trade sets of arrays in this thread."""
        from tradewright.marketdata import schedule_actions
        from tradewright.simulation import sweep_signals

        currency = self.bars.instruments[0].currency
        return sweep_signals(
            self.bars,
            sets,
            cash_minor=to_minor(self.cash, currency),
            costs=self.costs,
            rules=self.rules,
            currency=currency,
            actions=schedule_actions(self.bars),
            settling=settling_of(self.rules),
            risk_free=RISK_FREE,
            workers=1,
        )


@dataclass(frozen=True, slots=True, eq=False)
class LevelWork:
    """Runs a set again for its equity at the end of each session."""

    sets: SetWork

    def __call__(self, chosen: dict[str, Any]) -> FloatArray:
        """Return the levels, minor units."""
        work = self.sets
        return session_levels(work.outcome(work.make(**chosen)), work.bars)
