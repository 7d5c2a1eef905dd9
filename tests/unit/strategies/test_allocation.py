"""Weights of an optimiser inside a strategy: from the past only, and the optimiser's own."""

import numpy as np
import pytest

import tradewright as tw
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.domain.forecasts import ForecastPanel
from tradewright.domain.instruments import Instrument
from tradewright.portfolio import DecisionSettings
from tradewright.portfolio.constraints import OptimizationConstraints
from tradewright.portfolio.covariance import EstimationSettings
from tradewright.portfolio.optimisation import MethodInputs, PortfolioOptimizer
from tradewright.strategies import ForecastStrategy, create_strategy
from tradewright.strategies.allocation import Allocation, MethodSplit

NAMES = ("A", "B", "C", "D")
DAY = 86_400_000_000_000


def walk(n, seed=3):
    rng = np.random.default_rng(seed)
    steps = rng.normal(4e-4, [0.008, 0.012, 0.016, 0.02], (n, 4)) + rng.normal(0, 0.006, (n, 1))
    return 50 * np.exp(np.cumsum(steps, axis=0))


class TapeContext:
    """A context over closes; it shows rows up to the present one and keeps the targets."""

    def __init__(self, closes):
        self.closes, self.row, self.symbols = closes, -1, NAMES
        self.wanted, self.notes = {}, []
        self.universe = NAMES

    def position(self, symbol):
        return 0.0

    @property
    def now_ns(self):
        return (self.row + 1) * DAY

    def history(self, symbol, n, field="close"):
        column = NAMES.index(symbol)
        return self.closes[max(self.row + 1 - n, 0) : self.row + 1, column]

    def weights(self):
        return np.zeros(4)

    def target_weight(self, weight, symbol=None, **_):
        self.wanted.setdefault(self.row, {})[symbol] = weight

    def log(self, message):
        self.notes.append(message)


class Row:
    def __init__(self, values):
        self.values = values

    def __getitem__(self, symbol):
        return Row(self.values[NAMES.index(symbol)])

    @property
    def close(self):
        return self.values


def drive(strategy, closes):
    ctx = TapeContext(closes)
    strategy.on_start(ctx)
    for row in range(len(closes)):
        ctx.row = row
        strategy.on_bar(ctx, Row(closes[row]))
    return ctx


def direct(closes, method, window):
    returns = closes[1:] / closes[:-1] - 1
    return PortfolioOptimizer(0.0).optimize_returns(
        returns[-window:],
        method,
        OptimizationConstraints(),
        estimation=EstimationSettings(window=window),
        inputs=MethodInputs(symbols=NAMES),
    )


@pytest.mark.parametrize("method", ["minimum_variance", "risk_parity", "maximum_sharpe"])
def test_weights_are_the_optimisers_of_the_closes_until_the_decision(method):
    closes = walk(200)
    ctx = drive(Allocation(method, window=100, rebalance_bars=30), closes)
    assert sorted(ctx.wanted) == [100, 130, 160, 190]
    for row, wanted in ctx.wanted.items():
        expected = direct(closes[: row + 1], method, 100)
        assert wanted == pytest.approx(dict(expected.weights), abs=1e-9)


def test_a_later_close_changes_no_earlier_weight():
    closes = walk(200)
    changed = closes.copy()
    changed[131:] *= 3.0
    strategy = Allocation("minimum_variance", window=100, rebalance_bars=30)
    first, second = drive(strategy, closes).wanted, drive(strategy, changed).wanted
    assert first[100] == second[100]
    assert first[130] == second[130]
    assert first[160] != second[160]


def test_instrument_without_a_bar_is_left_alone_and_one_without_history_has_no_weight():
    closes = walk(120)
    closes[:90, 1] = np.nan
    closes[100, 3] = np.nan
    ctx = drive(Allocation("minimum_variance", window=100, rebalance_bars=200), closes)
    (wanted,) = ctx.wanted.values()
    assert wanted["B"] == 0.0
    assert "D" not in wanted
    assert sum(wanted.values()) == pytest.approx(1.0)


def test_costs_keep_the_strategy_nearer_to_what_it_holds():
    pytest.importorskip("clarabel")
    closes = walk(150)
    held = np.array([0.1, 0.2, 0.3, 0.4])

    class Holding(TapeContext):
        def weights(self):
            return held

    moved = []
    for cost in (1e-9, 0.02):
        strategy = Allocation(
            "minimum_variance", window=100, rebalance_bars=99, transaction_cost=cost
        )
        ctx = Holding(closes)
        strategy.on_start(ctx)
        for row in range(101):
            ctx.row = row
            strategy.on_bar(ctx, Row(closes[row]))
        (wanted,) = ctx.wanted.values()
        moved.append(sum(abs(wanted[n] - w) for n, w in zip(NAMES, held, strict=True)))
    assert moved[1] < moved[0] - 0.05


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"method": "minimum_varianc"}, "did you mean 'minimum_variance'"),
        ({"window": 5}, "window is 5"),
        ({"rebalance_bars": 0}, "rebalance_bars is 0"),
        ({"max_weight": 1.5}, "max_weight is 1.5"),
        ({"covariance": "samples"}, "covariance is 'samples'"),
        ({"transaction_cost": -1.0}, "transaction_cost is -1.0"),
    ],
)
def test_wrong_parameter_is_named(parameters, says):
    with pytest.raises(ConfigError, match=says):
        create_strategy("allocation", **parameters)


