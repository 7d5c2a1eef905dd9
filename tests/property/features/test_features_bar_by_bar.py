"""Features fed one bar at a time against the same features on whole panels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import Instrument
from tradewright.features import FeatureSpec, FeatureStream, compute, is_bar_by_bar
from tradewright.features.document import example_spec
from tradewright.features.registry import definitions

BUILT_IN = [d for d in definitions() if d.built_in]
DEFAULTS = tuple(spec for spec in map(example_spec, BUILT_IN) if is_bar_by_bar(spec))
SHORT = (  # several times the longest window fits into a short tape
    *("sma(5)", "ema(4)", "rsi(3)", "macd_line(3, 7, 4)", "macd_signal(3, 7, 4)", "bb_position(6)"),
    *("atr(4)", "obv", "vwap(5)", "session_vwap", "lag(return(1), 3)", "volatility(5)"),
    *(
        "mean(close, 7)",
        "sum(volume, 3)",
        "sd(return(1), 4)",
        "median(close, 5)",
        "zscore(close, 6)",
    ),
    *("correlation(close, volume, 5)", "realised_skew(6)", "volatility_ewm(3)", "aroon_up(4)"),
    *("stoch_d(5, 3)", "ultosc(3, 5, 7)", "vol_of_vol(4)", "cs_rank(return(2))", "cci(5)"),
    *("rank(close, 4)", "linearreg_slope(5)", "momentum_skip(9, 2)", "after_holiday"),
)


@st.composite
def tapes(draw: st.DrawFn, n_bars: int = 90, *, may_rest: bool = True) -> Bars:
    width = draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    is_whole = draw(st.booleans())
    close = 60 * np.exp(np.cumsum(rng.normal(0, 0.03, (n_bars, width)), axis=0))
    first = close * np.exp(rng.normal(0, 0.01, close.shape))
    if is_whole:
        first, close = np.ceil(first), np.ceil(close)
    if may_rest and draw(st.booleans()):
        close[20:40] = first[20:40] = 50.0  # nothing moves for a while
    high = np.maximum(first, close) + rng.integers(0, 3, close.shape)
    low = np.maximum(np.minimum(first, close) - rng.integers(0, 3, close.shape), 1.0)
    volume = rng.integers(0, 500, close.shape).astype(np.float64)
    gone = rng.random(close.shape) < draw(st.sampled_from([0.0, 0.08, 0.4]))
    gone[0, 0] = False
    for array in (first, high, low, close, volume):
        array[gone] = np.nan
    step = draw(st.sampled_from([86_400, 3_600])) * 10**9
    interval = "1d" if step > 10**14 - 10**13 * 2 else "1h"
    names = tuple(Instrument(f"S{at}") for at in range(width))
    ts = (np.arange(n_bars) + 19_000) * step
    return Bars(names, ts, first, high, low, close, volume, interval=interval)


def fed(specs: tuple[FeatureSpec, ...] | tuple[str, ...], bars: Bars) -> np.ndarray:
    stream = FeatureStream(specs, bars.symbols, interval=bars.interval)
    rows = [stream.update(bars.rows(row, row + 1)) for row in range(bars.n_bars)]
    return np.concatenate(rows)


@settings(max_examples=60, deadline=None)
@given(tapes())
def test_features_fed_bar_by_bar_are_those_of_the_whole_tape_to_the_last_bit(bars: Bars) -> None:
    whole = compute(SHORT, bars)
    found = fed(SHORT, bars)
    for at, name in enumerate(whole.names):
        np.testing.assert_array_equal(found[:, :, at], whole.panels[at], err_msg=name)


@settings(max_examples=6, deadline=None)
@given(tapes(n_bars=420))
def test_every_feature_of_the_catalogue_is_updated_to_the_last_bit(bars: Bars) -> None:
    whole = compute(DEFAULTS, bars)
    found = fed(DEFAULTS, bars)
    for at, name in enumerate(whole.names):
        np.testing.assert_array_equal(found[:, :, at], whole.panels[at], err_msg=name)


@settings(max_examples=25, deadline=None)
@given(tapes(n_bars=320, may_rest=False), st.integers(1, 40))
def test_a_later_start_gives_the_same_values_once_settled(bars: Bars, start: int) -> None:
    # A price at rest never lets the relative strength forget: nothing new outweighs its start.
    late = bars.rows(start, bars.n_bars)
    whole, found = compute(SHORT, bars), fed(SHORT, late)
    for at, spec in enumerate(whole.specs):
        if spec.warm_up_rows is None:
            continue
        seen = np.cumsum(~np.isnan(late.close), axis=0)
        settled = seen >= spec.warm_up_rows
        if spec.scope == "cross":  # it looks at the others, who must have settled too
            settled &= settled.all(axis=1, keepdims=True)
        batch, here = whole.panels[at][start:][settled], found[:, :, at][settled]
        fields = [getattr(bars, name) for name in spec.inputs if name != "ts"]
        scale = max([1.0, *(np.nanmax(np.abs(field)) for field in fields)])
        np.testing.assert_array_equal(np.isnan(here), np.isnan(batch), err_msg=spec.name)
        np.testing.assert_allclose(here, batch, rtol=1e-12, atol=1e-12 * scale, err_msg=spec.name)


@settings(max_examples=20, deadline=None)
@given(tapes(), st.integers(1, 89))
def test_a_saved_stream_goes_on_as_if_it_had_not_stopped(bars: Bars, cut: int) -> None:
    stream = FeatureStream(SHORT, bars.symbols, interval=bars.interval)
    stream.update(bars.rows(0, cut))
    saved = {name: np.array(array) for name, array in stream.save().items()}
    again = FeatureStream(SHORT, bars.symbols, interval=bars.interval)
    again.restore(saved)
    rest = bars.rows(cut, bars.n_bars)
    np.testing.assert_array_equal(again.update(rest), stream.update(rest))


@pytest.mark.parametrize("definition", BUILT_IN, ids=lambda d: d.about.name)
def test_features_that_cannot_be_updated_say_so_by_name(definition) -> None:
    spec = example_spec(definition)
    if is_bar_by_bar(spec):
        FeatureStream([spec], ["A"])
        return
    assert definition.about.name in (*("adosc", "adx", "kama", "minus_di", "plus_di", "sar", "t3"),)
    with pytest.raises(ConfigError, match=f"{definition.about.name}.* cannot be updated bar by"):
        FeatureStream([spec], ["A"])
