"""Scores against scipy and statsmodels."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from tradewright.training.controls import control_p_value, shuffled_cells
from tradewright.training.scores import forecast_scores, information_coefficients, newey_west_t


@pytest.fixture
def panels():
    random = np.random.default_rng(3)
    value = random.normal(0, 0.02, (40, 6))
    mean = 0.3 * value + random.normal(0, 0.02, (40, 6))
    mean[3, 2] = value[7, 1] = np.nan
    mean[11] = np.nan
    return mean, value


def test_rank_correlation_by_date_equals_scipy(panels):
    mean, value = panels
    wanted = [
        spearmanr(m[k], v[k]).statistic
        for m, v in zip(mean, value, strict=True)
        if (k := np.isfinite(m) & np.isfinite(v)).sum() >= 3
    ]
    np.testing.assert_allclose(information_coefficients(mean, value), wanted)


def test_rank_correlation_of_one_instrument_runs_over_time(panels):
    mean, value = panels[0][:, :1], panels[1][:, :1]
    known = np.isfinite(mean) & np.isfinite(value)
    wanted = spearmanr(mean[known], value[known]).statistic
    assert information_coefficients(mean, value).mean() == pytest.approx(wanted)


def test_newey_west_t_equals_statsmodels():
    from statsmodels.api import OLS

    random = np.random.default_rng(5)
    series = np.convolve(random.normal(0.1, 1, 260), np.ones(5) / 5, mode="valid")
    fit = OLS(series, np.ones(len(series))).fit(
        cov_type="HAC", cov_kwds={"maxlags": 9, "use_correction": False}
    )
    assert newey_west_t(series, horizon_bars=10) == pytest.approx(fit.tvalues[0], rel=1e-9)


def test_newey_west_of_too_little_is_nan():
    assert np.isnan(newey_west_t(np.array([1.0, 2.0])))
    assert np.isnan(newey_west_t(np.ones(50)))


def test_scores_by_hand():
    mean = np.array([[0.1, -0.2, 0.3], [0.0, 0.1, np.nan]])
    value = np.array([[0.2, 0.1, 0.3], [0.1, -0.1, 0.5]])
    got = forecast_scores(mean, value)
    assert got["n"] == 5
    assert got["hit_rate"] == pytest.approx(2 / 4)  # the zero forecast takes no side
    assert got["mse"] == pytest.approx((0.01 + 0.09 + 0 + 0.01 + 0.04) / 5)
    assert got["mse_zero"] == pytest.approx((0.04 + 0.01 + 0.09 + 0.01 + 0.01) / 5)
    assert got["r2_zero"] == pytest.approx(1 - 0.15 / 0.16)
    assert got["ic"] == pytest.approx(1.0)  # only the first date has three names


def test_shuffled_cells_are_a_permutation_that_keeps_each_date_together():
    rows, columns = shuffled_cells(50, 4, block=7, random=np.random.default_rng(1))
    cells = set(zip(rows.ravel().tolist(), columns.ravel().tolist(), strict=True))
    assert len(cells) == 200
    assert (rows == rows[:, :1]).all()
    assert (np.sort(columns, axis=1) == np.arange(4)).all()
    assert (np.diff(rows[:, 0]) == 1).sum() >= 50 - 8 - 1


def test_p_value_counts_controls_at_least_as_good():
    assert control_p_value(1.0, np.array([0.0] * 19)) == pytest.approx(1 / 20)
    assert control_p_value(1.0, np.array([1.0, 2.0, 0.0])) == pytest.approx(3 / 4)
    assert np.isnan(control_p_value(np.nan, np.array([1.0])))
    assert np.isnan(control_p_value(1.0, np.array([])))
