"""tw.backtest: what it takes, refuses, and hands back."""

import asyncio
from datetime import UTC, date, datetime
from threading import Event
from threading import enumerate as enumerate_threads

import numpy as np
import pytest

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders, Signals, TargetWeights
from tradewright.domain.errors import CancelledError, ConfigError, NoDataError
from tradewright.domain.instruments import Instrument
from tradewright.domain.outcome import RunStatus
from tradewright.domain.rules import FillRules
from tradewright.domain.time import NS_PER_DAY, to_ns
from tradewright.engine import run_loop
from tradewright.ledger import reconcile
from tradewright.services.backtest import (
    BacktestConfig,
    TapeFeed,
    backtest,
    backtest_async,
    loop_setup,
    open_venue,
    plan_backtest,
    run_outcome,
)
from tradewright.strategies import Strategy

FIRST = to_ns(datetime(2015, 1, 5, 21, tzinfo=UTC))


NEUTRAL = {
    "max_position_size": None, "max_drawdown_limit": None, "stop_loss_threshold": None,
}  # fmt: skip


def tape(n=60, symbols=("A", "B"), seed=1, closes=None):
    rng = np.random.default_rng(seed)
    if closes is None:
        closes = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (n, len(symbols))), axis=0))
    closes = np.asarray(closes, float).reshape(len(closes), len(symbols))
    opens = closes * np.exp(rng.normal(0, 0.003, closes.shape))
    high, low = np.maximum(opens, closes) * 1.005, np.minimum(opens, closes) * 0.995
    return Bars(
        tuple(Instrument(s) for s in symbols), FIRST + np.arange(len(closes)) * NS_PER_DAY,
        opens, high, low, closes, np.full(closes.shape, 1e7),
    )  # fmt: skip


def outcome(what, bars, **given):
    return run_outcome(plan_backtest(what, bars, **given))


class Trend(Strategy):
    def on_bar(self, ctx, bar):
        for symbol in ctx.symbols:
            past = ctx.history(symbol, 5)
            ctx.target_weight(0.45 if past[-1] > past.mean() else 0.0, symbol)


@pytest.mark.parametrize("name", ["buy_and_hold", "sma_cross", "momentum_top_n", "mean_reversion"])
def test_every_reference_strategy_runs_and_its_books_balance(name):
    bars = tape(400)
    result = outcome(name, bars)
    assert result.status is RunStatus.COMPLETED
    assert len(result.fills) > 0
    assert reconcile(result).fills == len(result.fills)
    fill_ts, decided = result.ts[result.fills["bar"]], result.orders["bar"][result.fills["order"]]
    assert (fill_ts > result.ts[decided]).all()


def test_weights_of_an_event_strategy_and_of_an_array_give_the_same_fills():
    bars = tape(300)
    weights = np.full(bars.close.shape, np.nan)
    for t in range(bars.n_bars):
        past = bars.close[max(0, t - 4) : t + 1]
        weights[t] = np.where(past[-1] > past.mean(axis=0), 0.45, 0.0)
    events = outcome(Trend(), bars)
    array = outcome(TargetWeights(weights), bars)
    names = ["bar", "instrument", "side", "qty", "px", "notional", "fee", "slippage"]
    assert len(array.fills) > 50
    assert events.fills[names].tolist() == array.fills[names].tolist()
    assert events.cash.tolist() == array.cash.tolist()
    assert events.equity.tolist() == array.equity.tolist()


def test_weights_under_a_limit_run_bar_by_bar_and_keep_it():
    bars = tape(100)
    weights = np.full(bars.close.shape, 0.5)
    config = BacktestConfig(max_position_size=0.2)
    result = outcome(TargetWeights(weights), bars, config=config, costs=None)
    assert result.status is RunStatus.COMPLETED
    share = result.long_value / result.equity
    assert 0.3 < share[5:].max() < 0.42
    with pytest.raises(ConfigError, match="max_position_size cannot act on Signals"):
        flags = np.zeros(bars.close.shape, bool)
        plan_backtest(Signals(flags, flags), bars, config=config)


def test_arrays_are_not_limited_by_the_defaults_of_a_study():
    bars = tape(40)
    weights = np.full(bars.close.shape, 0.5)
    free = outcome(TargetWeights(weights), bars, config=BacktestConfig(seed=4))
    assert free.fills.tolist() == outcome(TargetWeights(weights), bars).fills.tolist()


