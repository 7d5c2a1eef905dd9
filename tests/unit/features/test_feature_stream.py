"""Feature streams: what they take, refuse and remember."""

from itertools import pairwise

import numpy as np
import pytest

from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.errors import ConfigError, DataError
from tradewright.features import About, FeatureStream, compute, feature, forget, rolling


@pytest.fixture
def own_features():
    @feature(About(name="my_gap", family="user", formula="high - mean(low, 3)", bar_by_bar=True))
    def my_gap(bars):
        return bars.high - rolling.mean(bars.low, 3)

    @feature(About(name="my_rows", family="user", formula="close - close[0]"))
    def my_rows(bars):
        return bars.close - bars.close[0]

    yield
    forget("my_gap")
    forget("my_rows")


@pytest.mark.usefixtures("own_features")
def test_users_own_features_are_updated_where_they_say_that_they_can(bars):
    stream = FeatureStream(["my_gap"], bars.symbols, interval=bars.interval)
    found = stream.update(bars)[:, :, 0]
    np.testing.assert_array_equal(found, compute("my_gap", bars).panels[0])
    with pytest.raises(ConfigError, match="my_rows cannot be updated bar by bar"):
        FeatureStream(["my_rows"], bars.symbols)
    with pytest.raises(ConfigError, match=r"lag\(my_rows, 2\) cannot be updated"):
        FeatureStream(["sma(5)", "lag(my_rows, 2)"], bars.symbols)


def test_rows_come_in_pieces_of_any_size(bars):
    stream = FeatureStream(["rsi(14)", "bb_upper"], bars.symbols, interval=bars.interval)
    cuts = [0, 1, 2, 40, 41, bars.n_bars]
    pieces = [stream.update(bars.rows(a, b)) for a, b in pairwise(cuts)]
    whole = compute(["rsi(14)", "bb_upper"], bars)
    np.testing.assert_array_equal(np.concatenate(pieces), whole.values)


def test_bars_that_do_not_follow_are_refused_and_change_nothing(bars):
    stream = FeatureStream(["ema(5)", "log_return(1)"], bars.symbols, interval=bars.interval)
    stream.update(bars.rows(0, 30))
    for wrong, text in (
        (bars.rows(29, 31), "already has"),
        (bars.select(bars.symbols[:1]).rows(30, 31), "wanted the"),
        (_with(bars.rows(30, 31), close=np.inf), "infinite"),
        (_with(bars.rows(30, 31), close=0.0), "not above zero"),
    ):
        with pytest.raises(DataError, match=text):
            stream.update(wrong)
    rest = bars.rows(30, bars.n_bars)
    whole = compute(["ema(5)", "log_return(1)"], bars)
    np.testing.assert_array_equal(stream.update(rest), whole.values[30:])


def test_a_state_of_other_features_is_refused(bars):
    saved = FeatureStream(["sma(5)"], bars.symbols, interval=bars.interval).save()
    with pytest.raises(DataError, match="saved for other features"):
        FeatureStream(["sma(6)"], bars.symbols, interval=bars.interval).restore(saved)


def test_a_stream_leaves_whole_panels_alone(bars):
    stream = FeatureStream(["sma(5)"], bars.symbols, interval=bars.interval)
    before = compute("sma(5)", bars).panels[0]
    stream.update(bars.rows(0, 10))
    np.testing.assert_array_equal(compute("sma(5)", bars).panels[0], before)


def _with(bars: Bars, **fields: float) -> Bars:
    kept = {name: getattr(bars, name).copy() for name in FIELDS}
    for name, value in fields.items():
        kept[name][0, 0] = value
    return Bars(bars.instruments, bars.ts, **kept, interval=bars.interval)
