"""Walk-forward on planted and on empty relations."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from tradewright.domain.errors import CancelledError, ConfigError, ModelError
from tradewright.training.labels import Labels
from tradewright.training.splits import WalkForward
from tradewright.training.walk_forward import FitSettings, fit_predict

DAY = 86_400_000_000_000
SCHEME = WalkForward(training=120, testing=40)


@dataclass
class Table:
    names: tuple[str, ...]
    values: np.ndarray


def plant(strength=0.5, n_bars=330, n_instruments=8, horizon=3, classes=False, seed=0):
    """A feature that explains part of the next return, one that does not."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(n_bars, n_instruments, 2))
    noise = random.normal(size=(n_bars, n_instruments))
    value = 0.02 * (strength * values[:, :, 0] + np.sqrt(1 - strength**2) * noise)
    value[-horizon - 1 :] = np.nan
    rows = np.arange(n_bars)[:, None]
    ends = np.where(np.isfinite(value), rows + horizon + 1, rows)
    kinds = np.where(value > 0.01, 0, np.where(value < -0.01, 2, 1)).astype(np.int8)
    kinds[~np.isfinite(value)] = -1
    labels = Labels(
        symbols=tuple(f"S{i}" for i in range(n_instruments)),
        ts=np.arange(n_bars, dtype=np.int64) * DAY,
        value=value,
        end_row=ends,
        classes=kinds if classes else None,
        horizon_bars=horizon,
        kind="three_class" if classes else "forward_return",
    )
    return Table(("signal", "noise"), values), labels


def run(table, labels, model="ridge", scheme=SCHEME, **settings):
    return fit_predict(table, labels, settings=FitSettings(model=model, **settings), scheme=scheme)


def test_planted_signal_is_found_and_beats_every_control():
    table, labels = plant()
    result = run(table, labels, controls=19)
    assert result.scores["ic"] > 0.35
    assert result.scores["ic_t"] > 5
    assert result.scores["r2_zero"] > 0.1
    assert result.scores["accuracy"] > result.scores["accuracy_majority"] + 0.1
    assert result.controls["shuffled_p"] == pytest.approx(1 / 20)
    assert abs(result.controls["shuffled_ic_mean"]) < 0.05


@pytest.mark.parametrize("model", ["logistic", "random_forest", "ensemble"])
def test_planted_classes_beat_the_majority_class(model):
    table, labels = plant(strength=0.7, classes=True)
    small = {"random_forest": {"n_trees": 20}, "ensemble": {"sizes": [15, 15]}}
    result = run(table, labels, model=model, parameters=small.get(model, {}))
    assert result.scores["accuracy"] > result.scores["accuracy_majority"] + 0.08
    assert result.scores["ic"] > 0.3
    up = result.forecasts.probability_up
    known = np.isfinite(up)
    assert ((up[known] >= 0) & (up[known] <= 1)).all()


def test_labels_without_relation_show_no_skill():
    scores, p_values = [], []
    for seed in range(12):
        table, labels = plant(strength=0.0, seed=seed)
        result = run(table, labels, controls=9)
        scores.append(result.scores["ic"])
        p_values.append(result.controls["shuffled_p"])
    assert abs(np.mean(scores)) < 0.02
    assert 0.25 < np.mean(p_values) < 0.8
    assert len({round(p, 3) for p in p_values}) > 3


def test_only_test_rows_are_forecast_and_each_once():
    table, labels = plant()
    result = run(table, labels)
    forecast = np.isfinite(result.forecasts.mean).all(axis=1)
    assert np.flatnonzero(forecast).tolist() == list(range(120, 320))
    assert [f.window.test_first for f in result.folds] == [120, 160, 200, 240, 280]
    assert all(f.train_last_row + 4 < f.window.test_first for f in result.folds)


def test_overlapping_windows_use_the_newest_model():
    table, labels = plant()
    scheme = WalkForward(training=120, testing=40, overlap=20)
    result = run(table, labels, scheme=scheme)
    second = result.folds[1]
    alone = fit_predict(
        table,
        labels,
        settings=FitSettings(model="ridge"),
        scheme=WalkForward(training=120, testing=40),
        first_row=20,
    )
    assert second.window.train_first == 20
    rows = slice(second.window.test_first, second.window.test_first + 20)
    np.testing.assert_array_equal(result.forecasts.mean[rows], alone.forecasts.mean[rows])