def test_a_strategy_with_a_config_has_the_limits_of_a_study():
    closes = np.r_[np.full(5, 100.0), np.full(5, 90.0)]
    bars = tape(closes=closes, symbols=("A",))

    class AllIn(Strategy):
        def on_bar(self, ctx, bar):
            if bar.row == 0:
                ctx.target_weight(1.0)

    free = outcome(AllIn(), bars)
    held = outcome(AllIn(), bars, config=BacktestConfig())
    assert free.long_value[-1] > 8_900_000
    # At most a quarter is bought, and 10 % under its cost it is sold again.
    assert held.long_value[2] <= 2_510_000
    assert held.fills["side"].tolist() == [1, -1]
    assert held.long_value[-1] == 0


def test_dates_cut_bars_and_arrays_alike():
    bars = tape(60)
    weights = np.full(bars.close.shape, np.nan)
    weights[20] = [0.5, 0.25]
    config = BacktestConfig(start_date="2015-01-20", end_date=date(2015, 2, 10))
    plan = plan_backtest(TargetWeights(weights), bars, config=config)
    days = [str(d)[:10] for d in plan.bars.times[[0, -1]]]
    assert days == ["2015-01-20", "2015-02-10"]
    first = 15  # rows before 20 January
    assert run_outcome(plan).fills["bar"].tolist() == [21 - first] * 2


def test_symbols_are_selected():
    plan = plan_backtest("buy_and_hold", tape(), config={"symbols": ["B"]})
    assert plan.bars.symbols == ("B",)
    with pytest.raises(NoDataError, match="'C' is not in these bars"):
        plan_backtest("buy_and_hold", tape(), config={"symbols": ["C"]})


def test_orders_decided_ahead_run():
    bars = tape(20)
    table = {"bar": [3, 8], "symbol": ["A", "A"], "side": ["BUY", "SELL"], "qty": [10.0, 4.0]}
    result = outcome(Orders(table), bars)
    assert result.fills["bar"].tolist() == [4, 9]
    assert result.fills["qty"].tolist() == [10 * 10**8, 4 * 10**8]


@pytest.mark.parametrize("cash", [0, -1, float("nan"), float("inf"), 0.001, True, "1000"])
def test_cash_must_be_an_amount(cash):
    with pytest.raises(ConfigError, match="cash is"):
        plan_backtest("buy_and_hold", tape(), cash=cash)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (Trend, "Trend|type"),
        (object(), "wanted Signals"),
        ("sma_cros", "did you mean 'sma_cross'"),
        (TargetWeights(np.zeros((3, 2))), r"shape \(3, 2\), wanted \(60, 2\)"),
        (Signals(np.zeros(60, bool), np.zeros(60, bool)), r"shape \(60, 1\), wanted \(60, 2\)"),
    ],
)
def test_what_must_be_runnable(what, says):
    with pytest.raises(ConfigError, match=says):
        plan_backtest(what, tape())


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"inital_balance": 5}, "backtest.inital_balance is not known; did you mean 'initial_bal"),
        ({"initial_balance": 0}, "backtest.initial_balance is 0, wanted a number above 0"),
        ({"seed": "a"}, "backtest.seed is 'a', wanted a whole number"),
        ({"period_type": "ROLING"}, "did you mean 'ROLLING'"),
        ({"overlap_days": 63}, "backtest.overlap_days is 63, wanted below testing_period_days"),
        ({"max_drawdown_limit": 1.5}, "backtest.max_drawdown_limit is 1.5"),
        ({"stop_loss_threshold": -0.1}, "backtest.stop_loss_threshold is -0.1"),
        ({"transaction_cost": -1}, "backtest.transaction_cost is -1"),
        ({"rules": {"intrabr": "ohlc"}}, "backtest.rules.intrabr is not known"),
        ({"rules": {"intrabar": "olhc"}}, "did you mean 'ohlc'"),
        ({"start_date": "2015-13-01"}, "backtest.start_date"),
        ({"start_date": "2015-02-01", "end_date": "2015-01-01"}, "end_date is 2015-01-01, wanted"),
        ({"symbols": "AAPL"}, "backtest.symbols is 'AAPL', wanted a list"),
    ],
)
def test_wrong_settings_are_named_with_their_path(section, says):
    with pytest.raises(ConfigError, match=says):
        BacktestConfig.from_mapping(section)


