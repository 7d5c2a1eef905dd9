"""One contract for a strategy wherever it runs: alone, as a sleeve, with a recorder, by a port.

The same strategy writes down every call it gets and everything it sees; the transcripts of all
the places must be equal.
"""

import pytest

from tradewright.domain.outcome import RunStatus
from tradewright.engine import LoopSetup, Sleeve, Sleeves, run_loop
from tradewright.marketdata import sample_bars
from tradewright.services.backtest import (
    BacktestConfig,
    TapeFeed,
    loop_setup,
    open_venue,
    plan_backtest,
)
from tradewright.strategies.protocol import HOOKS


class Diary:
    """Uses every part of the event API; no base class."""

    name = "diary"

    def __init__(self, targets=False):
        self.targets, self.lines = targets, []

    def note(self, ctx, hook, *what):
        seen = (round(ctx.cash, 6), round(ctx.equity, 6), ctx.position())
        self.lines.append((hook, ctx.now_ns, *seen, *what))

    def on_start(self, ctx):
        self.lines = []
        ctx.set_timer("first", bars=1)
        self.note(ctx, "on_start", ctx.symbols, len(ctx.history(None, 5)))

    def on_bar(self, ctx, bar):
        if bar.row == 1:
            ctx.buy(30, limit=bar.close * 0.99, tif="day")
            ctx.set_timer("later", bars=3)
        elif bar.row == 2:
            ctx.bracket(20, stop=bar.close * 0.97, target=bar.close * 1.03)
        elif bar.row == 4:
            self.cancelled = ctx.buy(5, limit=1.0)
        elif bar.row == 5:
            ctx.cancel(self.cancelled)
            ctx.sell(10, type="market", tag="by hand")
        elif bar.row == 9:
            if self.targets:  # what a sleeve wants so is no order of its own
                ctx.target_quantity(0)
            else:
                ctx.buy(-ctx.position())
        past = ctx.history(None, 3, "high").tolist()
        orders = [(o.side, o.qty, o.type, o.limit_px, o.stop_px) for o in ctx.open_orders]
        self.note(ctx, "on_bar", bar.close, past, ctx.indicator("sma(2)"), orders, ctx.universe,
                  ctx.closed("1wk"), ctx.weights().round(9).tolist())  # fmt: skip

    def on_fill(self, ctx, fill):
        self.note(ctx, "on_fill", fill.side, fill.qty, fill.px, fill.notional_minor, fill.reason)

    def on_order(self, ctx, event):
        self.note(ctx, "on_order", event.status, event.reason)

    def on_timer(self, ctx, name):
        self.note(ctx, "on_timer", name)

    def on_stop(self, ctx):
        self.note(ctx, "on_stop")


class Keeps:
    """A recorder that only listens."""

    def intents(self, row, orders):
        pass

    def results(self, row, fills, events, entries):
        pass

    def bar_done(self, row, account):
        pass


def bars():
    return sample_bars(["AAPL"], start="2015-01-05", end="2015-01-24")


def alone(strategy, plan, **parts):
    venue = open_venue(plan)
    return run_loop(loop_setup(plan, venue, TapeFeed(plan.bars.n_bars), **parts))


def recorded(strategy, plan):
    return alone(strategy, plan, recorder=Keeps())


def by_ports(strategy, plan):
    """Over nothing but the ports: the venue hides that it is in this process."""

    class Plain:
        def __init__(self, venue):
            for name in ("advance", "submit", "cancel", "open_orders", "account", "poll"):
                setattr(self, name, getattr(venue, name))

    setup = loop_setup(plan, Plain(open_venue(plan)), TapeFeed(plan.bars.n_bars))
    assert isinstance(setup, LoopSetup)
    return run_loop(setup)


def planned(what):
    config = BacktestConfig(
        max_position_size=None, max_drawdown_limit=None, stop_loss_threshold=None
    )
    return plan_backtest(what, bars(), cash=5_000.0, config=config)


def transcript(what, run, **how):
    diary = Diary(**how)
    result = run(diary, planned(what(diary)))
    assert result.status is RunStatus.COMPLETED, result.message
    return [repr(line) for line in diary.lines]


def itself(diary):
    return diary


def as_a_sleeve(diary):
    return Sleeves([Sleeve(diary, 1.0)])


@pytest.mark.parametrize(
    ("what", "run"),
    [(itself, recorded), (itself, by_ports), (as_a_sleeve, alone), (as_a_sleeve, recorded)],
)
def test_a_strategy_is_called_the_same_wherever_it_runs(what, run):
    assert transcript(what, run) == transcript(itself, alone)


@pytest.mark.parametrize("run", [recorded, by_ports])
def test_targets_are_the_same_wherever_they_are_sent_from(run):
    assert transcript(itself, run, targets=True) == transcript(itself, alone, targets=True)


def test_the_transcript_holds_every_hook_in_the_order_of_the_contract():
    diary = Diary()
    alone(diary, planned(diary))
    lines = diary.lines
    hooks = [line[0] for line in lines]
    assert set(hooks) == set(HOOKS)
    assert (hooks[0], hooks[-1]) == ("on_start", "on_stop")
    rank = {"on_fill": 0, "on_order": 1, "on_timer": 2, "on_bar": 3}
    by_bar = {}
    for hook, now, *_ in lines[1:-1]:
        by_bar.setdefault(now, []).append(rank[hook])
    assert all(order == sorted(order) for order in by_bar.values())
    assert len(by_bar) == 14
    assert [line[-1] for line in lines if line[0] == "on_timer"] == ["first", "later"]
    assert sum(hook == "on_fill" for hook in hooks) >= 4
