"""Values against TA-Lib, scipy and plain Python loops."""

import datetime as dt
import math

import numpy as np
import pytest
import scipy.stats
import talib

from tradewright import features as tf
from tradewright.domain.bars import Bars
from tradewright.domain.instruments import Instrument


def column(bars, text, j=0):
    return tf.compute(text, bars).panels[0][:, j]


def ta(name, bars, *fields, **parameters):
    out = getattr(talib, name)(*[getattr(bars, f)[:, 0].copy() for f in fields], **parameters)
    return out if isinstance(out, tuple) else (out,)


C, HL, HLC, HLCV = ("close",), ("high", "low"), ("high", "low", "close"), (
    "high", "low", "close", "volume",
)  # fmt: skip
TALIB = {
    "sma(20)": ("SMA", C, {"timeperiod": 20}, 0),
    "ema(12)": ("EMA", C, {"timeperiod": 12}, 0),
    "wma(20)": ("WMA", C, {"timeperiod": 20}, 0),
    "dema(20)": ("DEMA", C, {"timeperiod": 20}, 0),
    "tema(20)": ("TEMA", C, {"timeperiod": 20}, 0),
    "t3(5)": ("T3", C, {"timeperiod": 5}, 0),
    "kama(30)": ("KAMA", C, {"timeperiod": 30}, 0),
    "rsi(14)": ("RSI", C, {"timeperiod": 14}, 0),
    "macd_line": ("MACD", C, {}, 0),
    "macd_signal": ("MACD", C, {}, 1),
    "macd_histogram": ("MACD", C, {}, 2),
    "bb_upper": ("BBANDS", C, {"timeperiod": 20}, 0),
    "bb_lower": ("BBANDS", C, {"timeperiod": 20}, 2),
    "stddev(20)": ("STDDEV", C, {"timeperiod": 20}, 0),
    "true_range": ("TRANGE", HLC, {}, 0),
    "atr(14)": ("ATR", HLC, {"timeperiod": 14}, 0),
    "natr(14)": ("NATR", HLC, {"timeperiod": 14}, 0),
    "obv": ("OBV", ("close", "volume"), {}, 0),
    "ad": ("AD", HLCV, {}, 0),
    "adosc": ("ADOSC", HLCV, {}, 0),
    "mfi(14)": ("MFI", HLCV, {"timeperiod": 14}, 0),
    "adx(14)": ("ADX", HLC, {"timeperiod": 14}, 0),
    "plus_di(14)": ("PLUS_DI", HLC, {"timeperiod": 14}, 0),
    "minus_di(14)": ("MINUS_DI", HLC, {"timeperiod": 14}, 0),
    "cci(20)": ("CCI", HLC, {"timeperiod": 20}, 0),
    "williams_r(14)": ("WILLR", HLC, {"timeperiod": 14}, 0),
    "roc(10)": ("ROC", C, {"timeperiod": 10}, 0),
    "mom(10)": ("MOM", C, {"timeperiod": 10}, 0),
    "trix(15)": ("TRIX", C, {"timeperiod": 15}, 0),
    "ultosc": ("ULTOSC", HLC, {}, 0),
    "sar": ("SAR", HL, {"acceleration": 0.02, "maximum": 0.2}, 0),
    "aroon_down(14)": ("AROON", HL, {"timeperiod": 14}, 0),
    "aroon_up(14)": ("AROON", HL, {"timeperiod": 14}, 1),
    "linearreg(14)": ("LINEARREG", C, {"timeperiod": 14}, 0),
    "linearreg_slope(14)": ("LINEARREG_SLOPE", C, {"timeperiod": 14}, 0),
    "cmo(14)": ("CMO", C, {"timeperiod": 14}, 0),
    "ppo": ("PPO", C, {"matype": 0}, 0),
    "correlation(high, low, 30)": ("CORREL", HL, {"timeperiod": 30}, 0),
}


@pytest.mark.parametrize("text", TALIB)
def test_value_equals_talib(text, bars):
    name, fields, parameters, output = TALIB[text]
    wanted = ta(name, bars, *fields, **parameters)[output]
    # TA-Lib subtracts what leaves a window, which costs it some digits.
    np.testing.assert_allclose(column(bars, text), wanted, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("text", "output"), [("stoch_k", 0), ("stoch_d", 1)])
