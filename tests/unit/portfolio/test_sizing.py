"""Position sizes by hand: the steps, each factor at its edges, every limit as the tightest."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.errors import ConfigError, ModelError
from tradewright.portfolio.sizing import (
    FACTORS,
    REGIME_FACTORS,
    AccountLimits,
    FactorSettings,
    PositionSizingParams,
    SizingInputs,
    kelly_from_sharpe,
    kelly_size,
    next_weight,
    position_size,
)
from tradewright.portfolio.sizing import factors as f

STEADY = {
    "confidence": 0.8,
    "uncertainty": 0.2,
    "mean_excess": 0.02,
    "horizon_volatility": 0.1,
    "stop_distance": 0.05,
    "volatility": 0.2,
    "var_95": 0.02,
    "regime": "bullish/stable",
}


def sized(*, limits=None, params=None, **changes):
    inputs = SizingInputs(**{**STEADY, **changes})
    return position_size(inputs, params or PositionSizingParams(), limits=limits)


def test_defaults_of_the_parameters():
    params = PositionSizingParams()
    assert (params.max_position_size, params.risk_per_trade) == (0.2, 0.02)
    assert (params.confidence_threshold, params.kelly_fraction) == (0.6, 0.5)
    assert params.min_position_size == 0.01


def test_base_size_is_confidence_times_the_largest_position():
    assert sized().steps["base"] == pytest.approx(0.8 * 0.2)
    assert sized(confidence=0.65).steps["base"] == pytest.approx(0.13)


def test_worked_example_of_the_whole_size():
    # min(0.16, 0.5·0.02/0.01 = 1, 0.02/0.05 = 0.4) · 0.8·0.8·1·0.86·0.75·1·1·1
    found = sized()
    assert dict(found.steps) == pytest.approx({"base": 0.16, "kelly": 1.0, "risk": 0.4})
    assert found.product == pytest.approx(0.4128)
    assert found.size == pytest.approx(0.16 * 0.4128)
    assert (found.bound_by, found.reason) == ("base", "")
    assert tuple(found.factors) == FACTORS


def test_the_smallest_step_decides():
    assert sized(mean_excess=0.002).bound_by == "kelly"
    assert sized(mean_excess=0.002).size == pytest.approx(0.1 * 0.4128)
    assert sized(stop_distance=0.15).steps["risk"] == pytest.approx(0.02 / 0.15)
    assert sized(stop_distance=0.15).bound_by == "risk"


@pytest.mark.parametrize(
    ("factor", "changes", "expected"),
    [
        ("volatility", {"volatility": 0.0}, 1.0),
        ("volatility", {"volatility": 0.35}, 0.65),
        ("volatility", {"volatility": 0.9}, 0.1),
        ("volatility", {"volatility": 3.0}, 0.1),
        ("volatility", {"volatility": math.nan}, 0.1),
        ("var", {"var_95": 0.0}, 1.0),
        ("var", {"var_95": 0.03}, 0.7),
        ("var", {"var_95": 0.09}, 0.1),
        ("var", {"var_95": 0.4}, 0.1),
        ("var", {"var_95": math.nan}, 0.1),
        ("uncertainty", {"uncertainty": 0.0}, 1.0),
        ("uncertainty", {"uncertainty": 0.5}, 0.65),
        ("uncertainty", {"uncertainty": 1.0}, 0.3),
        ("confidence", {"confidence": 0.6}, 0.5),
        ("confidence", {"confidence": 0.7}, 0.625),
        ("confidence", {"confidence": 1.0}, 1.0),
        ("confidence", {"confidence": 0.1}, 0.5),
        ("concentration", {"sector_headroom": math.inf}, 1.0),
        ("concentration", {"sector_headroom": 0.16}, 1.0),
        ("concentration", {"sector_headroom": 0.04}, 0.25),
        ("concentration", {"sector_headroom": 0.0}, 0.0),
        ("concentration", {"sector_headroom": -0.1}, 0.0),
        ("correlation", {"correlation": math.nan}, 1.0),
        ("correlation", {"correlation": -1.0}, 1.0),
        ("correlation", {"correlation": 0.5}, 1.0),
        ("correlation", {"correlation": 0.8}, 0.7),
        ("correlation", {"correlation": 1.0}, 0.5),
        ("liquidity", {"liquidity": 0.16}, 1.0),
        ("liquidity", {"liquidity": 0.08}, 0.5),
        ("liquidity", {"liquidity": 0.0}, 0.0),
        ("liquidity", {"liquidity": math.nan}, 0.0),
    ],
)
def test_each_factor_at_its_edges(factor, changes, expected):
    assert sized(**changes).factors[factor] == pytest.approx(expected)


@pytest.mark.parametrize("regime", sorted(REGIME_FACTORS))
def test_regime_factor_is_the_table_and_shorts_swap_the_trend(regime):
    table = {
        "bullish/stable": (1.0, 0.6),
        "bullish/volatile": (0.7, 0.3),
        "sideways/stable": (0.8, 0.8),
        "sideways/volatile": (0.5, 0.5),
        "bearish/stable": (0.6, 1.0),
        "bearish/volatile": (0.3, 0.7),
        "mixed": (0.5, 0.5),
    }
    assert (f.regime_factor(regime), f.regime_factor(regime, short=True)) == table[regime]
    assert sized(regime=regime, short=True).factors["regime"] == table[regime][1]


def test_unknown_regime_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"regime 'bullish/calm'.*did you mean"):
        f.regime_factor("bullish/calm")


def test_product_of_factors_has_a_floor():
    found = sized(volatility=2.0, var_95=0.3, uncertainty=1.0, confidence=0.6)
    assert math.prod(found.factors.values()) < 0.05
    assert found.product == 0.05
    assert found.reason.startswith("size 0.0060")


@pytest.mark.parametrize("name", ["max_position_size", "sector", "liquidity", "account", "optim"])
def test_tightest_limit_wins_and_is_named(name):
    changes = {"confidence": 1.0, "uncertainty": 0.0, "volatility": 0.0, "var_95": 0.0}
    params = PositionSizingParams(max_position_size=0.15 if name == "max_position_size" else 0.2)
    room = 0.05
    limits = {"account": 0.5, "optim": 0.5}
    if name == "sector":
        changes["sector_headroom"] = room
    elif name == "liquidity":
        changes["liquidity"] = room
    elif name in limits:
        limits[name] = room
    found = sized(limits=limits, params=params, **changes)
    wanted = 0.15 if name == "max_position_size" else room
    if name in ("sector", "liquidity"):  # the factor has shrunk it below the room already
        wanted = min(0.2, 0.4, 1.0) * (room / 0.2)
    assert found.size == pytest.approx(wanted)
    if name in limits:
        assert found.bound_by == name


def test_too_small_becomes_nothing_with_its_reason():
    assert sized(mean_excess=-0.01).size == 0
    assert "kelly is 0" in sized(mean_excess=-0.01).reason
    nothing = sized(mean_excess=0.0004)
    assert nothing.size == 0
    assert "below min_position_size 0.01" in nothing.reason
    assert sized(sector_headroom=0.0).size == 0


def test_account_limits_by_mode():
    account = AccountLimits()
    assert [account.position_limit(m) for m in ("backtest", "paper", "live")] == [0.25, 0.2, 0.2]
    assert account.order_limit("backtest") == math.inf
    assert account.order_limit("paper") == account.order_limit("live") == 0.05
    with pytest.raises(ConfigError, match="did you mean 'live'"):
        account.position_limit("liv")
    with pytest.raises(ConfigError, match="max_trade_pct is 0"):
        AccountLimits(max_trade_pct=0)


def test_large_target_is_reached_in_several_orders():
    steps, held = [], 0.0
    while held != 0.18:
        held = next_weight(held, 0.18, 0.05)
        steps.append(round(held, 10))
    assert steps == [0.05, 0.1, 0.15, 0.18]
    assert next_weight(0.1, -0.1, 0.05) == pytest.approx(0.05)
    assert next_weight(0.0, 0.9, math.inf) == 0.9


@settings(max_examples=60, deadline=None)
@given(st.floats(-1, 1), st.floats(0.01, 2), st.floats(0.01, 1))
def test_both_forms_of_kelly_are_one(mean, volatility, fraction):
    one = kelly_size(mean, volatility, fraction=fraction)
    other = kelly_from_sharpe(mean / volatility, volatility, fraction=fraction)
    assert one == pytest.approx(other, rel=1e-9, abs=1e-12)
    assert one >= 0
    assert (one > 0) == (mean * fraction > 0)


def test_growth_is_largest_at_the_full_kelly_fraction():
    # Log growth of a position held at f·kelly, rebalanced each step, over common random returns.
    mean, sd = 0.0004, 0.01
    draws = np.random.default_rng(5).normal(0.0, 1.0, 400_000)
    draws = (draws - draws.mean()) / draws.std()
    returns = mean + sd * draws
    grid = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5]
    growth = [
        float(np.log1p(kelly_size(mean, sd, fraction=1.0) * fraction * returns).mean())
        for fraction in grid
    ]
    assert grid[int(np.argmax(growth))] == 1.0
    assert growth == sorted(growth[:4]) + sorted(growth[4:], reverse=True)
    assert growth[6] == pytest.approx(0.0, abs=2e-5)  # twice Kelly grows no more than cash
    assert growth[7] < 0


@pytest.mark.parametrize("volatility", [0.0, -0.1, math.nan, math.inf])
def test_kelly_without_a_volatility_is_refused(volatility):
    with pytest.raises(ModelError, match="kelly: volatility"):
        kelly_size(0.01, volatility)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kelly_fraction": 0.0}, "sizing.kelly_fraction is 0.0, wanted above 0"),
        ({"max_position_size": 5.0}, "sizing.max_position_size is 5.0"),
        ({"confidence_threshold": 1.0}, "sizing.confidence_threshold is 1.0"),
        ({"min_position_size": math.nan}, "sizing.min_position_size is nan"),
    ],
)
def test_parameters_out_of_range_are_refused(wrong, says):
    with pytest.raises(ConfigError, match=says):
        PositionSizingParams(**wrong)


def test_values_that_are_not_universal_are_settings():
    ours = FactorSettings()
    assert (ours.volatility_floor, ours.var_floor, ours.uncertainty_floor) == (0.1, 0.1, 0.3)
    assert (ours.confidence_base, ours.product_floor) == (0.5, 0.05)
    changed = FactorSettings(
        regimes={**REGIME_FACTORS, "mixed": 0.2}, confidence_base=0.8, volatility_floor=0.4
    )
    assert f.regime_factor("mixed", settings=changed) == 0.2
    assert f.confidence_factor(0.6, settings=changed) == pytest.approx(0.8)
    assert f.volatility_factor(5.0, changed) == 0.4
    with pytest.raises(ConfigError, match=r"sizing.regimes names calm"):
        FactorSettings(regimes={"calm": 1.0})


unit = st.floats(0, 1)


@settings(max_examples=150, deadline=None)
@given(
    unit, unit, st.floats(-0.2, 0.5), st.floats(0.005, 0.5), st.floats(0.005, 0.5),
    st.floats(0, 2), st.floats(0, 0.3), st.sampled_from(sorted(REGIME_FACTORS)), st.booleans(),
    st.floats(-1, 1), st.floats(-0.2, 0.5), st.floats(0, 0.5), st.floats(0, 0.5),
)  # fmt: skip
def test_size_keeps_every_limit(
    confidence, uncertainty, mean, sd, stop, vol, var, regime, short, corr, room, liquid, account
):
    found = sized(
        confidence=confidence, uncertainty=uncertainty, mean_excess=mean, horizon_volatility=sd,
        stop_distance=stop, volatility=vol, var_95=var, regime=regime, short=short,
        correlation=corr, sector_headroom=room, liquidity=liquid, limits={"account": account},
    )  # fmt: skip
    assert all(found.size <= limit for limit in found.limits.values())
    assert all(found.size <= step for step in found.steps.values())
    assert found.size == 0 or found.size >= 0.01
    assert (found.size == 0) == bool(found.reason)
    assert all(0 <= value <= 1 for value in found.factors.values())
    assert 0.05 <= found.product <= 1
    if mean <= 0:
        assert found.size == 0


@settings(max_examples=60, deadline=None)
@given(unit, unit, st.floats(0, 1.5), st.floats(0, 1.5), st.floats(0, 0.2), st.floats(0, 0.2))
def test_more_risk_never_makes_a_position_larger(c1, c2, v1, v2, q1, q2):
    low, high = sorted((v1, v2))
    assert sized(volatility=high).size <= sized(volatility=low).size
    low, high = sorted((q1, q2))
    assert sized(var_95=high).size <= sized(var_95=low).size
    low, high = sorted((c1, c2))
    assert sized(confidence=low).size <= sized(confidence=high).size
    assert sized(uncertainty=high).size <= sized(uncertainty=low).size
