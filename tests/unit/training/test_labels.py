"""Labels against cases worked by hand."""

import numpy as np
import pytest

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import Instrument
from tradewright.training.labels import forward_return, three_class, triple_barrier
from tradewright.training.labels.values import trailing_volatility

DAY = 86_400_000_000_000


def make_bars(open_px, close=None, high=None, low=None) -> Bars:
    open_px = np.asarray(open_px, dtype=float).reshape(len(open_px), -1)
    close = open_px if close is None else np.asarray(close, dtype=float).reshape(open_px.shape)
    high = np.maximum(open_px, close) if high is None else np.asarray(high, float).reshape(-1, 1)
    low = np.minimum(open_px, close) if low is None else np.asarray(low, float).reshape(-1, 1)
    names = [Instrument(f"A{i}") for i in range(open_px.shape[1])]
    ts = np.arange(len(open_px), dtype=np.int64) * DAY
    return Bars(tuple(names), ts, open_px, high, low, close, np.ones_like(open_px))


def test_forward_return_is_earned_from_the_next_open():
    bars = make_bars([10, 20, 22, 33, 30], close=[15, 21, 30, 31, 29])
    labels = forward_return(bars, 2)
    np.testing.assert_allclose(labels.value[:2, 0], [33 / 20 - 1, 30 / 22 - 1])
    assert np.isnan(labels.value[2:, 0]).all()
    assert labels.end_row[:, 0].tolist() == [3, 4, 2, 3, 4]


def test_forward_return_from_the_close():
    bars = make_bars([10, 20, 22, 33], close=[15, 21, 30, 31])
    labels = forward_return(bars, 1, entry="close")
    np.testing.assert_allclose(labels.value[:3, 0], [21 / 15 - 1, 30 / 21 - 1, 31 / 30 - 1])
    assert labels.end_row[:, 0].tolist() == [1, 2, 3, 3]


def test_missing_price_gives_no_label_and_is_never_bridged():
    bars = make_bars([[10.0, 1], [11, 2], [np.nan, 3], [13, 4], [14, 5]])
    known = forward_return(bars, 1).is_known
    assert known[:, 0].tolist() == [False, False, True, False, False]
    assert known[:, 1].tolist() == [True, True, True, False, False]


def test_three_classes_follow_the_volatility_known_at_the_decision():
    # Closes alternate by a constant ratio, so that every squared return is close to 0.01².
    close = 100 * np.cumprod(np.where(np.arange(40) % 2, 1.01, 1 / 1.01))
    open_px = np.full(40, 100.0)
    open_px[32], open_px[33], open_px[34], open_px[35] = 100, 110, 110, 100
    labels = three_class(make_bars(open_px, close=close), 1, threshold=0.5)
    assert labels.classes[31, 0] == 0  # 100 -> 110 at the opens of 32 and 33
    assert labels.classes[32, 0] == 1  # 110 -> 110
    assert labels.classes[33, 0] == 2  # 110 -> 100
    assert labels.classes[5, 0] == -1  # volatility not known yet
    assert labels.classes[39, 0] == -1


def barrier_bars(later):
    """30 bars that move by about 1 % around 100, then bars given as (open, high, low)."""
    quiet = [100 * (1.01 if i % 2 else 1 / 1.01) for i in range(30)]
    open_px = [100.0] * 30 + [bar[0] for bar in later]
    high = [102.0] * 30 + [bar[1] for bar in later]
    low = [98.0] * 30 + [bar[2] for bar in later]
    close = quiet + [bar[0] for bar in later]
    return make_bars(open_px, close=close, high=high, low=low)


def one_label(later, horizon=4, up=1.0, down=1.0):
    bars = barrier_bars(later)
    width = trailing_volatility(bars.close)[29, 0] * np.sqrt(horizon)
    labels = triple_barrier(bars, horizon, up=up, down=down)
    return labels.value[29, 0], labels.classes[29, 0], labels.end_row[29, 0], width


QUIET = (100.0, 100.5, 99.5)


def test_target_is_touched_first():
    later = [QUIET, QUIET, (100, 110, 99.5), (100, 101, 80), QUIET, QUIET]
    value, label, end, width = one_label(later)
    assert (label, end) == (0, 32)
    assert value == pytest.approx(width)


def test_stop_comes_first_when_a_bar_touches_both():
    value, label, end, width = one_label([QUIET, (100, 110, 90), QUIET, QUIET, QUIET, QUIET])
    assert (label, end) == (2, 31)
    assert value == pytest.approx(-width)


def test_entry_bar_itself_can_touch():
    _, label, end, _ = one_label([(100, 100.5, 90), QUIET, QUIET, QUIET, QUIET, QUIET])
    assert (label, end) == (2, 30)


def test_gap_exits_at_the_open():
    value, label, end, _ = one_label([QUIET, (120, 121, 119), QUIET, QUIET, QUIET, QUIET])
    assert (label, end) == (0, 31)
    assert value == pytest.approx(0.20)
    value, label, _, _ = one_label([QUIET, (80, 200, 79), QUIET, QUIET, QUIET, QUIET])
    assert label == 2
    assert value == pytest.approx(-0.20)


def test_time_barrier_exits_at_the_open_after_the_horizon():
    value, label, end, _ = one_label([QUIET] * 4 + [(100.25, 150, 50), QUIET])
    assert (label, end) == (1, 34)
    assert value == pytest.approx(0.0025)


def test_barrier_label_needs_the_whole_horizon_in_the_data():
    bars = barrier_bars([(100, 100.5, 90)] * 3)
    labels = triple_barrier(bars, 4)
    assert not labels.is_known[28:, 0].any()  # though row 29 touched its stop at once
    assert labels.is_known[27, 0]


def test_volatility_is_the_weighted_mean_square_of_past_returns():
    random = np.random.default_rng(0)
    close = 100 * np.cumprod(1 + random.normal(0, 0.02, (60, 1)), axis=0)
    change = close[1:, 0] / close[:-1, 0] - 1
    weight = 0.5 ** (np.arange(41, -1, -1) / 32)  # returns 0 … 41 are known at row 42
    wanted = np.sqrt((weight * change[:42] ** 2).sum() / weight.sum())
    got = trailing_volatility(close)
    assert got[42, 0] == pytest.approx(wanted)
    assert np.isnan(got[:20, 0]).all()
    assert np.isfinite(got[20, 0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda b: forward_return(b, 0), "horizon is 0"),
        (lambda b: forward_return(b, 4), "only 5 bars"),
        (lambda b: forward_return(b, 1, entry="open"), "did you mean 'next_open'"),
        (lambda b: three_class(b, 1, threshold=0), "threshold is 0"),
        (lambda b: triple_barrier(b, 1, up=-1.0), "up is -1.0"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(ConfigError, match=message):
        make(make_bars([1, 2, 3, 4, 5]))
