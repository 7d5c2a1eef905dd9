"""Coarser bars in a strategy: known from their close on, never from their open."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, NoDataError
from tradewright.domain.instruments import Instrument
from tradewright.domain.time import from_ns, to_ns
from tradewright.features import compute, parse_features
from tradewright.marketdata import resample
from tradewright.services.backtest import backtest, plan_backtest, run_outcome
from tradewright.strategies import Strategy

DAYS = [datetime(2015, 1, day, tzinfo=UTC) for day in (5, 6, 7, 8, 9, 12, 13)]


def hourly(seed=0, days=DAYS):
    """Bars of New York sessions: 15:30, 16:30 … 20:30 and the last half hour, UTC."""
    ts = [
        to_ns(day + timedelta(hours=15 + hour, minutes=30 if hour < 6 else 0))
        for day in days
        for hour in range(7)
    ]
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (len(ts), 2)), axis=0))
    open_ = close * np.exp(rng.normal(0, 0.003, close.shape))
    high, low = np.maximum(open_, close) * 1.001, np.minimum(open_, close) * 0.999
    volume = rng.integers(100, 1000, close.shape).astype(float)
    return Bars(
        (Instrument("A"), Instrument("B")), np.array(ts), open_, high, low, close, volume,
        interval="1h",
    )  # fmt: skip


class Look(Strategy):
    """Keeps everything a strategy can see of days while it walks over hours."""

    def __init__(self, indicator=None):
        self.name, self.indicator, self.seen = "look", indicator, []

    def on_bar(self, ctx, bar):
        self.seen.append(
            (
                ctx.now,
                [ctx.history("A", 3, f, interval="1d").tolist() for f in ("open", "close")],
                ctx.history("B", 99, "volume", interval="1d").tolist(),
                ctx.closed("1d"),
                ctx.indicator(self.indicator, "B", interval="1d") if self.indicator else None,
            )
        )


def walked(bars, **how):
    look = Look(**how)
    outcome = run_outcome(plan_backtest(look, bars))
    assert outcome.status.value == "COMPLETED", outcome.message
    return look.seen


def test_a_day_is_known_at_its_close_and_not_an_hour_before():
    bars = hourly()
    days = resample(bars, "1d")
    for row, (now, (opens, closes), volumes, is_closed, _) in enumerate(walked(bars)):
        done = (row + 1) // 7  # whole sessions behind this bar
        assert closes == days.close[max(done - 3, 0) : done, 0].tolist()
        assert opens == days.open[max(done - 3, 0) : done, 0].tolist()
        assert volumes == days.volume[:done, 1].tolist()
        assert is_closed is (row % 7 == 6)
        assert now.hour == (21 if is_closed else now.hour)


def test_an_indicator_on_days_is_that_of_the_days_alone():
    bars = hourly()
    days = resample(bars, "1d")
    alone = compute(parse_features(["sma(3)"]), days).values[:, 1, 0]
    seen = walked(bars, indicator="sma(3)")
    for row, (*_, value) in enumerate(seen):
        done = (row + 1) // 7
        np.testing.assert_equal(value, alone[done - 1] if done else np.nan)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.integers(1, 48), st.sampled_from([np.nan, 1e6]))
def test_what_comes_later_changes_nothing_that_was_seen(seed, cut, poison):
    bars = hourly(seed)
    whole = walked(bars, indicator="sma(2)")
    part = walked(bars.rows(0, cut), indicator="sma(2)")
    np.testing.assert_equal(part, whole[:cut])
    spoiled = {}
    for name in ("open", "high", "low", "close", "volume"):
        spoiled[name] = getattr(bars, name).copy()
        spoiled[name][cut:] *= poison
    other = Bars(bars.instruments, bars.ts, **spoiled, interval="1h")
    np.testing.assert_equal(walked(other, indicator="sma(2)")[:cut], whole[:cut])


def test_a_tape_that_begins_inside_a_day_does_not_show_that_day():
    bars = hourly().rows(3, 30)
    days = resample(hourly(), "1d")
    seen = walked(bars)
    assert [volumes for *_, volumes, is_closed, _ in seen if is_closed] == [
        [], days.volume[1:2, 1].tolist(), days.volume[1:3, 1].tolist(),
        days.volume[1:4, 1].tolist(),
    ][1:]  # fmt: skip


def test_a_tape_without_a_whole_bar_shows_none():
    seen = walked(hourly().rows(0, 4), indicator="sma(2)")
    assert [(a, b, c) for _, a, b, c, _ in seen] == [([[], []], [], False)] * 4
    assert all(np.isnan(value) for *_, value in seen)


def test_a_finer_interval_than_the_tape_is_refused_and_named():
    class Finer(Strategy):
        def on_bar(self, ctx, bar):
            ctx.history("A", 1, interval="1m")

    with pytest.warns(RuntimeWarning, match="bars of 1h cannot be put together to bars of 1m"):
        backtest(Finer(), hourly())


def test_the_tapes_own_interval_is_the_tape():
    class Own(Strategy):
        seen = ()

        def on_bar(self, ctx, bar):
            self.seen = (ctx.history("A", 2, interval="1h").tolist(), ctx.closed("1h"))

    own = Own()
    bars = hourly()
    run_outcome(plan_backtest(own, bars))
    assert own.seen == (bars.close[-2:, 0].tolist(), True)


def test_resampling_nothing_whole_is_an_error_of_missing_data():
    with pytest.raises(NoDataError, match="do not fill one whole 1d bar"):
        resample(hourly().rows(0, 4), "1d")
    with pytest.raises(ConfigError):
        resample(hourly(), "1m")
    assert from_ns(int(resample(hourly(), "1d").ts[0])) == datetime(2015, 1, 5, 21, tzinfo=UTC)
