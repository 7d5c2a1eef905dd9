"""Forecasts to money: the one engine, run again for controls and sensitivities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.forecasts import ForecastPanel
from tradewright.domain.money import minor_exponent
from tradewright.domain.outcome import Outcome
from tradewright.domain.signals import Signal
from tradewright.metrics.drawdowns import drawdown_series
from tradewright.metrics.returns import performance, sharpe
from tradewright.services.backtest import plan_backtest, run_outcome
from tradewright.services.results.timeline import measure
from tradewright.services.study.scene import look_back, scene_of
from tradewright.services.study.sections import backtest_config
from tradewright.services.study.stages import Progress
from tradewright.services.study_page import StudyPage
from tradewright.strategies import ForecastStrategy

MULTIPLES: Final = (0.0, 0.5, 1.0, 2.0, 3.0)
START_OFFSETS: Final = (0, 5, 10, 15, 20)


@dataclass(frozen=True, slots=True, eq=False)
class Trading:
    """The decision and backtest part of a study, which sensitivities run again.

    Parameters
    ----------
    page : StudyPage
        The study.
    bars : Bars
        Out-of-sample rows (and those before that the decision looks back on).
    first_row : int
        First out-of-sample row of `bars`.
    offset : int
        Row of the forecasts at which `bars` begin.
    """

    page: StudyPage
    bars: Bars
    first_row: int
    offset: int

    @property
    def first_ns(self) -> int:
        """Close of the first out-of-sample bar."""
        return int(self.bars.ts[self.first_row])

    def run(
        self,
        forecasts: ForecastPanel,
        *,
        costs: Costs | None,
        skip: int = 0,
        progress: Progress | None = None,
        journal: list[Signal] | None = None,
    ) -> Outcome:
        """Trade a panel of forecasts on the simulated venue.

        Parameters
        ----------
        forecasts : ForecastPanel
            One row for each bar of the study.
        costs : Costs or None
            None trades for free.
        skip : int
            Out-of-sample rows left out at the start.
        progress : callable, optional
            ``progress(fraction, message)``.
        journal : list of Signal, optional
            Every decision is appended.

        Returns
        -------
        Outcome
            What the engine recorded.
        """
        panel = _rows_of(forecasts, self.offset, self.offset + self.bars.n_bars)
        bars = self.bars
        if skip:
            bars = bars.rows(skip, bars.n_bars)
            panel = _rows_of(panel, skip, skip + bars.n_bars)
        plan = plan_backtest(
            ForecastStrategy(
                panel,
                self.page.decision.settings(),
                split=self.page.decision.split(),
                scene=scene_of(self.page, self.bars),
                journal=journal,
            ),
            bars,
            cash=self.page.cash,
            costs=costs,
            config=backtest_config(
                self.page.risk,
                self.page.rules,
                seed=self.page.seed,
                currency=self.page.currency,
                universe=self.page.universe.dated(),
            ),
        )
        return run_outcome(plan, progress)

    def figures(self, outcome: Outcome, *, skip: int = 0) -> dict[str, float]:
        """Return total and annual return, Sharpe ratio, drawdown and final equity.

        Measured out of sample, from `skip` rows after the first.
        """
        first = int(self.bars.ts[self.first_row + skip])
        timeline = measure(outcome, interval=self.bars.interval, first_ns=first)
        found = performance(timeline.returns, periods_per_year=timeline.periods_per_year)
        names = ("total_return", "annual_return", "sharpe")
        figures = {name: float(found[name]) for name in names}
        figures["max_drawdown"] = float(drawdown_series(timeline.levels).min())
        figures["final_equity"] = float(timeline.levels[-1]) / 10 ** minor_exponent(
            outcome.currency
        )
        return figures

    def sharpe_per_period(self, outcome: Outcome) -> float:
        """Return the Sharpe ratio of one period, as trials are counted with."""
        timeline = measure(outcome, interval=self.bars.interval, first_ns=self.first_ns)
        annual = sharpe(timeline.returns, periods_per_year=timeline.periods_per_year)
        return float(annual / np.sqrt(timeline.periods_per_year))


def open_trading(page: StudyPage, everything: Bars, rows: tuple[int, int]) -> Trading:
    """Cut the bars of a study to what its forecasts cover.

    Parameters
    ----------
    page : StudyPage
        The study.
    everything : Bars
        Universe and reference.
    rows : tuple of int
        First and last (exclusive) out-of-sample row.

    Returns
    -------
    Trading
        Ready to run.
    """
    first, last = rows
    back = look_back(page)
    if (split := page.decision.split()) is not None:
        back = max(back, split.window + 1)
    offset = max(0, first - back)
    return Trading(page, everything.rows(offset, last), first - offset, offset)


def shuffled_controls(
    trading: Trading,
    panels: Sequence[ForecastPanel],
    *,
    costs: Costs | None,
    progress: Progress | None = None,
) -> list[dict[str, float]]:
    """Trade the forecasts of the control fits; return the figures of each."""
    found = []
    for number, panel in enumerate(panels):
        if progress is not None:
            progress(number / len(panels), f"{number + 1} of {len(panels)} shuffled fits")
        found.append(trading.figures(trading.run(panel, costs=costs)))
    return found


def cost_rows(
    trading: Trading,
    forecasts: ForecastPanel,
    outcome: Outcome,
    *,
    costs: Costs | None,
    progress: Progress | None = None,
) -> tuple[dict[str, float], ...]:
    """Trade at 0, ½, 1, 2 and 3 times the costs; empty where trading is free anyway."""
    if costs is None:
        return ()
    rows = []
    for number, multiple in enumerate(MULTIPLES):
        if progress is not None:
            progress(number / len(MULTIPLES), f"costs x {multiple:g}")
        charged = None if multiple == 0 else scaled_costs(costs, multiple)
        same = multiple == 1.0
        found = outcome if same else trading.run(forecasts, costs=charged)
        rows.append({"multiple": multiple, **trading.figures(found)})
    return tuple(rows)


def start_rows(
    trading: Trading,
    forecasts: ForecastPanel,
    outcome: Outcome,
    *,
    costs: Costs | None,
    progress: Progress | None = None,
) -> tuple[dict[str, float], ...]:
    """Trade with the start moved by 0 to 20 bars, so that the day of rebalancing moves."""
    rows = []
    left = trading.bars.n_bars - trading.first_row
    offsets = [offset for offset in START_OFFSETS if offset + 2 < left]
    for number, offset in enumerate(offsets):
        if progress is not None:
            progress(number / len(offsets), f"start + {offset}")
        found = outcome if offset == 0 else trading.run(forecasts, costs=costs, skip=offset)
        figures = trading.figures(found, skip=offset)
        rows.append(
            {
                "offset": float(offset),
                "total_return": figures["total_return"],
                "sharpe": figures["sharpe"],
                "max_drawdown": figures["max_drawdown"],
            }
        )
    return tuple(rows)


def scaled_costs(costs: Costs, multiple: float) -> Costs:
    """Return costs with every rate and amount multiplied.

    Examples
    --------
    >>> scaled_costs(Costs(fee_bps=10, slippage_bps=5), 2.0).fee_bps
    20.0
    """
    return costs.scaled(multiple)


def _rows_of(panel: ForecastPanel, first: int, last: int) -> ForecastPanel:
    rows = slice(first, last)
    return replace(
        panel,
        ts_known=panel.ts_known[rows],
        mean=panel.mean[rows],
        sd=None if panel.sd is None else panel.sd[rows],
        probability_up=None if panel.probability_up is None else panel.probability_up[rows],
    )
