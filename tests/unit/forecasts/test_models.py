"""Models against closed forms, the libraries under them, and planted structure."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import Ridge as SkRidge
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tradewright.domain.errors import ConfigError, ModelError
from tradewright.forecasts import create_model, load_model, model_types
from tradewright.forecasts.forests import _block_draws
from tradewright.forecasts.trees import from_forest


@pytest.fixture
def data():
    random = np.random.default_rng(11)
    x = random.normal(3, [1, 10, 0.1, 2], (600, 4))
    y = 0.5 * x[:, 0] - 0.02 * x[:, 1] + 2 * x[:, 2] + random.normal(0, 0.5, 600)
    return x, y


def test_ridge_equals_scikit_learn_on_standardised_columns(data):
    x, y = data
    oracle = SkRidge(alpha=25.0).fit(StandardScaler().fit_transform(x), y)
    wanted = oracle.predict(StandardScaler().fit_transform(x))
    got = create_model("ridge", alpha=25.0).fit(x, y).predict(x).mean
    np.testing.assert_allclose(got, wanted, rtol=1e-9)


def test_weighted_ridge_equals_repeated_rows(data):
    x, y = data
    weight = np.arange(len(y)) % 3
    repeated = np.repeat(np.arange(len(y)), weight)
    got = create_model("ridge", alpha=3.0).fit(x, y, sample_weight=weight)
    wanted = create_model("ridge", alpha=3.0).fit(x[repeated], y[repeated])
    np.testing.assert_allclose(got.predict(x).mean, wanted.predict(x).mean, rtol=1e-9)


def test_planted_coefficients_are_recovered(data):
    x, y = data
    model = create_model("linear", alpha=0.0).fit(x, y)
    closed, *_ = np.linalg.lstsq(np.column_stack([np.ones(len(y)), x]), y)
    np.testing.assert_allclose(model.coefficients_[:, 0], closed[1:], rtol=1e-8)
    error = 0.5 / (x.std(axis=0) * np.sqrt(len(y)))
    assert (np.abs(model.coefficients_[:, 0] - [0.5, -0.02, 2, 0]) < 3 * error).all()


def test_ridge_shrinks_noise_and_keeps_signal():
    random = np.random.default_rng(2)
    x = random.normal(size=(1000, 15))
    noise = create_model("ridge").fit(x, random.normal(size=1000))
    signal = create_model("ridge").fit(x, x[:, 0] + 0.1 * random.normal(size=1000))
    assert noise.alpha_ > 100 * signal.alpha_


def test_constant_column_changes_nothing(data):
    x, y = data
    plain = create_model("ridge", alpha=5.0).fit(x, y).predict(x).mean
    more = np.hstack([x, np.full((len(x), 1), 7.0)])
    np.testing.assert_allclose(
        create_model("ridge", alpha=5.0).fit(more, y).predict(more).mean, plain, rtol=1e-9
    )


@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_equals_scikit_learn(data, classes):
    x, y = data
    labels = np.searchsorted(np.quantile(y, np.arange(1, classes) / classes), y)
    z = StandardScaler().fit_transform(x)
    oracle = LogisticRegression(C=1000 / (2.0 * len(y)), max_iter=1000, tol=1e-10).fit(z, labels)
    got = create_model("logistic", penalty=2.0).fit(x, labels).predict(x)
    np.testing.assert_allclose(got.probabilities, oracle.predict_proba(z), atol=1e-5)


def test_exported_boosting_predicts_as_the_library(data):
    x, y = data
    ours = create_model("gradient_boosting", rounds=30, rate=0.1, min_leaf=20).fit(x, y)
    oracle = HistGradientBoostingRegressor(
        max_iter=30,
        learning_rate=0.1,
        max_leaf_nodes=15,
        min_samples_leaf=20,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    ).fit(x, y)
    np.testing.assert_allclose(ours.predict(x).mean, oracle.predict(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("classes", [2, 3])
def test_exported_boosting_classifier_predicts_as_the_library(data, classes):
    x, y = data
    labels = np.searchsorted(np.quantile(y, np.arange(1, classes) / classes), y)
    ours = create_model("gradient_boosting", task="classification", rounds=10).fit(x, labels)
    oracle = HistGradientBoostingClassifier(
        max_iter=10,
        learning_rate=0.03,
        max_leaf_nodes=15,
        min_samples_leaf=50,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    ).fit(x, labels)
    np.testing.assert_allclose(
        ours.predict(x).probabilities, oracle.predict_proba(x), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("make", [DecisionTreeRegressor, DecisionTreeClassifier])
def test_exported_trees_predict_as_the_library(data, make):
    x, y = data
    x = x.astype(np.float32)
    target = y if make is DecisionTreeRegressor else (y > y.mean()) * 1
    grown = [make(max_depth=5, random_state=i).fit(x, target) for i in range(5)]
    outputs = 1 if make is DecisionTreeRegressor else 2
    got = from_forest(grown, n_outputs=outputs).predict(x.astype(np.float64))
    oracle = [t.predict(x)[:, None] if outputs == 1 else t.predict_proba(x) for t in grown]
    np.testing.assert_allclose(got, np.mean(oracle, axis=0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["random_forest", "gradient_boosting", "lightgbm", "xgboost"])
def test_trees_find_a_planted_interaction_that_lines_cannot(kind):
    random = np.random.default_rng(4)
    x = random.normal(size=(2000, 3))
    y = 0.02 * np.sign(x[:, 0] * x[:, 1]) + random.normal(0, 0.01, 2000)
    small = {"n_trees": 100, "max_features": 1.0} if kind == "random_forest" else {"rate": 0.1}
    model = create_model(kind, **small).fit(x[:1500], y[:1500])

    def r2(forecast):
        return 1 - ((y[1500:] - forecast) ** 2).mean() / (y[1500:] ** 2).mean()

    assert r2(model.predict(x[1500:]).mean) > 0.5
    assert r2(create_model("ridge").fit(x[:1500], y[:1500]).predict(x[1500:]).mean) < 0.05


@pytest.mark.parametrize("kind", ["random_forest", "lightgbm", "xgboost"])
def test_another_seed_gives_another_model(kind, data):
    x, y = data
    one, two = (create_model(kind, seed=s).fit(x, y).predict(x).mean for s in (1, 2))
    assert (one != two).any()


def test_bootstrap_draws_whole_dates_in_blocks():
    group = np.repeat(np.arange(100), 4)
    draws = _block_draws(group, 10, np.random.default_rng(0)).reshape(100, 4)
    assert draws.sum() == 400
    assert (draws == draws[:, :1]).all()
    assert (np.diff(draws[:, 0]) != 0).sum() <= 20


def test_ensemble_is_the_weighted_mean_of_its_members(data):
    x, y = data
    model = create_model("ensemble", sizes=[10, 10], seed=5).fit(x, y)
    forest = create_model("random_forest", n_trees=10, seed=5).fit(x, y).predict(x).mean
    boosting = create_model("gradient_boosting", rounds=10, seed=5).fit(x, y).predict(x).mean
    np.testing.assert_allclose(
        model.predict(x).mean, 0.4 * forest + 0.6 * boosting, rtol=0, atol=1e-12
    )


def test_learned_weights_go_to_the_member_that_is_right(tmp_path):
    random = np.random.default_rng(8)
    x = random.normal(size=(1200, 2))
    y = x @ [0.02, 0.01] + random.normal(0, 0.005, 1200)
    model = create_model(
        "ensemble",
        members=["ridge", "random_forest"],
        weights="learned",
        sizes=[0, 5],
        gap_dates=3,
    ).fit(x, y)
    assert model.weights_[0] > 0.85
    assert model.weights_.sum() == pytest.approx(1)
    assert (model.weights_ >= 0).all()
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(load_model(tmp_path / "m").weights_, model.weights_)


def test_baselines_do_what_they_say(data):
    x, y = data
    assert (create_model("zero").fit(x, y).predict(x).mean == 0).all()
    labels = np.where(np.arange(600) < 450, 1, 0)
    share = create_model("majority").fit(x, labels).predict(x[:1]).probabilities
    np.testing.assert_allclose(share, [[0.25, 0.75]])
    momentum = create_model("momentum", feature="x1").fit(x, y)
    got = momentum.predict(x).mean
    assert np.corrcoef(got, x[:, 1])[0, 1] == pytest.approx(1)
    assert got.std() == pytest.approx(0.05 * y.std())


def test_momentum_names_an_unknown_feature(data):
    with pytest.raises(ModelError, match="did you mean 'x1'"):
        create_model("momentum", feature="x11").fit(*data)


def test_unknown_type_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'lightgbm'"):
        create_model("lightgmb")


def test_linear_models_want_ten_rows_a_coefficient(data):
    x, y = data
    with pytest.raises(ModelError, match="49 rows for 4 features, wanted at least 50"):
        create_model("ridge").fit(x[:49], y[:49])


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("ridge", {"alpha": -1.0}, "alpha is -1.0"),
        ("ridge", {"task": "classification"}, "does regression"),
        ("random_forest", {"n_trees": 0}, "n_trees is 0"),
        ("lightgbm", {"rate": 2.0}, "rate is 2.0"),
        ("lightgbm", {"rate": "fast"}, "rate is 'fast' .str., wanted float"),
        ("gradient_boosting", {"leaves": 1}, "leaves >= 2"),
        ("ensemble", {"weights": [0.5, 0.6]}, "sum to 1"),
        ("ensemble", {"weights": "learnd"}, "wanted 'learned'"),
        ("ensemble", {"members": ["ridge", "rigde"]}, "did you mean 'ridge'"),
        ("ensemble", {"sizes": [5]}, "one number"),
        ("zero", {"task": "ranking"}, "task is 'ranking'"),
    ],
)
def test_bad_parameters_are_named(kind, given, message):
    with pytest.raises(ConfigError, match=message):
        create_model(kind, **given)


def test_every_type_is_listed_with_its_help():
    rows = model_types()
    assert [row["type"] for row in rows][:2] == ["ridge", "logistic"]
    assert all(row["what"].endswith(".") for row in rows)
