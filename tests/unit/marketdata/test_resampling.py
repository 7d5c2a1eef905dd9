import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.instruments import Instrument
from tradewright.domain.intervals import NS_PER_MINUTE
from tradewright.marketdata import calendar_of, resample, sample_bars


def minutes(days, calendar="XNYS", keep=None, seed=1) -> Bars:
    """Minute bars of some sessions; `keep` drops a share of them."""
    sessions = calendar_of(calendar)
    rows = np.searchsorted(sessions.days, np.array(days, dtype="datetime64[D]"))
    parts = [
        sessions.bar_closes(int(sessions.opens[r]) + 1, int(sessions.closes[r]) + 1, "1m")
        for r in rows
    ]
    ts = np.concatenate(parts)
    random = np.random.default_rng(seed)
    if keep is not None:
        ts = ts[random.random(len(ts)) < keep]
    close = 100 + np.cumsum(random.normal(0, 0.05, len(ts))).round(2)
    opened = close + random.normal(0, 0.02, len(ts)).round(2)
    fields = {
        "open": opened,
        "high": np.maximum(opened, close) + 0.03,
        "low": np.minimum(opened, close) - 0.03,
        "close": close,
        "volume": random.integers(1, 100, len(ts)).astype(float),
    }
    instrument = Instrument("A", calendar=calendar)
    return Bars((instrument,), ts, **{k: v[:, None] for k, v in fields.items()}, interval="1m")


@pytest.mark.parametrize(
    ("interval", "whole", "half"),
    [("5m", 78, 42), ("15m", 26, 14), ("1h", 7, 4), ("4h", 2, 1), ("1d", 1, 1)],
)
def test_bars_of_a_whole_and_a_half_day(interval, whole, half):
    assert resample(minutes(["2023-11-22"]), interval).n_bars == whole
    assert resample(minutes(["2023-11-24"]), interval).n_bars == half


@pytest.mark.parametrize("day", ["2023-03-10", "2023-03-13", "2023-11-03", "2023-11-06"])
def test_hours_begin_at_the_open_on_both_sides_of_a_clock_change(day):
    calendar = calendar_of("XNYS")
    row = int(np.searchsorted(calendar.days, np.datetime64(day)))
    hours = resample(minutes([day]), "1h")
    steps = (hours.ts - calendar.opens[row]) // NS_PER_MINUTE
    assert steps.tolist() == [60, 120, 180, 240, 300, 360, 390]


@pytest.mark.parametrize(("day", "bars"), [("2023-03-12", 23), ("2023-11-05", 25)])
def test_continuous_day_of_a_clock_change_has_its_hours(day, bars):
    calendar = calendar_of("24/7", cut="America/New_York")
    row = int(np.searchsorted(calendar.days, np.datetime64(day)))
    first, last = int(calendar.opens[row]), int(calendar.closes[row])
    assert len(calendar.bar_closes(first + 1, last + 1, "1h")) == bars


def test_parts_sum_to_the_whole():
    fine = minutes(["2023-11-22", "2023-11-24"], keep=0.7)
    for interval in ("5m", "1h", "1d"):
        coarse = resample(fine, interval, keep_incomplete=True)
        assert coarse.volume.sum() == fine.volume.sum()
        assert (coarse.high.max(), coarse.low.min()) == (fine.high.max(), fine.low.min())
        assert (coarse.open[0], coarse.close[-1]) == (fine.open[0], fine.close[-1])
    daily = resample(fine, "1d", keep_incomplete=True)
    assert np.array_equal(resample(resample(fine, "5m", keep_incomplete=True), "1d",
                                   keep_incomplete=True).close, daily.close)  # fmt: skip
    assert daily.notes[-1] == "resampled_from 1m"


def test_last_bar_whose_end_is_not_reached_is_left_out():
    fine = minutes(["2023-11-22"]).rows(0, 100)
    assert resample(fine, "1h").n_bars == 1
    assert resample(fine, "1h", keep_incomplete=True).n_bars == 2
    with pytest.raises(DataError, match="one whole 1d bar"):
        resample(fine, "1d")


def test_weeks_and_months_end_with_their_last_session():
    daily = sample_bars(["IBM", "GLD"], "2010-12-27", "2011-03-01")
    weekly = resample(daily, "1wk")
    assert str(weekly.times[0])[:10] == "2010-12-31"
    assert "2011-02-25" in [str(t)[:10] for t in weekly.times]
    first = slice(0, 5)
    assert weekly.high[0, 0] == daily.high[first, 0].max()
    assert weekly.volume[0, 0] == daily.volume[first, 0].sum()
    monthly = resample(daily, "1mo")
    assert [str(t)[:10] for t in monthly.times] == ["2010-12-31", "2011-01-31", "2011-02-28"]


def test_missing_parts_are_left_out_and_an_empty_bar_is_missing():
    daily = sample_bars(["GLD", "IBM"], "2011-02-14", "2011-02-19")
    weekly = resample(daily, "1wk")
    there = ~np.isnan(daily.close[:, 0])
    assert there.sum() == 4
    assert weekly.volume[0, 0] == daily.volume[there, 0].sum()
    empty = daily.rows(3, 4)
    assert np.isnan(empty.close[0, 0])
    friday = sample_bars(["GLD", "IBM"], "2011-02-17", "2011-02-18")
    assert np.isnan(resample(friday, "1wk", keep_incomplete=True).close[0, 0])


def test_intervals_that_do_not_divide_are_refused():
    fine = minutes(["2023-11-22"])
    with pytest.raises(ConfigError, match="1h cannot be put together to bars of 90m"):
        resample(resample(fine, "1h"), "90m")
    with pytest.raises(ConfigError, match="1d cannot"):
        resample(sample_bars("SPY"), "1h")
    assert resample(fine, "1m") is fine


def test_bar_outside_every_session_is_named():
    fine = minutes(["2023-11-22"])
    night = Bars(
        fine.instruments,
        fine.ts + 12 * 60 * NS_PER_MINUTE,
        *(getattr(fine, n) for n in ("open", "high", "low", "close", "volume")),
        interval="1m",
    )
    with pytest.raises(DataError, match="outside every XNYS session"):
        resample(night, "1h")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["5m", "15m", "1h", "4h"]))
def test_coarse_bar_is_known_by_its_parts_only(seed, interval):
    """Cutting the fine bars never changes a coarse bar that closed before the cut."""
    fine = minutes(["2023-11-03", "2023-11-06"], keep=0.5, seed=seed)
    whole = resample(fine, interval, keep_incomplete=True)
    cut = 1 + seed % (fine.n_bars - 1)
    part = resample(fine.rows(0, cut), interval, keep_incomplete=True)
    done = int((part.ts <= fine.ts[cut - 1]).sum())
    for name in ("open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(part, name)[:done], getattr(whole, name)[:done])
