"""Every constraint binding once, costs, and constraints that contradict each other."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from optimiser_markets import moments

from tradewright.domain.errors import ConfigError
from tradewright.portfolio.constraints import (
    OptimizationConstraints,
    PortfolioLimits,
    apply_limits,
    parse_linear,
)
from tradewright.portfolio.optimisation import MethodInputs, PortfolioOptimizer

pytest.importorskip("clarabel")
MEAN, COVARIANCE = moments(10, 25)
N = len(MEAN)
NAMES = tuple(f"S{i}" for i in range(N))
SECTORS = {name: "Tech" if i < 4 else "Bank" for i, name in enumerate(NAMES)}
EQUAL = np.full(N, 1.0 / N)


def solve(method="maximum_sharpe", current=None, rate=0.0, **limits):
    return PortfolioOptimizer(rate).optimize_portfolio(
        MEAN,
        COVARIANCE,
        method,
        OptimizationConstraints(**limits),
        current,
        inputs=MethodInputs(symbols=NAMES),
    )


def vector(result):
    return np.array([result.weights[name] for name in NAMES])


def volatility(weights):
    return float(np.sqrt(weights @ COVARIANCE @ weights))


FREE = vector(solve())
BEST = NAMES[int(np.argmax(FREE))]


def test_every_kind_of_bound_holds_and_is_named():
    assert FREE.max() > 0.2
    result = solve(max_weight=0.2, min_weights={"S0": 0.03})
    assert vector(result).max() <= 0.2 + 1e-9
    assert result.weights["S0"] >= 0.03 - 1e-9
    assert any(
        text.startswith("max_weight:") and BEST in text for text in result.binding_constraints
    )


@pytest.mark.parametrize(("which", "factor"), [("sector_max", 0.5), ("sector_min", 1.3)])
def test_sector_bounds_hold_with_equality(which, factor):
    held = sum(FREE[i] for i, name in enumerate(NAMES) if SECTORS[name] == "Tech")
    assert 0.1 < held < 0.7
    bound = held * factor
    result = solve(sectors=SECTORS, **{which: {"Tech": bound}})
    total = sum(result.weights[name] for name in NAMES if SECTORS[name] == "Tech")
    assert total == pytest.approx(bound, abs=1e-6)
    assert f"{which} Tech" in result.binding_constraints


def test_group_bound_holds():
    result = solve(groups={"pair": [BEST, "S0"]}, sector_max={"pair": 0.1})
    assert result.weights[BEST] + result.weights["S0"] == pytest.approx(0.1, abs=1e-6)


def test_turnover_is_limited_and_reported():
    current = dict.fromkeys(NAMES, 1.0 / N)
    result = solve(current=current, max_turnover=0.1, transaction_cost=0.002)
    moved = np.abs(vector(result) - EQUAL).sum()
    assert 0.5 * moved == pytest.approx(0.1, abs=1e-6)
    assert result.turnover == pytest.approx(0.5 * moved)
    assert result.transaction_costs == pytest.approx(0.002 * moved)
    assert "max_turnover" in result.binding_constraints


def test_volatility_is_limited():
    calm, bold = volatility(vector(solve("minimum_variance"))), volatility(FREE)
    limit = 0.5 * (calm + bold)
    result = solve(max_volatility=limit)
    assert result.expected_volatility == pytest.approx(limit, abs=1e-6)
    assert result.expected_volatility <= limit + 1e-6


def test_tracking_error_is_limited():
    benchmark = dict.fromkeys(NAMES, 1.0 / N)
    result = solve(benchmark_weights=benchmark, max_tracking_error=0.01)
    assert volatility(vector(result) - EQUAL) == pytest.approx(0.01, abs=1e-6)


@pytest.mark.parametrize(("which", "shift"), [("min_beta", 0.2), ("max_beta", -0.1)])
def test_beta_is_limited(which, shift):
    benchmark = dict.fromkeys(NAMES, 1.0 / N)
    betas = COVARIANCE @ EQUAL / (EQUAL @ COVARIANCE @ EQUAL)
    bound = float(betas @ FREE) + shift
    result = solve(benchmark_weights=benchmark, **{which: bound})
    assert float(betas @ vector(result)) == pytest.approx(bound, abs=1e-6)


def test_gross_net_long_and_short_are_limited():
    wide = {"min_weight": -1.0, "max_weight": 1.0}
    free = vector(solve(**wide))
    assert np.abs(free).sum() > 1.6
    gross = vector(solve(**wide, max_gross=1.3))
    assert np.abs(gross).sum() == pytest.approx(1.3, abs=1e-6)
    short = vector(solve(**wide, max_short=0.1))
    assert np.maximum(-short, 0).sum() == pytest.approx(0.1, abs=1e-6)
    long = vector(solve(**wide, max_long=1.2))
    assert np.maximum(long, 0).sum() == pytest.approx(1.2, abs=1e-6)
    neutral = solve("mean_variance", **wide, min_net=0.0, max_net=0.0, max_gross=1.0)
    assert vector(neutral).sum() == pytest.approx(0.0, abs=1e-8)
    assert neutral.cash == pytest.approx(1.0, abs=1e-8)


def test_linear_text_holds():
    result = solve(linear=[f"{BEST} <= 0.05", "S0 - 2*S1 >= 0.02"], sectors=SECTORS)
    assert result.weights[BEST] <= 0.05 + 1e-6
    assert result.weights["S0"] - 2 * result.weights["S1"] >= 0.02 - 1e-6
    assert f"linear '{BEST} <= 0.05'" in result.binding_constraints


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A <= 0.3", ({"A": 1.0}, -np.inf, 0.3)),
        ("2*A - .5 B >= -1e-1", ({"A": 2.0, "B": -0.5}, -0.1, np.inf)),
        ("Tech == A + 0.1", ({"B": 1.0, "A": -1.0}, 0.1, 0.1)),
        ("0.2 >= A + B", ({"A": -1.0, "B": -1.0}, -0.2, np.inf)),
        ("'Real Estate' + A <= 1", ({"B": 1.0, "A": 1.0}, -np.inf, 1.0)),
        ("BRK-B + A <= 1", ({"BRK-B": 1.0, "A": 1.0}, -np.inf, 1.0)),
    ],
)
def test_linear_text_is_read(text, expected):
    groups = {"Tech": ["B"], "Real Estate": ["B"]}
    assert parse_linear(text, ["A", "B", "BRK-B"], groups) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("A < 0.3", "one of"),
        ("A <= 0.3 <= B", "one of"),
        ("Z <= 0.3", "no symbol or group"),
        ("A B <= 1", "cannot read"),
        ("2* <= 1", "name is missing"),
        ("<= 1", "empty"),
        ("A - A <= 1", "no instrument is left"),
        ("A; import os <= 1", "cannot read"),
    ],
)
def test_linear_text_that_cannot_be_read_is_refused(text, says):
    with pytest.raises(ConfigError, match=says):
        parse_linear(text, ["A", "B"], {})


def test_number_of_positions_is_limited_and_the_result_says_how():
    assert (FREE > 1e-6).sum() > 3
    result = solve(max_positions=3)
    assert (vector(result) > 1e-6).sum() == 3
    assert "kept the largest" in result.message
    assert vector(result).sum() == pytest.approx(1.0)


def test_fewest_positions_are_held():
    held = int((FREE > 1e-6).sum())
    result = solve(min_positions=held + 2)
    assert (vector(result) > 1e-6).sum() >= held + 2
    assert vector(result)[vector(result) > 1e-6].min() >= 0.01 - 1e-6


def test_no_position_is_smaller_than_its_least_size():
    assert (FREE[FREE > 1e-6] < 0.08).any()
    weights = vector(solve(min_position_size=0.08))
    assert weights[weights > 1e-6].min() >= 0.08 - 1e-6


@pytest.mark.parametrize("method", ["mean_variance", "minimum_variance", "kelly"])
def test_rising_costs_never_raise_turnover(method):
    current = dict.fromkeys(NAMES, 1.0 / N)
    turnover = [
        solve(method, current=current, transaction_cost=cost).turnover
        for cost in (0.0, 0.001, 0.005, 0.02, 0.1, 0.5)
    ]
    assert all(b <= a + 1e-6 for a, b in pairwise(turnover))
    assert turnover[0] > turnover[-1] + 0.1


def test_costs_are_weighed_by_the_holding_period():
    current = dict.fromkeys(NAMES, 1.0 / N)
    short, long = (
        solve("mean_variance", current=current, transaction_cost=0.01, holding_period_days=days)
        for days in (20, 2000)
    )
    assert short.turnover < long.turnover - 0.01


def test_costs_enter_the_sharpe_ratio():
    current = dict.fromkeys(NAMES, 1.0 / N)
    result = solve(current=current, transaction_cost=0.03)
    weights = vector(result)

    def net(w):
        return (w @ MEAN - 0.03 * np.abs(w - EQUAL).sum()) / volatility(w)

    assert net(weights) > max(net(FREE), net(EQUAL))
    rng = np.random.default_rng(0)
    others = np.maximum(weights + rng.normal(0, 0.02, (2000, N)), 0)
    others /= others.sum(axis=1, keepdims=True)
    assert net(weights) >= max(net(w) for w in others) - 1e-9


@pytest.mark.parametrize(
    ("limits", "first", "second"),
    [
        ({"min_weight": 0.3}, "min_weight", "max_net"),
        ({"max_weight": 0.05}, "max_weight", "min_net"),
        ({"min_weight": 0.4, "max_weight": 0.2}, "min_weight", "max_weight"),
        ({"min_weights": {"S0": 0.5}, "max_weight": 0.2}, "min_weight", "max_weight"),
        (
            {"sectors": SECTORS, "sector_min": {"Tech": 0.5}, "sector_max": {"Tech": 0.4}},
            "sector_min",
            "sector_max",
        ),
        (
            {"sectors": SECTORS, "sector_min": {"Tech": 0.5}, "max_weight": 0.11},
            "sector_min Tech",
            "max_weight",
        ),
        ({"max_positions": 3, "max_weight": 0.2}, "max_positions", "max_weight"),
        ({"min_positions": 8, "max_positions": 3}, "min_positions", "max_positions"),
        ({"min_positions": 8, "min_position_size": 0.2}, "min_positions", "min_position_size"),
        (
            {"min_beta": 2.0, "max_beta": 1.0, "benchmark_weights": {"S0": 1}},
            "min_beta",
            "max_beta",
        ),
        ({"min_net": 1.0, "max_net": 0.5}, "min_net", "max_net"),
        ({"max_volatility": 0.001}, "max_volatility", "smallest volatility"),
    ],
)
def test_pair_that_conflicts_is_named(limits, first, second):
    with pytest.raises(ConfigError) as caught:
        solve(**limits)
    assert first in str(caught.value)
    assert second in str(caught.value)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"max_turnover": 0.1}, "needs current_weights"),
        ({"max_tracking_error": 0.1}, "needs benchmark_weights"),
        ({"min_beta": 0.1}, "needs benchmark_weights"),
        ({"max_volatility": -0.1}, "max_volatility is -0.1"),
        ({"transaction_cost": -1}, "transaction_cost is -1"),
        ({"min_positions": 0}, "min_positions is 0"),
        ({"max_weights": {"ZZ": 0.1}}, "max_weights: 'ZZ'"),
        ({"sectors": SECTORS, "sector_max": {"Tec": 0.1}}, "did you mean 'Tech'"),
        ({"target_return": float("nan")}, "target_return is nan"),
    ],
)
def test_value_out_of_range_is_named(limits, says):
    with pytest.raises(ConfigError, match=says):
        solve(**limits)


def test_defaults_are_those_of_the_wire():
    limits = OptimizationConstraints()
    assert (limits.min_weight, limits.max_weight) == (0.0, 1.0)
    assert limits.target_return is None
    assert limits.transaction_cost == 0.001


def test_portfolio_limits_drop_small_positions_and_scale_the_rest():
    weights = {"A": 0.6, "B": 0.392, "C": 0.008}
    kept, notes = apply_limits(weights, PortfolioLimits())
    assert kept["C"] == 0.0
    assert sum(kept.values()) == pytest.approx(1.0)
    assert kept["A"] / kept["B"] == pytest.approx(0.6 / 0.392)
    assert "C" in notes[0]
    edge, none = apply_limits({"A": 0.99, "B": 0.01}, PortfolioLimits())
    assert edge == {"A": 0.99, "B": 0.01}
    assert none == ()


def test_portfolio_limits_hold_at_most_a_hundred_positions():
    weights = {f"A{i}": 1 / 101 for i in range(101)}
    kept, _ = apply_limits(weights, PortfolioLimits(min_position_size=0.0))
    assert sum(1 for w in kept.values() if w) == 100
    assert sum(kept.values()) == pytest.approx(1.0)


def test_leverage_is_cut_by_class_and_by_the_ceiling():
    weights = {"A": 1.5, "X": 2.5, "B": 1.0}
    classes = {"X": "forex", "B": "crypto"}
    kept, notes = apply_limits(weights, PortfolioLimits(), asset_classes=classes)
    assert kept == pytest.approx({"A": 1.0, "X": 1.0, "B": 1.0})
    assert len(notes) == 2
    loose = PortfolioLimits(max_leverage={"equity": 2.0, "forex": 3.0})
    kept, notes = apply_limits(weights, loose, asset_classes=classes)
    assert sum(kept.values()) == pytest.approx(3.0)
    assert "leverage 5.00 cut to 3" in notes[-1]


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"max_positions": 101}, "1 to 100"),
        ({"max_leverage": {"equity": 2.1}}, "to 2"),
        ({"max_leverage": {"forex": 3.1}}, "to 3"),
        ({"max_leverage": {"bonds": 1.0}}, "not known"),
        ({"min_position_size": 1.0}, "0 to 1"),
    ],
)
def test_portfolio_limits_beyond_their_edges_are_refused(limits, says):
    with pytest.raises(ConfigError, match=says):
        PortfolioLimits(**limits)
