"""Attribution against textbook figures, statsmodels and a plain book of cash and holdings."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.errors import DataError
from tradewright.domain.outcome import FILL_DTYPE
from tradewright.metrics.attribution.brinson import brinson_fachler, carino
from tradewright.metrics.attribution.factors import factor_regression
from tradewright.metrics.attribution.profits import grouped, instrument_profits

UNIT = 10**8


def test_brinson_of_the_textbook_portfolio() -> None:
    """Bacon, Practical Portfolio Performance Measurement and Attribution, 2nd ed., tables 5.1-5.4:
    UK, Japan, US; portfolio 8.3 %, benchmark 6.4 %."""
    found = brinson_fachler(
        [[0.4, 0.3, 0.3]],
        [[0.4 * 0.20, 0.3 * -0.05, 0.3 * 0.06]],
        [[0.4, 0.2, 0.4]],
        [[0.10, -0.04, 0.08]],
    )
    assert found.portfolio_return == pytest.approx(0.083)
    assert found.benchmark_return == pytest.approx(0.064)
    assert found.allocation == pytest.approx([0.0, -0.0104, -0.0016])
    assert found.selection == pytest.approx([0.04, -0.002, -0.008])
    assert found.interaction == pytest.approx([0.0, -0.001, 0.002])


def test_carino_links_two_periods_by_hand() -> None:
    """Portfolio 10 % then 10 %, benchmark 5 % then 0 %: 21 % against 5 %."""
    ones = np.ones((2, 1))
    found = brinson_fachler(ones, [[0.1], [0.1]], ones, [[0.05], [0.0]])
    k = (np.log(1.21) - np.log(1.05)) / 0.16
    k1, k2 = (np.log(1.1) - np.log(1.05)) / 0.05, np.log(1.1) / 0.1
    assert found.selection[0] == pytest.approx((k1 * 0.05 + k2 * 0.1) / k)
    assert found.total.sum() == pytest.approx(0.16, abs=1e-12)


def test_carino_of_equal_returns_is_its_limit() -> None:
    near = carino(np.array([0.02]), np.array([0.02 + 2e-9]))[0]
    assert carino(np.array([0.02]), np.array([0.02]))[0] == pytest.approx(1 / 1.02)
    assert near == pytest.approx(1 / 1.02, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), periods=st.integers(1, 60), sectors=st.integers(2, 8))
def test_effects_sum_to_the_excess_return(seed: int, periods: int, sectors: int) -> None:
    rng = np.random.default_rng(seed)
    w = rng.normal(0.3, 0.4, (periods, sectors)) * (rng.random((periods, sectors)) > 0.3)
    w[:, -1] += 1.0 - w.sum(axis=1)
    b = rng.dirichlet(np.ones(sectors), periods)
    c = rng.normal(0.0, 0.01, (periods, sectors))
    r = rng.normal(0.0, 0.02, (periods, sectors))
    found = brinson_fachler(w, c, b, r)
    assert found.total.sum() == pytest.approx(
        np.prod(1 + c.sum(axis=1)) - np.prod(1 + (b * r).sum(axis=1)), abs=1e-9
    )


@pytest.mark.parametrize(
    ("weights", "contributions", "match"),
    [
        ([[0.5, 0.4]], [[0.0, 0.0]], "portfolio in period 0 sum to 0.9"),
        ([[0.5, 0.5, 0.0]], [[0.0, 0.0]], "shapes"),
        ([[0.5, 0.5]], [[-0.6, -0.4]], "everything is lost"),
    ],
)
def test_brinson_of_wrong_input_is_refused(
    weights: list[list[float]], contributions: list[list[float]], match: str
) -> None:
    with pytest.raises(DataError, match=match):
        brinson_fachler(weights, contributions, [[0.5, 0.5]], [[0.01, 0.02]])


@pytest.mark.parametrize("lags", [None, 0, 4])
def test_factor_regression_equals_statsmodels(lags: int | None) -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(0, 0.01, (400, 3))
    y = 0.0005 + x @ [0.8, -0.2, 0.0] + rng.normal(0, 0.005, 400)
    y[1:] += 0.3 * (y[:-1] - y.mean())
    fit = factor_regression(y, x, ["a", "b", "c"], lags=lags)
    options = {"maxlags": fit.lags, "use_correction": False}
    wanted = sm.OLS(y, sm.add_constant(x)).fit(cov_type="HAC", cov_kwds=options)
    np.testing.assert_allclose(fit.coefficients, wanted.params, rtol=1e-9)
    np.testing.assert_allclose(fit.t, wanted.tvalues, rtol=1e-8)
    np.testing.assert_allclose(fit.p, wanted.pvalues, rtol=1e-6, atol=1e-12)
    assert fit.r_squared == pytest.approx(wanted.rsquared)
    assert fit.contributions.sum() == pytest.approx(y.mean(), abs=1e-15)


def test_collinear_factors_are_refused() -> None:
    x = np.random.default_rng(1).normal(0, 0.01, (50, 1))
    with pytest.raises(DataError, match="a, b are collinear"):
        factor_regression(x[:, 0], np.column_stack([x, 2 * x]), ["a", "b"])


def random_book(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Fills in whole shares, closes with gaps, and equity from a plain book of cash and shares."""
    rng = np.random.default_rng(seed)
    n, k = 60, 3
    close = np.round(50 * np.exp(np.cumsum(rng.normal(0, 0.02, (n, k)), axis=0)), 2)
    close[rng.random((n, k)) < 0.1] = np.nan
    close[0] = [50.0, 40.0, 30.0]
    rows, cash, held, mark = [], 100_000.0, np.zeros(k), close[0].copy()
    equity = np.zeros(n)
    for t in range(n):
        mark = np.where(np.isnan(close[t]), mark, close[t])
        for _ in range(rng.integers(0, 3)):
            j, qty = int(rng.integers(k)), int(rng.integers(1, 60))
            side, px = int(rng.choice([-1, 1])), round(float(mark[j] * rng.uniform(0.98, 1.02)), 2)
            cost = int(rng.integers(0, 500))
            rows.append((0, t, j, side, 0, qty * UNIT, round(px * UNIT), 0, cost, 0, 0, 0))
            cash -= side * qty * px + cost / 100
            held[j] += side * qty
        equity[t] = cash + held @ mark
    return np.array(rows, dtype=FILL_DTYPE), close, equity, held * mark


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_profits_of_all_instruments_make_the_change_of_equity(seed: int) -> None:
    fills, close, equity, values = random_book(seed)
    found = instrument_profits(fills, close)
    change = np.diff(np.concatenate([[100_000.0], equity]))
    np.testing.assert_allclose(found.total.sum(axis=1), change, atol=1e-6)
    np.testing.assert_allclose(found.values[-1], values, atol=1e-6)


