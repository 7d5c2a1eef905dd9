"""Scalers and selection on numbers."""

import json
import warnings

import numpy as np
import pytest
import sklearn.feature_selection
import sklearn.preprocessing

from tradewright.domain.errors import ConfigError, DataError
from tradewright.features import scaling


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(6)
    return np.column_stack([rng.normal(5, 2, 800), rng.lognormal(0, 1, 800), rng.uniform(size=800)])


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("standard", sklearn.preprocessing.StandardScaler()),
        ("robust", sklearn.preprocessing.RobustScaler()),
        ("minmax", sklearn.preprocessing.MinMaxScaler()),
    ],
)
def test_scaler_equals_scikit_learn(x, name, oracle):
    scaler = scaling.create_scaler(name)
    state = json.loads(json.dumps(scaler.fit(x[:500])))
    np.testing.assert_allclose(
        scaler.transform(state, x), oracle.fit(x[:500]).transform(x), rtol=1e-12
    )


@pytest.mark.parametrize("name", ["standard", "robust", "minmax", "quantile"])
def test_inverse_undoes_the_transform_and_nan_stays(x, name):
    scaler = scaling.create_scaler(name)
    state = json.loads(json.dumps(scaler.fit(x)))
    holed = x.copy()
    holed[3, 1] = np.nan
    z = scaler.transform(state, holed)
    assert np.isnan(z[3, 1])
    assert np.isnan(z).sum() == 1
    np.testing.assert_allclose(scaler.inverse(state, scaler.transform(state, x)), x, rtol=1e-9)


def test_quantile_scaler_makes_any_distribution_normal(x):
    scaler = scaling.create_scaler("quantile")
    z = scaler.transform(scaler.fit(x), x)
    assert np.abs(z.mean(axis=0)).max() < 0.02
    assert np.abs(z.std(axis=0) - 1).max() < 0.05
    assert np.array_equal(np.argsort(z[:, 1]), np.argsort(x[:, 1]))
    assert np.isfinite(scaler.transform(scaler.fit(x), np.full((1, 3), 1e9))).all()


@pytest.mark.parametrize("name", ["standard", "robust", "minmax", "quantile"])
def test_constant_column_is_scaled_to_zero_with_a_warning(name):
    scaler = scaling.create_scaler(name)
    flat = np.column_stack([np.full(50, 7.3), np.arange(50.0)])
    with pytest.warns(UserWarning, match="constant columns are scaled to 0: 0"):
        state = scaler.fit(flat)
    assert (scaler.transform(state, flat)[:, 0] == 0).all()


def test_wrong_input_of_scalers_is_refused(x):
    with pytest.raises(ConfigError, match="did you mean 'standard'"):
        scaling.create_scaler("standart")
    scaler = scaling.create_scaler("standard")
    with pytest.raises(DataError, match="fitted on 3 columns"):
        scaler.transform(scaler.fit(x), x[:, :2])
    with pytest.raises(DataError, match="row 4, column 1 is infinite"):
        broken = x.copy()
        broken[4, 1] = np.inf
        scaler.fit(broken)
    with pytest.raises(DataError, match="column 0 has no value"), warnings.catch_warnings():
        warnings.simplefilter("error")
        scaler.fit(np.full((5, 2), np.nan))


def test_selection_by_variance_and_correlation(x):
    flat = np.column_stack([x, np.full(800, 3.0), x[:, 0] * 2 + 1, -x[:, 1]])
    assert scaling.select_by_variance(flat, minimum=0.0).tolist() == [1, 1, 1, 0, 1, 1]
    kept = scaling.select_by_correlation(np.delete(flat, 3, axis=1), maximum=0.95)
    assert kept.tolist() == [True, True, True, False, False]


def test_mutual_information_ranks_as_scikit_learn_and_noise_is_near_zero(x):
    rng = np.random.default_rng(7)
    y = x[:, 0] + 0.5 * x[:, 2] + rng.normal(0, 0.5, 800)
    ours = scaling.mutual_information(x, y)
    theirs = sklearn.feature_selection.mutual_info_regression(x, y, random_state=0)
    assert np.argmax(ours) == np.argmax(theirs) == 0
    assert ours[0] == pytest.approx(theirs[0], rel=0.25)
    assert ours[1] < 0.03
