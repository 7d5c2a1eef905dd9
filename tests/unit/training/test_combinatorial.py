"""Combinatorial purged folds: counts, disjointness, paths, and what a model may see."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.errors import ConfigError
from tradewright.training.combinatorial import Combinatorial, path_forecasts
from tradewright.training.labels import Labels
from tradewright.training.walk_forward import FitSettings


def labels_end(rows: int, horizon: int, columns: int = 2) -> np.ndarray:
    ends = np.minimum(np.arange(rows) + horizon, rows - 1)
    return np.repeat(ends[:, None], columns, axis=1)


def test_six_groups_of_which_two_are_tested_make_15_splits_and_5_paths() -> None:
    folds = Combinatorial()
    splits = list(folds.splits(labels_end(600, 5)))
    assert len(splits) == folds.n_splits == 15
    assert [split.tested for split in splits] == list(combinations(range(6), 2))
    assert len(folds.paths()) == folds.n_paths == 5
    tested = sum(split.test.astype(int) for split in splits)
    assert (tested == 5).all()  # every decision is tested once for each path


def test_paths_use_every_test_of_every_group_once() -> None:
    folds = Combinatorial()
    used = [(group, split) for path in folds.paths() for group, split in enumerate(path)]
    chosen = list(combinations(range(6), 2))
    assert sorted(used) == sorted((g, i) for i, pair in enumerate(chosen) for g in pair)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(40, 200),
    horizon=st.integers(0, 12),
    groups=st.integers(2, 6),
    tested=st.integers(1, 5),
    embargo=st.integers(0, 15),
)
def test_no_training_label_meets_a_test_span_or_its_embargo(
    rows: int, horizon: int, groups: int, tested: int, embargo: int
) -> None:
    if tested >= groups:
        return
    folds = Combinatorial(groups, tested, embargo)
    ends = labels_end(rows, horizon, 1)
    edges = folds.edges(rows)
    for split in folds.splits(ends):
        assert not (split.train & split.test).any()
        learned = np.flatnonzero(split.train[:, 0])
        for group in split.tested:
            first, last = edges[group], edges[group + 1]
            reach = ends[first:last].max()
            before = ends[learned, 0] < first
            after = learned > reach + embargo
            assert (before | after).all()


def test_settings_out_of_range_are_named() -> None:
    for given_, said in (
        ({"groups": 1}, "groups is 1"),
        ({"tested": 6}, "tested is 6, wanted 1 to 5"),
        ({"embargo": -1}, "embargo is -1"),
    ):
        with pytest.raises(ConfigError, match=said):
            Combinatorial(**given_)
    with pytest.raises(ConfigError, match="4 sessions cannot be cut into 6 groups"):
        Combinatorial().edges(4)


class _Table:
    names = ("signal",)

    def __init__(self, values: np.ndarray) -> None:
        self.values = values


def _planted(rows: int = 300) -> tuple[_Table, Labels]:
    random = np.random.default_rng(1)
    signal = random.normal(size=(rows, 3))
    signal[:20] = np.nan  # warm-up
    value = 0.01 * np.nan_to_num(signal) + random.normal(0, 0.001, signal.shape)
    value[-2:] = np.nan
    labels = Labels(
        kind="forward_return",
        symbols=("A", "B", "C"),
        ts=np.arange(rows, dtype=np.int64) * 10**9,
        value=value,
        classes=None,
        end_row=labels_end(rows, 2, 3),
        horizon_bars=2,
    )
    return _Table(signal[:, :, None]), labels


def test_every_path_forecasts_every_row_out_of_sample() -> None:
    table, labels = _planted()
    settings_ = FitSettings(model="ridge")
    panels = path_forecasts(table, labels, settings=settings_, folds=Combinatorial())
    assert len(panels) == 5
    for panel in panels:
        assert np.isnan(panel.mean[:20]).all()
        assert np.isfinite(panel.mean[20:]).all()
        both = np.isfinite(labels.value) & np.isfinite(panel.mean)
        assert np.corrcoef(panel.mean[both], labels.value[both])[0, 1] > 0.9
    assert not np.array_equal(panels[0].mean[20:], panels[1].mean[20:])


def test_what_a_split_tests_changes_nothing_that_it_forecasts() -> None:
    table, labels = _planted()
    folds = Combinatorial()
    first, last = (int(edge) + 20 for edge in folds.edges(280)[2:4])
    settings_ = FitSettings(model="ridge")
    before = path_forecasts(table, labels, settings=settings_, folds=folds)
    labels.value[first:last] *= -50.0
    after = path_forecasts(table, labels, settings=settings_, folds=folds)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.mean[first:last], other.mean[first:last])
    pairs = list(zip(before, after, strict=True))
    assert not all(np.array_equal(a.mean[last:], b.mean[last:]) for a, b in pairs)
