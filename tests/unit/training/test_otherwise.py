"""Forecasts of a history that turned out otherwise: what is known stays, what is new is not."""

from __future__ import annotations

import numpy as np
import pytest

import tradewright as tw
from tradewright.domain.errors import ConfigError
from tradewright.features import compute, parse_features
from tradewright.risk.scenarios import StressTestScenario, onsets, shocked_bars
from tradewright.training import FitSettings, WalkForward, fit_predict
from tradewright.training.labelling import LabelSettings, build_labels
from tradewright.training.otherwise import forecasts_otherwise
from tradewright.training.window_forecasts import window_forecasts

FEATURES = ["return(5)", "return(21)", "volatility(21)"]
SETTINGS = FitSettings(model="ridge", seed=3)
LABELS = LabelSettings(horizon=5)
SCHEME = WalkForward(training=150, testing=80)
FALL = StressTestScenario("fall", "a fall", -0.3, 60, 120, 2.0, 0.2)


@pytest.fixture(scope="module")
def known():
    bars = tw.sample_bars(["AAPL", "KO", "XOM", "JPM"], start="2012-01-01", end="2014-06-01")
    table = compute(parse_features(FEATURES), bars)
    labels = build_labels(bars, LABELS)
    return bars, table, labels, fit_predict(table, labels, settings=SETTINGS, scheme=SCHEME)


@pytest.fixture(scope="module")
def other(known):
    """The same bars with a fall from the middle of the second window on."""
    bars, _, _, result = known
    row = result.folds[1].window.test_first + 20
    onset = next(o for o in onsets(bars.n_bars, FALL, count=bars.n_bars) if o.row == row)
    shocked = shocked_bars(bars, FALL, onset)
    return row, shocked, compute(parse_features(FEATURES), shocked)


def forecast(known, other, *, refit, last=None):
    bars, _, labels, result = known
    row, shocked, table = other
    return forecasts_otherwise(
        table,
        build_labels(shocked, LABELS) if refit else labels,
        result,
        settings=SETTINGS,
        embargo=0,
        rows=(row, last or bars.n_bars),
        refit=refit,
    )


@pytest.mark.parametrize("refit", [False, True])
def test_before_the_row_nothing_changes(known, other, refit) -> None:
    row = other[0]
    found = forecast(known, other, refit=refit)
    np.testing.assert_array_equal(found.mean[:row], known[3].forecasts.mean[:row])
    assert np.isfinite(known[3].forecasts.mean[row:]).any()


def test_frozen_keeps_the_model_in_force_to_the_end(known, other) -> None:
    _, _, labels, result = known
    row, shocked, table = other
    fold = result.folds[1]
    wanted = window_forecasts(
        table, labels, fold, settings=SETTINGS, embargo=0, rows=(row, shocked.n_bars)
    )
    found = forecast(known, other, refit=False)
    np.testing.assert_array_equal(found.mean[row:], wanted.mean[row:])
    later = window_forecasts(
        table, labels, result.folds[2], settings=SETTINGS, embargo=0, rows=(row, shocked.n_bars)
    )
    assert not np.allclose(found.mean[-30:], later.mean[-30:])


def test_refit_is_the_walk_forward_of_the_other_history(known, other) -> None:
    row, shocked, table = other
    whole = fit_predict(table, build_labels(shocked, LABELS), settings=SETTINGS, scheme=SCHEME)
    found = forecast(known, other, refit=True)
    np.testing.assert_allclose(found.mean[row:], whole.forecasts.mean[row:], rtol=1e-12)
    frozen = forecast(known, other, refit=False)
    assert not np.allclose(found.mean[-30:], frozen.mean[-30:])


def test_nothing_is_said_after_the_last_row(known, other) -> None:
    row = other[0]
    found = forecast(known, other, refit=False, last=row + 40)
    assert np.isfinite(found.mean[row : row + 40]).all()
    assert np.isnan(found.mean[row + 40 :]).all()


def test_known_forecasts_are_not_written_into(known, other) -> None:
    before = known[3].forecasts.mean.copy()
    forecast(known, other, refit=False)
    np.testing.assert_array_equal(known[3].forecasts.mean, before)


def test_row_outside_the_test_windows_is_refused(known) -> None:
    _, table, labels, result = known
    with pytest.raises(ConfigError, match="row 10 is in no test window"):
        forecasts_otherwise(
            table, labels, result, settings=SETTINGS, embargo=0, rows=(10, 50), refit=False
        )
