"""Limits of the risk layer from a page or a config to the orders of a run."""

import numpy as np
import pytest

from tradewright.domain.decisions import Signals, TargetWeights
from tradewright.domain.errors import ConfigError
from tradewright.marketdata import sample_bars
from tradewright.services.backtest import BacktestConfig, backtest
from tradewright.services.backtest_plan import plan_backtest
from tradewright.services.risk.guarding import guard_for
from tradewright.services.study.sections import RiskSection, RulesSection, backtest_config
from tradewright.services.study_page import build_page
from tradewright.strategies import create_strategy

WINDOW = {"start_date": "2012-01-03", "end_date": "2012-12-31"}
OFF = {"max_position_size": None, "max_drawdown_limit": None, "stop_loss_threshold": None}


def run(limits=None, profile=None, what=None, symbols=("AAPL", "MSFT", "XOM")):
    config = {**WINDOW, **OFF, "limits": limits, "risk_profile": profile}
    strategy = what or create_strategy("sma_cross", fast=3, slow=8)
    return backtest(strategy, sample_bars(list(symbols)), config=config)


def held_share(run):
    outcome = run.outcome
    return (outcome.long_value - outcome.short_value) / np.maximum(outcome.equity, 1)


def test_limit_of_a_config_is_never_passed_by_what_is_bought():
    free, capped = run(), run({"max_gross": 0.4})
    assert held_share(free).max() > 0.6
    bought = capped.outcome.fills[capped.outcome.fills["side"] > 0]
    assert len(bought) > 5
    assert held_share(capped)[np.unique(bought["bar"])].max() < 0.45  # the open may gap
    assert any("max_gross" in note for note in capped.outcome.notes)


def test_run_without_limits_has_no_guard_and_its_old_identity():
    bars = sample_bars(["AAPL"])
    plan = plan_backtest("sma_cross", bars, config={**WINDOW, **OFF})
    assert guard_for(plan) is None
    assert guard_for(plan, always=True).gate.layer.table.is_empty
    assert not {"limits", "risk_profile"} & set(plan.config.to_mapping())
    limited = plan_backtest("sma_cross", bars, config={**WINDOW, **OFF, "limits": {"max_gross": 1}})
    assert limited.run_id != plan.run_id
    again = BacktestConfig.from_mapping(limited.config.to_mapping())
    assert again.limits == {"max_gross": 1}


def test_profile_switches_the_standard_table_on():
    plan = plan_backtest(
        "sma_cross", sample_bars(["AAPL"]), config={**WINDOW, "risk_profile": "conservative"}
    )
    table = guard_for(plan).gate.layer.table
    assert table.limit("max_position_size", "account:backtest") == pytest.approx(0.10)
    guarded = run(profile="moderate")
    assert len(guarded.outcome.fills) < len(run().outcome.fills)
    assert guarded.status == "COMPLETED"


def test_weights_decided_ahead_pass_the_layer_and_signals_say_they_cannot():
    bars = sample_bars(["AAPL", "MSFT"]).between(*BacktestConfig(**WINDOW).range_ns())
    weights = np.full(bars.close.shape, np.nan)
    weights[5] = 0.5
    config = {**OFF, "limits": {"max_position_size": 0.3}}
    denied = backtest(TargetWeights(weights), bars, config=config)
    assert len(denied.outcome.fills) == 0
    flags = np.zeros(bars.close.shape, bool)
    with pytest.raises(ConfigError, match="limits cannot act on Signals"):
        backtest(Signals(flags, flags), bars, config=config)


def test_wrong_limit_is_refused_before_anything_runs():
    with pytest.raises(ConfigError, match="max_leverage is 5, above its ceiling 3"):
        run({"max_leverage": 5})
    with pytest.raises(ConfigError, match="did you mean 'drawdown'"):
        run({"account.drawdwn": 0.1})
    with pytest.raises(ConfigError, match="risk profile 'bold'"):
        run(profile="bold")
    with pytest.raises(ConfigError, match="wanted a mapping"):
        run([("max_gross", 1)])


def test_page_hands_its_limits_on_and_names_a_wrong_one():
    section = RiskSection(risk_profile="moderate", limits={"account.drawdown": 0.1})
    config = backtest_config(section, RulesSection(), seed=0, currency="USD")
    assert (config.risk_profile, config.limits) == ("moderate", {"account.drawdown": 0.1})
    page = {"name": "x", "universe": {"symbols": ["AAPL"]}, "features": ["rsi(14)"],
            "costs": "standard", "risk": {"limits": {"max_grosss": 1}}}  # fmt: skip
    with pytest.raises(ConfigError, match=r"risk\.limits.*did you mean 'max_gross'"):
        build_page(page)
    page["risk"]["limits"] = {"max_gross": 0.5, "daily_loss": None}
    assert build_page(page).risk.limits == {"max_gross": 0.5, "daily_loss": None}
