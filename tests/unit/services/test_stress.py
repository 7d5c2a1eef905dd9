"""Stress runs: the same engine on shocked bars, measured against the same span without."""

from __future__ import annotations

import json

import numpy as np
import pytest

import tradewright as tw
from tradewright.domain.errors import ConfigError
from tradewright.risk.scenarios import SCENARIOS, StressTestScenario
from tradewright.services.stress import METRICS, resilience_score, scenarios_of

FALL = StressTestScenario("fall", "a fall", -0.3, 40, 60, 1.0, 0.0)


@pytest.fixture(scope="module")
def bars():
    return tw.sample_bars(["AAPL", "KO", "XOM", "JPM"], start="2012-01-01", end="2015-01-01")


class Cash(tw.Strategy):
    """Holds nothing."""

    name = "cash"

    def on_bar(self, ctx, bar):
        return


class Holds(tw.Strategy):
    """Equal weights, bought once."""

    name = "holds"

    def on_start(self, ctx):
        self.bought = False

    def on_bar(self, ctx, bar):
        if not self.bought:
            self.bought = True
            for symbol in ctx.symbols:
                ctx.target_weight(0.24, symbol)


def test_holder_falls_with_the_market_and_cash_does_not(bars) -> None:
    held = tw.stress(Holds(), bars, [FALL], starts=2, costs=None)["fall"].worst
    flat = tw.stress(Cash(), bars, [FALL], starts=2, costs=None)["fall"].worst
    assert held.stressed_metrics["max_drawdown"] < -0.25
    assert held.benchmark_drawdown == pytest.approx(held.stressed_metrics["max_drawdown"], abs=0.05)
    assert held.breach_share > 0.2
    assert held.performance_degradation["max_drawdown"] > 0
    assert held.performance_degradation["annual_volatility"] != 0
    assert flat.stressed_metrics["max_drawdown"] == 0
    assert (flat.sessions_to_trough, flat.sessions_to_regain, flat.recovered_share) == (0, 0, 1.0)
    assert flat.stress_resilience_score == 100.0
    assert held.stress_resilience_score < 60


def test_trough_regain_and_share_are_counted_from_the_onset(bars) -> None:
    start = tw.stress(Holds(), bars, [FALL], starts=1, costs=None)["fall"].starts[0]
    assert 30 <= start.sessions_to_trough <= 50
    assert start.sessions_to_regain is None or start.sessions_to_regain > start.sessions_to_trough
    assert 0.5 < start.recovered_share <= 1.0


def test_score_by_hand() -> None:
    assert resilience_score(-0.10, -0.40, 0.5, 0.25) == pytest.approx(67.5)
    assert resilience_score(-0.50, -0.40, 0.0, 1.0) == 0.0
    assert resilience_score(0.0, 0.0, 1.0, 0.0) == 100.0
    assert resilience_score(-0.1, 0.0, 1.0, 0.0) == pytest.approx(50.0)


def test_degradation_is_positive_where_it_is_worse(bars) -> None:
    start = tw.stress(Holds(), bars, ["market_crash"], starts=1)["market_crash"].worst
    normal, stressed = start.normal_metrics, start.stressed_metrics
    assert set(normal) == set(stressed) == set(METRICS)
    share = (normal["total_return"] - stressed["total_return"]) / abs(normal["total_return"])
    assert start.performance_degradation["total_return"] == pytest.approx(share)
    assert stressed["var_95"] > normal["var_95"]
    assert start.performance_degradation["var_95"] > 0


def test_function_of_bars_decides_on_the_shocked_bars(bars) -> None:
    seen = []

    def trend(tape):
        seen.append(tape.source)
        above = tape.close > np.nanmean(tape.close, axis=0)
        return tw.Signals(above, ~above, size=0.2)

    report = tw.stress(trend, bars, ["covid_shock"], starts=2)
    assert report.name == "trend"
    assert seen.count("stress:covid_shock") == 2
    with pytest.raises(ConfigError, match="cannot react"):
        tw.stress(trend(bars), bars, ["covid_shock"])


def test_spread_widens_with_volatility(bars) -> None:
    wide = StressTestScenario("wide", "only spreads", 0.0, 1, 0, 50.0, 0.0)
    still = StressTestScenario("still", "nothing", 0.0, 1, 0, 1.0, 0.0)
    costs = tw.Costs(spread_bps=10)
    found = tw.stress("sma_cross", bars, [wide, still], starts=1, costs=costs)
    assert (
        found["wide"].worst.stressed_metrics["total_return"]
        < found["still"].worst.stressed_metrics["total_return"]
    )


def test_same_run_twice_and_a_strategy_with_state_is_not_carried_over(bars) -> None:
    strategy = Holds()
    first = tw.stress(strategy, bars, ["covid_shock"], starts=2)
    again = tw.stress(strategy, bars, ["covid_shock"], starts=2)
    assert first.as_document() == again.as_document()
    assert not hasattr(strategy, "bought")


def test_document_is_plain_and_the_table_has_a_row_for_each_start(bars) -> None:
    report = tw.stress("buy_and_hold", bars, starts=2)
    document = json.loads(json.dumps(report.as_document(), allow_nan=False))
    names = [row["name"] for row in document["scenarios"]]
    assert names[:4] == ["market_crash", "covid_shock", "high_volatility", "correlation_shock"]
    assert names[4:] == ["hist_2007_2009", "hist_2020"]
    assert report.table.height == sum(len(row["starts"]) for row in document["scenarios"])
    assert any("mild against history" in note for note in report.notes)
    assert any("data end before" in note for note in report.notes)


def test_bad_arguments_are_named(bars) -> None:
    with pytest.raises(ConfigError, match="starts is 0"):
        tw.stress("sma_cross", bars, starts=0)
    with pytest.raises(ConfigError, match="did you mean"):
        tw.stress("sma_cross", bars, ["market_crsh"])
    with pytest.raises(ConfigError, match="at least 62"):
        tw.stress("sma_cross", bars.rows(0, 40))


def test_strategy_that_raises_says_so(bars) -> None:
    class Breaks(Holds):
        def on_bar(self, ctx, bar):
            super().on_bar(ctx, bar)
            if ctx.equity < 85_000:
                raise RuntimeError("too low")

    found = tw.stress(Breaks(), bars, ["market_crash"], starts=1)
    assert "too low" in found["market_crash"].worst.message


def test_own_page_adds_scenarios(tmp_path) -> None:
    page = tmp_path / "mine.yaml"
    page.write_text(
        "bleed:\n  market_shock_magnitude: -0.4\n  shock_duration_days: 500\n"
        "  recovery_duration_days: 0\n  volatility_multiplier: 1.0\n  correlation_increase: 0.1\n"
    )
    assert [s.name for s in scenarios_of(None, page)][-1] == "bleed"
    assert [s.name for s in scenarios_of(["bleed", "hist_2020"], page)] == ["bleed", "hist_2020"]
    assert len(scenarios_of(["all"])) == len(SCENARIOS)
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        scenarios_of(None, tmp_path / "nowhere.yaml")
