"""Helpers for strategies on whole arrays."""

import math
from fractions import Fraction

import numpy as np
import pytest
import talib

from tradewright import features as tf
from tradewright.domain.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def prices():
    return 100 + np.cumsum(np.random.default_rng(3).normal(size=5_003))


@pytest.mark.parametrize("n", [1, 2, 3, 19, 20, 500, 5_003, 6_000])
def test_sma_of_one_series_and_of_a_panel_equal_exact_sums(prices, n):
    exact = [math.nan] * min(n - 1, len(prices))
    sums = [Fraction(0)]
    for v in prices.tolist():
        sums.append(sums[-1] + Fraction(v))
    exact += [float((sums[t + 1] - sums[t + 1 - n]) / n) for t in range(n - 1, len(prices))]
    one = tf.sma(prices, n)
    np.testing.assert_allclose(one, exact, rtol=n * 1.2e-16)
    panel = tf.sma(np.column_stack([prices, prices[::-1]]), n)
    np.testing.assert_allclose(panel[:, 0], exact, rtol=n * 1.2e-16)
    assert one.shape == prices.shape


def test_sma_is_exact_after_a_huge_value_has_left_the_window():
    x = np.ones(200)
    x[50] = 1e18
    assert (tf.sma(x, 20)[70:] == 1.0).all()
    x[50] = np.nan
    gone = np.isnan(tf.sma(x, 20))
    assert np.flatnonzero(gone).tolist() == [*range(19), *range(50, 70)]


def test_ema_and_rsi_equal_talib_in_one_and_two_dimensions(prices):
    panel = np.column_stack([prices, prices[::-1]])
    for ours, theirs in ((tf.ema, talib.EMA), (tf.rsi, talib.RSI)):
        wanted = theirs(prices, 14)
        np.testing.assert_allclose(ours(prices, 14), wanted, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(ours(panel, 14)[:, 0], wanted, rtol=1e-9, atol=1e-9)


def test_missing_values_leave_recursions_alive(prices):
    holed = prices.copy()
    holed[[0, 1, 100, 101, 300]] = np.nan
    known = ~np.isnan(holed)
    ema = tf.ema(holed, 10)
    assert np.isnan(ema[~known]).all()
    np.testing.assert_allclose(ema[known], talib.EMA(holed[known], 10), rtol=1e-12)
    rsi = tf.rsi(holed, 14)
    assert np.isnan(rsi[[100, 101, 102, 300, 301]]).all()
    assert not np.isnan(rsi[400:]).any()


def test_crossings_equal_a_loop():
    rng = np.random.default_rng(4)
    a, b = rng.integers(0, 4, 300).astype(float), rng.integers(0, 4, 300).astype(float)
    a[rng.random(300) < 0.05] = np.nan
    for t in range(300):
        up = t > 0 and a[t] > b[t] and a[t - 1] <= b[t - 1]
        down = t > 0 and a[t] < b[t] and a[t - 1] >= b[t - 1]
        assert tf.crossed_above(a, b)[t] == up
        assert tf.crossed_below(a, b)[t] == down
    assert tf.crossed_above(np.column_stack([a, b]), 2.0).shape == (300, 2)


def test_bad_windows_and_shapes_are_refused():
    for n in (0, -1, 2.5, True):
        with pytest.raises(ConfigError, match="whole number of rows"):
            tf.sma([1.0, 2.0], n)
    with pytest.raises(DataError, match="3 dimensions"):
        tf.ema(np.zeros((2, 2, 2)), 1)
    assert tf.sma([], 3).shape == (0,)
