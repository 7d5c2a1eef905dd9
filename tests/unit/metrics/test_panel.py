"""Many series at once equal one series at a time, and empyrical."""

from __future__ import annotations

import empyrical
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.errors import DataError
from tradewright.metrics.drawdowns import drawdown_series
from tradewright.metrics.panel import performance_panel
from tradewright.metrics.returns import performance


def some(n: int, k: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    table = rng.standard_t(4, (n, k)) * 0.01
    return np.maximum(table, -1.0)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(0, 90), k=st.integers(1, 80), seed=st.integers(0, 10**6))
def test_panel_equals_one_series_at_a_time(n: int, k: int, seed: int) -> None:
    table = some(n, k, seed)
    if k > 3:
        table[:, 1] = 0.0
        table[:, 2] = 0.001
        table[n // 2 : n // 2 + 1, 3] = -1.0
    found = performance_panel(table, periods_per_year=252, tails=True)
    for column in range(k):
        wanted = performance(table[:, column], periods_per_year=252)
        for name, value in wanted.items():
            if name in found:
                np.testing.assert_allclose(
                    found[name][column], value, rtol=1e-7, atol=1e-11, err_msg=f"{name} {column}"
                )
        if n:
            assert set(wanted) <= set(found)
            levels = np.concatenate(([1.0], np.cumprod(1 + table[:, column])))
            fall = drawdown_series(levels).min()
            assert found["max_drawdown"][column] == pytest.approx(fall, abs=1e-12)


def test_panel_equals_empyrical() -> None:
    table = some(500, 7, 3)
    found = performance_panel(table, periods_per_year=252, risk_free=0.0)
    for name, theirs in (
        ("annual_return", empyrical.annual_return),
        ("annual_volatility", empyrical.annual_volatility),
        ("sharpe", empyrical.sharpe_ratio),
        ("sortino", empyrical.sortino_ratio),
        ("max_drawdown", empyrical.max_drawdown),
    ):
        np.testing.assert_allclose(found[name], np.asarray(theirs(table)), rtol=1e-9)


def test_panel_does_not_depend_on_the_number_of_threads() -> None:
    table = some(200, 301, 4)
    one = performance_panel(table, periods_per_year=252, tails=True, workers=1)
    for workers in (2, 5):
        other = performance_panel(table, periods_per_year=252, tails=True, workers=workers)
        for name, values in one.items():
            assert values.tobytes() == other[name].tobytes()


@pytest.mark.parametrize(
    ("value", "match"),
    [(np.nan, "session 3 of series 2 is nan"), (-1.5, "is -1.5"), (np.inf, "inf")],
)
def test_bad_return_is_named(value: float, match: str) -> None:
    table = some(20, 5, 1)
    table[3, 2] = value
    with pytest.raises(DataError, match=match):
        performance_panel(table, periods_per_year=252)


def test_one_series_alone_is_refused() -> None:
    with pytest.raises(DataError, match="1 dimensions"):
        performance_panel(np.zeros(5), periods_per_year=252)