def test_stochastic_equals_talib_where_talib_has_a_value(text, output, bars):
    parameters = {"fastk_period": 14, "slowk_period": 3, "slowd_period": 3}
    wanted = ta("STOCH", bars, *HLC, **parameters)[output]
    np.testing.assert_allclose(column(bars, text)[17:], wanted[17:], rtol=1e-10)


def test_thirteen_default_columns_and_their_derived_bands(bars):
    table = tf.technical_indicators(bars)
    assert table.names == tf.DEFAULT_13
    assert len(table.panels) == 13
    upper, middle, lower = ta("BBANDS", bars, "close", timeperiod=20)
    close = bars.close[:, 0]
    width = (upper - lower) / middle
    position = np.clip((close - lower) / (upper - lower), 0, 1)
    np.testing.assert_allclose(table.column("bb_width")[:, 0], width, rtol=1e-8)
    np.testing.assert_allclose(table.column("bb_position")[:, 0], position, rtol=1e-7, atol=1e-9)
    typical = (bars.high + bars.low + bars.close)[:, 0] / 3
    vwap = [np.nan] * 19 + [
        sum(typical[i] * bars.volume[i, 0] for i in range(t - 19, t + 1))
        / sum(bars.volume[i, 0] for i in range(t - 19, t + 1))
        for t in range(19, bars.n_bars)
    ]
    np.testing.assert_allclose(table.column("vwap")[:, 0], vwap, rtol=1e-12)
    first = [int(np.argmax(~np.isnan(panel[:, 0]))) for panel in table.panels]
    assert first == [19, 11, 14, 33, 33, 33, 19, 19, 19, 19, 14, 0, 19]


def test_indicator_names_with_any_number_and_groups(bars):
    asked = ["sma_50", "macd", "bollinger_bands", "atr_7", "wma_20", "obv"]
    table = tf.technical_indicators(bars, asked)
    assert table.names == (
        "sma_50", "macd_line", "macd_signal", "macd_histogram", "bb_upper", "bb_lower",
        "bb_width", "bb_position", "atr_7", "wma_20", "obv",
    )  # fmt: skip
    wanted = ta("SMA", bars, "close", timeperiod=50)[0]
    np.testing.assert_allclose(table.column("sma_50")[:, 0], wanted, rtol=1e-12)


def test_intraday_vwap_starts_anew_each_day_inside_the_range(make):
    bars = make(n_bars=60, interval="1h")
    vwap = tf.technical_indicators(bars).column("vwap")[:, 1]
    typical = (bars.high + bars.low + bars.close)[:, 1] / 3
    day = [(t - dt.timedelta(microseconds=1)).date() for t in moments(bars)]
    for t in range(60):
        rows = [i for i in range(t + 1) if day[i] == day[t]]
        total = sum(bars.volume[i, 1] for i in rows)
        assert vwap[t] == pytest.approx(sum(typical[i] * bars.volume[i, 1] for i in rows) / total)
        assert bars.low[rows, 1].min() <= vwap[t] <= bars.high[rows, 1].max()


def moments(bars):
    return [dt.datetime.fromtimestamp(int(t) / 1e9, dt.UTC) for t in bars.ts]


def flat_bars(n=400, price=20.0, before=()):
    close = np.concatenate([np.asarray(before, float), np.full(n, price)])[:, None]
    volume = np.full(close.shape, 10.0)
    ts = np.arange(1, len(close) + 1) * 86_400_000_000_000
    return Bars((Instrument("FLAT"),), ts, close, close, close, close, volume)