def test_defaults_are_those_of_the_specification():
    config = BacktestConfig()
    assert (config.training_period_days, config.testing_period_days) == (252, 63)
    assert (config.period_type, config.overlap_days) == ("ROLLING", 0)
    assert (config.initial_balance, config.transaction_cost) == (100_000.0, 0.001)
    assert (config.slippage, config.max_position_size) == (0.0005, 0.25)
    assert (config.max_drawdown_limit, config.stop_loss_threshold) == (0.15, 0.08)
    with pytest.raises(ConfigError, match="did you mean 'seed'"):
        BacktestConfig(sead=1)


def test_a_config_survives_the_way_through_json():
    config = BacktestConfig(
        start_date="2015-02-01", symbols=("A",), rules=FillRules(leverage=2.0), seed=3
    )
    assert BacktestConfig.from_mapping(config.to_mapping()) == config


def test_standard_costs_are_charged_unless_others_are_given():
    bars = tape(30)
    plans = {
        "default": plan_backtest("buy_and_hold", bars),
        "none": plan_backtest("buy_and_hold", bars, costs=None),
        "own": plan_backtest("buy_and_hold", bars, costs=Costs(fee_bps=1)),
        "config": plan_backtest("buy_and_hold", bars, config={"transaction_cost": 0.002}),
    }
    assert plans["default"].costs == Costs.standard()
    assert plans["none"].costs is None
    assert plans["own"].costs == Costs(fee_bps=1)
    assert plans["config"].costs.fee_bps == pytest.approx(20)
    assert len({plan.run_id for plan in plans.values()}) == 4


def test_cash_and_initial_balance_are_one_thing():
    bars = tape(30)
    assert plan_backtest("buy_and_hold", bars, config={"initial_balance": 5}).cash_minor == 500
    assert plan_backtest("buy_and_hold", bars, cash=7).cash_minor == 700
    with pytest.raises(ConfigError, match="give one"):
        plan_backtest("buy_and_hold", bars, cash=7, config={"initial_balance": 5})
    copied = BacktestConfig.neutral().changed(seed=4)
    assert copied.given == {*BacktestConfig.neutral().given, "seed"}
    assert plan_backtest("buy_and_hold", bars, cash=7, config=copied).cash_minor == 700


def test_progress_runs_from_zero_to_one_and_never_falls():
    seen = []
    outcome_ = run_outcome(plan_backtest(Trend(), tape(90)), lambda f, m: seen.append(f))
    assert outcome_.status is RunStatus.COMPLETED
    assert (seen[0], seen[-1]) == (0.0, 1.0)
    assert seen == sorted(seen)


def test_a_strategy_that_raises_in_the_middle_keeps_the_part_until_then():
    class Breaks(Trend):
        def on_bar(self, ctx, bar):
            super().on_bar(ctx, bar)
            if bar.row == 30:
                raise RuntimeError("no more")

    with pytest.warns(RuntimeWarning, match="FAILED: strategy raised in on_bar at bar 30"):
        run = backtest(Breaks(), tape())
    assert run.outcome.status is RunStatus.FAILED
    assert "RuntimeError: no more" in run.outcome.message
    assert any("Traceback" in note for note in run.outcome.notes)
    whole = outcome(Trend(), tape())
    assert len(run.outcome.ts) == 31
    assert run.outcome.equity.tolist() == whole.equity[:31].tolist()
    reconcile(run.outcome)


def test_a_strategy_that_loops_on_one_bar_is_stopped_there_and_keeps_its_part():
    class Loops(Trend):
        def on_bar(self, ctx, bar):
            super().on_bar(ctx, bar)
            while bar.row == 30:
                pass

    with pytest.warns(RuntimeWarning, match=r"strategy raised in on_bar at bar 30 .*no end after"):
        run = backtest(Loops(), tape(), config={**NEUTRAL, "max_seconds_per_bar": 0.2})
    assert run.outcome.status is RunStatus.FAILED
    assert "StrategyError: no end after 0.2 s" in run.outcome.message
    assert "test_backtest_service.py" in run.outcome.message
    assert run.outcome.equity.tolist() == outcome(Trend(), tape()).equity[:31].tolist()


def test_a_loop_that_swallows_the_first_error_is_stopped_by_the_next():
    class Deaf(Trend):
        swallowed = 0

        def on_bar(self, ctx, bar):
            while bar.row == 3:
                try:
                    while True:
                        pass
                except Exception:
                    self.swallowed += 1
                    if self.swallowed == 2:
                        raise

    deaf = Deaf()
    with pytest.warns(RuntimeWarning, match="at bar 3 .*no end after"):
        run = backtest(deaf, tape(), config={**NEUTRAL, "max_seconds_per_bar": 0.1})
    assert (deaf.swallowed, len(run.outcome.ts)) == (2, 4)


