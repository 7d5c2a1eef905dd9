"""Optimising and comparing over bars, and constraints as a user writes them."""

import numpy as np
import pytest

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import Instrument
from tradewright.portfolio.constraints import OptimizationConstraints, PortfolioLimits
from tradewright.portfolio.covariance import EstimationSettings
from tradewright.portfolio.optimisation import OptimizationMethod
from tradewright.services.portfolio import (
    PortfolioRequest,
    compare_methods,
    optimise,
    parse_constraints,
    parse_views,
    parse_weights,
    trace,
)

pytest.importorskip("clarabel")
DAY = 86_400_000_000_000
NAMES = ("AAA", "BBB", "CCC", "DDD", "EEE")


def bars(n=200, seed=4):
    rng = np.random.default_rng(seed)
    steps = rng.normal(5e-4, [0.006, 0.01, 0.012, 0.016, 0.02], (n, 5))
    closes = 40 * np.exp(np.cumsum(steps + rng.normal(0, 0.005, (n, 1)), axis=0))
    opened = np.vstack([closes[:1], closes[:-1]])
    high, low = np.maximum(opened, closes) * 1.001, np.minimum(opened, closes) * 0.999
    return Bars(
        tuple(Instrument(name) for name in NAMES),
        np.arange(1, n + 1) * DAY,
        opened, high, low, closes, np.full_like(closes, 1e6),
    )  # fmt: skip


def request(**more):
    more.setdefault("estimation", EstimationSettings(window=100))
    return PortfolioRequest(bars=bars(), **more)


def test_newest_window_is_optimised():
    found = optimise(request(method="minimum_variance"))
    older = bars()
    closes = older.close.copy()
    closes[:90] *= 7.0
    changed = Bars(older.instruments, older.ts, closes, closes, closes, closes, older.volume)
    again = optimise(
        PortfolioRequest(
            bars=changed, method="minimum_variance", estimation=EstimationSettings(window=100)
        )
    )
    assert found.result.weights == pytest.approx(dict(again.result.weights))
    assert found.periods == 100
    assert found.as_of == "1970-07-20T00:00:00Z"
    document = found.to_mapping()
    assert set(document["weights"]) == set(NAMES)
    assert document["success"] is True


def test_limits_of_the_portfolio_hold_beside_the_constraints():
    limits = PortfolioLimits(min_position_size=0.15, max_positions=4)
    free = optimise(request(method="minimum_variance", limits=None)).result
    small = [w for w in free.weights.values() if 1e-6 < w < 0.15]
    assert small
    capped = OptimizationConstraints(max_weight=0.5)
    found = optimise(request(method="minimum_variance", limits=limits, constraints=capped)).result
    held = [w for w in found.weights.values() if w > 1e-6]
    assert found.success
    assert min(held) >= 0.15 - 1e-6
    assert max(held) <= 0.5 + 1e-6
    assert sum(held) == pytest.approx(1.0)
    assert found.expected_volatility >= free.expected_volatility


def test_leverage_beyond_the_class_is_not_given():
    wide = OptimizationConstraints(min_weight=-1.0, max_weight=2.0, max_net=2.0, max_gross=3.0)
    free = optimise(request(method="kelly", constraints=wide, limits=None)).result
    assert sum(abs(w) for w in free.weights.values()) > 1.5
    found = optimise(request(method="kelly", constraints=wide)).result
    assert sum(abs(w) for w in found.weights.values()) <= 1.0 + 1e-6
    loose = PortfolioLimits(max_leverage={"equity": 2.0})
    found = optimise(request(method="kelly", constraints=wide, limits=loose)).result
    assert 1.5 < sum(abs(w) for w in found.weights.values()) <= 2.0 + 1e-6


