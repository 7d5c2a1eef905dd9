"""The one loop, over the Broker port's twin in memory."""

import numpy as np
import pytest
from tests.contract.doubles.next_open_venue import NextOpenVenue

from tradewright.domain.bars import Bars
from tradewright.domain.errors import CancelledError, ConfigError
from tradewright.domain.instruments import Instrument
from tradewright.domain.money import QTY_UNIT
from tradewright.domain.orders import OrderStatus, Side
from tradewright.domain.outcome import RunStatus
from tradewright.engine import LoopSetup, run_loop
from tradewright.risk import RiskLimits
from tradewright.services.backtest import backtest
from tradewright.strategies import Strategy

DAY = 86_400_000_000_000


class Rows:
    def __init__(self, n, stop_at=None, error=None):
        self.n, self.stop_at, self.error = n, stop_at, error

    def rows(self, desk):
        for row in range(self.n):
            if row == self.stop_at:
                raise self.error
            yield row


def tape(closes, opens=None, symbols=("AAPL",), lot=1.0):
    close = np.asarray(closes, float).reshape(len(closes), -1)
    open_ = close if opens is None else np.asarray(opens, float).reshape(close.shape)
    high, low = np.fmax(open_, close), np.fmin(open_, close)
    return Bars(
        tuple(Instrument(s, lot_size=lot) for s in symbols),
        np.arange(1, len(close) + 1) * DAY,
        open_, high, low, close, np.full(close.shape, 1e6),
    )  # fmt: skip


def run(strategy, bars, cash=10_000_00, feed=None, **setup):
    venue = NextOpenVenue(bars, cash)
    result = run_loop(
        LoopSetup(
            bars=bars, feed=feed or Rows(bars.n_bars), venue=venue, strategy=strategy,
            initial_cash=cash, **setup,
        )
    )  # fmt: skip
    return result, venue


class Scripted(Strategy):
    def __init__(self, acts):
        self.acts, self.seen, self.fills, self.events = acts, [], [], []

    def on_bar(self, ctx, bar):
        self.seen.append((bar.row, bar.close, ctx.equity, ctx.cash, ctx.position()))
        if act := self.acts.get(bar.row):
            act(ctx)

    def on_fill(self, ctx, fill):
        self.fills.append((ctx.now_ns, fill.symbol, int(fill.side), fill.qty, fill.px))

    def on_order(self, ctx, event):
        self.events.append((event.status, event.reason.name))


def test_order_of_a_bar_fills_at_the_next_open_and_the_book_follows():
    bars = tape([10.0, 11.0, 12.0, 13.0], [9.0, 10.5, 11.5, 12.5])
    strategy = Scripted({0: lambda ctx: ctx.buy(100), 2: lambda ctx: ctx.sell(40)})
    result, venue = run(strategy, bars)
    assert result.status is RunStatus.COMPLETED
    assert strategy.fills == [
        (2 * DAY, "AAPL", 1, 100 * QTY_UNIT, 10_50000000),
        (4 * DAY, "AAPL", -1, 40 * QTY_UNIT, 12_50000000),
    ]
    # cash and equity by hand: buy 100 at 10.5, marked at the close; sell 40 at 12.5
    assert strategy.seen == [
        (0, 10.0, 10_000.0, 10_000.0, 0.0),
        (1, 11.0, 10_050.0, 8_950.0, 100.0),
        (2, 12.0, 10_150.0, 8_950.0, 100.0),
        (3, 13.0, 10_230.0, 9_450.0, 60.0),
    ]
    assert result.ledger.cash_minor == venue.cash == 9_450_00
    assert result.ledger.holdings["AAPL"].realised_minor == 80_00


def test_a_target_weight_is_sized_at_the_decision_close_and_rounded_down_to_the_lot():
    bars = tape([30.0, 30.0, 30.0])
    strategy = Scripted({0: lambda ctx: ctx.target_weight(0.5)})
    run(strategy, bars)
    assert strategy.fills == [(2 * DAY, "AAPL", 1, 166 * QTY_UNIT, 30 * 10**8)]


