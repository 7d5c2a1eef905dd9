"""Hand-worked cases and an independent library."""

from __future__ import annotations

import math

import empyrical
import numpy as np
import pytest

from tradewright.domain.errors import DataError
from tradewright.marketdata import calendar_of
from tradewright.metrics.benchmark import buy_and_hold, relative_performance
from tradewright.metrics.drawdowns import Drawdown, drawdown_series, drawdown_table, path_risk
from tradewright.metrics.returns import annual_return, performance, returns_of
from tradewright.metrics.sessions import (
    monthly_returns,
    periods_per_year,
    session_rows,
    yearly_returns,
)

HOUR = 3_600_000_000_000


def walk(seed: int, n: int = 600) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0004, 0.012, n)


def ns(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[ns]").view("i8")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("ignore::DeprecationWarning:empyrical")
def test_ratios_equal_empyrical(seed: int) -> None:
    r, rf = walk(seed), 0.02
    found = performance(r, periods_per_year=252, risk_free=rf)
    daily = rf / 252
    assert found["sharpe"] == pytest.approx(empyrical.sharpe_ratio(r, risk_free=daily))
    assert found["sortino"] == pytest.approx(empyrical.sortino_ratio(r, required_return=daily))
    assert found["annual_return"] == pytest.approx(empyrical.annual_return(r))
    assert found["annual_volatility"] == pytest.approx(empyrical.annual_volatility(r))
    assert found["cvar_95"] == pytest.approx(-empyrical.conditional_value_at_risk(r, 0.05))
    assert found["tail_ratio"] == pytest.approx(empyrical.tail_ratio(r))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("ignore::DeprecationWarning:empyrical")
def test_measures_against_a_benchmark_equal_empyrical(seed: int) -> None:
    b = walk(seed)
    r = 0.6 * b + walk(seed + 100)
    found = relative_performance(r, b, periods_per_year=252, risk_free=0.0)
    assert found["beta"] == pytest.approx(empyrical.beta(r, b))
    compounded = (1 + found["alpha"] / 252) ** 252 - 1
    assert compounded == pytest.approx(empyrical.alpha(r, b))
    daily_ratio = found["information_ratio"] / math.sqrt(252)
    assert daily_ratio == pytest.approx(empyrical.excess_sharpe(r, b))
    import pandas as pd

    up, down = (
        capture(pd.Series(r), pd.Series(b), period="yearly")
        for capture in (empyrical.up_capture, empyrical.down_capture)
    )
    assert found["up_capture"] == pytest.approx(up)
    assert found["down_capture"] == pytest.approx(down)


def test_total_loss_is_minus_one_and_stays_lost() -> None:
    found = performance(returns_of([100.0, 50.0, 0.0, 0.0]), periods_per_year=252)
    assert found["total_return"] == -1.0
    assert found["annual_return"] == -1.0
    assert found["worst_session"] == -1.0
    assert returns_of([100.0, -20.0]).tolist() == [-1.0]


def test_returns_that_do_not_vary_have_no_ratios(recwarn: pytest.WarningsRecorder) -> None:
    found = performance(np.full(50, 0.001), periods_per_year=252)
    assert math.isnan(found["sharpe"])
    assert math.isnan(found["skew"])
    assert math.isnan(found["sortino"])
    assert found["annual_return"] == pytest.approx(1.001**252 - 1)
    assert not recwarn.list


def test_one_session_and_none_give_nan_without_warning(recwarn: pytest.WarningsRecorder) -> None:
    assert math.isnan(performance([], periods_per_year=252)["total_return"])
    single = performance([0.1], periods_per_year=252)
    assert single["total_return"] == pytest.approx(0.1)
    assert math.isnan(single["annual_volatility"])
    assert not recwarn.list


def test_huge_short_gain_does_not_overflow() -> None:
    assert annual_return(np.array([1e6]), periods_per_year=252) == math.inf


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([0.1, math.nan], "row 1 is not a finite"),
        ([-1.5], "below -1"),
        ([[0.1]], "2 dimensions"),
    ],
)
def test_bad_returns_are_named(bad: list[float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        performance(bad, periods_per_year=252)


def test_path_risk_by_hand() -> None:
    equity = np.array([100, 120, 90, 60, 130, 117], dtype=np.int64)
    long = np.array([0, 60, 45, 0, 0, 0], dtype=np.int64)
    short = np.array([0, 0, 0, -30, 0, 0], dtype=np.int64)
    found = path_risk(equity, long, short)
    assert found.worst == Drawdown(-0.5, 1, 3, 4)
    assert found.current == pytest.approx(-0.1)
    assert found.under_water == pytest.approx(3 / 6)
    assert found.mean == pytest.approx((-0.25 - 0.5 - 0.1) / 6)
    assert found.ulcer_index == pytest.approx(math.sqrt((0.0625 + 0.25 + 0.01) / 6))
    assert (found.longest_start, found.longest_end) == (1, 3)
    assert found.in_market == pytest.approx(3 / 6)
    assert found.mean_gross == pytest.approx(1.5 / 6)
    assert found.mean_net == pytest.approx(0.5 / 6)
    assert found.max_gross == pytest.approx(0.5)


def test_rising_equity_has_no_drawdown() -> None:
    equity = np.array([100, 100, 110], dtype=np.int64)
    none = np.zeros(3, dtype=np.int64)
    found = path_risk(equity, none, none)
    assert found.worst == Drawdown(0.0, 0, 0, 0)
    assert found.under_water == 0.0
    assert drawdown_table(equity.astype(float)) == []


def test_equity_below_zero_is_a_fall_of_everything() -> None:
    none = np.zeros(2, dtype=np.int64)
    assert path_risk(np.array([100, -50]), none, none).worst.depth == -1.0
    assert drawdown_series(np.array([100.0, -50.0])).tolist() == [0.0, -1.0]


def test_open_drawdown_has_no_recovery() -> None:
    assert drawdown_table(np.array([10.0, 12.0, 9.0]))[0] == Drawdown(-0.25, 1, 2, -1)


def test_buy_and_hold_keeps_the_last_close_of_a_dead_instrument() -> None:
    close = np.array([[10.0, 50.0, np.nan], [20.0, np.nan, 7.0], [30.0, np.nan, 9.0]])
    assert buy_and_hold(close).tolist() == [1.0, 1.5, 2.0]


def test_benchmark_that_does_not_move_has_no_beta() -> None:
    found = relative_performance(walk(1), np.zeros(600), periods_per_year=252)
    assert math.isnan(found["beta"])
    assert math.isnan(found["correlation"])
    assert math.isnan(found["up_capture"])


def test_benchmark_of_another_length_is_refused() -> None:
    with pytest.raises(DataError, match="3 returns, the strategy 2"):
        relative_performance(np.zeros(2), np.zeros(3), periods_per_year=252)


def test_new_york_session_ends_at_its_last_bar_in_winter_and_summer() -> None:
    ts = ns(
        "2021-03-12T20:59", "2021-03-12T21:00", "2021-03-15T13:31", "2021-03-15T20:00",
        "2021-03-16T00:30", "2021-03-16T13:31",
    )  # fmt: skip
    assert session_rows(ts, interval="1m", calendar="XNYS").tolist() == [1, 4, 5]


def test_crypto_day_ends_with_the_bar_closing_at_midnight() -> None:
    ts = ns("2021-01-01T23:00", "2021-01-02T00:00", "2021-01-02T01:00")
    assert session_rows(ts, interval="1h", calendar="24/7").tolist() == [1, 2]


@pytest.mark.parametrize("name", ["XNYS", "XASX", "XTKS", "XLON", "24/5"])
def test_sessions_are_those_of_the_calendar_on_both_sides_of_a_clock_change(name: str) -> None:
    calendar = calendar_of(name)
    for day in ("2021-03-10", "2021-04-01", "2021-10-01", "2021-11-01", "2021-12-28"):
        first = int(ns(day)[0])
        closes = calendar.bar_closes(first, first + 12 * 24 * HOUR, "1h")
        number = calendar.session_of(closes)
        wanted = np.append(np.flatnonzero(np.diff(number)), len(closes) - 1)
        found = session_rows(closes, interval="1h", calendar=name)
        assert found.tolist() == wanted.tolist()


def test_daily_rows_are_all_sessions() -> None:
    assert session_rows(np.arange(4) * HOUR, interval="1d").tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("interval", "calendar", "kind", "wanted"),
    [
        ("1d", "XNYS", "stock", 252.0),
        ("1m", "XNYS", "etf", 252.0),
        ("1h", "24/5", "forex", 260.0),
        ("1d", "24/7", "crypto", 365.0),
        ("1wk", "XNYS", "stock", 52.0),
        ("1mo", "24/7", "crypto", 12.0),
    ],
)
def test_periods_per_year(interval: str, calendar: str, kind: str, wanted: float) -> None:
    assert periods_per_year(interval=interval, calendar=calendar, asset_class=kind) == wanted


def test_months_and_years_by_hand() -> None:
    ts = ns("2019-12-30", "2019-12-31", "2020-01-31", "2020-03-02")
    levels = np.array([100.0, 110.0, 121.0, 60.5])
    months = monthly_returns(ts, levels)
    assert [(y, m) for y, m, _ in months] == [(2019, 12), (2020, 1), (2020, 3)]
    assert [round(value, 12) for *_, value in months] == [0.1, 0.1, -0.5]
    assert [(y, round(v, 12)) for y, v in yearly_returns(ts, levels)] == [
        (2019, 0.1),
        (2020, -0.45),
    ]
