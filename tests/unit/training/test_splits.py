"""Window arithmetic by hand."""

import numpy as np
import pytest

from tradewright.domain.errors import ConfigError
from tradewright.training.splits import (
    WalkForward,
    default_embargo,
    newest_window,
    purge,
    purged_folds,
)


@pytest.mark.parametrize(
    ("scheme", "overlap", "count"),
    [("rolling", 0, 12), ("rolling", 21, 17), ("expanding", 0, 12), ("fixed", 0, 3)],
)
def test_windows_of_1008_sessions(scheme, overlap, count):
    found = WalkForward(scheme=scheme, overlap=overlap).windows(1008)
    assert len(found) == count


def test_edges_of_rolling_expanding_and_fixed_windows():
    def edges(scheme, n=10):
        windows = WalkForward(scheme=scheme, training=4, testing=2).windows(n)
        return [(w.train_first, w.train_last, w.test_first, w.test_last) for w in windows]

    assert edges("rolling") == [(0, 4, 4, 6), (2, 6, 6, 8), (4, 8, 8, 10)]
    assert edges("expanding") == [(0, 4, 4, 6), (0, 6, 6, 8), (0, 8, 8, 10)]
    assert edges("fixed", 13) == [(0, 4, 4, 6), (6, 10, 10, 12)]


def test_tail_is_dropped_unless_kept():
    plain = WalkForward(training=4, testing=3)
    assert [w.test_last for w in plain.windows(12)] == [7, 10]
    kept = WalkForward(training=4, testing=3, keep_tail=True)
    assert [w.test_last for w in kept.windows(12)] == [7, 10, 12]
    assert [w.test_last for w in kept.windows(10)] == [7, 10]


def test_too_short_history_says_what_would_fit():
    with pytest.raises(ConfigError, match=r"300 sessions .* 252 .* 63 = 315 .* training 240 .* 60"):
        WalkForward().windows(300)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"scheme": "rollin"}, "did you mean 'rolling'"),
        ({"overlap": 63}, "overlap is 63, wanted 0 to 62"),
        ({"testing": 0}, "testing is 0"),
        ({"embargo": 252}, "embargo is 252"),
    ],
)
def test_bad_windows_are_named(given, message):
    with pytest.raises(ConfigError, match=message):
        WalkForward(**given)


def test_newest_window_owns_a_shared_day():
    windows = WalkForward(training=4, testing=4, overlap=2).windows(12)
    assert newest_window(windows, 12).tolist() == [-1] * 4 + [0, 0, 1, 1, 2, 2, 2, 2]


def test_purge_drops_labels_that_reach_into_the_test():
    (window,) = WalkForward(training=6, testing=2).windows(8)
    ends = np.minimum(np.arange(8) + 2, 7)[:, None]
    assert purge(window, ends)[:, 0].tolist() == [True] * 4 + [False] * 2
    assert purge(window, ends, embargo=1)[:, 0].tolist() == [True] * 3 + [False] * 3


def test_purge_also_drops_labels_that_ended_early_but_might_not_have():
    (window,) = WalkForward(training=6, testing=2).windows(8)
    ends = np.arange(8)[:, None]
    assert purge(window, ends, reach=2)[:, 0].tolist() == [True] * 4 + [False] * 2


def test_purged_folds_by_hand():
    ends = np.minimum(np.arange(10) + 1, 9)[:, None]
    folds = list(purged_folds(ends, n_folds=2, embargo=1))
    train, test = folds[0]
    assert np.flatnonzero(test[:, 0]).tolist() == [0, 1, 2, 3, 4]
    # The labels of the test reach to row 5, and one more row is under embargo.
    assert np.flatnonzero(train[:, 0]).tolist() == [7, 8, 9]
    train, test = folds[1]
    assert np.flatnonzero(test[:, 0]).tolist() == [5, 6, 7, 8, 9]
    assert np.flatnonzero(train[:, 0]).tolist() == [0, 1, 2, 3]


def test_default_embargo_is_the_larger_of_five_sessions_and_one_percent():
    assert [default_embargo(n) for n in (100, 500, 501, 2520)] == [5, 5, 6, 26]