def test_long_and_short_profits_by_hand() -> None:
    """Buy 10 at 100, sell 30 at 110 (20 open a short) for a fee of 3, cover 20 at 105."""
    rows = [
        (0, 0, 0, 1, 0, 10 * UNIT, 100 * UNIT, 0, 0, 0, 0, 0),
        (1, 1, 0, -1, 0, 30 * UNIT, 110 * UNIT, 0, 300, 0, 0, 0),
        (2, 2, 0, 1, 0, 20 * UNIT, 105 * UNIT, 0, 0, 0, 0, 0),
    ]
    close = np.array([[101.0], [108.0], [104.0], [90.0]])
    found = instrument_profits(np.array(rows, dtype=FILL_DTYPE), close)
    assert found.long.sum() == pytest.approx(100.0 - 1.0)
    assert found.short.sum() == pytest.approx(100.0 - 2.0)
    assert found.long[:, 0].tolist() == pytest.approx([10.0, 89.0, 0.0, 0.0])
    assert found.short[:, 0].tolist() == pytest.approx([0.0, 38.0, 60.0, 0.0])


def test_groups_sum_to_the_total_return() -> None:
    profit = np.random.default_rng(3).normal(0, 100, 500)
    keys = (np.arange(500) % 5).tolist()
    rows = grouped(profit, keys, start_equity=12_345.0)
    total = sum(float(row["contribution"]) for row in rows)
    assert total == pytest.approx(profit.sum() / 12_345.0, abs=1e-12)
    assert [row["group"] for row in rows] == [0, 1, 2, 3, 4]
    assert [row["count"] for row in rows] == [100] * 5
