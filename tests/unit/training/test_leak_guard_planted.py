"""Leaks planted on purpose: every one is caught, and the right column is named."""

import numpy as np
import pandas as pd
import pytest

from tradewright import features as tf
from tradewright.domain.bars import Bars
from tradewright.domain.errors import LeakError
from tradewright.domain.instruments import Instrument
from tradewright.training.leak_guard import GuardSettings, SideTable, check

DAY = 86_400_000_000_000
N, M = 200, 5


def make_bars(n=N, m=M, seed=11, interval="1d"):
    rng = np.random.default_rng(seed)
    close = 40 * np.exp(np.cumsum(rng.normal(0, 0.02, (n, m)), axis=0))
    open_ = close * np.exp(rng.normal(0, 0.005, (n, m)))
    high, low = np.maximum(open_, close) * 1.004, np.minimum(open_, close) * 0.996
    volume = rng.integers(1_000, 90_000, (n, m)).astype(float)
    days = np.arange(n)
    ts = 1_104_786_000_000_000_000 + (days // 5 * 7 + days % 5) * DAY
    if interval != "1d":
        ts = 1_104_786_000_000_000_000 + days * 3_600_000_000_000
    for field in (open_, high, low, close, volume):
        field[: n // 3, m - 1] = np.nan  # listed later
        field[n // 2 :, m - 2] = np.nan  # delisted
    names = tuple(Instrument(f"S{i}") for i in range(m))
    return Bars(names, ts, open_, high, low, close, volume, interval=interval)


@pytest.fixture(scope="module")
def bars():
    return make_bars()


def frame(bars):
    return pd.DataFrame(bars.close)


def every(k, bars):
    return np.broadcast_to(np.arange(bars.n_bars)[:, None] % k == 0, bars.close.shape)


def returns(bars):
    out = np.full(bars.close.shape, np.nan)
    out[1:] = bars.close[1:] / bars.close[:-1] - 1
    return out


def centred_window(bars):
    return frame(bars).rolling(5, center=True).mean().to_numpy()


def next_close(bars):
    return frame(bars).shift(-1).to_numpy()


def target_in_features(bars):
    return (frame(bars).shift(-5) / frame(bars) - 1).to_numpy()


def zscore_of_all(bars):
    return ((frame(bars) - frame(bars).mean()) / frame(bars).std()).to_numpy()


def minmax_of_all(bars):
    low, high = np.nanmin(bars.close, axis=0), np.nanmax(bars.close, axis=0)
    return (bars.close - low) / (high - low)


def back_filled(bars):
    thin = frame(bars).where(every(3, bars))
    return thin.bfill().to_numpy()


def interpolated(bars):
    thin = frame(bars).where(every(4, bars))
    return thin.interpolate(limit_direction="both").to_numpy()


def next_open_gap(bars):
    return (pd.DataFrame(bars.open).shift(-1) / frame(bars) - 1).to_numpy()


def weekly_close_stamped_at_its_open(bars):
    week = pd.Series((bars.ts - 4 * DAY) // (7 * DAY))
    return frame(bars).groupby(week).transform("last").to_numpy()


def volume_of_the_day_known_at_open(bars):
    day = pd.Series((bars.ts - 1) // (5 * DAY))
    return pd.DataFrame(bars.volume).groupby(day).transform("sum").to_numpy()


def survivors_only(bars):
    alive = ~np.isnan(bars.close[-1])
    return np.broadcast_to(alive, bars.close.shape).astype(float)


def rank_by_final_return(bars):
    first = np.nanmean(bars.close[:50], axis=0)
    order = np.argsort(np.argsort(np.nan_to_num(bars.close[-1] / first)))
    return np.where(np.isnan(bars.close), np.nan, bars.close * order)


def target_encoding(bars):
    target = target_in_features(bars)
    weekday = ((bars.ts // DAY) + 3) % 7
    out = np.empty(bars.close.shape)
    for day in np.unique(weekday):
        out[weekday == day] = np.nanmean(target[weekday == day])
    return out


def fourier_lowpass(bars):
    filled = np.nan_to_num(bars.close)
    spectrum = np.fft.rfft(filled, axis=0)
    spectrum[20:] = 0
    return np.fft.irfft(spectrum, n=len(filled), axis=0)


def haar_denoised(bars):
    x = np.nan_to_num(bars.close)
    even = len(x) // 2 * 2
    pairs = (x[:even:2] + x[1:even:2]) / 2
    return np.concatenate([np.repeat(pairs, 2, axis=0), x[even:]])


def two_state_smoother(bars):
    """Forward and backward passes of a two-state model, as a hidden Markov smoother does."""
    r = np.nan_to_num(returns(bars))
    like = np.stack([np.exp(-(r**2) / (2 * s * s)) / s for s in (0.01, 0.03)])
    stay = np.array([[0.95, 0.05], [0.05, 0.95]])
    forward, backward = np.empty_like(like), np.ones_like(like)
    forward[:, 0] = like[:, 0]
    for t in range(1, r.shape[0]):
        forward[:, t] = like[:, t] * (stay @ forward[:, t - 1])
        forward[:, t] /= forward[:, t].sum(axis=0)
    for t in range(r.shape[0] - 2, -1, -1):
        backward[:, t] = stay @ (like[:, t + 1] * backward[:, t + 1])
        backward[:, t] /= backward[:, t].sum(axis=0)
    both = forward * backward
    return both[1] / both.sum(axis=0)


def first_component_of_all(bars):
    r = np.nan_to_num(returns(bars))
    _, _, axes = np.linalg.svd(r - r.mean(axis=0), full_matrices=False)
    return np.repeat(r @ axes[0][:, None], r.shape[1], axis=1)


def quantile_bin_of_all(bars):
    edges = np.nanquantile(bars.close, [0.2, 0.4, 0.6, 0.8])
    return np.where(np.isnan(bars.close), np.nan, np.digitize(bars.close, edges))


def tomorrows_volume(bars):
    return (pd.DataFrame(bars.volume).shift(-1) / pd.DataFrame(bars.volume)).to_numpy()


def median_filled_with_all(bars):
    return frame(bars).rolling(10).mean().fillna(frame(bars).median()).to_numpy()


def rows_still_to_come(bars):
    left = np.arange(bars.n_bars)[::-1, None] / bars.n_bars
    return np.broadcast_to(left, bars.close.shape)


def winsorised_at_quantiles_of_all(bars):
    r = returns(bars)
    low, high = np.nanquantile(r, [0.01, 0.99])
    return np.clip(r, low, high)


def regression_on_all(bars):
    r = returns(bars)
    x, y = np.nan_to_num(r[:-1]), np.nan_to_num(r[1:])
    beta = (x * y).sum() / (x * x).sum()
    return r * beta


def pivot_confirmed_later(bars):
    high = pd.DataFrame(bars.high)
    around = high.rolling(7, center=True, min_periods=1).max()
    return (high == around).to_numpy().astype(float)


def exponential_mean_both_ways(bars):
    one = frame(bars).ewm(alpha=0.2).mean()
    return one[::-1].ewm(alpha=0.2).mean()[::-1].to_numpy()


def one_row_in_the_middle(bars):
    out = frame(bars).rolling(5).mean().to_numpy().copy()
    if len(out) > 131:
        out[130] = bars.close[131]
    return out


LEAKS = [
    centred_window, next_close, target_in_features, zscore_of_all, minmax_of_all, back_filled,
    interpolated, next_open_gap, weekly_close_stamped_at_its_open,
    volume_of_the_day_known_at_open, survivors_only, rank_by_final_return, target_encoding,
    fourier_lowpass, haar_denoised, two_state_smoother, first_component_of_all,
    quantile_bin_of_all, tomorrows_volume, median_filled_with_all, rows_still_to_come,
    winsorised_at_quantiles_of_all, regression_on_all, pivot_confirmed_later,
    exponential_mean_both_ways, one_row_in_the_middle,
]  # fmt: skip


@pytest.mark.parametrize("leak", LEAKS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("settle_rows", [None, 40])
def test_planted_leak_is_caught_and_named(leak, settle_rows, bars):
    honest = {"honest": lambda b: tf.sma(b.close, 10)}
    subject = honest | {leak.__name__: leak}
    report = check(subject, bars, GuardSettings(settle_rows=settle_rows))
    assert not report.ok
    assert report.column == leak.__name__
    assert report.date[:4] in ("2005", "2006")
    assert report.symbol in bars.symbols
    assert report.value_seen != report.value_allowed
    with pytest.raises(LeakError, match=f"Leak: {leak.__name__} on 200"):
        report.raise_if_leaking()


def test_only_leaking_row_of_all_is_found_and_its_date_named(bars):
    report = check(one_row_in_the_middle, bars)
    assert (report.column, report.date) == (
        "one_row_in_the_middle",
        f"{bars.times[130]}"[:19] + "Z",
    )
    assert report.check == "truncate"


def test_first_date_of_a_leak_is_named_not_the_one_where_it_was_noticed(bars):
    assert check(next_close, bars).date == f"{bars.times[1]}"[:19] + "Z"


def test_leaking_column_among_many_of_one_function_is_named(bars):
    def three(bars):
        close = frame(bars)
        return np.stack([close, close.shift(1), close.shift(-1)], axis=2)

    assert check(three, bars).column == "three[2]"


def test_leak_that_only_large_values_reveal(bars):
    def alarm(bars):
        crash = np.nan_to_num(bars.close[::-1]).max(axis=1)[::-1]
        later = np.maximum.accumulate(crash[::-1])[::-1] > 1e5
        return np.where(later[:, None], 1.0, np.zeros(bars.close.shape))

    report = check(alarm, bars)
    assert (report.ok, report.check) == (False, "poison: times 1e6")


def test_leak_that_only_the_order_of_later_rows_reveals(bars):
    def reach(bars):
        # With 3 rows to come, the sign of their trend; without them, nothing.
        out = np.zeros(bars.close.shape)
        ahead = np.nan_to_num(bars.close[3:]) - np.nan_to_num(bars.close[1:-2])
        out[:-3] = np.sign(ahead)
        return out

    assert not check(reach, bars).ok


def test_random_feature_is_refused(bars):
    rng = np.random.default_rng(0)
    assert check(lambda b: rng.normal(size=b.close.shape), bars).check == "repeat"


def test_user_feature_of_the_catalogue_is_checked_at_every_row(bars):
    @tf.feature(tf.About(name="peeks", family="user", formula="close[t+1]", role="level"))
    def peeks(own):
        out = np.full(own.close.shape, np.nan)
        out[:-1] = own.close[1:]
        return out

    try:
        report = check(["rsi(14)", "zscore(peeks, 10)"], bars)
        assert report.column == "zscore(peeks, 10)"
        assert report.check == "truncate"
    finally:
        tf.forget("peeks")


def test_feature_that_forgets_later_than_it_says_fails_the_start_check(bars):
    def slow(bars):
        return frame(bars).ewm(span=50, adjust=False).mean().to_numpy()

    report = check(slow, bars, GuardSettings(settle_rows=30))
    assert (report.ok, report.check) == (False, "start")
    assert check(slow, bars).ok


def test_level_that_depends_on_the_start_is_refused(bars):
    report = check(["rsi(14)", "obv"], bars)
    assert (report.ok, report.column, report.check) == (False, "obv", "start")
    assert "depends on where the data begin" in str(report)


# -- side data ---------------------------------------------------------------------------------


def monthly(bars, lag_days=12):
    """A figure a month, known some days after the month, revised two months later."""
    events = np.arange(0, 365, 30) * DAY + bars.ts[0]
    rng = np.random.default_rng(5)
    value = rng.normal(size=len(events))
    known = np.concatenate([events + lag_days * DAY, events + 60 * DAY])
    columns = {
        "ts_event": np.concatenate([events, events]),
        "value": np.concatenate([value, value + rng.normal(size=len(events))]),
    }
    order = np.argsort(known, kind="stable")
    return SideTable(known[order], {k: v[order] for k, v in columns.items()})


def joined(bars, table, key, side="right"):
    order = np.argsort(table[key], kind="stable")
    times, values = table[key][order], table["value"][order]
    at = np.searchsorted(times, bars.ts, side=side) - 1
    out = np.where(at >= 0, values[np.maximum(at, 0)], np.nan) if len(values) else np.nan
    return np.broadcast_to(np.reshape(out, (-1, 1)), bars.close.shape).astype(float)


def as_dict(table):
    return {"ts_known": table.ts_known, **table.columns}


def known_when_used(bars, tables):
    return joined(bars, as_dict(tables["figure"]), "ts_known")


def stamped_at_its_event(bars, tables):
    return joined(bars, as_dict(tables["figure"]), "ts_event")


def latest_revision(bars, tables):
    table = as_dict(tables["figure"])
    last = dict(zip(table["ts_event"], table["value"], strict=True))
    first = np.array([table["ts_event"] == t for t in last])
    known = np.array([table["ts_known"][row].min() for row in first]) if last else np.array([])
    return joined(bars, {"ts_known": known, "value": np.array(list(last.values()))}, "ts_known")


def joined_one_bar_early(bars, tables):
    table = as_dict(tables["figure"])
    return joined(bars, table | {"ts_known": table["ts_known"] - DAY}, "ts_known")


@pytest.mark.parametrize("leak", [stamped_at_its_event, latest_revision, joined_one_bar_early])
def test_side_data_used_before_they_were_known_are_caught(leak, bars):
    report = check(leak, bars, GuardSettings(tables={"figure": monthly(bars)}))
    assert (report.ok, report.column, report.check) == (False, leak.__name__, "late arrival")


def test_side_data_joined_by_the_time_they_became_known_pass(bars):
    report = check(known_when_used, bars, GuardSettings(tables={"figure": monthly(bars)}))
    assert report.ok


def test_four_hour_bar_used_from_its_open_is_caught_and_from_its_close_passes():
    bars = make_bars(n=200, interval="1h")
    ends = bars.ts[3::4]
    closes = bars.close[3::4, 0]
    table = SideTable(ends, {"opened": ends - 3 * 3_600_000_000_000, "value": closes})

    def from_open(bars, tables):
        return joined(bars, as_dict(tables["4h"]), "opened")

    def from_close(bars, tables):
        return joined(bars, as_dict(tables["4h"]), "ts_known")

    settings = GuardSettings(tables={"4h": table})
    assert check(from_open, bars, settings).check == "late arrival"
    assert check(from_close, bars, settings).ok
