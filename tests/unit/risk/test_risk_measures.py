"""Measures of a portfolio: hand-worked figures, sample rules, wrong input."""

import math

import numpy as np
import pytest

from tradewright.domain.errors import ConfigError, DataError
from tradewright.risk.measures import (
    METHODS,
    SHOCKS,
    MeasureSettings,
    Shock,
    betas,
    concentration,
    contributions,
    correlations,
    covariance,
    currency,
    days_to_liquidate,
    historical_replay,
    instant_loss,
    liquidity_adjusted_var,
    measure,
    rates,
    reverse_stress,
    simulate_portfolio,
    single_name,
    spreads,
    standard_stress,
)
from tradewright.risk.measures.stress import Portfolio


def normal(n, seed=1, columns=None):
    size = n if columns is None else (n, columns)
    return np.random.default_rng(seed).normal(0.0005, 0.01, size)


# -- the sample ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_fewer_than_30_give_no_number_and_fewer_than_100_a_weak_one(method):
    with pytest.raises(DataError, match="29 observations, wanted at least 30"):
        measure(normal(29), method)
    assert measure(normal(30), method).low_sample
    assert measure(normal(99), method).low_sample
    assert not measure(normal(100), method).low_sample


def test_simulation_has_the_same_sample_rules():
    weights = np.array([0.5, 0.5])
    with pytest.raises(DataError, match="29 observations"):
        simulate_portfolio(weights, normal(29, columns=2))
    assert simulate_portfolio(weights, normal(99, columns=2)).low_sample
    assert not simulate_portfolio(weights, normal(100, columns=2)).low_sample


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_return_that_is_no_number_is_refused_with_its_row(bad):
    returns = normal(200)
    returns[150] = bad
    with pytest.raises(DataError, match="row 150 of the last 200"):
        measure(returns)
    panel = normal(200, columns=3)
    panel[7, 2] = bad
    with pytest.raises(DataError, match="row 7 of the last 200, column 2"):
        simulate_portfolio(np.ones(3), panel)
    with pytest.raises(DataError, match="column 2"):
        covariance(panel)


def test_loss_of_more_than_everything_is_refused():
    returns = normal(50)
    returns[3] = -1.5
    with pytest.raises(DataError, match="below -1"):
        measure(returns)


def test_window_takes_the_newest_sessions():
    returns = np.concatenate((np.full(300, -0.5), normal(500)))
    assert measure(returns).var < 0.03
    assert measure(returns).n_observations == 500
    assert measure(returns, settings=MeasureSettings(window=None)).var > 0.4


@pytest.mark.parametrize(
    ("setting", "value"),
    [("level", 0.89), ("level", 0.9999), ("horizon", 0), ("horizon", 21), ("window", 29),
     ("age_decay", 1.0), ("ewma_decay", 0.0), ("refit", 0), ("paths", 99)],
)  # fmt: skip
def test_setting_out_of_range_is_refused_by_name(setting, value):
    with pytest.raises(ConfigError, match=f"{setting} is {value}"):
        MeasureSettings(**{setting: value})


def test_unknown_method_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'gaussian'"):
        measure(normal(100), "gausian")


# -- methods ------------------------------------------------------------------------------------


def test_horizon_scales_mean_and_spread():
    returns = normal(500)
    one, ten = (measure(returns, "gaussian", MeasureSettings(horizon=h)) for h in (1, 10))
    z, mean, spread = 1.6448536269514722, returns.mean(), returns.std(ddof=1)
    assert one.var == pytest.approx(z * spread - mean)
    assert ten.var == pytest.approx(z * spread * math.sqrt(10) - 10 * mean)
    long = measure(returns, "historical", MeasureSettings(horizon=4)).var
    assert long == pytest.approx(2 * measure(returns).var)


def test_garch_paths_of_many_days_agree_with_the_square_root_where_volatility_is_constant():
    returns = normal(2000, seed=5)
    far = measure(returns, "garch", MeasureSettings(window=None, horizon=10, paths=20_000))
    mean, spread = returns.mean(), returns.std()
    assert far.var == pytest.approx(1.645 * spread * math.sqrt(10) - 10 * mean, rel=0.06)
    again = measure(returns, "garch", MeasureSettings(window=None, horizon=10, paths=20_000))
    assert again == far


