"""Signals, weights and orders decided ahead: what is wrong with them is named before a run."""

import numpy as np
import pytest

import tradewright as tw
from tradewright.app import bootstrap
from tradewright.domain.errors import ConfigError

N = 30


@pytest.fixture(scope="module")
def bars():
    return tw.sample_bars(["KO", "PG"], "2015-01-02", "2015-02-17")


def flags(*shape):
    found = np.zeros(shape, dtype=bool)
    found[3] = True
    return found


def spoiled(value):
    weights = np.full((N, 2), 0.4)
    weights[5, 1] = value
    return weights


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: tw.TargetWeights(spoiled(np.inf)), "row 5, column 1 is infinite"),
        (lambda: tw.TargetWeights(spoiled(-np.inf)), "row 5, column 1 is infinite"),
        (lambda: tw.TargetWeights(np.zeros((N - 1, 2))), r"shape \(29, 2\), wanted \(30, 2\)"),
        (lambda: tw.TargetWeights(np.zeros((N, 3))), r"shape \(30, 3\), wanted \(30, 2\)"),
        (lambda: tw.TargetWeights(np.zeros(N)), r"shape \(30, 1\), wanted \(30, 2\)"),
        (lambda: tw.TargetWeights(np.zeros((N, 2, 1))), "3 dimensions"),
        (lambda: tw.TargetWeights(np.full((N, 2), 0.6)), "more than rules.leverage"),
        (lambda: tw.Signals(flags(N, 3), flags(N, 3)), r"wanted \(30, 2\)"),
        (lambda: tw.Signals(flags(N, 2), flags(N - 1, 2)), "shape"),
        (lambda: tw.Signals(flags(N, 2).astype(float), flags(N, 2)), "float64, wanted bool"),
        (lambda: tw.Signals(flags(N, 2), flags(N, 2), size=0.0), "size is 0"),
        (lambda: tw.Signals(flags(N, 2), flags(N, 2), size=float("nan")), "size is nan"),
        (lambda: tw.Signals(flags(N, 2), flags(N, 2), stop=-0.1), "stop"),
        (lambda: tw.Signals(None, flags(N, 2)), "entries is None, wanted flags"),
        (lambda: tw.Signals(flags(N, 2), None), "exits is None, wanted flags"),
        (lambda: tw.TargetWeights(spoiled(0.1) + 0j), "complex numbers, wanted real ones"),
        (lambda: tw.Orders({"bar": [1], "symbol": ["KO"], "side": ["BUY"]}), "qty is missing"),
        (lambda: tw.Orders({"bar": [1], "symbol": ["KO"], "side": ["BUY"], "qty": [1, 2]}),
         "differ in length"),
        (lambda: tw.Orders({"bar": [1], "symbol": ["KO"], "side": ["BYE"], "qty": [1.0]}), "BUY"),
        (lambda: tw.Orders({"bar": [1], "symbol": ["KO"], "side": ["BUY"], "qty": [-1.0]}), "qty"),
        (lambda: tw.Orders({"bar": [99], "symbol": ["KO"], "side": ["BUY"], "qty": [1.0]}), "99"),
        (lambda: tw.Orders({"bar": [1], "symbol": ["ZZ"], "side": ["BUY"], "qty": [1.0]}), "ZZ"),
        (lambda: tw.Orders({"bar": [1], "symbl": ["KO"], "side": ["BUY"], "qty": [1.0]}),
         "did you mean 'symbol'"),
    ],
)  # fmt: skip
def test_what_cannot_be_traded_is_named(bars, make, says):
    assert bars.n_bars == N
    with pytest.raises(ConfigError, match=says):
        tw.backtest(make(), bars)


@pytest.mark.parametrize("name", ["leverage", "max_stale_bars", "max_participation"])
@pytest.mark.parametrize("value", ["2", True, [1]])
def test_a_rule_that_is_no_number_is_named(name, value):
    with pytest.raises(ConfigError, match=f"rules.{name} is .*, wanted a number"):
        tw.FillRules(**{name: value})


def test_nothing_to_guard_is_named(bars):
    with pytest.raises(ConfigError, match="features is NoneType, wanted names such as"):
        tw.leak_check(None, bars)


def test_weight_that_is_not_observed_leaves_the_position_as_it_is(bars):
    weights = np.full((N, 2), np.nan)
    assert tw.backtest(tw.TargetWeights(weights), bars).fills.height == 0
    weights[2] = [0.4, 0.0]
    weights[10] = [0.0, np.nan]
    run = tw.backtest(tw.TargetWeights(weights), bars)
    assert run.fills["symbol"].to_list() == ["KO", "KO"]
    assert run.fills["side"].to_list() == ["buy", "sell"]
    every = tw.backtest(tw.TargetWeights(np.full((N, 2), 0.4)), bars)
    assert every.fills.height > 2  # kept at the weight, not left alone


def test_one_instrument_takes_one_series(bars):
    one = bars.select(["KO"])
    run = tw.backtest(tw.Signals(flags(N), ~flags(N) & False), one, cash=10_000)
    (fill,) = run.fills.to_dicts()
    paid = fill["quantity"] * fill["price"] + fill["fee"] + fill["slippage"]
    assert paid == pytest.approx(10_000, abs=0.02)  # all of equity, costs included


def test_bars_are_fetched_stored_and_returned_by_one_name(tmp_path, monkeypatch):
    monkeypatch.setenv("TRADEWRIGHT_PATHS__DATA_DIR", str(tmp_path))
    for cached in (bootstrap.open_workspace, bootstrap.settings):
        cached.cache_clear()
    try:
        bars = tw.fetch_bars(["ko", "PG"], source="sample", interval="1d")
        assert bars.symbols == ("KO", "PG")
        assert bars.data_version == tw.sample_bars(["KO", "PG"]).data_version
        stored = bootstrap.open_workspace().bars.list_series()
        assert {row.symbol for row in stored} == {"KO", "PG"}
    finally:
        for cached in (bootstrap.open_workspace, bootstrap.settings):
            cached.cache_clear()
