"""Features on bad data."""

import numpy as np
import pytest

from tradewright import features as tf
from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.errors import ConfigError, DataError


def with_field(bars, name, row, column, value):
    fields = {f: getattr(bars, f).copy() for f in FIELDS}
    fields[name][row, column] = value
    return Bars(bars.instruments, bars.ts, **fields)


def test_single_row_is_refused(bars):
    for call in (lambda b: tf.compute("rsi", b), tf.technical_indicators):
        with pytest.raises(DataError, match="at least 2 rows of bars, found 1"):
            call(bars.rows(0, 1))


def test_too_little_data_gives_nan_columns_and_a_note(bars):
    table = tf.compute(["sma(50)", "return(1)"], bars.rows(0, 20))
    assert np.isnan(table.column("sma(50)")).all()
    assert not np.isnan(table.column("return(1)")[1:]).any()
    assert table.notes == ("sma(50) has no value: it needs 50 bars, the longest instrument has 20",)


def test_infinite_value_is_refused_with_instrument_and_time(bars):
    broken = with_field(bars, "close", 10, 2, np.inf)
    with pytest.raises(DataError, match="close is infinite for S2 at 2005-01-17T21:00:00Z"):
        tf.compute("return(1)", broken)
    assert tf.compute("volume_ratio(20)", broken).names  # the close is not used


@pytest.mark.parametrize("price", [0.0, -1.0])
def test_price_not_above_zero_is_refused_by_a_logarithm(bars, price):
    broken = with_field(bars, "close", 3, 1, price)
    with pytest.raises(DataError, match=r"close is not above zero for S1 .*log_return\(1\)"):
        tf.compute(["rsi(14)", "log_return(1)"], broken)
    assert tf.compute("mom(10)", broken).names


def test_missing_volume_is_refused_with_the_features_that_need_it(bars):
    volume = bars.volume.copy()
    volume[:, [0, 3]] = np.nan
    dry = Bars(bars.instruments, bars.ts, bars.open, bars.high, bars.low, bars.close, volume)
    with pytest.raises(ConfigError, match=r"no volume for S0, S3; .*obv, zscore\(volume, 60\)$"):
        tf.compute(["rsi", "obv", "zscore(volume, 60)"], dry)
    assert tf.compute(["rsi", "day_of_week"], dry).names


def test_zero_volume_gives_no_vwap_and_no_division_error(bars):
    volume = bars.volume.copy()
    volume[:60] = 0.0
    quiet = Bars(bars.instruments, bars.ts, bars.open, bars.high, bars.low, bars.close, volume)
    table = tf.compute(["vwap(20)", "volume_ratio(20)", "mfi(14)", "chaikin_money_flow(20)"], quiet)
    assert np.isnan(table.column("vwap(20)")[:60]).all()
    assert (table.column("volume_ratio(20)")[19:60] == 0.0).all()
    assert (table.column("mfi(14)")[14:60] == 50.0).all()
    assert (table.column("chaikin_money_flow(20)")[19:60] == 0.0).all()
    assert not np.isinf(table.values).any()


def test_missing_volume_in_one_bar_spoils_only_windows_that_hold_it(bars):
    table = tf.compute(
        ["volume_ratio(20)", "vwap(20)", "adosc(3, 10)", "obv"],
        with_field(bars, "volume", 100, 0, np.nan),
    )
    gone = np.isnan(table.column("volume_ratio(20)")[:, 0])
    assert np.flatnonzero(gone[19:]).tolist() == list(range(81, 101))
    assert np.flatnonzero(np.isnan(table.column("adosc(3, 10)")[9:, 0])).tolist() == [91]
    assert not np.isnan(table.column("obv")).any()


def user(name, function):
    tf.feature(tf.About(name=name, family="user", formula="test"))(function)
    return name


def test_user_feature_that_raises_writes_or_has_another_shape_is_named(bars):
    def writes(own):
        own.close[0] = 1.0
        return own.close

    def divides(own):
        raise ZeroDivisionError("by zero")

    try:
        user("writes", writes)
        user("divides", divides)
        user("short", lambda own: own.close[1:])
        with pytest.raises(DataError, match=r"feature writes raised ValueError.*read-only"):
            tf.compute("writes", bars)
        with pytest.raises(DataError, match="feature divides raised ZeroDivisionError: by zero"):
            tf.compute("divides", bars)
        with pytest.raises(DataError, match=r"feature short returned shape \(399, 4\), wanted"):
            tf.compute("short", bars)
    finally:
        for name in ("writes", "divides", "short"):
            tf.forget(name)


def test_unknown_column_names_the_nearest(bars):
    with pytest.raises(ConfigError, match=r"did you mean 'rsi\(14\)'"):
        tf.compute("rsi", bars).column("rsi(15)")