def test_garch_rises_with_todays_volatility_and_history_does_not():
    calm, wild = normal(450, seed=2) * 0.5, normal(50, seed=3) * 4
    ended, began = np.concatenate((calm, wild)), np.concatenate((wild, calm))
    assert measure(ended, "garch").var > 2 * measure(began, "garch").var
    assert measure(ended).var == pytest.approx(measure(began).var)
    assert measure(ended, "age_weighted").var > 2 * measure(began, "age_weighted").var


def test_cornish_fisher_says_where_it_means_nothing():
    returns = normal(500)
    returns[250] = -0.5
    found = measure(returns, "cornish_fisher", MeasureSettings(level=0.90))
    assert found.notes
    assert "outside its domain" in found.notes[0]
    assert not measure(normal(500), "cornish_fisher").notes


def test_simulation_of_normal_returns_gives_the_normal_answer():
    random = np.random.default_rng(8)
    factor = np.linalg.cholesky([[1.0, 0.6], [0.6, 1.0]]).T
    panel = 0.01 * random.standard_normal((5000, 2)) @ factor
    weights = np.array([0.7, 0.3])
    found = simulate_portfolio(weights, panel, MeasureSettings(window=None, paths=40_000))
    exact = 1.6448536269514722 * 0.01 * math.sqrt(0.49 + 0.09 + 2 * 0.21 * 0.6)
    assert found.var == pytest.approx(exact, rel=0.03)
    same = simulate_portfolio(weights, panel, MeasureSettings(window=None, paths=40_000))
    assert same == found
    other = simulate_portfolio(weights, panel, MeasureSettings(window=None, paths=40_000, seed=1))
    assert other.var != found.var


def test_simulated_tails_of_a_t_copula_are_fatter_than_its_normal_shadow():
    random = np.random.default_rng(3)
    chi = random.chisquare(3, 3000)[:, None]
    panel = 0.01 * random.standard_normal((3000, 5)) / np.sqrt(chi / 3)
    chosen = MeasureSettings(window=None, level=0.99, paths=20_000)
    weights = np.full(5, 0.2)
    found = simulate_portfolio(weights, np.clip(panel, -0.9, 0.9), chosen)
    assert 2.1 <= float(found.notes[0].split()[0]) <= 4.5  # 3 was drawn
    exact = -np.quantile(panel @ weights, 0.01)
    assert found.var == pytest.approx(exact, rel=0.08)


# -- contributions ------------------------------------------------------------------------------


def test_contributions_by_hand():
    sigma = np.array([[0.04, 0.01], [0.01, 0.09]])
    found = contributions([0.5, 0.5], sigma)
    # variance 0.25 * (0.04 + 0.02 + 0.09) = 0.0375; pulls 0.025 and 0.05
    root = math.sqrt(0.0375)
    assert found.volatility == pytest.approx(root)
    assert found.by_volatility == pytest.approx([0.0125 / root, 0.025 / root])
    assert found.shares == pytest.approx([1 / 3, 2 / 3])
    assert found.component_var.sum() == pytest.approx(1.6448536269514722 * root)


def test_hedge_contributes_less_than_zero_and_no_risk_is_zero():
    sigma = np.array([[0.04, 0.04], [0.04, 0.05]])
    assert contributions([1.0, -0.3], sigma).component_var[1] < 0
    nothing = contributions([0.0, 0.0], sigma)
    assert (nothing.volatility, nothing.var, nothing.es) == (0.0, 0.0, 0.0)
    assert nothing.shares.tolist() == [0.0, 0.0]