def test_a_run_can_be_profiled_and_leaves_nothing_behind():
    import cProfile

    before = {thread.name for thread in enumerate_threads()}
    run_outcome(plan_backtest(Trend(), tape()))
    profile = cProfile.Profile()
    profile.enable()
    again = run_outcome(plan_backtest(Trend(), tape()))
    profile.disable()
    assert again.status is RunStatus.COMPLETED
    assert {thread.name for thread in enumerate_threads()} == before


def test_waiting_for_the_next_bar_is_not_the_strategys_time():
    bars = tape(4)
    plan = plan_backtest(Trend(), bars, config={**NEUTRAL, "max_seconds_per_bar": 0.05})

    class Slow(TapeFeed):
        def rows(self, desk):
            for row in super().rows(desk):
                Event().wait(0.12)
                yield row

    result = run_loop(loop_setup(plan, open_venue(plan), Slow(bars.n_bars)))
    assert result.status is RunStatus.COMPLETED, result.message


def test_the_time_a_bar_may_take_is_checked_and_no_part_of_a_runs_identity():
    with pytest.raises(
        ConfigError, match=r"config\.max_seconds_per_bar is 0, wanted a number above"
    ):
        plan_backtest(Trend(), tape(), config={"max_seconds_per_bar": 0})
    assert "max_seconds_per_bar" not in BacktestConfig().to_mapping()
    assert BacktestConfig(max_seconds_per_bar=None).to_mapping()["max_seconds_per_bar"] is None


def test_a_progress_callback_can_stop_the_run():
    def stop(fraction, message):
        if fraction > 0.5:
            raise CancelledError("enough")

    with pytest.warns(RuntimeWarning, match="CANCELLED: enough"):
        run = backtest(Trend(), tape(), progress=stop)
    assert run.outcome.status is RunStatus.CANCELLED
    assert 29 < len(run.outcome.ts) < 34


def test_an_async_run_stops_within_one_bar_when_cancelled():
    class Announces(Strategy):
        def __init__(self, event, loop):
            self.event, self.loop, self.rows = event, loop, []

        def on_bar(self, ctx, bar):
            self.rows.append(bar.row)
            if bar.row == 10:
                self.loop.call_soon_threadsafe(self.event.set)
                self.loop.call_soon_threadsafe(lambda: None)
            if bar.row >= 10:
                self.event_done.wait(5)

    async def main():
        import threading

        started = asyncio.Event()
        strategy = Announces(started, asyncio.get_running_loop())
        strategy.event_done = threading.Event()
        task = asyncio.create_task(backtest_async(strategy, tape()))
        await started.wait()
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        strategy.event_done.set()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return strategy, caught.value.args[0]

    with pytest.warns(RuntimeWarning, match="CANCELLED"):
        strategy, run = asyncio.run(main())
    assert run.outcome.status is RunStatus.CANCELLED
    assert strategy.rows[-1] == 10
    assert len(run.outcome.ts) == 11


def test_the_same_arguments_give_the_same_digest_and_a_rerun_too():
    bars = tape(120)
    first, second = backtest(Trend(), bars), backtest(Trend(), bars)
    assert first.digest == second.digest == first.rerun().digest
    assert backtest(Trend(), bars, cash=50_000).digest != first.digest


@pytest.mark.parametrize("cash", [1e13, 5e14])
def test_an_account_that_would_overflow_is_refused_before_the_run(cash):
    with pytest.raises(ConfigError, match="overflow"):
        run_outcome(plan_backtest(Trend(), tape(), cash=cash))


@pytest.mark.parametrize("name", ["rsi(14)", "close_to_sma(20)"])
def test_an_indicator_is_its_batch_form_row_by_row(name):
    from tradewright.features import compute, parse_features

    bars = tape(80)
    batch = compute(parse_features([name]), bars).values[:, :, 0]
    seen = []

    class Looks(Strategy):
        def on_bar(self, ctx, bar):
            seen.append([ctx.indicator(name, s) for s in ctx.symbols])

    assert outcome(Looks(), bars).status is RunStatus.COMPLETED
    np.testing.assert_array_equal(seen, batch)
    assert np.isfinite(batch[-1]).all()
