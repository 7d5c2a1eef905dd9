"""Neighbours of a set against a model that looks at every pair."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.errors import ConfigError
from tradewright.metrics.trials.plateau import kept_share, neighbour_means


def by_pairs(places, values):
    means, counts = [], []
    for own in places:
        near = {
            tuple(other): value
            for other, value in zip(places, values, strict=True)
            if 0 < max(abs(a - b) for a, b in zip(own, other, strict=True)) <= 1
        }
        found = [0.0 if math.isnan(value) else value for value in near.values()]
        means.append(sum(found) / len(found) if found else math.nan)
        counts.append(len(found))
    return means, counts


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_means_are_those_of_every_pair_that_is_one_step_apart(data) -> None:
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    place = st.tuples(*(st.integers(0, size - 1) for size in sizes))
    places = data.draw(st.lists(place, min_size=1, max_size=30, unique=True))
    number = st.one_of(st.just(math.nan), st.floats(-3, 3))
    values = data.draw(st.lists(number, min_size=len(places), max_size=len(places)))
    means, counts = neighbour_means(np.array(places), np.array(values), sizes)
    wanted, near = by_pairs(places, values)
    assert counts.tolist() == near
    np.testing.assert_allclose(means, wanted, atol=1e-12)


def test_a_set_tried_twice_is_one_neighbour() -> None:
    places = np.array([[0], [1], [1], [2]])
    means, counts = neighbour_means(places, np.array([1.0, 3.0, 3.0, 2.0]), [3])
    assert counts.tolist() == [1, 2, 2, 1]
    assert means.tolist() == [3.0, 1.5, 1.5, 3.0]


def test_a_plateau_keeps_all_a_peak_nothing_and_a_loss_has_no_share() -> None:
    values = np.array([1.0, 1.0, 1.0, 1.0, -1.0, math.nan])
    means = np.array([1.2, 0.5, 0.0, -2.0, 1.0, 1.0])
    np.testing.assert_array_equal(
        kept_share(values, means), [1.0, 0.5, 0.0, 0.0, math.nan, math.nan]
    )


def test_a_grid_too_large_to_hold_is_refused() -> None:
    with pytest.raises(ConfigError, match="grid has 27,000,000,000 places"):
        neighbour_means(np.zeros((1, 3), dtype=np.int64), np.zeros(1), [3000, 3000, 3000])