def test_flat_price_gives_the_stated_values():
    bars = flat_bars()
    stated = {
        "rsi(14)": 50.0, "cmo(14)": 0.0, "bb_width": 0.0, "bb_position": 0.5, "atr(14)": 0.0,
        "sma(20)": 20.0, "ema(12)": 20.0, "zscore(close, 20)": 0.0, "stoch_k": 50.0, "cci": 0.0,
        "williams_r": -50.0, "macd_histogram": 0.0, "efficiency": 0.0, "mfi": 50.0,
        "rank(close, 20)": 0.5, "skew(close, 20)": 0.0, "kurtosis(close, 20)": 0.0,
        "correlation(close, volume, 20)": 0.0, "volatility(20)": 0.0, "yang_zhang(20)": 0.0,
        "body_share": 0.0, "tsmom(60)": 0.0, "volatility_ratio(10, 60)": 1.0,
    }  # fmt: skip
    table = tf.compute(list(stated), bars)
    for spec, panel, value in zip(table.specs, table.panels, stated.values(), strict=True):
        assert panel[spec.min_rows - 1 :, 0] == pytest.approx(value, abs=1e-12), spec.name


def test_strength_of_rising_falling_and_finally_flat_prices():
    rising = column(flat_bars(0, before=np.arange(1.0, 60.0)), "rsi(14)")
    assert (rising[14:] == 100.0).all()
    falling = column(flat_bars(0, before=np.arange(60.0, 1.0, -1.0)), "rsi(14)")
    assert (falling[14:] == 0.0).all()
    # After 373 bars without a change nothing is left of the moves before.
    later = column(flat_bars(700, before=20 + np.sin(np.arange(50.0))), "rsi(14)")
    assert later[49 + 500] == 50.0
    assert later[60] != 50.0


def test_ema_of_a_step_follows_the_closed_form():
    step = np.concatenate([np.full(12, 1.0), np.full(40, 2.0)])
    values = column(flat_bars(0, before=step), "ema(12)")
    for k in range(1, 41):
        assert values[11 + k] == pytest.approx(2.0 - (11 / 13) ** k, rel=1e-13)


def test_obv_from_a_later_start_differs_by_a_constant(bars):
    whole, part = column(bars, "obv"), column(bars.rows(100, 400), "obv")
    assert len(np.unique(np.round(whole[101:] - part[1:], 6))) == 1


LOOPS = {
    "mean(x, 10)": lambda w: sum(w) / 10,
    "sum(x, 10)": sum,
    "sd(x, 10)": lambda w: math.sqrt(sum((v - sum(w) / 10) ** 2 for v in w) / 9),
    "min(x, 10)": min,
    "max(x, 10)": max,
    "median(x, 10)": lambda w: sum(sorted(w)[4:6]) / 2,
    "quantile(x, 10, 0.9)": lambda w: sorted(w)[8] * 0.9 + sorted(w)[9] * 0.1,
    "rank(x, 10)": lambda w: sum((v < w[-1]) + (v == w[-1]) / 2 for v in w[:-1]) / 9,
    "zscore(x, 10)": lambda w: (w[-1] - sum(w) / 10) / np.std(w, ddof=1),
    "robust_zscore(x, 10)": lambda w: (w[-1] - np.median(w)) / (0.7413 * scipy.stats.iqr(w)),
    "skew(x, 10)": lambda w: scipy.stats.skew(w),
    "kurtosis(x, 10)": lambda w: scipy.stats.kurtosis(w),
    "slope(x, 10)": lambda w: np.polyfit(range(10), w, 1)[0],
    "lag(x, 9)": lambda w: w[0],
    "diff(x, 9)": lambda w: w[-1] - w[0],
    "change(x, 9)": lambda w: w[-1] / w[0] - 1,
}


@pytest.mark.parametrize("text", LOOPS)
@pytest.mark.parametrize("series", ["volume", "return(1)"])
def test_window_equals_a_plain_loop_with_gaps_and_holes(text, series, gappy_bars):
    x = tf.compute(series, gappy_bars).panels[0]
    values = tf.compute(
        text.replace("x", series, 1) if "max" not in text else f"max({series}, 10)", gappy_bars
    ).panels[0]
    for j in range(gappy_bars.n_instruments):
        own = np.flatnonzero(~np.isnan(gappy_bars.close[:, j]))
        for i, row in enumerate(own):
            window = [float(v) for v in x[own[max(0, i - 9) : i + 1], j]]
            enough = len(window) == 10 and not any(math.isnan(v) for v in window)
            if text[:3] in ("lag", "dif", "cha") and len(window) == 10:
                enough = not math.isnan(window[0])
            wanted = LOOPS[text](window) if enough else math.nan
            assert values[row, j] == pytest.approx(wanted, rel=1e-9, abs=1e-9, nan_ok=True)


