"""Fitted transforms inside folds, labels, universes."""

import numpy as np
import pytest

from tradewright import features as tf
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, DataError, LeakError
from tradewright.domain.instruments import Instrument
from tradewright.training.leak_guard import check, check_fitted, check_labels

DAY = 86_400_000_000_000


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(8).normal(3, 2, (240, 3)).cumsum(axis=0)


@pytest.fixture(scope="module")
def folds():
    rows = np.arange(240)
    return [(rows[:100], rows[105:150]), (rows[50:150], rows[155:240])]


@pytest.fixture(scope="module")
def bars():
    rng = np.random.default_rng(9)
    close = 30 * np.exp(np.cumsum(rng.normal(0, 0.02, (120, 3)), axis=0))
    close[80:, 2] = np.nan
    names = tuple(Instrument(s) for s in ("A", "B", "C"))
    ts = (np.arange(120) + 1) * DAY
    return Bars(names, ts, close, close * 1.01, close * 0.99, close, close * 100)


@pytest.mark.parametrize("name", ["standard", "robust", "minmax", "quantile"])
def test_scaler_fitted_on_training_rows_passes(name, values, folds):
    scaler = tf.create_scaler(name)

    def pipeline(x, train):
        return scaler.transform(scaler.fit(x[train]), x)

    report = check_fitted(pipeline, values, folds, name=name)
    assert report.ok, str(report)
    assert report.rows_checked == 100 + 45 + 100 + 85


def fit_on_all(x, train):
    scaler = tf.create_scaler("standard")
    return scaler.transform(scaler.fit(np.nan_to_num(x)), x)


def fit_up_to_the_end_of_training(x, train):
    scaler = tf.create_scaler("standard")
    return scaler.transform(scaler.fit(x[: train[-1] + 2]), x)


def centre_test_rows_on_themselves(x, train):
    out = x - x[train].mean(axis=0)
    rest = np.setdiff1d(np.arange(len(x)), train)
    out[rest] = x[rest] - np.nanmean(x[rest], axis=0)
    return out


def neighbour_difference(x, train):
    out = x.copy()
    out[:-1] -= x[1:]
    return out


def select_columns_on_all(x, train):
    spread = np.nanstd(x, axis=0)
    return x[:, spread > np.median(spread) * 0.9]


@pytest.mark.parametrize(
    "leak",
    [fit_on_all, fit_up_to_the_end_of_training, centre_test_rows_on_themselves,
     neighbour_difference],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_fit_that_sees_other_rows_is_caught(leak, values, folds):
    ts = np.arange(240) * DAY
    report = check_fitted(leak, values, folds, name=leak.__name__, ts=ts)
    assert not report.ok
    assert (report.column, report.check) == (leak.__name__, "fit")
    with pytest.raises(LeakError, match=f"Leak: {leak.__name__} on 1970"):
        report.raise_if_leaking()


def test_selection_on_all_rows_is_caught(folds):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(240, 4)) * [1.0, 1.0, 1.0, 5.0]
    assert not check_fitted(select_columns_on_all, x, folds).ok


def test_no_fold_is_refused(values):
    with pytest.raises(ConfigError, match="no fold"):
        check_fitted(fit_on_all, values, [])


def forward_return(horizon, declared=None):
    def label(bars):
        n = bars.n_bars
        out = np.full(bars.close.shape, np.nan)
        out[: n - horizon] = bars.close[horizon:] / bars.close[: n - horizon] - 1
        ends = np.arange(n)[:, None] + (horizon if declared is None else declared)
        return out, np.broadcast_to(ends, out.shape)

    return label


def test_label_that_ends_where_it_says_passes(bars):
    report = check_labels(forward_return(5), bars)
    assert report.ok, str(report)
    assert report.rows_checked == bars.n_bars - 2
    assert check_labels(forward_return(5), bars, quick=True).rows_checked == 64


@pytest.mark.parametrize("declared", [4, 3, 1])
def test_label_that_ends_later_than_it_says_is_caught(declared, bars):
    report = check_labels(forward_return(5, declared), bars)
    assert (report.ok, report.check) == (False, "label end")


def test_label_that_ends_at_its_own_row_is_caught(bars):
    report = check_labels(forward_return(5, 0), bars)
    assert (report.ok, report.check) == (False, "label end")


def test_label_scaled_by_the_whole_sample_is_caught(bars):
    def scaled(bars):
        values, ends = forward_return(5)(bars)
        return values / np.nanstd(values), ends

    assert not check_labels(scaled, bars).ok


def test_feature_that_repeats_the_label_is_named(bars):
    values, _ = forward_return(5)(bars)
    table = tf.compute(["rsi(14)", "return(5)"], bars)
    assert check_labels(forward_return(5), bars, features=table).ok
    smuggled = tf.FeatureTable(
        ("rsi(14)", "edge"), (table.panels[0], values), table.specs, bars.ts, bars.symbols
    )
    report = check_labels(forward_return(5), bars, features=smuggled)
    assert (report.ok, report.column, report.check) == (False, "edge", "label in features")


def test_label_of_another_shape_is_refused(bars):
    with pytest.raises(DataError, match="labels have shapes"):
        check_labels(lambda b: (b.close[:, :1], np.zeros((120, 1), np.int64)), bars)


def test_universe_of_survivors_is_caught_and_of_members_so_far_passes(bars):
    def survivors(bars):
        return np.broadcast_to(~np.isnan(bars.close[-1]), bars.close.shape)

    def traded_lately(bars):
        seen = ~np.isnan(bars.close)
        return seen | np.vstack([seen[:1] & False, seen[:-1]])

    assert check({"universe": survivors}, bars).column == "universe"
    assert check({"universe": traded_lately}, bars).ok
