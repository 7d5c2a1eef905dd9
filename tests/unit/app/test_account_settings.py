"""Settings of decisions, sizes, rebalancing and limits reach what they set."""

import pytest

from tradewright.app import bootstrap
from tradewright.app.account_settings import (
    account_limits,
    rebalancing_config,
    signal_settings,
    tax_rates,
)
from tradewright.app.settings import load_settings
from tradewright.domain.errors import ConfigError
from tradewright.portfolio.decision import SignalSettings
from tradewright.portfolio.rebalancing import RebalancingConfig, TaxRates
from tradewright.portfolio.sizing import AccountLimits
from tradewright.services.decisions import open_engine


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_defaults_are_those_of_the_rooms():
    values = load_settings({}).values
    assert signal_settings(values.signals, values.portfolio) == SignalSettings()
    assert account_limits(values.signals, values.risk) == AccountLimits()
    assert rebalancing_config(values.portfolio) == RebalancingConfig()
    assert tax_rates(values.portfolio) == TaxRates() == TaxRates(short=0.35, long=0.15)


@pytest.mark.parametrize(
    ("variable", "text", "read"),
    [
        ("SIGNALS__KELLY_FRACTION", "0.25", lambda s, a, r, t: s.sizing.kelly_fraction == 0.25),
        ("SIGNALS__CONFIDENCE_THRESHOLD", "0.7",
         lambda s, a, r, t: s.sizing.confidence_threshold == 0.7),
        ("SIGNALS__MAX_POSITION_SIZE", "0.1",
         lambda s, a, r, t: s.sizing.max_position_size == a.max_position_size == 0.1),
        ("SIGNALS__RISK_PER_TRADE", "0.01", lambda s, a, r, t: s.sizing.risk_per_trade == 0.01),
        ("SIGNALS__DEFAULT_STOP_LOSS_PCT", "0.08", lambda s, a, r, t: s.stop_loss_pct == 0.08),
        ("SIGNALS__TAKE_PROFIT_PCT", "0.3", lambda s, a, r, t: s.take_profit_pct == 0.3),
        ("SIGNALS__REGIMES__BEARISH_VOLATILE", "0.1",
         lambda s, a, r, t: s.factors.regimes["bearish/volatile"] == 0.1),
        ("SIGNALS__REGIMES__MIXED", "0.4", lambda s, a, r, t: s.factors.regimes["mixed"] == 0.4),
        ("SIGNALS__FACTORS__VAR_FLOOR", "0.2", lambda s, a, r, t: s.factors.var_floor == 0.2),
        ("SIGNALS__FACTORS__CONFIDENCE_BASE", "0.7",
         lambda s, a, r, t: s.factors.confidence_base == 0.7),
        ("PORTFOLIO__MIN_POSITION_SIZE", "0.02",
         lambda s, a, r, t: s.sizing.min_position_size == 0.02),
        ("RISK__MAX_TRADE_PCT", "0.03", lambda s, a, r, t: a.max_trade_pct == 0.03),
        ("RISK__MAX_SECTOR_WEIGHT", "0.3", lambda s, a, r, t: a.max_sector_weight == 0.3),
        ("PORTFOLIO__REBALANCE_THRESHOLD", "0.1",
         lambda s, a, r, t: r.rebalance_threshold == 0.1),
        ("PORTFOLIO__MIN_REBALANCE_INTERVAL_DAYS", "3",
         lambda s, a, r, t: r.min_rebalance_interval == 3),
        ("PORTFOLIO__MAX_REBALANCE_INTERVAL_DAYS", "60",
         lambda s, a, r, t: r.max_rebalance_interval == 60),
        ("PORTFOLIO__TRANSACTION_COST_THRESHOLD", "0.01",
         lambda s, a, r, t: r.transaction_cost_threshold == 0.01),
        ("PORTFOLIO__TAX_SHORT", "0.5", lambda s, a, r, t: t.short == 0.5),
        ("PORTFOLIO__TAX_LONG", "0.2", lambda s, a, r, t: t.long == 0.2),
    ],
)  # fmt: skip
def test_each_setting_reaches_what_it_sets(variable, text, read):
    values = load_settings({f"TRADEWRIGHT_{variable}": text}).values
    assert read(
        signal_settings(values.signals, values.portfolio),
        account_limits(values.signals, values.risk),
        rebalancing_config(values.portfolio),
        tax_rates(values.portfolio),
    )


def test_workspace_carries_them_and_a_live_engine_keeps_its_stop(tmp_path, monkeypatch):
    monkeypatch.setenv("TRADEWRIGHT_PATHS__DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TRADEWRIGHT_SIGNALS__KELLY_FRACTION", "0.3")
    monkeypatch.setenv("TRADEWRIGHT_SIGNALS__ENABLE_STOP_LOSS", "false")
    bootstrap.settings.cache_clear()
    bootstrap.open_workspace.cache_clear()
    try:
        space = bootstrap.open_workspace()
        engine = open_engine("paper", space)
        assert engine.settings.sizing.kelly_fraction == 0.3
        assert engine.account == space.account
        with pytest.raises(ConfigError, match="on a live account every signal carries a stop"):
            open_engine("live", space)
    finally:
        bootstrap.settings.cache_clear()
        bootstrap.open_workspace.cache_clear()


def test_values_out_of_range_are_refused_by_key():
    with pytest.raises(ConfigError, match=r"signals.kelly_fraction is '2'"):
        load_settings({"TRADEWRIGHT_SIGNALS__KELLY_FRACTION": "2"})
    with pytest.raises(ConfigError, match=r"unknown key 'signals.kely_fraction'; did you mean"):
        load_settings({"TRADEWRIGHT_SIGNALS__KELY_FRACTION": "0.5"})
    values = load_settings({"TRADEWRIGHT_PORTFOLIO__MIN_REBALANCE_INTERVAL_DAYS": "40"}).values
    with pytest.raises(ConfigError, match="min_rebalance_interval 40 is above"):
        rebalancing_config(values.portfolio)