def test_two_series_windows_equal_numpy(bars):
    x, y = bars.close[:, 2], bars.volume[:, 2]
    fit = column(bars, "correlation(close, volume, 30)", 2)
    beta = column(bars, "beta(close, volume, 30)", 2)
    for t in range(29, 400):
        a, b = x[t - 29 : t + 1], y[t - 29 : t + 1]
        assert fit[t] == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-10)
        assert beta[t] == pytest.approx(np.cov(a, b)[0, 1] / np.var(b, ddof=1), rel=1e-8)


def test_ewm_equals_its_weighted_sum(bars):
    values, x = column(bars, "ewm(close, 7)"), bars.close[:, 0]
    for t in (0, 1, 5, 50, 399):
        weights = 2.0 ** (-(t - np.arange(t + 1)) / 7)
        assert values[t] == pytest.approx(weights @ x[: t + 1] / weights.sum(), rel=1e-12)


def test_volatility_estimators_equal_their_formulas(bars):
    o, h, low, c = (getattr(bars, f)[:, 0] for f in ("open", "high", "low", "close"))
    n, log = 20, math.log
    names = ["volatility(20)", "parkinson(20)", "garman_klass(20)", "rogers_satchell(20)",
             "yang_zhang(20)", "downside_volatility(20)", "volatility_ewm(20)"]  # fmt: skip
    got = {name: column(bars, name) for name in names}
    for t in (20, 77, 399):
        rows = range(t - n + 1, t + 1)
        r = [log(c[i] / c[i - 1]) for i in rows]
        satchell = [
            log(h[i] / c[i]) * log(h[i] / o[i]) + log(low[i] / c[i]) * log(low[i] / o[i])
            for i in rows
        ]
        night = np.var([log(o[i] / c[i - 1]) for i in rows], ddof=1)
        body = np.var([log(c[i] / o[i]) for i in rows], ddof=1)
        k = 0.34 / (1.34 + 21 / 19)
        past = np.array([log(c[i] / c[i - 1]) for i in range(1, t + 1)])
        weights = 2.0 ** (-(t - np.arange(1, t + 1)) / 20)
        wanted = [
            np.std(r, ddof=1),
            math.sqrt(sum(log(h[i] / low[i]) ** 2 for i in rows) / (4 * n * log(2))),
            math.sqrt(
                sum(
                    0.5 * log(h[i] / low[i]) ** 2 - (2 * log(2) - 1) * log(c[i] / o[i]) ** 2
                    for i in rows
                )
                / n
            ),
            math.sqrt(sum(satchell) / n),
            math.sqrt(night + k * body + (1 - k) * sum(satchell) / n),
            math.sqrt(sum(min(v, 0) ** 2 for v in r) / n),
            math.sqrt((weights * past**2).sum() / weights.sum()),
        ]
        for name, value in zip(names, wanted, strict=True):
            assert got[name][t] == pytest.approx(value, rel=1e-9), name