def test_forecasts_do_not_change_when_the_future_does():
    table, labels = plant()
    before = run(table, labels, model="lightgbm", parameters={"rounds": 10}, controls=2)
    cut = 200
    values, value = table.values.copy(), labels.value.copy()
    values[cut:] = 1e6 * values[cut:][::-1]
    # A label is poisoned when any of its interval lies at or after the cut.
    value[(labels.end_row >= cut) & np.isfinite(value)] *= -1e6
    after = run(
        Table(table.names, values),
        replace(labels, value=value),
        model="lightgbm",
        parameters={"rounds": 10},
        controls=2,
    )
    np.testing.assert_array_equal(before.forecasts.mean[:cut], after.forecasts.mean[:cut])
    for one, other in zip(before.shuffled, after.shuffled, strict=True):
        np.testing.assert_array_equal(one.mean[:cut], other.mean[:cut])


def test_workers_do_not_change_the_result():
    table, labels = plant()
    one = run(table, labels, model="gradient_boosting", parameters={"rounds": 8}, controls=3)
    two = run(
        table, labels, model="gradient_boosting", parameters={"rounds": 8}, controls=3, workers=2
    )
    np.testing.assert_array_equal(one.forecasts.mean, two.forecasts.mean)
    for left, right in zip(one.shuffled, two.shuffled, strict=True):
        np.testing.assert_array_equal(left.mean, right.mean)


def test_selection_keeps_the_feature_that_carries_the_signal():
    table, labels = plant()
    result = run(table, labels, keep_features=1)
    assert [fold.features for fold in result.folds] == [("signal",)] * 5


def test_selection_happens_inside_the_fold():
    table, labels = plant(strength=0.0)
    # The noise column explains the labels of the last test window only.
    table.values[280:320, :, 1] = np.nan_to_num(labels.value[280:320]) * 50
    result = run(table, labels, keep_features=1)
    assert result.folds[0].features == run(*plant(strength=0.0), keep_features=1).folds[0].features


def test_single_instrument_is_scored_over_time():
    table, labels = plant(strength=0.8, n_instruments=1)
    assert run(table, labels).scores["ic"] > 0.5


def test_missing_features_give_no_forecast():
    table, labels = plant()
    table.values[150, 3, 0] = np.nan
    table.values[:30] = np.nan
    result = run(table, labels)
    assert np.isnan(result.forecasts.mean[150 + 0, 3])
    assert result.folds[0].window.train_first == 30


def test_too_short_history_is_refused_before_any_fit():
    table, labels = plant(n_bars=150)
    with pytest.raises(ConfigError, match="150 sessions are available"):
        run(table, labels)


def test_no_complete_row_is_named():
    table, labels = plant()
    table.values[:, :, 1] = np.nan
    with pytest.raises(ModelError, match="no bar has all features"):
        run(table, labels)


def test_fold_with_one_class_is_named_with_its_dates():
    table, labels = plant(classes=True)
    classes = labels.classes.copy()
    classes[:120] = 1
    labels = replace(labels, classes=classes)
    with pytest.raises(ModelError, match=r"fold 0 \(training 1970-01-01 to .*one class"):
        run(table, labels, model="logistic")


def test_model_that_cannot_do_the_task_is_refused():
    with pytest.raises(ConfigError, match="logistic does classification"):
        run(*plant(), model="logistic")
    with pytest.raises(ConfigError, match="ridge does regression"):
        run(*plant(classes=True))


def test_cancel_stops_the_work():
    table, labels = plant()
    calls = []

    def stop(fraction, message):
        calls.append(fraction)
        raise CancelledError("stop")

    with pytest.raises(CancelledError):
        fit_predict(
            table,
            labels,
            settings=FitSettings(model="ridge", controls=5),
            scheme=SCHEME,
            progress=stop,
        )
    assert len(calls) == 1
