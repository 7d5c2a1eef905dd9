"""Stress runs: the same engine on shocked bars, measured against the same span without."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import tradewright as tw
from tradewright.adapters.stores.journal import MemoryJournal
from tradewright.adapters.stores.memory_runs import MemoryRunStore
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.errors import ConfigError
from tradewright.risk.scenarios import SCENARIOS, StressTestScenario
from tradewright.services.runs import Run
from tradewright.services.stress import scenarios_of
from tradewright.services.stressing.kept import stress_cost, stress_stored
from tradewright.services.stressing.measured import METRICS, resilience_score


@pytest.fixture
def memory_workspace(tmp_path):
    """A workspace whose runs are in memory."""
    return SimpleNamespace(runs=MemoryRunStore(), journal=MemoryJournal(), data_dir=tmp_path)


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
    assert not any("decided" in note or "made ahead" in note for note in report.notes)


def test_arrays_are_replayed_as_they_were_decided_and_say_so(bars) -> None:
    weights = np.full(bars.close.shape, np.nan)
    weights[0], weights[100] = 0.24, 0.12
    half = int(bars.n_bars * 0.6)
    weights[half] = 0.0
    report = tw.stress(tw.TargetWeights(weights), bars, [FALL], starts=4, costs=None)
    assert "replayed as they are" in report.notes[0]
    early = report["fall"].starts[0]
    late = [s for s in report["fall"].starts if s.first_day > str(bars.times[half])[:10]]
    # Half is held through an early scenario; the exit stands on its day, whatever the prices.
    assert early.stressed_metrics["max_drawdown"] < early.normal_metrics["max_drawdown"] - 0.05
    assert late
    assert all(s.stressed_metrics["max_drawdown"] == 0.0 for s in late)
    assert all(s.benchmark_drawdown < -0.2 for s in late)


def test_arrays_that_react_differ_from_arrays_that_cannot(bars) -> None:
    def above_average(tape):
        mean = np.cumsum(tape.close, axis=0) / np.arange(1, tape.n_bars + 1)[:, None]
        return tw.Signals(tape.close > mean, tape.close <= mean, size=0.24)

    made = tw.stress(above_average, bars, ["market_crash"], starts=2)["market_crash"].worst
    fixed = tw.stress(above_average(bars), bars, ["market_crash"], starts=2)["market_crash"].worst
    assert made.stressed_metrics != fixed.stressed_metrics


def test_orders_are_replayed_up_to_the_end_of_the_scenario(bars) -> None:
    table = {"bar": [5, bars.n_bars - 2], "symbol": ["KO", "KO"], "side": ["BUY", "SELL"],
             "qty": [1000, 1000]}  # fmt: skip
    report = tw.stress(tw.Orders(table), bars, [FALL], starts=2)
    assert report["fall"].worst.stressed_metrics["max_drawdown"] < -0.05
    assert report.name == "orders"


def test_run_made_here_is_stressed_as_its_strategy_and_keeps_the_result(bars) -> None:
    run = tw.backtest(Holds(), bars, config={"max_drawdown_limit": 0.5})
    word, run_id = run.verdict.word, run.run_id
    assert run.stress == {}
    assert "No scenario was run" in run.html()
    found = tw.stress(run, scenarios=["covid_shock"], starts=2)
    asked = tw.stress(Holds(), bars, ["covid_shock"], starts=2, config={"max_drawdown_limit": 0.5})
    assert found.as_document() == asked.as_document()
    assert run.stress == found.as_document()
    assert (run.verdict.word, run.run_id) == (word, run_id)
    assert "Stress resilience score" in run.html()
    assert run.stress_starts.equals(found.table)
    with pytest.raises(ConfigError, match="leave bars out"):
        tw.stress(run, bars)
    with pytest.raises(ConfigError, match="bars are missing"):
        tw.stress(Holds())


def test_splits_are_no_moves_under_stress(bars) -> None:
    half = bars.n_bars // 2
    factor = np.ones(bars.close.shape)
    factor[:half, 0] = 4.0  # the first instrument was divided by four
    prices = {name: getattr(bars, name) * factor for name in ("open", "high", "low", "close")}
    day = bars.times[half].astype("datetime64[D]").item()
    split = CorporateAction(bars.symbols[0], ActionKind.SPLIT, day, 4.0, source="test")
    raw = replace(
        bars, **prices, volume=bars.volume / factor, adjustment="none", data_version=""
    ).with_actions([split])
    asked = tw.stress("buy_and_hold", bars, [FALL], starts=3)["fall"]
    found = tw.stress("buy_and_hold", raw, [FALL], starts=3)
    assert any("splits and dividends" in note for note in found.notes)
    for one, other in zip(found["fall"].starts, asked.starts, strict=True):
        assert one.stressed_metrics == pytest.approx(other.stressed_metrics, rel=1e-3)
    orders = tw.Orders({"bar": [5], "symbol": ["KO"], "side": ["BUY"], "qty": [10]})
    with pytest.raises(ConfigError, match="cannot be replayed"):
        tw.stress(orders, raw, [FALL])


def test_dates_of_the_configuration_hold_for_the_scenarios_too(bars) -> None:
    days = {"start_date": "2012-06-01", "end_date": "2014-06-01"}
    run = tw.backtest("buy_and_hold", bars, config=days)
    found = tw.stress(run, scenarios=["covid_shock"], starts=2)
    assert all(s.first_day > "2012-06" and s.last_day < "2014-06-02"
               for s in found["covid_shock"].starts)  # fmt: skip


def test_stored_run_keeps_its_stress_and_everything_else(memory_workspace) -> None:
    from tradewright.services.results.named import DataChoice, NamedRun, open_bars, run_named

    choice = DataChoice(symbols=("AAPL", "KO"), start="2012-01-01", end="2014-12-31")
    tape = open_bars(memory_workspace, choice)
    made = run_named(memory_workspace, NamedRun("sma_cross"), tape, choice=choice)
    before = memory_workspace.runs.load(made.run_id, "fills.parquet")
    wanted = scenarios_of(["covid_shock"])
    run, found = stress_stored(made.run_id, memory_workspace, wanted, starts=2)
    again = Run.load(made.run_id, memory_workspace)
    assert again.stress == json.loads(json.dumps(found.as_document()))
    assert again.digest == made.digest == run.digest
    assert again.n_trials == made.n_trials
    assert memory_workspace.runs.load(made.run_id, "fills.parquet") == before
    assert b"Stress resilience score" in memory_workspace.runs.load(made.run_id, "report.html")
    assert stress_cost(again, wanted, starts=2).runs == 2


def test_run_that_does_not_say_what_it_was_made_from_is_refused(bars, memory_workspace) -> None:
    run = tw.backtest("buy_and_hold", bars)
    run.save(memory_workspace)
    with pytest.raises(ConfigError, match="does not say what it was made from"):
        stress_stored(run.run_id, memory_workspace, scenarios_of(["covid_shock"]))


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
