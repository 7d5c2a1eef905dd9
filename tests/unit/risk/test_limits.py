"""Limits on weights and losses."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewright.domain.errors import ConfigError, RiskError
from tradewright.risk import (
    RiskLimits,
    drawdown_breached,
    limit_weights,
    reduce_only_quantity,
    stop_loss_breached,
)

SYMBOLS = ("A", "B", "C", "D")
SECTORS = ("tech", "tech", "oil", "")


def limited(weights, held=None, **limits):
    return limit_weights(
        np.array(weights, float), RiskLimits(**limits), symbols=SYMBOLS, sectors=SECTORS,
        held=None if held is None else np.array(held, float),
    )  # fmt: skip


def test_position_then_sector_then_gross():
    weights, report = limited([0.5, 0.2, 0.3, 0.4], max_position=0.3, max_sector=0.4, max_gross=0.8)
    # 0.5 -> 0.3; tech 0.3 + 0.2 -> 0.24 + 0.16; all 1.0 (0.24 0.16 0.3 0.3) -> 0.8
    np.testing.assert_allclose(weights, [0.192, 0.128, 0.24, 0.24])
    assert [(r, n, round(v, 6), m) for r, n, v, m in report.cuts] == [
        ("max_position", "A", 0.5, 0.3),
        ("max_position", "D", 0.4, 0.3),
        ("max_sector", "tech", 0.7, 0.4),
        ("max_gross", "all", 1.0, 0.8),
    ]


def test_what_is_left_alone_counts_with_what_is_held():
    weights, _ = limited([np.nan, 0.5, 0.5, np.nan], held=[0.3, 0.9, 0, 0], max_gross=1.0)
    np.testing.assert_allclose(weights, [np.nan, 0.35, 0.35, np.nan])


@given(
    st.lists(st.floats(-2, 2), min_size=4, max_size=4),
    st.floats(0.05, 1),
    st.floats(0.05, 1),
    st.floats(0.05, 2),
)
def test_no_limit_is_passed_and_nothing_grows(weights, position, sector, gross):
    got, _ = limited(weights, max_position=position, max_sector=sector, max_gross=gross)
    assert (np.abs(got) <= np.minimum(np.abs(weights), position) + 1e-12).all()
    assert abs(got[0]) + abs(got[1]) <= sector + 1e-9
    assert abs(got[2]) <= sector + 1e-9
    assert np.abs(got).sum() <= gross + 1e-9
    assert (got * np.array(weights) >= 0).all()


def test_infinite_weight_is_refused():
    with pytest.raises(RiskError, match="target weight of B is infinite"):
        limited([0, math.inf, 0, 0])


@pytest.mark.parametrize("name", ["max_position", "max_gross", "max_drawdown", "stop_loss"])
@pytest.mark.parametrize("value", [0.0, -0.1, math.nan])
def test_a_limit_must_be_positive(name, value):
    with pytest.raises(ConfigError, match=f"risk.{name}"):
        RiskLimits(**{name: value})


def test_drawdown_at_its_edge():
    assert drawdown_breached(8_500, 10_000, 0.15)
    assert not drawdown_breached(8_501, 10_000, 0.15)
    assert not drawdown_breached(0, 10_000, None)


def test_stop_loss_at_its_edge_for_both_sides():
    assert stop_loss_breached(5, 100.0, 92.0, 0.08)
    assert not stop_loss_breached(5, 100.0, 92.01, 0.08)
    assert stop_loss_breached(-5, 100.0, 108.0, 0.08)
    assert not stop_loss_breached(-5, 100.0, 107.99, 0.08)
    assert not stop_loss_breached(0, 100.0, 1.0, 0.08)
    assert not stop_loss_breached(5, math.nan, 1.0, 0.08)


@given(st.integers(-20, 20), st.integers(-20, 20))
def test_reduce_only_never_grows_or_turns(target, held):
    got = reduce_only_quantity(target, held)
    assert abs(got) <= abs(held)
    assert got * held >= 0
    if 0 <= target * (1 if held >= 0 else -1) <= abs(held):
        assert got == target