def test_wrong_covariance_is_refused():
    with pytest.raises(DataError, match="negative variance"):
        contributions([1.0, -1.0], [[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(DataError, match="wanted a square"):
        contributions([1.0], [[1.0, 2.0]])
    with pytest.raises(DataError, match="column 1 is nan"):
        contributions([1.0, math.nan], np.eye(2))


# -- correlation and beta -----------------------------------------------------------------------


def test_correlations_equal_the_library():
    from scipy.stats import spearmanr

    panel = normal(250, columns=4)
    np.testing.assert_allclose(
        correlations(panel).matrix, np.corrcoef(panel, rowvar=False), atol=1e-12
    )
    np.testing.assert_allclose(
        correlations(panel, "spearman").matrix, spearmanr(panel).statistic, atol=1e-12
    )
    weights = 0.97 ** np.arange(249, -1, -1)
    theirs = np.cov(panel, rowvar=False, aweights=weights)
    scale = np.sqrt(np.diag(theirs))
    np.testing.assert_allclose(
        correlations(panel, "ewma").matrix, theirs / scale / scale[:, None], atol=1e-12
    )


def test_session_without_a_return_is_left_out_for_all():
    panel = normal(120, columns=3)
    holes = panel.copy()
    holes[10, 0] = holes[90, 2] = np.nan
    found = correlations(holes)
    kept = np.delete(panel, [10, 90], axis=0)
    np.testing.assert_allclose(found.matrix, np.corrcoef(kept, rowvar=False), atol=1e-12)
    assert (found.n_observations, found.left_out) == (118, 2)
    holes[:100, 1] = np.nan
    with pytest.raises(DataError, match="column 1 lacks 100"):
        correlations(holes)


def test_clusters_and_change_against_60_sessions_before():
    random = np.random.default_rng(4)
    tech, oil = random.standard_normal((2, 400, 1))
    noise = random.standard_normal((400, 5))
    panel = np.hstack((tech + 0.4 * noise[:, :2], oil + 0.4 * noise[:, 2:4], noise[:, 4:]))
    found = correlations(panel)
    assert found.clusters == (0, 0, 1, 1, 2)
    # The last 60 sessions are one market: the average must have risen.
    panel[-60:] = random.standard_normal((60, 1)) + 0.1 * random.standard_normal((60, 5))
    assert correlations(panel, window=60).change > 0.5
    assert math.isnan(correlations(panel[:80], window=60).change)


def test_instrument_that_stands_still_has_no_correlation():
    panel = normal(100, columns=3)
    panel[:, 1] = 0.0
    assert correlations(panel).matrix[1].tolist() == [0.0, 1.0, 0.0]


def test_betas_by_hand():
    market = normal(100)
    panel = np.column_stack((2 * market, -0.5 * market + 0.01, market))
    panel[:80, 2] = np.nan
    found = betas(panel, market)
    assert found[:2] == pytest.approx([2.0, -0.5])
    assert math.isnan(found[2])  # 20 sessions are too few


# -- liquidity and concentration ----------------------------------------------------------------


def test_days_to_95_percent_by_hand():
    # Values 100 (1 day) and 100 (4 days): after 1 day 125 of 200, then 25 a day: 190 at 3.6.
    found = days_to_liquidate([10, -10], [10.0, 10.0], [100, 25])
    assert found.days.tolist() == [1.0, 4.0]
    assert found.days_to_95 == pytest.approx(3.6)


def test_position_that_does_not_trade_never_closes():
    found = days_to_liquidate([10, 1000], [10.0, 10.0], [math.nan, 1e6])
    assert math.isinf(found.days[0])
    assert found.days_to_95 == pytest.approx(0.95 * 10_100 / (10_000 / 0.01))
    assert math.isinf(days_to_liquidate([10], [10.0], [0.0]).days_to_95)
    assert days_to_liquidate([0.0], [math.nan], [0.0]).days_to_95 == 0.0


def test_unknown_spread_or_price_is_not_taken_as_zero():
    with pytest.raises(DataError, match="column 1 is held"):
        liquidity_adjusted_var(0.02, [0.5, 0.5], [0.001, math.nan], [0.0, 0.0])
    with pytest.raises(DataError, match="column 0 is held"):
        days_to_liquidate([10], [math.nan], [100])


def test_concentration_of_nothing_is_nothing():
    found = concentration([0.0, 0.0])
    assert (found.herfindahl, found.effective, found.top_1) == (0.0, 0.0, 0.0)
    many = concentration(np.full(20, 0.05))
    assert many.effective == pytest.approx(20)
    assert (many.top_1, many.top_5, many.top_10) == pytest.approx((0.05, 0.25, 0.5))


# -- stress -------------------------------------------------------------------------------------


def held(**changes):
    parts = {
        "symbols": ("A", "B", "EUR"),
        "weights": np.array([0.6, -0.2, 0.3]),
        "betas": np.array([1.5, 1.0, 0.0]),
        "covariance": np.diag([0.0004, 0.0001, 0.0001]),
        "durations": np.array([0.0, 7.0, 0.0]),
        "currencies": ("USD", "USD", "EUR"),
        "spreads": np.array([0.001, 0.002, 0.0004]),
    }
    return Portfolio(**{**parts, **changes})


def test_instant_loss_by_hand():
    found = instant_loss(held(), Shock("down", -0.2))
    # 0.6 * 1.5 * 0.2 - 0.2 * 1.0 * 0.2
    assert found.loss == pytest.approx(0.18 - 0.04)
    assert found.by_symbol == pytest.approx({"A": 0.18, "B": -0.04, "EUR": 0.0})
    calm = 1.6448536269514722 * math.sqrt(0.36 * 0.0004 + 0.04 * 0.0001 + 0.09 * 0.0001)
    assert found.var == pytest.approx(calm)
    wild = instant_loss(held(), Shock("wild", 0.0, volatility=3.0))
    assert wild.var == pytest.approx(3 * calm)


def test_instrument_loses_no_more_than_all():
    assert instant_loss(held(), Shock("end", -0.9)).by_symbol["A"] == pytest.approx(0.6)


def test_unknown_beta_moves_against_its_holder_and_is_named():
    portfolio = held(betas=np.array([np.nan, np.nan, 0.0]))
    found = instant_loss(portfolio, Shock("down", -0.2))
    assert found.by_symbol == pytest.approx({"A": 0.12, "B": 0.04, "EUR": 0.0})
    assert "A, B" in found.notes[0]


def test_rates_currency_single_name_and_spreads_by_hand():
    assert rates(held(), 200).loss == pytest.approx(-0.2 * 7 * 0.02)
    assert rates(held(), -200).loss == pytest.approx(0.2 * 7 * 0.02)
    assert currency(held(), "USD", -0.10).loss == pytest.approx(0.03)
    assert single_name(held(), "A").loss == pytest.approx(0.18)
    assert single_name(held(), "B").loss == pytest.approx(0.06)  # a short is hit by the move up
    wanted = 2.5 * (0.6 * 0.001 + 0.2 * 0.002 + 0.3 * 0.0004)
    assert spreads(held()).loss == pytest.approx(wanted)


def test_replay_uses_actual_returns_and_marks_what_it_guesses():
    found = historical_replay(held(), "2008", [-0.5, np.nan, 0.1], market=-0.4)
    assert found.by_symbol == pytest.approx({"A": 0.3, "B": -0.08, "EUR": -0.03})
    assert found.notes == ("by beta, no prices in the window: B",)


def test_reverse_stress_finds_the_smallest_move():
    # The slope is 0.9 - 0.2 = 0.7 until A has lost all at a fall of 2/3.
    found = reverse_stress(held(), {"daily_loss": 0.02, "drawdown": 0.15, "never": 0.95})
    assert found["daily_loss"][0] == pytest.approx(-0.02 / 0.7)
    assert found["drawdown"][0] == pytest.approx(-0.15 / 0.7)
    assert math.isnan(found["never"][0])
    moved = instant_loss(held(), Shock("check", found["drawdown"][0])).loss
    assert moved == pytest.approx(0.15)
    short = held(weights=np.array([-0.5, 0.0, 0.0]))
    assert reverse_stress(short, {"x": 0.3})["x"] == (pytest.approx(0.4), "a rise breaches it")


def test_standard_stress_runs_every_scenario_of_the_table():
    names = [found.name for found in standard_stress(held())]
    assert names[: len(SHOCKS)] == [shock.name for shock in SHOCKS]
    assert names[len(SHOCKS) :] == [
        "rates -200 bps", "rates +200 bps", "fx -10%", "fx +10%", "single_name A", "spreads x5",
    ]  # fmt: skip
    blind = standard_stress(held(spreads=np.array([np.nan, 0.1, 0.1])))
    assert "spreads x5" not in [found.name for found in blind]


def test_position_without_price_and_wrong_shock_are_refused():
    with pytest.raises(DataError, match="A: a position without a price"):
        held(weights=np.array([np.nan, 0.0, 0.0]))
    with pytest.raises(DataError, match="B: its spread is not known"):
        spreads(held(spreads=np.array([0.1, np.nan, 0.1])))
    with pytest.raises(ConfigError, match=r"market is -1\.5"):
        Shock("x", -1.5)
    with pytest.raises(ConfigError, match="not held"):
        single_name(held(), "ZZZ")
