"""No training label meets a test interval, for random panels, windows and embargoes (I42)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewright.domain.errors import ConfigError
from tradewright.training.splits import WalkForward, newest_window, purge, purged_folds


@st.composite
def panels(draw, most=80):
    n_bars = draw(st.integers(8, most))
    n_instruments = draw(st.integers(1, 4))
    seed = draw(st.integers(0, 2**31 - 1))
    reach = draw(st.integers(0, 12))
    random = np.random.default_rng(seed)
    rows = np.arange(n_bars)[:, None]
    ends = rows + random.integers(0, reach + 1, (n_bars, n_instruments))
    return np.minimum(ends, n_bars - 1), reach


@st.composite
def schemes(draw):
    testing = draw(st.integers(1, 12))
    training = draw(st.integers(1, 30))
    return WalkForward(
        scheme=draw(st.sampled_from(["rolling", "expanding", "fixed"])),
        training=training,
        testing=testing,
        overlap=draw(st.integers(0, testing - 1)),
        embargo=draw(st.integers(0, training - 1)),
        keep_tail=draw(st.booleans()),
    )


@given(panels(), schemes())
def test_walk_forward_training_labels_end_before_the_embargoed_test(panel, scheme):
    ends, reach = panel
    n_bars = len(ends)
    if n_bars < scheme.training + scheme.testing:
        with pytest.raises(ConfigError):
            scheme.windows(n_bars)
        return
    for window in scheme.windows(n_bars):
        used = purge(window, ends, embargo=scheme.embargo, reach=reach)
        for row, column in np.argwhere(used):
            at = window.train_first + row
            assert at <= ends[at, column] < window.test_first - scheme.embargo
            assert at + reach < window.test_first - scheme.embargo


@given(panels(), st.integers(2, 6), st.integers(0, 10))
def test_purged_folds_keep_label_intervals_apart(panel, n_folds, embargo):
    ends, _ = panel
    tested = np.zeros(ends.shape, dtype=int)
    for train, test in purged_folds(ends, n_folds=n_folds, embargo=embargo):
        tested += test
        rows = np.flatnonzero(test.any(axis=1))
        first, last = rows[0], int(ends[rows].max()) + embargo
        for row, column in np.argwhere(train):
            assert ends[row, column] < first or row > last
    assert (tested == 1).all()


@given(st.integers(1, 400), schemes())
def test_window_count_equals_a_brute_force_count(n_sessions, scheme):
    length = scheme.training + scheme.testing
    starts, start = 0, 0
    while start + length <= n_sessions:
        starts += 1
        start += length if scheme.scheme == "fixed" else scheme.testing - scheme.overlap
    plain = WalkForward(
        scheme=scheme.scheme,
        training=scheme.training,
        testing=scheme.testing,
        overlap=scheme.overlap,
    )
    if starts == 0:
        with pytest.raises(ConfigError):
            plain.windows(n_sessions)
        return
    windows = plain.windows(n_sessions)
    assert len(windows) == starts
    if plain.scheme != "fixed":
        assert starts == (n_sessions - length) // plain.step + 1
    else:
        assert starts == n_sessions // length


@given(st.integers(30, 200), schemes())
def test_out_of_sample_days_are_counted_once_and_without_holes(n_sessions, scheme):
    if n_sessions < scheme.training + scheme.testing or scheme.scheme == "fixed":
        return
    owner = newest_window(scheme.windows(n_sessions), n_sessions)
    covered = np.flatnonzero(owner >= 0)
    assert covered[0] == scheme.training
    assert (np.diff(covered) == 1).all()
    assert (np.diff(owner[covered]) >= 0).all()
