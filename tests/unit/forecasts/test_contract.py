"""The estimator contract, run over every registered model and task."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from tradewright.domain.errors import ConfigError, ModelError
from tradewright.forecasts import Rows, create_model, load_model, model_types

SMALL = {
    "random_forest": {"n_trees": 12, "min_leaf": 5},
    "gradient_boosting": {"rounds": 12, "min_leaf": 5},
    "lightgbm": {"rounds": 12, "min_leaf": 5},
    "xgboost": {"rounds": 12, "min_leaf": 5},
    "ensemble": {"sizes": [6, 6], "gap_dates": 2},
}
CASES = [
    (row["type"], task, classes)
    for row in model_types()
    for task in row["tasks"]
    for classes in ((0,) if task == "regression" else (2, 3))
]
NAMES = ("momentum", "size", "noise")
pytestmark = pytest.mark.parametrize(("kind", "task", "classes"), CASES)


def sample(classes: int, n_rows: int = 300) -> tuple[Rows, np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    values = random.normal(size=(n_rows, 3))
    y = 0.02 * values[:, 0] - 0.01 * values[:, 1] + random.normal(0, 0.01, n_rows)
    if classes == 2:
        y = np.where(y > 0, 0.0, 2.0)
    if classes == 3:
        y = np.where(y > 0.01, 0.0, np.where(y < -0.01, 2.0, 1.0))
    return Rows(NAMES, values), y, np.repeat(np.arange(n_rows // 3), 3)


def fresh(kind, task, classes):
    rows, y, dates = sample(classes)
    return create_model(kind, task=task, seed=3, **SMALL.get(kind, {})).fit(rows, y, groups=dates)


fitted = lru_cache(fresh)  # for tests that only ask the model


def both(prediction):
    parts = [prediction.mean]
    if prediction.probabilities is not None:
        parts.append(prediction.probabilities.ravel())
    return np.concatenate(parts)


def test_refit_equals_fresh_fit(kind, task, classes):
    rows, y, dates = sample(classes)
    used = fresh(kind, task, classes)
    other = Rows(NAMES, rows.values[::-1] * 3)
    used.fit(other, y)
    again = used.fit(rows, y, groups=dates).predict(rows)
    np.testing.assert_array_equal(both(again), both(fitted(kind, task, classes).predict(rows)))


def test_same_seed_gives_the_same_files(kind, task, classes, tmp_path):
    first = fitted(kind, task, classes).save(tmp_path / "a")
    assert fresh(kind, task, classes).save(tmp_path / "b") == first


def test_input_is_not_changed(kind, task, classes):
    rows, y, dates = sample(classes)
    values, labels, groups = rows.values.copy(), y.copy(), dates.copy()
    model = fresh(kind, task, classes)
    model.fit(rows, y, groups=dates).predict(rows)
    np.testing.assert_array_equal(rows.values, values)
    np.testing.assert_array_equal(y, labels)
    np.testing.assert_array_equal(dates, groups)


def test_another_column_order_is_refused_not_reordered(kind, task, classes):
    rows, _, _ = sample(classes)
    model = fitted(kind, task, classes)
    swapped = Rows(("size", "momentum", "noise"), rows.values)
    with pytest.raises(ModelError, match="order differs"):
        model.predict(swapped)
    with pytest.raises(ModelError, match="missing momentum; unknown speed"):
        model.predict(Rows(("speed", "size", "noise"), rows.values))


def test_single_row_equals_its_row_in_a_batch(kind, task, classes):
    rows, _, _ = sample(classes)
    model = fitted(kind, task, classes)
    batch = model.predict(rows).mean
    for row in (0, 150, 299):
        alone = model.predict(Rows(NAMES, rows.values[row : row + 1])).mean
        np.testing.assert_allclose(alone, batch[row : row + 1], rtol=0, atol=1e-12)


def test_empty_input(kind, task, classes):
    model = fitted(kind, task, classes)
    assert model.predict(Rows(NAMES, np.empty((0, 3)))).mean.shape == (0,)
    with pytest.raises(ModelError, match="nothing to fit"):
        create_model(kind, task=task).fit(np.empty((0, 3)), [])


def test_unknown_features_are_refused_in_fit_and_forecast_as_nan(kind, task, classes):
    rows, y, _ = sample(classes)
    values = rows.values.copy()
    values[5, 1] = np.nan
    values[9, 2] = np.inf
    with pytest.raises(ModelError, match="feature size has NaN"):
        create_model(kind, task=task).fit(Rows(NAMES, values), y)
    mean = fitted(kind, task, classes).predict(Rows(NAMES, values)).mean
    assert np.flatnonzero(np.isnan(mean)).tolist() == [5, 9]


def test_labels_and_weights_are_checked(kind, task, classes):
    rows, y, _ = sample(classes)
    model = create_model(kind, task=task)
    with pytest.raises(ModelError, match="shape"):
        model.fit(rows, y[:-1])
    with pytest.raises(ModelError, match="NaN"):
        model.fit(rows, np.where(np.arange(len(y)) == 3, np.nan, y))
    with pytest.raises(ModelError, match="weights"):
        model.fit(rows, y, sample_weight=-np.ones(len(y)))


def test_one_class_is_refused(kind, task, classes):
    rows, y, _ = sample(classes)
    model = create_model(kind, task=task, **SMALL.get(kind, {}))
    if task == "regression":
        assert np.isfinite(model.fit(rows, np.zeros(len(y))).predict(rows).mean).all()
    else:
        with pytest.raises(ModelError, match="one class"):
            model.fit(rows, np.ones(len(y)))


def test_loaded_model_predicts_as_the_saved_one(kind, task, classes, tmp_path):
    rows, _, _ = sample(classes)
    model = fitted(kind, task, classes)
    model.save(tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert type(loaded) is type(model)
    assert loaded.describe() == model.describe()
    np.testing.assert_allclose(
        both(loaded.predict(rows)), both(model.predict(rows)), rtol=0, atol=1e-9
    )
    assert loaded.save(tmp_path / "again") == model.save(tmp_path / "third")


def test_probabilities_are_shares_and_the_mean_is_buy_minus_sell(kind, task, classes):
    rows, _, _ = sample(classes)
    got = fitted(kind, task, classes).predict(rows)
    if task == "regression":
        assert got.probabilities is None
        assert (got.sd > 0).all()
        return
    assert got.classes == ((0, 2) if classes == 2 else (0, 1, 2))
    np.testing.assert_allclose(got.probabilities.sum(axis=1), 1, atol=1e-9)
    assert (got.probabilities >= 0).all()
    np.testing.assert_allclose(got.mean, got.probabilities[:, 0] - got.probabilities[:, -1])


def test_unfitted_model_says_so(kind, task, classes, tmp_path):
    rows, _, _ = sample(classes)
    with pytest.raises(ModelError, match="not fitted"):
        create_model(kind, task=task).predict(rows)
    with pytest.raises(ModelError, match="not fitted"):
        create_model(kind, task=task).save(tmp_path / "x")


def test_unknown_parameter_names_the_nearest(kind, task, classes):
    with pytest.raises(ConfigError, match="did you mean 'seed'"):
        create_model(kind, task=task, sead=classes)
    with pytest.raises(ConfigError, match=r"seed is '1' .str., wanted int"):
        create_model(kind, task=task, seed="1")


def test_a_stored_model_is_not_overwritten(kind, task, classes, tmp_path):
    model = fitted(kind, task, classes)
    model.save(tmp_path / "m")
    with pytest.raises(ModelError, match="never overwritten"):
        model.save(tmp_path / "m")
