"""Features that use the past only: no false alarm."""

import numpy as np
import pandas as pd
import pytest

from tradewright import features as tf
from tradewright.domain.errors import ConfigError, DataError
from tradewright.features.document import example_spec
from tradewright.features.registry import definitions
from tradewright.marketdata import sample_bars
from tradewright.services.leaks import leak_check
from tradewright.training.leak_guard import GuardSettings, check

OURS = [
    str(example_spec(d)) for d in definitions() if example_spec(d).settle_rows is not None
]  # all but obv, ad and sar


@pytest.fixture(scope="module")
def bars():
    return sample_bars(["AAPL", "BAC", "GLD", "TLT"]).rows(0, 420)


def test_whole_catalogue_passes_at_every_row(bars):
    assert len(OURS) >= 100
    report = check(OURS, bars)
    assert report.ok, str(report)
    assert report.rows_checked == bars.n_bars - 1
    assert set(report.columns) == set(OURS)
    assert report.notes == ()


def test_nested_lagged_and_cross_sectional_features_pass(bars):
    texts = [
        "technical_indicators", "lag(return(1), 1..5)", "zscore(lag(rsi(14), 2), 30)",
        "cs_rank(zscore(volume, 20))", "zscore(cs_rank(return(5)), 20)", "lag(cs_demean(rsi), 3)",
        "correlation(return(1), change(volume, 1), 40)",
    ]  # fmt: skip
    report = check(texts, bars.rows(0, 200))
    assert report.ok, str(report)


def test_quick_check_samples_and_says_so(bars):
    report = leak_check(["rsi(14)", "cs_rank(return(5))"], bars, quick=True)
    assert report.ok
    assert report.rows_checked == 74
    assert "74 of 420 dates sampled" in str(report)


def rolling(bars):
    return pd.DataFrame(bars.close).rolling(20).mean().to_numpy()


def exponential(bars):
    return pd.DataFrame(bars.close).ewm(span=10, adjust=False).mean().to_numpy()


def expanding_scale(bars):
    close = pd.DataFrame(bars.close)
    return ((close - close.expanding().mean()) / close.expanding().std()).to_numpy()


def forward_filled(bars):
    every_third = np.arange(bars.n_bars)[:, None] % 3 == 0
    thin = pd.DataFrame(np.where(every_third, bars.close, np.nan))
    return thin.ffill().to_numpy()


def members_so_far(bars):
    return np.maximum.accumulate(~np.isnan(bars.close), axis=0)


def row_median(bars):
    return bars.close - np.nanmedian(bars.close, axis=1, keepdims=True)


def catalogue_table(bars):
    return tf.compute(["rsi(14)", "return(1)"], bars)


@pytest.mark.parametrize(
    "clean",
    [rolling, exponential, expanding_scale, forward_filled, members_so_far, row_median],
    ids=lambda f: f.__name__,
)
def test_clean_function_passes_without_and_with_its_memory(clean, bars):
    short = bars.rows(0, 150)
    assert check(clean, short).ok
    if clean in (rolling, row_median):
        assert check(clean, short, GuardSettings(settle_rows=20)).ok


def test_function_that_gives_a_table_is_checked_by_its_columns(bars):
    report = check(catalogue_table, bars.rows(0, 60))
    assert (report.ok, report.columns) == (True, ("rsi(14)", "return(1)"))
    assert "start of the data was not varied" in report.notes[0]


def test_late_and_ended_instruments_raise_no_alarm(bars):
    fields = {f: getattr(bars, f)[:300].copy() for f in ("open", "high", "low", "close", "volume")}
    rng = np.random.default_rng(3)
    holes = rng.random((300, 4)) < 0.05
    holes[:120, 1] = True
    holes[200:, 2] = True
    for field in fields.values():
        field[holes] = np.nan
    gappy = type(bars)(bars.instruments, bars.ts[:300], **fields)
    report = check(OURS, gappy)
    assert report.ok, str(report)
    assert check(rolling, gappy, GuardSettings(settle_rows=20)).ok


def test_function_that_raises_or_has_another_shape_is_named(bars):
    def breaks(bars):
        raise KeyError("volume")

    with pytest.raises(DataError, match="feature breaks raised KeyError: 'volume'"):
        check(breaks, bars)
    with pytest.raises(DataError, match="feature flat returned shape"):
        check({"flat": lambda b: b.close[:, 0]}, bars)
    with pytest.raises(ConfigError, match="no feature to check"):
        check([], bars)
    with pytest.raises(ConfigError, match="did you mean 'rsi'"):
        check(["rsj"], bars)


def test_function_that_needs_more_rows_is_asked_only_where_it_has_a_value(bars):
    def needs_thirty(bars):
        if bars.n_bars < 30:
            raise ValueError("too short")
        return pd.DataFrame(bars.close).rolling(30).mean().to_numpy()

    assert check(needs_thirty, bars.rows(0, 80)).ok


def test_progress_runs_to_the_end_in_order(bars):
    told = []
    settings = GuardSettings(progress=lambda fraction, message: told.append((fraction, message)))
    check(["rsi(14)", rolling], bars.rows(0, 200), settings)
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert 0 < fractions[0] < fractions[-1] <= 1
    assert all(message.startswith("leak guard") for _, message in told)


def test_report_goes_into_json(bars):
    import json

    report = check("rsi(14)", bars.rows(0, 60))
    kept = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert kept["ok"] is True
    assert kept["sentence"] == str(report)
    broken = check(
        lambda b: np.append(b.close[1:], b.close[-1:] * np.nan, axis=0), bars.rows(0, 60)
    )
    json.dumps(broken.to_dict(), allow_nan=False)