def test_every_method_has_its_figures_and_its_row_out_of_sample():
    ticks = []
    rows = compare_methods(
        request(constraints=OptimizationConstraints(max_weight=0.6)),
        rebalance_bars=20,
        progress=lambda part, text: ticks.append((part, text)),
    )
    assert [row.method for row in rows] == [m.value for m in OptimizationMethod]
    assert len(ticks) == 12
    for row in rows:
        if row.method == "factor_based":
            assert row.result is None
            assert "252" in row.message
            continue
        assert row.result["success"], row
        assert max(row.result["weights"].values()) <= 0.6 + 1e-6
        assert row.out_of_sample["sessions"] == 99
        assert row.out_of_sample["annual_volatility"] > 0.02
        assert row.out_of_sample["turnover_annual"] > 0.0
    by_name = {row.method: row for row in rows}
    calm, equal = by_name["minimum_variance"], by_name["equal_weight"]
    assert calm.result["expected_volatility"] < equal.result["expected_volatility"]
    assert calm.out_of_sample["annual_volatility"] < equal.out_of_sample["annual_volatility"]


def test_costs_lower_the_row_out_of_sample():
    free, dear = (
        compare_methods(
            request(constraints=OptimizationConstraints(transaction_cost=cost)),
            methods=["risk_parity"],
            rebalance_bars=5,
        )[0].out_of_sample["annual_return"]
        for cost in (0.0, 0.02)
    )
    assert dear < free - 0.02


def test_too_few_bars_leave_the_row_empty_with_the_reason():
    (row,) = compare_methods(
        request(estimation=EstimationSettings(window=190)), methods=["equal_weight"]
    )
    assert row.result is not None
    assert row.out_of_sample is None
    assert "needs more than 212 bars" in row.message
    (row,) = compare_methods(request(), methods=["KELLY"], walk_forward=False)
    assert row.out_of_sample is None
    assert row.message == ""


def test_frontier_is_traced_over_bars():
    found = trace(request(current={"AAA": 1.0}), points=10)
    assert len(found.points) == 10
    assert found.marks["current"].volatility == pytest.approx(found.assets["AAA"].volatility)


def test_constraints_are_read_from_text():
    found = parse_constraints(
        ["max_weight=0.2", "max_positions=7", "AAA=0.05:0.2", "bbb=:0.1",
         "sector_max Real Estate=0.3", "AAA + BBB <= 0.4", "AAA = 0.1"],
        sectors={"AAA": "Real Estate"},
    )  # fmt: skip
    assert found.max_weight == 0.2
    assert found.max_positions == 7
    assert found.min_weights == {"AAA": 0.05}
    assert found.max_weights == {"AAA": 0.2, "BBB": 0.1}
    assert found.sector_max == {"Real Estate": 0.3}
    assert found.linear == ("AAA + BBB <= 0.4", "AAA = 0.1")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("max_weigth=0.2", "did you mean 'max_weight'"),
        ("max_weight=a lot", "no number"),
        ("sector_max Tech=much", "no number"),
    ],
)
def test_constraint_that_cannot_be_read_is_named(text, says):
    with pytest.raises(ConfigError, match=says):
        parse_constraints([text])


def test_views_and_weights_are_read_from_text():
    (first, second) = parse_views(["AAA = 0.1", "AAA - 0.5*BBB = 0.02 @ 0.7"], NAMES)
    assert (first.portfolio, first.value, first.confidence) == ({"AAA": 1.0}, 0.1, None)
    assert second.portfolio == {"AAA": 1.0, "BBB": -0.5}
    assert second.confidence == 0.7
    assert parse_weights("") is None
    assert parse_weights("aaa=0.5, BBB=.25") == {"AAA": 0.5, "BBB": 0.25}
    for call in (
        lambda: parse_views(["AAA <= 0.1"], NAMES),
        lambda: parse_views(["ZZZ = 0.1"], NAMES),
        lambda: parse_views(["AAA = 0.1 @ 1.5"], NAMES),
        lambda: parse_weights("AAA"),
        lambda: parse_weights("AAA=x"),
    ):
        with pytest.raises(ConfigError):
            call()