def bars_of(closes):
    ts = np.arange(1, len(closes) + 1) * DAY
    names = tuple(Instrument(name) for name in NAMES)
    return Bars(
        names, ts, closes, closes * 1.001, closes * 0.999, closes, np.full(closes.shape, 1e6)
    )


def test_engine_holds_the_weights_from_the_next_open():
    closes = walk(140)
    run = tw.backtest(
        Allocation("risk_parity", window=100, rebalance_bars=500),
        bars_of(closes),
        config=tw.BacktestConfig.neutral(),
    )
    fills = run.outcome.fills
    assert set(fills["bar"].tolist()) == {101}
    weights = direct(closes[:101], "risk_parity", 100).weights
    value = fills["qty"] / 1e8 * closes[100, fills["instrument"]]
    shares = dict(zip([NAMES[i] for i in fills["instrument"]], value / value.sum(), strict=True))
    assert shares == pytest.approx(dict(weights), abs=0.01)


def panel(means, rows):
    return ForecastPanel(NAMES, np.arange(1, rows + 1) * DAY, np.tile(means, (rows, 1)), 5, "test")


def test_rule_chooses_and_the_method_shares():
    closes = walk(130)
    settings = DecisionSettings(top_k=3, max_weight=1.0, gross=0.9, rebalance_bars=500)
    strategy = ForecastStrategy(
        panel([0.02, 0.03, -0.01, 0.01], 130),
        settings,
        split=MethodSplit(method="minimum_variance", window=100),
    )
    strategy._next = 0
    ctx = TapeContext(closes)
    strategy.on_start(ctx)
    ctx.row = 129
    strategy.on_bar(ctx, Row(closes[129]))
    wanted = ctx.wanted[129]
    returns = (closes[1:] / closes[:-1] - 1)[-100:][:, [0, 1, 3]]
    expected = PortfolioOptimizer(0.0).optimize_returns(
        returns,
        "minimum_variance",
        estimation=EstimationSettings(window=100),
        inputs=MethodInputs(symbols=["A", "B", "D"]),
    )
    assert wanted["C"] == 0.0
    assert {n: w / 0.9 for n, w in wanted.items() if n != "C"} == pytest.approx(
        dict(expected.weights), abs=1e-9
    )


def test_forecasts_are_the_views_of_black_litterman():
    pytest.importorskip("clarabel")
    closes = walk(130)
    settings = DecisionSettings(top_k=4, max_weight=1.0, rebalance_bars=500)
    shares = []
    for top in (0.2, 0.4):
        strategy = ForecastStrategy(
            panel([top, 0.001, 0.001, 0.001], 130),
            settings,
            split=MethodSplit(method="black_litterman", window=100),
        )
        ctx = TapeContext(closes)
        strategy.on_start(ctx)
        ctx.row = 129
        strategy.on_bar(ctx, Row(closes[129]))
        shares.append(ctx.wanted[129]["A"])
    assert 0.25 < shares[0] < shares[1]


def test_too_little_history_leaves_the_rules_shares_with_a_note():
    closes = walk(30)
    strategy = ForecastStrategy(
        panel([0.02, 0.02, 0.02, 0.02], 30),
        DecisionSettings(top_k=4, max_weight=1.0, rebalance_bars=500),
        split=MethodSplit(method="minimum_variance", window=100),
    )
    ctx = TapeContext(closes)
    strategy.on_start(ctx)
    ctx.row = 29
    strategy.on_bar(ctx, Row(closes[29]))
    assert set(ctx.wanted[29].values()) == {0.25}
    assert "the rule's own shares stand" in ctx.notes[0]


def test_wrong_split_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'risk_parity'"):
        MethodSplit(method="risk_parit")
    with pytest.raises(ConfigError, match="method_window is 100, wanted at least 252"):
        MethodSplit(method="factor_based", window=100)
    with pytest.raises(ConfigError, match="long_only"):
        ForecastStrategy(
            panel([0.1] * 4, 3),
            DecisionSettings(direction="long_short"),
            split=MethodSplit(method="risk_parity"),
        )
