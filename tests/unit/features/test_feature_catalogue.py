"""What holds for every feature of the catalogue."""

import numpy as np
import pytest

from tradewright import features as tf
from tradewright.domain.bars import FIELDS, Bars
from tradewright.features.document import example_spec
from tradewright.features.registry import definitions

SPECS = {d.about.name: example_spec(d) for d in definitions() if d.built_in}
SHORT = {  # long default windows, shortened so that every row can be recomputed
    "momentum_skip": "momentum_skip(60, 5)",
    "drawdown": "drawdown(30)",
    "volatility_percentile": "volatility_percentile(30)",
    "clip": "clip(close, 0, 100000)",
}
TEXTS = [SHORT.get(name, str(spec)) for name, spec in SPECS.items()]


def changed(bars, **fields):
    kept = {name: getattr(bars, name) for name in FIELDS} | fields
    return Bars(bars.instruments, bars.ts, **kept, interval=bars.interval)


def same(a, b, tolerance):
    scale = np.nanmean(np.abs(a)) if np.isfinite(a).any() else 1.0
    both = np.isnan(a) == np.isnan(b)
    near = np.abs(a - b) <= tolerance * np.maximum(np.maximum(np.abs(a), np.abs(b)), scale)
    return both & (np.isnan(a) | near)


def test_catalogue_covers_the_families_with_eighty_features():
    table = tf.catalogue()
    assert len(table) >= 80
    assert {"price", "volume", "momentum", "volatility", "time"} <= set(table["family"])
    for column in ("formula", "unit", "description"):
        assert table[column].str.len_chars().min() > 0
    assert (table["min_rows"] >= 1).all()


@pytest.mark.parametrize("text", TEXTS)
def test_first_value_stands_where_declared(text, bars):
    table = tf.compute(text, bars)
    values, spec = table.panels[0], table.specs[0]
    assert np.isnan(values[: spec.min_rows - 1]).all()
    assert (~np.isnan(values[spec.min_rows - 1 :])).all()


@pytest.mark.parametrize("text", TEXTS)
def test_value_settles_where_declared_and_equals_a_fresh_start(text, gappy_bars):
    """Streaming from any start after the declared warm-up gives the batch value."""
    batch = tf.compute(text, gappy_bars)
    settle = batch.specs[0].settle_rows
    if settle is None:
        assert batch.specs[0].role == tf.Role.LEVEL
        return
    checked = 0
    for cut in (1, 7, 23, 40, 111):
        fresh = tf.compute(text, gappy_bars.rows(cut, gappy_bars.n_bars)).panels[0]
        own = np.cumsum(~np.isnan(gappy_bars.close[cut:]), axis=0)
        settled = own >= settle
        checked += settled.sum()
        assert same(batch.panels[0][cut:], fresh, 1e-9)[settled].all()
    assert checked or settle > gappy_bars.n_bars - 60


@pytest.mark.parametrize("text", TEXTS)
def test_every_prefix_gives_the_same_rows(text, gappy_bars):
    whole = tf.compute(text, gappy_bars).panels[0]
    for last in (2, 3, 41, 73, 150, 399):
        prefix = gappy_bars.rows(0, last)
        if np.isnan(prefix.volume).all(axis=0).any():
            continue
        assert same(whole[:last], tf.compute(text, prefix).panels[0], 1e-12).all()


@pytest.mark.parametrize("text", TEXTS)
def test_gaps_are_removed_before_windows_and_put_back_after(text, gappy_bars):
    """One instrument alone, without its gaps, has the same values as in the panel with gaps."""
    if "cs_" in text:
        return
    panel = tf.compute(text, gappy_bars).panels[0]
    for symbol in gappy_bars.symbols:
        column = gappy_bars.column(symbol)
        exists = ~np.isnan(gappy_bars.close[:, column])
        alone = tf.compute(text, gappy_bars.select([symbol])).panels[0][:, 0]
        assert same(panel[exists, column], alone, 1e-12).all()
        assert np.isnan(panel[~exists, column]).all()


@pytest.mark.parametrize("text", TEXTS)
def test_stationary_feature_ignores_the_price_scale(text, bars):
    spec = tf.parse_features(text)[0]
    scaled = changed(bars, **{f: getattr(bars, f) * 1000.0 for f in FIELDS if f != "volume"})
    before, after = (tf.compute(text, b).panels[0] for b in (bars, scaled))
    if spec.role != tf.Role.LEVEL:
        assert same(before, after, 1e-9).all()
    elif spec.inputs != ("volume",) and spec.definition not in ("obv", "ad", "adosc"):
        assert not same(before, after, 1e-9)[-50:].all()


@pytest.mark.parametrize("text", TEXTS)
def test_missing_value_inside_touches_no_row_before_it(text, bars):
    hole = {name: getattr(bars, name).copy() for name in FIELDS}
    for field in hole.values():
        field[200, 1] = np.nan
    broken = tf.compute(text, changed(bars, **hole)).panels[0]
    whole = tf.compute(text, bars).panels[0]
    assert same(whole[:200], broken[:200], 1e-12).all()
    assert np.isnan(broken[200, 1])


def test_bounded_features_stay_in_their_bounds(bars):
    bounds = {
        "rsi": (0, 100), "mfi": (0, 100), "stoch_k": (0, 100), "stoch_d": (0, 100),
        "williams_r": (-100, 0), "bb_position": (0, 1), "range_position": (0, 1),
        "adx": (0, 100), "chaikin_money_flow": (-1, 1), "rank(close, 20)": (0, 1),
        "cs_rank(return(5))": (0, 1), "efficiency": (0, 1), "trend_fit": (-1, 1),
        "body_share": (-1, 1), "drawdown(20)": (-1, 0),
    }  # fmt: skip
    table = tf.compute(list(bounds), bars)
    for name, (low, high) in zip(table.names, bounds.values(), strict=True):
        values = table.column(name)
        assert np.nanmin(values) >= low - 1e-12
        assert np.nanmax(values) <= high + 1e-12


def test_table_has_one_order_shape_and_identity(bars):
    table = tf.compute(["rsi(14)", "return(1)"], bars)
    assert table.values.shape == (bars.n_bars, bars.n_instruments, 2)
    assert np.array_equal(table.values[:, :, 1], table.column("return(1)"), equal_nan=True)
    with pytest.raises(ValueError, match="read-only"):
        table.values[0, 0, 0] = 1.0
    other = tf.compute(["return(1)", "rsi(14)"], bars)
    assert table.schema_hash != other.schema_hash
    assert table.schema_hash == tf.compute(["rsi", "return"], bars).schema_hash
    frame = table.to_polars()
    assert frame.columns == ["symbol", "timestamp", "rsi(14)", "return(1)"]
    assert frame["timestamp"].dtype.time_zone == "UTC"
    assert frame.filter(symbol="S2")["rsi(14)"][50] == table.column("rsi(14)")[50, 2]
