"""Published examples and independent libraries."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm

from tradewright.domain.errors import DataError
from tradewright.metrics.bootstrap import optimal_block_length, stationary_bootstrap
from tradewright.metrics.intervals import closed_form_intervals
from tradewright.metrics.stability import window_stability
from tradewright.metrics.statistics import (
    SharpeMoments,
    deflated_sharpe,
    expected_maximum_sharpe,
    mean_test,
    minimum_track_record,
    newey_west_test,
    probabilistic_sharpe,
    sharpe_moments,
)


def ar1(phi: float, n: int, seed: int, *, mean: float = 0.0, scale: float = 0.01) -> np.ndarray:
    shocks = np.random.default_rng(seed).normal(0.0, scale, n + 200)
    x = np.zeros(n + 200)
    for t in range(1, n + 200):
        x[t] = phi * x[t - 1] + shocks[t]
    return x[200:] + mean


@pytest.mark.parametrize(("skew", "kurtosis", "wanted"), [(0, 3, 0.982), (-2.448, 10.164, 0.913)])
def test_probabilistic_sharpe_of_the_published_fund(
    skew: float, kurtosis: float, wanted: float
) -> None:
    """Bailey and López de Prado 2012: 24 months, monthly ratio 0.458."""
    found = probabilistic_sharpe(SharpeMoments(0.458, 24, skew, kurtosis))
    assert found == pytest.approx(wanted, abs=6e-4)


@pytest.mark.parametrize(("trials", "wanted"), [(100, 0.9004), (46, 0.9505)])
def test_deflated_sharpe_of_the_published_strategy(trials: int, wanted: float) -> None:
    """Bailey and López de Prado 2014: annual ratio 2.5 over 1250 days, variance of trials 1/2."""
    moments = SharpeMoments(2.5 / math.sqrt(250), 1250, -3.0, 10.0)
    hurdle = expected_maximum_sharpe(0.5 / 250, trials)
    assert probabilistic_sharpe(moments, benchmark=hurdle) == pytest.approx(wanted, abs=1e-4)


def test_deflated_sharpe_uses_the_spread_of_the_trials() -> None:
    moments = SharpeMoments(0.1, 1000)
    ratios = np.random.default_rng(3).normal(0.0, 0.05, 60)
    hurdle = expected_maximum_sharpe(float(np.var(ratios, ddof=1)), 60)
    wanted = probabilistic_sharpe(moments, benchmark=hurdle)
    assert deflated_sharpe(moments, [*ratios, math.nan], n_trials=60) == pytest.approx(wanted)


def test_one_trial_is_the_probabilistic_ratio_over_zero() -> None:
    moments = SharpeMoments(0.05, 500, -0.3, 5.0)
    assert deflated_sharpe(moments, [0.05]) == probabilistic_sharpe(moments)
    assert deflated_sharpe(moments) == probabilistic_sharpe(moments)


def test_more_trials_never_raise_the_deflated_ratio() -> None:
    moments = SharpeMoments(0.08, 1500)
    found = [deflated_sharpe(moments, [0.0, 0.05], n_trials=n) for n in (1, 2, 10, 100, 10_000)]
    assert found == sorted(found, reverse=True)


def test_unknown_trials_are_not_hidden_by_known_ones_that_look_alike() -> None:
    moments = SharpeMoments(0.05, 1000)
    alone = deflated_sharpe(moments, [0.05], n_trials=5)
    hurdle = expected_maximum_sharpe(1 / 999, 5)
    assert alone == pytest.approx(probabilistic_sharpe(moments, benchmark=hurdle))
    twins = deflated_sharpe(moments, [0.05, 0.05], n_trials=6)
    assert twins < deflated_sharpe(moments, [0.05, 0.05]) - 0.05
    pooled = expected_maximum_sharpe(4 / 999 / 5, 6)
    assert twins == pytest.approx(probabilistic_sharpe(moments, benchmark=pooled))


def test_expected_maximum_is_that_of_simulated_noise() -> None:
    draws = np.random.default_rng(5).normal(0.0, 0.3, (4000, 50)).max(axis=1)
    assert expected_maximum_sharpe(0.09, 50) == pytest.approx(draws.mean(), rel=0.02)


@pytest.mark.parametrize(("variance", "trials"), [(0.1, 0), (-1.0, 5), (math.nan, 5)])
def test_senseless_trials_are_refused(variance: float, trials: int) -> None:
    with pytest.raises(DataError, match="deflated Sharpe"):
        expected_maximum_sharpe(variance, trials)


def test_minimum_track_record_of_the_published_strategy() -> None:
    """Bailey and López de Prado 2012: annual ratio 2 over 1 takes 2.73 years of normal days."""
    daily = SharpeMoments(2 / math.sqrt(252), 1000)
    years = minimum_track_record(daily, benchmark=1 / math.sqrt(252)) / 252
    assert years == pytest.approx(2.73, abs=0.005)
    assert minimum_track_record(SharpeMoments(-0.1, 50)) == math.inf


def test_track_record_is_where_the_probability_reaches_the_confidence() -> None:
    moments = SharpeMoments(0.08, 700, -0.5, 6.0)
    needed = minimum_track_record(moments, confidence=0.95)
    at = SharpeMoments(0.08, round(needed), -0.5, 6.0)
    assert probabilistic_sharpe(at) == pytest.approx(0.95, abs=1e-3)


def test_mean_test_equals_statsmodels() -> None:
    r = ar1(0.0, 300, 1, mean=0.001)
    fit = sm.OLS(r, np.ones_like(r)).fit()
    assert mean_test(r) == pytest.approx((fit.tvalues[0], fit.pvalues[0]))


@pytest.mark.parametrize("lags", [None, 0, 3])
def test_newey_west_equals_statsmodels(lags: int | None) -> None:
    r = ar1(0.4, 700, 2, mean=0.001)
    t, p, used = newey_west_test(r, lags=lags)
    assert used == (math.floor(4 * 7 ** (2 / 9)) if lags is None else lags)
    options = {"maxlags": used, "use_correction": False}
    fit = sm.OLS(r, np.ones_like(r)).fit(cov_type="HAC", cov_kwds=options)
    assert (t, p) == pytest.approx((fit.tvalues[0], fit.pvalues[0]))


def test_tests_of_constant_returns_are_undefined() -> None:
    flat = np.zeros(30)
    assert all(math.isnan(value) for value in mean_test(flat))
    assert math.isnan(newey_west_test(flat)[0])
    assert math.isnan(probabilistic_sharpe(sharpe_moments(flat)))
    assert math.isnan(minimum_track_record(sharpe_moments(flat)))


@pytest.mark.parametrize(("n", "seed"), [(50, 0), (300, 4), (800, 2)])
@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_block_length_is_near_that_of_arch(phi: float, n: int, seed: int) -> None:
    """Arch starts its search for quiet lags one lag later than the paper does."""
    from arch.bootstrap import optimal_block_length as of_arch

    x = ar1(phi, n, seed)
    wanted = max(1.0, float(of_arch(x)["stationary"].iloc[0]))
    assert optimal_block_length(x) == pytest.approx(wanted, rel=0.4)


def test_block_length_approaches_the_theory_of_an_ar1() -> None:
    """G = sum |k| R(k) and g(0) = sum R(k) of an AR(1) in closed form."""
    phi, n = 0.5, 60_000
    spectrum = (1 + phi) / (1 - phi)
    slope = 2 * phi / (1 - phi) ** 2
    wanted = (2 * slope**2 / (2 * spectrum**2)) ** (1 / 3) * n ** (1 / 3)
    assert optimal_block_length(ar1(phi, n, 8)) == pytest.approx(wanted, rel=0.15)


def test_bootstrap_of_independent_returns_matches_the_formula() -> None:
    r = ar1(0.0, 1500, 11, mean=0.0006)
    found = stationary_bootstrap(
        r, np.random.default_rng(1), periods_per_year=252, risk_free=0.0, block_length=1.0
    )
    error = sharpe_moments(r).standard_error * math.sqrt(252)
    width = found.intervals["sharpe"].high_95 - found.intervals["sharpe"].low_95
    assert width == pytest.approx(2 * 1.96 * error, rel=0.08)
    mean = found.intervals["mean"]
    assert mean.high_95 - mean.low_95 == pytest.approx(
        2 * 1.96 * r.std(ddof=1) / math.sqrt(1500), rel=0.08
    )


def test_closed_form_interval_of_the_mean_equals_statsmodels() -> None:
    r = ar1(0.3, 700, 2, mean=0.001)
    lags = math.floor(4 * 7 ** (2 / 9))
    options = {"maxlags": lags, "use_correction": False}
    fit = sm.OLS(r, np.ones_like(r)).fit(cov_type="HAC", cov_kwds=options)
    found = closed_form_intervals(r, periods_per_year=252)
    assert found["mean"] == pytest.approx(tuple(fit.conf_int()[0]))
    logs = sm.OLS(np.log1p(r), np.ones_like(r)).fit(cov_type="HAC", cov_kwds=options)
    assert found["annual_return"] == pytest.approx(tuple(np.expm1(252 * logs.conf_int()[0])))


@pytest.mark.parametrize("shape", [3.0, 8.0, 1e6])
def test_mertens_error_is_the_spread_of_the_ratio_over_samples(shape: float) -> None:
    """Skewed and fat returns (gamma), ratio 0.2 a session: the spread over many samples."""
    rng = np.random.default_rng(int(shape))
    draws = -rng.gamma(shape, 1.0, (4000, 500))
    draws = (draws + shape) / math.sqrt(shape) + 0.2
    ratios = draws.mean(axis=1) / draws.std(axis=1, ddof=1)
    truth = SharpeMoments(0.2, 500, -2 / math.sqrt(shape), 3 + 6 / shape)
    assert truth.standard_error == pytest.approx(ratios.std(), rel=0.04)


def test_closed_form_interval_of_the_sharpe_ratio_covers_the_truth() -> None:
    hits = 0
    for seed in range(400):
        r = np.random.default_rng(seed).normal(0.0008, 0.01, 750)
        low, high = closed_form_intervals(r, periods_per_year=252, risk_free=0.0)["sharpe"]
        hits += low <= 0.08 * math.sqrt(252) <= high
    assert 0.92 <= hits / 400 <= 0.98


def test_closed_form_intervals_after_a_total_loss_or_without_variance_are_undefined() -> None:
    lost = closed_form_intervals(np.array([0.01, -1.0, 0.02]), periods_per_year=252)
    assert math.isnan(lost["annual_return"][0])
    flat = closed_form_intervals(np.zeros(30), periods_per_year=252)
    assert all(math.isnan(bound) for bounds in flat.values() for bound in bounds)


def test_same_seed_gives_the_same_intervals() -> None:
    r = ar1(0.1, 400, 3)
    one, two, other = (
        stationary_bootstrap(r, np.random.default_rng(seed), periods_per_year=252)
        for seed in (7, 7, 8)
    )
    assert one == two
    assert one != other


def test_benchmark_is_resampled_with_the_same_rows() -> None:
    r = ar1(0.1, 400, 3)
    found = stationary_bootstrap(r, np.random.default_rng(7), periods_per_year=252, benchmark=r)
    difference = found.intervals["sharpe_difference"]
    assert difference.low_95 == difference.high_95 == 0.0


def test_total_loss_in_a_resample_stays_finite() -> None:
    r = np.array([0.01, -1.0, 0.02, 0.0, 0.01, 0.03, -0.01, 0.0, 0.01])
    found = stationary_bootstrap(r, np.random.default_rng(7), periods_per_year=252)
    assert found.intervals["max_drawdown"].low == pytest.approx(-1.0)
    assert math.isfinite(found.intervals["annual_return"].high)


def test_intervals_of_dependent_returns_cover_the_true_mean() -> None:
    """A 95 % interval of the mean of an AR(1) holds the truth about 95 times in 100."""
    hits = 0
    for seed in range(300):
        x = ar1(0.3, 500, seed + 1000)
        found = stationary_bootstrap(
            x, np.random.default_rng(seed), periods_per_year=252, resamples=400
        )
        interval = found.intervals["mean"]
        hits += interval.low_95 <= 0.0 <= interval.high_95
    assert 0.90 <= hits / 300 <= 0.98


@pytest.mark.slow
def test_95_percent_intervals_cover_the_truth_93_to_97_times_in_100() -> None:
    hits = 0
    for seed in range(500):
        x = ar1(0.1, 1000, seed + 5000)
        rng = np.random.default_rng(seed)
        found = stationary_bootstrap(x, rng, periods_per_year=252, resamples=500)
        interval = found.intervals["mean"]
        hits += interval.low_95 <= 0.0 <= interval.high_95
    assert 0.93 <= hits / 500 <= 0.97


@pytest.mark.parametrize(
    ("returns", "sharpes", "levels", "wanted"),
    [
        ([0.1, 0.2], [1.0, 1.0], np.exp(np.arange(9.0)), 100.0),
        ([-0.1, -0.2], [-1.0, -1.0], np.exp(-np.arange(9.0)), 30.0),
        # p+ = 1/2, flat equity: no trend; sd 1.4142, mean 0 floored to 0.1: cv 14.142
        ([0.1, -0.1], [1.0, -1.0], np.full(9, 7.0), 100 * (0.2 + 0.3 / (1 + math.sqrt(2) / 0.1))),
    ],
)
def test_consistency_by_hand(
    returns: list[float], sharpes: list[float], levels: np.ndarray, wanted: float
) -> None:
    found = window_stability(returns, sharpes, levels)["performance_consistency"]
    assert found == pytest.approx(wanted)


def test_consistency_without_windows_is_undefined() -> None:
    found = window_stability([], [], np.array([1.0]))
    assert math.isnan(found["performance_consistency"])