def test_estimators_recover_a_known_volatility():
    rng = np.random.default_rng(5)
    steps, per_day, sigma = 400, 1500, 0.02
    path = np.exp(np.cumsum(rng.normal(0, sigma / per_day**0.5, (steps, per_day)), axis=1))
    factor = np.concatenate([[1.0], np.cumprod(path[:, -1])[:-1]])
    price = path * factor[:, None] * 100
    o, c = factor * 100, price[:, -1]
    h, low = np.maximum(price.max(axis=1), o), np.minimum(price.min(axis=1), o)
    ts = np.arange(1, steps + 1) * 86_400_000_000_000
    two = [np.column_stack([v, v]) for v in (o, h, low, c, np.ones(steps))]
    bars = Bars((Instrument("A"), Instrument("B")), ts, *two)
    for name in ("volatility", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang"):
        assert column(bars, f"{name}(390)")[-1] == pytest.approx(sigma, rel=0.08), name


def test_cross_section_equals_a_loop_over_dates(gappy_bars):
    x = tf.compute("return(5)", gappy_bars).panels[0]
    rank = tf.compute("cs_rank(return(5))", gappy_bars).panels[0]
    z = tf.compute("cs_zscore(return(5))", gappy_bars).panels[0]
    for t in range(gappy_bars.n_bars):
        known = [j for j in range(4) if not math.isnan(x[t, j])]
        for j in range(4):
            if j not in known or len(known) < 2:
                assert math.isnan(rank[t, j])
                assert math.isnan(z[t, j])
                continue
            others = [x[t, i] for i in known if i != j]
            wanted = sum((v < x[t, j]) + (v == x[t, j]) / 2 for v in others) / len(others)
            assert rank[t, j] == pytest.approx(wanted)
            row = [x[t, i] for i in known]
            assert z[t, j] == pytest.approx((x[t, j] - np.mean(row)) / np.std(row, ddof=1))


def test_ties_share_their_rank():
    from tradewright.features.families.cross_section import rank_rows

    panel = np.array([[3.0, 1.0, 3.0, np.nan, 2.0], [np.nan, 1.0, np.nan, np.nan, np.nan]])
    np.testing.assert_allclose(rank_rows(panel)[0], [5 / 6, 0, 5 / 6, np.nan, 1 / 3])
    assert np.isnan(rank_rows(panel)[1]).all()


def test_calendar_features_equal_the_datetime_module(bars):
    table = tf.compute(
        ["day_of_week", "month", "day_of_week_sin", "month_cos", "weekdays_to_month_end",
         "weekdays_to_expiry", "turn_of_month", "after_holiday", "days_since_bar",
         "quarter_end_month"], bars,
    )  # fmt: skip
    got = {name: panel[:, 0] for name, panel in zip(table.names, table.panels, strict=True)}
    dates = [m.date() for m in moments(bars)]
    one = dt.timedelta(days=1)
    for t, day in enumerate(dates):
        left = [d for k in range(1, 32) if (d := day + k * one).month == day.month]
        workdays_left = sum(d.weekday() < 5 for d in left)
        gone = [d for k in range(1, 32) if (d := day - k * one).month == day.month]
        expiry = day
        while not (expiry.weekday() == 4 and 15 <= expiry.day <= 21):
            expiry += one
        assert got["day_of_week"][t] == day.weekday()
        assert got["month"][t] == day.month
        assert got["day_of_week_sin"][t] == pytest.approx(math.sin(2 * math.pi * day.weekday() / 7))
        assert got["month_cos"][t] == pytest.approx(math.cos(2 * math.pi * (day.month - 1) / 12))
        assert got["weekdays_to_month_end"][t] == workdays_left
        assert got["weekdays_to_expiry"][t] == sum(
            (day + k * one).weekday() < 5 for k in range((expiry - day).days)
        )
        first3 = sum(d.weekday() < 5 for d in gone) < 3
        assert got["turn_of_month"][t] == (workdays_left < 3 or first3)
        assert got["quarter_end_month"][t] == (day.month % 3 == 0)
        if t:
            assert got["days_since_bar"][t] == (day - dates[t - 1]).days
            assert got["after_holiday"][t] == 0


def test_day_after_a_weekday_without_bars_is_flagged(bars):
    rows = [i for i in range(30) if i not in (8, 9, 10)]
    cut = Bars(
        bars.instruments,
        bars.ts[rows],
        *[getattr(bars, f)[rows] for f in ("open", "high", "low", "close", "volume")],
    )
    flags = column(cut, "after_holiday")
    assert np.flatnonzero(flags[1:] == 1).tolist() == [rows.index(11) - 1]


def test_midnight_stamp_belongs_to_the_day_before():
    close = np.full((3, 1), 5.0)
    ts = np.array([1, 2, 3]) * 86_400_000_000_000  # Friday 1970-01-02, 00:00 closes Thursday
    bars = Bars((Instrument("BTC"),), ts, close, close, close, close, close)
    assert column(bars, "day_of_week").tolist() == [3.0, 4.0, 5.0]
