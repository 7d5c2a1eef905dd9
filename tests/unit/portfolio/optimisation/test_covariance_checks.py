"""Moments against other libraries, and broken matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optimiser_markets import factor_market

from tradewright.domain.errors import ConfigError, DataError
from tradewright.portfolio.covariance import (
    COVARIANCES,
    EstimationSettings,
    check_covariance,
    cut_panel,
    estimate_covariance,
    estimate_mean,
    estimate_moments,
    nearest_covariance,
)

RETURNS = factor_market(15, 41, periods=252)


@pytest.mark.parametrize(("ours", "theirs"), [("ledoit_wolf", "ledoit_wolf"), ("oas", "oas")])
def test_shrinkage_equals_scikit_learn(ours, theirs):
    import sklearn.covariance

    expected, _ = getattr(sklearn.covariance, theirs)(RETURNS)
    found = estimate_covariance(RETURNS, ours, periods_per_year=1.0)
    assert found == pytest.approx(expected, rel=1e-10)


def test_sample_and_exponential_equal_pandas_and_numpy():
    import pandas as pd

    found = estimate_covariance(RETURNS, "sample", periods_per_year=252)
    assert found == pytest.approx(pd.DataFrame(RETURNS).cov().to_numpy() * 252)
    found = estimate_covariance(RETURNS, "exponential", periods_per_year=1, halflife_periods=20)
    expected = pd.DataFrame(RETURNS).ewm(halflife=20).cov().loc[251].to_numpy()
    assert found == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("name", sorted(COVARIANCES))
def test_every_estimate_is_a_covariance(name):
    if name in {"denoised", "gerber"}:
        pytest.importorskip("skfolio")
    found = estimate_covariance(RETURNS, name)
    checked, warnings = check_covariance(found)
    assert warnings == ()
    assert checked == pytest.approx(found)
    # The size of the variances is that of the sample's.
    ratio = np.diag(found) / (RETURNS.var(axis=0, ddof=1) * 252)
    assert 0.3 < ratio.min() <= ratio.max() < 3.0


def test_factor_covariance_keeps_variances_and_shrinks_noise():
    sample = estimate_covariance(RETURNS, "sample")
    factor = estimate_covariance(RETURNS, "factor")
    assert np.diag(factor) == pytest.approx(np.diag(sample))
    # One common factor: its correlations are found better than by the sample.
    rng = np.random.default_rng(0)
    loadings = rng.uniform(0.5, 1.5, 15)
    true = np.outer(loadings, loadings) + np.eye(15)
    panel = rng.normal(size=(252, 1)) * loadings + rng.normal(size=(252, 15))
    error = {
        name: np.abs(estimate_covariance(panel, name, periods_per_year=1) - true).mean()
        for name in ("sample", "factor")
    }
    assert error["factor"] < error["sample"]
    # Pure noise has no factor.
    noise = estimate_covariance(rng.normal(size=(5000, 5)), "factor")
    assert np.count_nonzero(noise - np.diag(np.diag(noise))) == 0


def test_james_stein_equals_skfolio():
    moments = pytest.importorskip("skfolio.moments")
    expected = moments.ShrunkMu().fit(RETURNS)
    found, warnings = estimate_mean(RETURNS, periods_per_year=1.0)
    assert 0 < expected.beta_ < 1
    assert found == pytest.approx(expected.mu_, rel=1e-10)
    assert warnings == ()


def test_sample_mean_is_offered_with_its_standard_error():
    found, (warning,) = estimate_mean(RETURNS, "sample")
    assert found == pytest.approx(RETURNS.mean(axis=0) * 252)
    assert "standard error" in warning


@given(seed=st.integers(0, 10_000), n=st.integers(2, 8))
@settings(max_examples=60, deadline=None)
def test_matrix_that_is_not_semidefinite_is_repaired_only_with_a_warning(seed, n):
    rng = np.random.default_rng(seed)
    raw = rng.uniform(-1, 1, (n, n))
    sd = rng.uniform(0.01, 2.0, n)
    correlation = (raw + raw.T) / 2
    np.fill_diagonal(correlation, 1.0)
    matrix = correlation * np.outer(sd, sd)
    found, warnings = check_covariance(matrix)
    values = np.linalg.eigvalsh(matrix)
    if values[0] < -1e-8 * values[-1]:
        assert len(warnings) == 1
        assert np.diag(found) == pytest.approx(np.diag(matrix))
    else:
        assert warnings == ()
        assert found == pytest.approx(matrix)
    assert np.linalg.eigvalsh(found)[0] >= -1e-9 * np.abs(found).max()


def test_repair_is_the_published_nearest_correlation():
    # Higham 2002, section 4: the nearest correlation matrix of this one.
    broken = np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]])
    found = nearest_covariance(broken)
    assert found[0, 1] == pytest.approx(0.7607, abs=5e-5)
    assert found[0, 2] == pytest.approx(0.1573, abs=5e-5)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m.__setitem__((0, 1), np.nan), "covariance of A and B is nan"),
        (lambda m: m.__setitem__((2, 1), 0.5), "not symmetric: B, C"),
        (lambda m: m.__setitem__((1, 1), -1.0), "variance of B is -1"),
    ],
)
def test_broken_matrix_is_refused_with_its_cell(change, says):
    matrix = np.eye(3)
    change(matrix)
    with pytest.raises(DataError, match=says):
        check_covariance(matrix, ["A", "B", "C"])
    with pytest.raises(DataError, match="square"):
        check_covariance(np.ones((2, 3)))


def test_panel_is_cut_to_common_dates():
    panel = RETURNS.copy()
    panel[:100, 0] = np.nan
    panel[5, 1] = np.nan
    panel[:-20, 2] = np.nan
    names = [f"S{i}" for i in range(15)]
    cut = cut_panel(panel, names)
    assert "S2" not in cut.symbols
    assert cut.left_out["S2"].startswith("20 returns")
    assert len(cut.returns) == 152
    assert np.isfinite(cut.returns).all()
    assert cut.returns[0] == pytest.approx(panel[100][[i for i in range(15) if i != 2]])


def test_instrument_that_would_leave_too_few_common_dates_leaves():
    panel = RETURNS.copy()
    panel[:130, 0] = np.nan
    panel[-130:, 1] = np.nan
    cut = cut_panel(panel, [f"S{i}" for i in range(15)])
    assert len(cut.left_out) == 1
    assert len(cut.returns) == 122


def test_window_is_the_newest_rows():
    first = estimate_moments(RETURNS, range(15), EstimationSettings(window=100))
    second = estimate_moments(RETURNS[-100:], range(15), EstimationSettings(window=100))
    assert first.covariance == pytest.approx(second.covariance)
    assert first.returns.shape == (100, 15)


def test_wrong_panel_is_refused():
    with pytest.raises(DataError, match="no instrument"):
        cut_panel(RETURNS[:30], [f"S{i}" for i in range(15)])
    bad = RETURNS.copy()
    bad[3, 4] = np.inf
    with pytest.raises(DataError, match="S4 in row 3"):
        cut_panel(bad, [f"S{i}" for i in range(15)])
    with pytest.raises(ConfigError, match="ledoit_wolf"):
        estimate_covariance(RETURNS, "ledoit_wulf")
    with pytest.raises(ConfigError, match=r"estimation\.mean"):
        EstimationSettings(mean="median")
