"""Random strategies on random bars: nothing fills early, the books balance, both drives agree."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import TargetWeights
from tradewright.domain.instruments import Instrument
from tradewright.domain.orders import OrderStatus
from tradewright.domain.outcome import RunStatus
from tradewright.domain.rules import FillRules
from tradewright.domain.time import NS_PER_DAY, to_ns
from tradewright.engine import run_loop
from tradewright.ledger import ledger_of, reconcile, round_trips
from tradewright.services.backtest import (
    BacktestConfig,
    TapeFeed,
    loop_setup,
    open_venue,
    plan_backtest,
    run_outcome,
)
from tradewright.strategies import Strategy

FIRST = to_ns(datetime(2015, 1, 5, 21, tzinfo=UTC))
SYMBOLS = ("A", "B", "C")


def random_bars(seed, n, gaps):
    rng = np.random.default_rng(seed)
    close = 40 * np.exp(np.cumsum(rng.normal(0, 0.03, (n, 3)), axis=0))
    open_ = close * np.exp(rng.normal(0, 0.01, close.shape))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 0.01, close.shape)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, 0.01, close.shape)))
    hole = (rng.random(close.shape) < 0.05) if gaps else np.zeros(close.shape, bool)
    hole[:, 0] = False
    arrays = [np.where(hole, np.nan, a) for a in (open_, high, low, close)]
    volume = np.where(hole, np.nan, rng.integers(10_000, 10**7, close.shape).astype(float))
    lots = (1e-8, 1.0, 0.01)
    instruments = tuple(Instrument(s, lot_size=x) for s, x in zip(SYMBOLS, lots, strict=True))
    return Bars(instruments, FIRST + np.arange(n) * NS_PER_DAY, *arrays, volume)


class Random(Strategy):
    """Does anything it may, by dice that depend on nothing but the seed and the bar."""

    cancels = True

    def __init__(self, seed, short):
        self.seed, self.short, self.booked = seed, short, {}

    def on_start(self, ctx):
        self.dice = np.random.default_rng(self.seed)
        self.booked = dict.fromkeys(SYMBOLS, 0)
        self.seen = []

    def on_fill(self, ctx, fill):
        self.booked[fill.symbol] += int(fill.side) * fill.qty
        assert fill.ts_event == ctx.now_ns

    def check(self, ctx, symbol):
        assert ctx.position(symbol) == self.booked[symbol] / 10**8

    def on_bar(self, ctx, bar):
        self.seen.append((ctx.cash, [ctx.position(s) for s in SYMBOLS], len(ctx.open_orders)))
        for symbol in SYMBOLS:
            act, x = self.dice.integers(0, 14), float(self.dice.random())
            self.check(ctx, symbol)
            if not bar[symbol].is_there:
                continue
            px = bar[symbol].close
            low = -0.5 if self.short else 0.0
            if act == 0:
                ctx.target_weight(low + x * (0.6 - low), symbol)
            elif act == 1:
                ctx.buy(1 + 50 * x, symbol)
            elif act == 2 and (self.short or ctx.position(symbol) > 0):
                qty = 1 + 50 * x if self.short else ctx.position(symbol)
                ctx.sell(qty, symbol, limit=px * (1 + 0.02 * x), tif="day")
            elif act == 3:
                ctx.bracket(5 + 20 * x, symbol, stop=px * 0.97, target=px * 1.04)
            elif act == 4 and self.cancels and ctx.open_orders:
                ctx.cancel(ctx.open_orders[0].client_order_id)
            elif act == 5:
                ctx.target_quantity(0, symbol)
            elif act == 6:
                ctx.buy(1 + 10 * x, symbol, stop=px * (1 + 0.01 * x))


class Deaf(Random):
    """The same, without a hook for fills: the engine then follows no news of the venue."""

    on_fill = Strategy.on_fill

    def check(self, ctx, symbol):
        pass


COSTS = Costs(fee_bps=7, fee_min=1, spread_bps=4, slippage_bps=3, borrow_rate=0.02)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(3, 70), st.booleans(), st.booleans(),
    st.sampled_from(["cut", "reject"]),
)  # fmt: skip
def test_random_strategies(seed, n, gaps, short, on_insufficient):
    bars = random_bars(seed, n, gaps)
    rules = FillRules(allow_short=short, on_insufficient=on_insufficient, max_stale_bars=1000)
    config = BacktestConfig.neutral()
    config = BacktestConfig(
        max_position_size=None, max_drawdown_limit=None, stop_loss_threshold=None, rules=rules
    )
    plan = plan_backtest(Random(seed, short), bars, costs=COSTS, config=config)
    outcome = run_outcome(plan)
    assert outcome.status is RunStatus.COMPLETED, outcome.message
    orders, fills = outcome.orders, outcome.fills
    # No fill before the bar after its decision, and every raw price inside its bar.
    of = orders[fills["order"]]
    parent = np.where(of["parent"] >= 0, of["parent"], fills["order"])
    assert (fills["bar"] > orders["bar"][parent]).all()
    at = (fills["bar"], fills["instrument"])
    assert (fills["px"] >= np.rint(bars.low[at] * 1e8) - 1).all()
    assert (fills["px"] <= np.rint(bars.high[at] * 1e8) + 1).all()
    # The book made of the fills has the engine's cash on every bar; trips explain the profit.
    check = reconcile(outcome)
    assert check.cash_minor == outcome.cash[-1]
    ledger = ledger_of(outcome)
    assert sum(ledger.balances.values()) == 0
    trips = round_trips(outcome)
    profit = int(outcome.equity[-1]) - outcome.initial_cash + int(outcome.financing.sum())
    assert abs(int(trips["pnl"].sum()) - profit) <= 3
    if not short:
        assert (outcome.cash >= 0).all()
        assert (outcome.short_value == 0).all()
    # Filled quantities of orders are the sums of their fills.
    filled = np.bincount(fills["order"], weights=fills["qty"].astype(float), minlength=len(orders))
    assert filled.tolist() == orders["filled_qty"].astype(float).tolist()
    assert (orders["status"] != OrderStatus.FILLED).sum() + len(fills) >= len(orders)
    # The same again is the same.
    again = run_outcome(plan)
    assert again.fills.tobytes() == fills.tobytes()
    assert again.equity.tolist() == outcome.equity.tolist()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 60), st.booleans())
def test_weights_through_the_loop_equal_the_batch_drive(seed, n, gaps):
    bars = random_bars(seed, n, gaps)
    dice = np.random.default_rng(seed + 1)
    weights = dice.uniform(-0.3, 0.33, bars.close.shape)
    weights[dice.random(weights.shape) < 0.5] = np.nan
    weights[dice.random(weights.shape) < 0.1] = 0.0
    rules = FillRules(max_stale_bars=1000)
    base = {"rules": rules, "max_drawdown_limit": None, "stop_loss_threshold": None}
    batch = BacktestConfig(**base, max_position_size=None)
    # A limit that never binds sends the same weights bar by bar through the loop.
    loop = BacktestConfig(**base, max_position_size=3.0)
    plans = [
        plan_backtest(TargetWeights(weights), bars, costs=COSTS, config=c) for c in (batch, loop)
    ]
    assert type(plans[0].what) is not type(plans[1].what)
    first, second = (run_outcome(p) for p in plans)
    assert second.status is RunStatus.COMPLETED, second.message
    names = [f for f in first.fills.dtype.names if f != "order"]
    assert first.fills[names].tolist() == second.fills[names].tolist()
    assert first.cash.tolist() == second.cash.tolist()
    assert first.equity.tolist() == second.equity.tolist()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(10, 50), st.integers(1, 9))
def test_what_comes_later_changes_nothing_before(seed, n, cut):
    bars = random_bars(seed, n, gaps=True)
    rules = FillRules(max_stale_bars=1000)
    config = {"rules": rules, "max_position_size": None, "max_drawdown_limit": None,
              "stop_loss_threshold": None}  # fmt: skip
    last = max(n * cut // 10, 2)
    whole, part = (
        run_outcome(
            plan_backtest(Random(seed, True), b, costs=COSTS, config=BacktestConfig(**config))
        )
        for b in (bars, bars.rows(0, last))
    )
    assert part.equity.tolist() == whole.equity[:last].tolist()
    early = whole.fills[whole.fills["bar"] < last]
    assert part.fills.tobytes() == early.tobytes()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 60), st.booleans())
def test_a_strategy_that_does_not_listen_gets_the_same_run(seed, n, short):
    bars = random_bars(seed, n, gaps=True)
    rules = FillRules(allow_short=short, max_stale_bars=1000)
    config = BacktestConfig(
        max_position_size=0.5, max_drawdown_limit=0.4, stop_loss_threshold=0.1, rules=rules
    )
    ends = []
    for kind in (Random, Deaf):
        plan = plan_backtest(kind(seed, short), bars, costs=COSTS, config=config)
        plan = replace(plan, run_id="one")
        venue = open_venue(plan)
        result = run_loop(loop_setup(plan, venue, TapeFeed(n)))
        assert result.status is RunStatus.COMPLETED, result.message
        assert result.desk.listens is (kind is Random)
        ends.append((plan.what.seen, result, venue.outcome()))
    (heard, one, first), (unheard, other, second) = ends
    assert unheard == heard
    assert second.orders.tobytes() == first.orders.tobytes()
    assert second.fills.tobytes() == first.fills.tobytes()
    assert second.equity.tobytes() == first.equity.tobytes()
    assert other.ledger.balances == one.ledger.balances
    assert [e.to_json() for e in other.ledger.entries] == [e.to_json() for e in one.ledger.entries]
    assert other.log == one.log
    assert one.incidents == other.incidents == ()