def test_targets_send_reductions_first_and_only_the_difference():
    bars = tape(np.full((4, 2), 10.0), symbols=("A", "B"))

    class Rotate(Strategy):
        def on_bar(self, ctx, bar):
            if bar.row == 0:
                ctx.target_weight(0.9, "B")
            if bar.row == 1:
                ctx.target_weight(0.5, "A")
                ctx.target_weight(0.4, "B")

    _, venue = run(Rotate(), bars)
    sent = [(o.symbol, o.side, o.qty // QTY_UNIT) for o in venue.submitted]
    assert sent == [("B", Side.BUY, 900), ("B", Side.SELL, 500), ("A", Side.BUY, 500)]


def test_a_target_repeated_while_its_order_waits_for_a_bar_replaces_the_order():
    closes = np.array([[10.0, 10.0], [np.nan, 10.0], [np.nan, 10.0], [10.0, 10.0]])
    bars = tape(closes, symbols=("A", "B"))

    class Insist(Strategy):
        def on_bar(self, ctx, bar):
            ctx.target_quantity(5 + bar.row, "A")

    _, venue = run(Insist(), bars)
    # Rows 1 and 2 take back the order before them; row 3 adds what the filled one lacks.
    assert [o.qty // QTY_UNIT for o in venue.submitted] == [5, 6, 7, 1]
    assert venue.positions["A"] == 7 * QTY_UNIT
    assert [o.qty // QTY_UNIT for o in venue.open_orders()] == [1]


def test_history_ends_with_the_present_bar_and_is_read_only():
    bars = tape(np.arange(1.0, 8.0))
    seen = []

    class Look(Strategy):
        def on_bar(self, ctx, bar):
            seen.append(ctx.history(None, 3).tolist())
            with pytest.raises(ValueError, match="read-only"):
                ctx.history("AAPL", 3)[0] = 0.0

    run(Look(), bars)
    assert seen[0] == [1.0]
    assert seen[-1] == [5.0, 6.0, 7.0]


@pytest.mark.parametrize("cut", [3, 7, 11])
def test_cutting_the_future_changes_no_decision(cut):
    rng = np.random.default_rng(3)
    bars = tape(50 * np.exp(np.cumsum(rng.normal(0, 0.02, 15))))

    class Trend(Strategy):
        def on_bar(self, ctx, bar):
            past = ctx.history(None, 3)
            ctx.target_weight(1.0 if past[-1] > past.mean() else 0.0)

    _, whole = run(Trend(), bars)
    _, part = run(Trend(), bars.rows(0, cut))
    until = [o for o in whole.submitted if o.ts_decided <= bars.ts[cut - 1]]
    assert part.submitted == until


def test_bar_of_several_instruments():
    bars = tape([[1.0, 2.0], [3.0, np.nan]], symbols=("A", "B"))
    seen = []

    class Look(Strategy):
        def on_bar(self, ctx, bar):
            seen.append((bar["A"].close, bar["B"].is_there, bar.closes.tolist()[0], bar.symbols))
            with pytest.raises(ConfigError, match=r"bar\['A'\].close"):
                _ = bar.close
            with pytest.raises(ConfigError, match="name one"):
                ctx.buy(1)
            with pytest.raises(ConfigError, match="not on the tape"):
                _ = bar["C"]

    result, _ = run(Look(), bars)
    assert result.status is RunStatus.COMPLETED, result.message
    assert seen == [(1.0, True, 1.0, ("A", "B")), (3.0, False, 3.0, ("A", "B"))]


def test_a_strategy_that_raises_fails_the_run_and_keeps_what_happened():
    bars = tape([10.0, 11.0, 12.0, 13.0])

    def explode(ctx):
        raise ZeroDivisionError("my mistake")

    strategy = Scripted({0: lambda ctx: ctx.buy(10), 2: explode})
    result, venue = run(strategy, bars)
    assert result.status is RunStatus.FAILED
    assert result.rows == 3
    assert "on_bar at bar 2 (1970-01-04T00:00:00+00:00): ZeroDivisionError: my mistake" in (
        result.message
    )
    assert "test_loop.py" in result.message
    assert "explode" in result.traceback
    assert venue.positions["AAPL"] == 10 * QTY_UNIT
    assert result.ledger.position("AAPL") == 10 * QTY_UNIT


def test_a_hook_that_raises_is_named():
    class Bad(Strategy):
        def on_bar(self, ctx, bar):
            ctx.buy(1)

        def on_fill(self, ctx, fill):
            raise KeyError("x")

    result, _ = run(Bad(), tape([1.0, 2.0, 3.0]))
    assert result.status is RunStatus.FAILED
    assert "raised in on_fill at bar 1" in result.message


@pytest.mark.parametrize("error", [KeyboardInterrupt(), CancelledError("enough")])
def test_a_stop_from_outside_is_a_cancelled_run(error):
    bars = tape([10.0, 11.0, 12.0, 13.0])
    strategy = Scripted({0: lambda ctx: ctx.buy(10)})
    result, venue = run(strategy, bars, feed=Rows(4, stop_at=2, error=error))
    assert result.status is RunStatus.CANCELLED
    assert (result.rows, venue.positions["AAPL"]) == (2, 10 * QTY_UNIT)


def test_drawdown_halts_additions_but_lets_positions_shrink():
    # All in at 10, falls to 8.4: 16 % under the high-water mark of 10 000.
    bars = tape([10.0, 10.0, 8.4, 8.4, 8.4, 8.4])

    class Stubborn(Strategy):
        def __init__(self):
            self.denied = []

        def on_bar(self, ctx, bar):
            if bar.row == 0:
                ctx.buy(1000)
            if bar.row == 2:
                ctx.buy(10)
            if bar.row == 3:
                ctx.target_quantity(1200)
            if bar.row == 4:
                ctx.sell(400)

        def on_order(self, ctx, event):
            if event.status is OrderStatus.DENIED:
                self.denied.append((event.reason.name, event.message))

    strategy = Stubborn()
    result, venue = run(strategy, bars, limits=RiskLimits(max_drawdown=0.15))
    assert venue.positions["AAPL"] == 600 * QTY_UNIT
    assert strategy.denied == [
        ("RISK_LIMIT", "drawdown from the high-water mark reached 0.15"),
    ]
    assert len(result.denied) == 1


def test_stop_loss_closes_a_position_at_its_average_cost_less_the_limit():
    bars = tape([10.0, 10.0, 9.3, 9.2, 9.1, 9.0])
    strategy = Scripted({0: lambda ctx: ctx.buy(100)})
    _, venue = run(strategy, bars, limits=RiskLimits(stop_loss=0.08))
    # 9.2 is 8 % under 10: decided at bar 3, sold at the open of bar 4.
    assert strategy.fills[1] == (5 * DAY, "AAPL", -1, 100 * QTY_UNIT, 9_10000000)
    assert venue.positions["AAPL"] == 0


def test_position_limit_cuts_a_target():
    bars = tape([10.0, 10.0, 10.0])
    strategy = Scripted({0: lambda ctx: ctx.target_weight(1.0)})
    result, venue = run(strategy, bars, limits=RiskLimits(max_position=0.25))
    assert venue.positions["AAPL"] == 250 * QTY_UNIT
    assert result.log == ((DAY, "max_position AAPL: 1.0000 cut to 0.25"),)


def test_timers_ring_once_by_bars_and_by_time():
    from tradewright.domain.time import from_ns

    rung = []

    class Timed(Strategy):
        def on_start(self, ctx):
            ctx.set_timer("third", at=from_ns(3 * DAY))

        def on_bar(self, ctx, bar):
            if bar.row == 0:
                ctx.set_timer("soon", bars=1)

        def on_timer(self, ctx, name):
            rung.append((ctx.now_ns // DAY, name))

    run(Timed(), tape(np.ones(5)))
    assert rung == [(2, "soon"), (3, "third")]


def test_order_ids_are_the_same_in_every_run_and_differ_within_one():
    bars = tape(np.ones(6))
    acts = {0: lambda ctx: [ctx.buy(1), ctx.buy(1)], 3: lambda ctx: ctx.buy(1)}
    ids = []
    for _ in range(2):
        _, venue = run(Scripted(acts), bars, run_id="r1")
        ids.append([o.client_order_id for o in venue.submitted])
    _, other = run(Scripted(acts), bars, run_id="r2")
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 3
    assert not set(ids[0]) & {o.client_order_id for o in other.submitted}


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda ctx: ctx.buy(0), "wanted above 0"),
        (lambda ctx: ctx.buy(float("nan")), "wanted above 0"),
        (lambda ctx: ctx.target_weight(float("inf")), "wanted a finite number"),
        (lambda ctx: ctx.buy(1, lmit=3.0), "did you mean 'limit'"),
        (lambda ctx: ctx.buy(1, type="markt"), "did you mean 'market'"),
        (lambda ctx: ctx.buy(1, limit=-1.0), "wanted a finite number above 0"),
        (lambda ctx: ctx.history(None, 3, "closes"), "did you mean 'close'"),
        (lambda ctx: ctx.position("MSFT"), "not on the tape"),
        (lambda ctx: ctx.set_timer("x"), "give bars"),
        (lambda ctx: ctx.indicator("rsi(14)"), "no feature source"),
        (
            lambda ctx: ctx.bracket(1, stop=1.5),
            "stop of AAPL is 1.5 with a last close of 1",
        ),
        (lambda ctx: ctx.bracket(-1, target=1.5), "wanted it below for a short"),
        (lambda ctx: ctx.bracket(1, entry=0.9, stop=0.95), "stop_loss_px is 0.95 and limit_px 0.9"),
        (lambda ctx: ctx.target_weight(-0.5, stop=0.5), "wanted it above for a short"),
        (lambda ctx: ctx.bracket("AAPL", 5), "found 5 where a symbol is wanted"),
    ],
)
def test_a_wrong_argument_fails_the_run_with_its_reason(act, says):
    result, _ = run(Scripted({0: act}), tape([1.0, 2.0]))
    assert result.status is RunStatus.FAILED
    assert says in result.message
    assert "on_bar at bar 0" in result.message


def test_bracket_prices_are_rounded_to_the_safe_tick():
    bars = tape([10.0, 10.0])
    strategy = Scripted({0: lambda ctx: ctx.bracket(5, stop=9.501, target=10.996)})
    _, venue = run(strategy, bars)
    (order,) = venue.submitted
    assert (order.stop_loss_px, order.take_profit_px) == (9_51000000, 11_00000000)


def test_any_object_with_on_bar_is_enough():
    class Plain:
        def on_bar(self, ctx, bar):
            ctx.target_weight(1.0)

    result, venue = run(Plain(), tape([10.0, 10.0]))
    assert result.status is RunStatus.COMPLETED
    assert venue.positions["AAPL"] == 1000 * QTY_UNIT


def test_amount_and_symbol_in_the_wrong_order_are_named():
    class Swapped:
        def on_bar(self, ctx, bar):
            ctx.target_weight("AAPL", 1.0)

    bars = tw_sample()
    with pytest.warns(RuntimeWarning, match="the amount comes first"):
        run = backtest(Swapped(), bars)
    assert run.outcome.status == "FAILED"


def tw_sample():
    from tradewright.marketdata import sample_bars

    return sample_bars(["AAPL"]).rows(0, 30)
