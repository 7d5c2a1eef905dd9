"""Causality and streaming of features on random data with random gaps (I38, I39)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright import features as tf
from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.instruments import Instrument
from tradewright.features.document import example_spec
from tradewright.features.registry import definitions

DAY = 86_400_000_000_000
NAMES = [str(example_spec(d)) for d in definitions() if d.built_in]
INNER = ["close", "volume", "return(1)", "rsi(5)", "lag(close, 2)"]
OUTER = ["zscore({}, 7)", "lag({}, 3)", "slope({}, 5)", "rank({}, 6)", "ewm({}, 2)", "max({}, 4)",
         "cs_rank({})", "quantile({}, 5, 0.3)"]  # fmt: skip


@st.composite
def panels(draw):
    n, m = draw(st.integers(30, 90)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    tick = draw(st.sampled_from([0.01, 1.0]))  # coarse ticks give ties and flat windows
    close = np.round(50 * np.exp(np.cumsum(rng.normal(0, 0.02, (n, m)), axis=0)) / tick) * tick
    close = np.maximum(close, tick)
    open_ = np.maximum(np.round(close * np.exp(rng.normal(0, 0.01, (n, m))) / tick) * tick, tick)
    high, low = np.maximum(open_, close), np.minimum(open_, close)
    volume = rng.integers(0, 50, (n, m)).astype(float)
    missing = rng.random((n, m)) < draw(st.sampled_from([0.0, 0.1, 0.4]))
    missing[0], missing[-1] = False, False
    for field in (open_, high, low, close, volume):
        field[missing] = np.nan
    names = tuple(Instrument(f"S{i}") for i in range(m))
    return Bars(names, (np.arange(n) + 10_000) * DAY, open_, high, low, close, volume)


nested = st.builds(lambda o, i: o.format(i), st.sampled_from(OUTER), st.sampled_from(INNER))
texts = st.one_of(st.sampled_from(NAMES), nested)


def same(a, b, tolerance):
    scale = np.nanmean(np.abs(a)) if np.isfinite(a).any() else 1.0
    near = np.abs(a - b) <= tolerance * np.maximum(np.maximum(np.abs(a), np.abs(b)), scale)
    return (np.isnan(a) == np.isnan(b)) & (np.isnan(a) | near)


@pytest.mark.parametrize("spoiler", ["cut", "erase", "times 1e6", "shuffle"])
@settings(max_examples=60, deadline=None)
@given(bars=panels(), text=texts, where=st.floats(0.1, 0.95), seed=st.integers(0, 99))
def test_future_moves_no_past_value(spoiler, bars, text, where, seed):
    row = max(1, int(where * (bars.n_bars - 1)))
    fields = {name: getattr(bars, name).copy() for name in FIELDS}
    order = row + 1 + np.random.default_rng(seed).permutation(bars.n_bars - row - 1)
    for name, field in fields.items():
        if spoiler == "erase":
            field[row + 1 :] = np.nan
        elif spoiler == "times 1e6":
            field[row + 1 :] *= 1e6
        else:
            field[row + 1 :] = getattr(bars, name)[order]
    other = Bars(bars.instruments, bars.ts, **fields)
    if spoiler == "cut":
        other = bars.rows(0, row + 1)
    whole = tf.compute(text, bars).panels[0]
    assert same(whole[: row + 1], tf.compute(text, other).panels[0][: row + 1], 1e-12).all()


@settings(max_examples=150, deadline=None)
@given(bars=panels(), text=texts)
def test_bar_by_bar_equals_all_at_once(bars, text):
    """Every row from the last `settle_rows` bars alone, as on a stream that starts anywhere."""
    batch = tf.compute(text, bars)
    settle = batch.specs[0].settle_rows
    if settle is None or settle > 60:
        settle = bars.n_bars
    for row in range(settle + 1, bars.n_bars, 7):
        own = np.cumsum(~np.isnan(bars.close[: row + 1][::-1]), axis=0)
        full = (own >= settle).all(axis=1)
        if not full.any():
            continue
        start = row - int(np.argmax(full))
        stream = tf.compute(text, bars.rows(min(start, row - 1), row + 1)).panels[0][-1:]
        assert same(batch.panels[0][row : row + 1], stream, 1e-9).all()
