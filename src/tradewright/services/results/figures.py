"""The metrics of a run, each group computed when one of its names is first asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from tradewright.domain.errors import ConfigError, nearest
from tradewright.domain.money import minor_exponent
from tradewright.metrics import glossary
from tradewright.metrics.benchmark import relative_performance
from tradewright.metrics.drawdowns import drawdown_series
from tradewright.metrics.returns import performance, sharpe
from tradewright.metrics.trades import trade_metrics
from tradewright.services.luck.profits import currency_profit

if TYPE_CHECKING:
    from tradewright.services.runs import Run

_GROUP_OF = {entry.name: entry.group for entry in glossary.METRICS if entry.group != "Luck"}
_RETURNS_AND_RISK = "Return", "Risk"


class RunMetrics(Mapping[str, float]):
    """Metrics by name; see docs/reference/metrics.md. NaN where a metric is not defined.

    Parameters
    ----------
    run : Run
        What is measured; every figure covers its measured span.
    known : dict
        Figures computed so far; grows, and belongs to the run.
    """

    def __init__(self, run: Run, known: dict[str, float]) -> None:
        self._run = run
        self._known = known

    def __getitem__(self, name: str) -> float:
        if name not in _GROUP_OF:
            raise MissingMetricError(name)
        if name not in self._known:
            for compute in self._computers(name):
                self._known.update(compute())
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in _GROUP_OF

    def __iter__(self) -> Iterator[str]:
        return iter(_GROUP_OF)

    def __len__(self) -> int:
        return len(_GROUP_OF)

    def __repr__(self) -> str:
        lines = [f"{name:>24}  {glossary.format_value(name, self[name])}" for name in self]
        return "\n".join(lines)

    def know(self, values: Mapping[str, float]) -> None:
        """Take figures that were computed before, for example those of a stored run."""
        self._known.update({name: value for name, value in values.items() if name in _GROUP_OF})

    def _computers(self, name: str) -> list[Callable[[], dict[str, float]]]:
        group = _GROUP_OF[name]
        if name == "calmar":
            return [self._returns, self._drawdown, self._calmar]
        if group in _RETURNS_AND_RISK:
            return [self._returns]
        return [
            {
                "Drawdown": self._drawdown,
                "Benchmark": self._benchmark,
                "Trades": self._trades,
                "Exposure": self._exposure,
                "Costs": self._costs,
            }[group]
        ]

    def _returns(self) -> dict[str, float]:
        timeline = self._run.timeline
        return performance(
            timeline.returns,
            periods_per_year=timeline.periods_per_year,
            risk_free=self._run.risk_free,
        )

    def _calmar(self) -> dict[str, float]:
        fall, growth = self._known["max_drawdown"], self._known["annual_return"]
        return {"calmar": growth / -fall if fall < 0 else math.nan}

    def _drawdown(self) -> dict[str, float]:
        path, rows = self._run.path, self._run.timeline.rows
        first = self._run.timeline.first

        def sessions(start: int, end: int) -> float:
            before, after = np.searchsorted(rows, [first + start, first + end])
            return float(after - before)

        worst = path.worst
        regained = worst.depth < 0 and worst.recovery >= 0
        return {
            "max_drawdown": worst.depth,
            "max_drawdown_sessions": sessions(path.longest_start, path.longest_end),
            "recovery_sessions": sessions(worst.trough, worst.recovery) if regained else math.nan,
            "under_water": path.under_water,
            "average_drawdown": path.mean,
            "current_drawdown": path.current,
            "ulcer_index": path.ulcer_index,
        }

    def _benchmark(self) -> dict[str, float]:
        timeline, benchmark = self._run.timeline, self._run.benchmarks[0]
        ppy, free = timeline.periods_per_year, self._run.risk_free
        found = relative_performance(
            timeline.returns, benchmark.returns, periods_per_year=ppy, risk_free=free
        )
        found["benchmark_sharpe"] = sharpe(benchmark.returns, periods_per_year=ppy, risk_free=free)
        found["benchmark_max_drawdown"] = float(drawdown_series(benchmark.levels).min())
        return found

    def _trades(self) -> dict[str, float]:
        per_major = 10 ** minor_exponent(self._run.outcome.currency)
        return trade_metrics(self._run.trips, minor_per_major=per_major)

    def _exposure(self) -> dict[str, float]:
        path, years = self._run.path, self._run.timeline.years
        traded = float(self._run.measured_fills["notional"].sum())
        turnover = traded / 2 / path.mean_equity / years if years > 0 else math.nan
        return {
            "time_in_market": path.in_market,
            "mean_gross_exposure": path.mean_gross,
            "mean_net_exposure": path.mean_net,
            "max_gross_exposure": path.max_gross,
            "turnover": turnover if path.mean_equity > 0 else math.nan,
        }

    def _costs(self) -> dict[str, float]:
        fills, outcome = self._run.measured_fills, self._run.outcome
        major = 10 ** minor_exponent(outcome.currency)
        parts = {
            name: int(fills[field].sum())
            for name, field in (
                ("fees", "fee"),
                ("spread_costs", "spread"),
                ("slippage_costs", "slippage"),
                ("impact_costs", "impact"),
            )
        }
        trading = sum(parts.values())
        first = self._run.timeline.first
        parts["financing_costs"] = int(outcome.interest[first:].sum())
        parts["funding_costs"] = int(outcome.financing[first:].sum()) - parts["financing_costs"]
        total = trading + parts["financing_costs"] + parts["funding_costs"]
        found = {name: minor / major for name, minor in parts.items()}
        years, mean = self._run.timeline.years, self._run.path.mean_equity
        traded = float(fills["notional"].sum())
        found["total_costs"] = total / major
        found["cost_drag"] = total / mean / years if years > 0 and mean > 0 else math.nan
        found["cost_bps"] = 1e4 * trading / traded if traded > 0 else math.nan
        levels = self._run.timeline.levels
        net = float(levels[-1] - levels[0])
        found["gross_profit"] = (net + total) / major
        found["net_profit"] = net / major
        found["currency_profit"] = currency_profit(self._run)
        found["break_even_bps"] = 1e4 * (net + trading) / traded if traded > 0 else math.nan
        return found


class MissingMetricError(ConfigError, KeyError):
    """No metric has this name; also a KeyError, so that ``in`` and ``get`` work."""

    def __init__(self, name: object) -> None:
        ConfigError.__init__(self, f"metric {name!r} is not known; {nearest(str(name), _GROUP_OF)}")

    def __str__(self) -> str:
        return str(self.args[0])


def stored_metrics(values: Mapping[str, float | None]) -> dict[str, float]:
    """Read metrics from a document, None as NaN."""
    return {name: math.nan if value is None else float(value) for name, value in values.items()}
