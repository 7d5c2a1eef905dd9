"""A study under stress: features, forecasts, decisions, risk and costs on the shocked bars."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, nearest
from tradewright.domain.outcome import Outcome
from tradewright.risk.scenarios import Onset, StressTestScenario, shocked_bars
from tradewright.risk.scenarios.shock import LOOKBACK
from tradewright.services.stressing.chains import DRAWDOWN_LIMIT, comparable, wider
from tradewright.services.stressing.measured import Trial
from tradewright.services.study import fitting, loading
from tradewright.services.study.trading import Trading, open_trading
from tradewright.services.study_page import StudyPage

if TYPE_CHECKING:
    from tradewright.costs import Costs
    from tradewright.domain.forecasts import ForecastPanel
    from tradewright.features import FeatureTable
    from tradewright.training import WalkForwardResult

Models = Literal["frozen", "refit"]
MODELS: Final[tuple[str, ...]] = get_args(Models)
_TOLD: Final = {
    "frozen": (
        "features, forecasts, decisions, limits and costs are made anew on the shocked bars; the "
        "model in force at the onset stays in force, beside itself on the real bars"
    ),
    "refit": (
        "features, models, forecasts, decisions, limits and costs are made anew on the shocked "
        "bars: each window that begins after the onset learns from them"
    ),
}


class StudyChain:
    """A study whose windows were fitted on the real bars.

    Parameters
    ----------
    page : StudyPage
        The study.
    data : StudyData
        Its bars.
    table : FeatureTable
        Its features.
    result : WalkForwardResult
        Its models and forecasts.
    models : str
        ``frozen`` or ``refit``; see `forecasts_otherwise`.
    """

    def __init__(
        self,
        page: StudyPage,
        data: loading.StudyData,
        table: FeatureTable,
        result: WalkForwardResult,
        *,
        models: str = "frozen",
    ) -> None:
        if models not in MODELS:
            raise ConfigError(f"models is {models!r}; {nearest(models, MODELS)}")
        self._page, self._data, self._table, self._result = page, data, table, result
        self._refit = models == "refit"
        self._normal: dict[tuple[int, int, int], Outcome] = {}
        self.name = page.name
        self.bars, told = comparable(data.everything)
        self.rows = (result.folds[0].window.test_first, result.folds[-1].window.test_last)
        self.drawdown_limit = page.risk.max_drawdown_limit or DRAWDOWN_LIMIT
        self.notes = (_TOLD[models], *told)

    def run(self, scenario: StressTestScenario, onset: Onset, end: int) -> Trial:
        """Run the span up to row `end` with and without the scenario."""
        shocked = shocked_bars(self.bars, scenario, onset)
        market = self._market(shocked, onset, end)
        outcome = market.run(self._forecasts(shocked, onset, end), costs=self._charged(scenario))
        return Trial(self._usual(onset, end), outcome, market.bars)

    def _usual(self, onset: Onset, end: int) -> Outcome:
        known = self._result.forecasts
        key = (max(onset.row - LOOKBACK, self.rows[0]), end, 0 if self._refit else onset.row)
        if key not in self._normal:
            panel = known if self._refit else self._panel(self._table, None, (onset.row, end))
            market = self._market(self.bars, onset, end)
            self._normal[key] = market.run(panel, costs=self._page.charged())
        return self._normal[key]

    def _market(self, bars: Bars, onset: Onset, end: int) -> Trading:
        return open_trading(self._page, bars, (max(onset.row - LOOKBACK, self.rows[0]), end))

    def _forecasts(self, shocked: Bars, onset: Onset, end: int) -> ForecastPanel:
        traded = shocked.select(self._data.traded.symbols)
        # The rows after the span are never forecast: their features are not worth computing.
        table = fitting.build_features(self._page, traded.rows(0, end))
        return self._panel(_stretched(table, traded), traded, (onset.row, end))

    def _panel(
        self, table: FeatureTable, shocked: Bars | None, rows: tuple[int, int]
    ) -> ForecastPanel:
        from tradewright.training.labelling import build_labels
        from tradewright.training.otherwise import forecasts_otherwise

        page = self._page
        learned = shocked if self._refit and shocked is not None else self._data.traded
        return forecasts_otherwise(
            table,
            build_labels(learned, page.labels.settings()),
            self._result,
            settings=fitting.fit_settings(page),
            embargo=page.validation.embargo_days,
            rows=rows,
            refit=self._refit,
        )

    def _charged(self, scenario: StressTestScenario) -> Costs | None:
        return wider(self._page.charged(), scenario)


def _stretched(table: FeatureTable, bars: Bars) -> FeatureTable:
    # The same features on all rows, unknown behind those that were computed.
    missing = np.full((bars.n_bars - len(table.ts), bars.n_instruments), np.nan)
    panels = tuple(np.concatenate((panel, missing)) for panel in table.panels)
    return replace(table, panels=panels, ts=bars.ts, _stacked=[])
