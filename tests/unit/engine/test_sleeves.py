"""Several strategies on one account: who gets which part of a fill, at which price and cost."""

import copy

import numpy as np
import pytest
from tests.unit.engine.test_loop import tape

from tradewright.costs import Costs
from tradewright.domain.errors import ConfigError
from tradewright.domain.orders import OrderStatus
from tradewright.engine import Sleeve, Sleeves
from tradewright.services.backtest import BacktestConfig, backtest, plan_backtest, run_outcome
from tradewright.strategies import Strategy

QTY = 10**8
FEE = Costs(fee_bps=10)


class Script(Strategy):
    """Does what a table of rows says, and keeps what it learns."""

    def __init__(self, name, acts):
        self.name, self.acts = name, acts
        self.fills, self.events, self.seen = [], [], []

    def on_start(self, ctx):
        self.fills, self.events, self.seen = [], [], []

    def on_bar(self, ctx, bar):
        self.seen.append((ctx.cash, ctx.equity, ctx.position("A") if "A" in ctx.symbols else 0))
        if act := self.acts.get(bar.row):
            act(ctx)

    def on_fill(self, ctx, fill):
        side, qty = int(fill.side), fill.qty / QTY
        self.fills.append((side * qty, fill.px / 1e8, fill.cost_minor))

    def on_order(self, ctx, event):
        self.events.append((event.status, event.reason.name))


def want(qty, symbol="A"):
    return lambda ctx: ctx.target_quantity(qty, symbol)


def two(first, second, bars, *, cross=False, costs=FEE, **settings):
    a, b = Script("a", first), Script("b", second)
    both = Sleeves([Sleeve(a, 0.5), Sleeve(b, 0.25)], internal_cross=cross)
    config = BacktestConfig(
        **{"max_position_size": None, "max_drawdown_limit": None, "stop_loss_threshold": None}
        | settings
    )
    outcome = run_outcome(plan_backtest(both, bars, cash=10_000.0, costs=costs, config=config))
    assert outcome.status.value == "COMPLETED", outcome.message
    return a, b, both, outcome


def test_every_sleeve_starts_with_its_budget_and_the_rest_stays_in_reserve():
    a, b, both, _ = two({}, {}, tape([10.0, 10.0], symbols=("A",)))
    assert a.seen[0] == (5_000.0, 5_000.0, 0.0)
    assert b.seen[0] == (2_500.0, 2_500.0, 0.0)
    assert {row["sleeve"]: row["cash"] for row in both.rows()} == {
        "a": 5_000.0, "b": 2_500.0, "reserve": 2_500.0,
    }  # fmt: skip


def test_a_weight_is_a_fraction_of_the_sleeves_own_equity():
    bars = tape([10.0, 10.0, 10.0], symbols=("A",))
    a, b, *_ = two({0: lambda ctx: ctx.target_weight(0.5, "A")}, {}, bars, costs=None)
    assert a.fills == [(250.0, 10.0, 0)]
    assert b.fills == []


def test_targets_of_one_side_are_one_order_whose_costs_are_shared_by_quantity():
    bars = tape([10.0, 10.0, 10.0], symbols=("A",))
    a, b, _, outcome = two({0: want(90)}, {0: want(30)}, bars)
    assert outcome.orders["qty"].tolist() == [120 * QTY]
    assert outcome.fills["fee"].tolist() == [120]  # 10 bps of 1,200.00
    assert a.fills == [(90.0, 10.0, 90)]
    assert b.fills == [(30.0, 10.0, 30)]


def test_by_default_the_net_is_sent_and_both_sides_are_charged_at_its_price():
    bars = tape([10.0, 11.0, 11.0], [10.0, 10.5, 11.0], symbols=("A",))
    a, b, both, outcome = two({0: want(100)}, {0: want(-40)}, bars)
    assert outcome.orders["qty"].tolist() == [60 * QTY]
    assert outcome.fills["fee"].tolist() == [63]  # 10 bps of 630.00
    assert a.fills == [(100.0, 10.5, 45)]
    assert b.fills == [(-40.0, 10.5, 18)]
    assert both.books["a"].cash_minor == 5_000_00 - 1_050_00 - 45
    assert both.books["b"].cash_minor == 2_500_00 + 420_00 - 18


def test_asked_to_opposite_targets_cross_inside_without_cost():
    bars = tape([10.0, 11.0, 11.0], [10.0, 10.5, 11.0], symbols=("A",))
    a, b, both, outcome = two({0: want(100)}, {0: want(-40)}, bars, cross=True)
    assert outcome.orders["qty"].tolist() == [60 * QTY]
    # The crossing part at the open without cost, the rest with the whole fee of the order.
    assert sorted(a.fills) == [(40.0, 10.5, 0), (60.0, 10.5, 63)]
    assert b.fills == [(-40.0, 10.5, 0)]
    assert both.books["b"].cash_minor == 2_500_00 + 420_00


@pytest.mark.parametrize("cross", [False, True])
def test_targets_that_cancel_out_are_exchanged_at_the_next_open(cross):
    bars = tape([10.0, 11.0, 12.0], [10.0, 10.5, 11.5], symbols=("A",))
    a, b, _, outcome = two({0: want(40)}, {0: want(-40)}, bars, cross=cross)
    assert len(outcome.orders) == 0
    assert a.fills == [(40.0, 10.5, 0)]
    assert b.fills == [(-40.0, 10.5, 0)]
    assert [seen[2] for seen in a.seen] == [0.0, 40.0, 40.0]
    assert a.seen[1][1] == 5_000.0 + 40 * 0.5


def test_a_partial_fill_is_shared_by_what_is_still_wanted_the_odd_lot_first():
    # 35 shares a bar: 3 : 2 : 35 of 60, then the rest.
    bars = tape([10.0] * 4, symbols=("A",))
    bars = type(bars)(
        bars.instruments, bars.ts, bars.open, bars.high, bars.low, bars.close,
        np.full(bars.close.shape, 35.0),
    )  # fmt: skip
    from tradewright.domain.rules import FillRules

    a, b, _, outcome = two(
        {0: want(40)}, {0: want(20)}, bars, costs=None, rules=FillRules(max_participation=1.0)
    )
    assert (outcome.fills["qty"] // QTY).tolist() == [35, 25]
    assert [fill[0] for fill in a.fills] == [24.0, 16.0]  # 23.33 and the odd one
    assert [fill[0] for fill in b.fills] == [11.0, 9.0]


def test_a_new_target_replaces_what_the_sleeve_still_wanted_and_nobody_elses():
    closes = np.array([[10.0], [np.nan], [10.0], [10.0]])
    bars = tape(closes, symbols=("A",))
    a, b, _, outcome = two({0: want(50), 1: want(10)}, {0: want(20)}, bars, costs=None)
    assert [fill[0] for fill in a.fills] == [10.0]
    assert [fill[0] for fill in b.fills] == [20.0]
    assert (outcome.orders["qty"] // QTY).tolist() == [70, 30]


def test_orders_a_sleeve_sends_itself_and_their_children_are_its_own():
    bars = tape([10.0, 10.0, 9.0, 9.0], [10.0, 10.0, 10.0, 9.0], symbols=("A",))
    a, b, _, _ = two(
        {0: lambda ctx: ctx.bracket(10, "A", stop=9.5, target=12.0)}, {0: want(20)}, bars,
        costs=None,
    )  # fmt: skip
    assert [fill[:2] for fill in a.fills] == [(10.0, 10.0), (-10.0, 9.5)]
    assert [fill[0] for fill in b.fills] == [20.0]


def test_a_sleeve_sees_and_cancels_only_its_own_orders():
    seen = {}

    def look(key):
        def act(ctx):
            seen[key] = [order.client_order_id for order in ctx.open_orders]

        return act

    ids = {}

    def send(ctx):
        ids["a"] = ctx.buy(5, "A", limit=1.0)

    bars = tape([10.0] * 4, symbols=("A",))
    *_, outcome = two(
        {0: send, 1: look("a")}, {1: look("b"), 2: lambda ctx: ctx.cancel(ids["a"])}, bars
    )
    assert seen == {"a": [ids["a"]], "b": []}
    assert outcome.orders["status"].tolist() == [OrderStatus.WORKING]


def test_a_label_of_orders_that_cancel_each_other_is_a_sleeves_own():
    def either(ctx):
        ctx.buy(5, "A", limit=9.5, oco="x")
        ctx.buy(5, "A", stop=10.5, oco="x")

    bars = tape([10.0, 10.0, 11.0, 11.0], [10.0, 10.0, 10.0, 11.0], symbols=("A",))
    a, b, *_ = two({0: either}, {0: either}, bars, costs=None)
    assert [fill[:2] for fill in a.fills] == [(5.0, 10.5)]
    assert [fill[:2] for fill in b.fills] == [(5.0, 10.5)]


def test_a_protected_target_is_sent_for_its_sleeve_alone():
    bars = tape([10.0, 10.0, 9.0, 9.0], [10.0, 10.0, 10.0, 9.0], symbols=("A",))
    a, b, _, outcome = two(
        {0: lambda ctx: ctx.target_weight(0.2, "A", stop=9.5)}, {0: want(7)}, bars, costs=None
    )
    assert sorted((outcome.orders["qty"] // QTY).tolist()) == [7, 100, 100]
    assert [fill[:2] for fill in a.fills] == [(100.0, 10.0), (-100.0, 9.5)]
    assert [fill[0] for fill in b.fills] == [7.0]


def test_a_loss_limit_of_the_account_takes_from_those_who_hold():
    bars = tape([10.0, 10.0, 8.0, 8.0, 8.0], symbols=("A",))
    a, b, both, _ = two({0: want(30)}, {0: want(10)}, bars, costs=None, stop_loss_threshold=0.1)
    assert [fill[0] for fill in a.fills] == [30.0, -30.0]
    assert [fill[0] for fill in b.fills] == [10.0, -10.0]
    assert [row["positions"] for row in both.rows()] == ["", "", ""]


def test_weights_are_limited_sleeve_by_sleeve():
    bars = tape([10.0, 10.0, 10.0], symbols=("A",))
    a, b, *_ = two(
        {0: lambda ctx: ctx.target_weight(0.9, "A")}, {0: lambda ctx: ctx.target_weight(0.1, "A")},
        bars, costs=None, max_position_size=0.2,
    )  # fmt: skip
    assert [fill[0] for fill in a.fills] == [100.0]
    assert [fill[0] for fill in b.fills] == [25.0]


def test_a_refused_order_ends_the_wish_and_is_told():
    from tradewright.domain.rules import FillRules

    bars = tape([10.0, 10.0, 10.0, 10.0], symbols=("A",))
    a, b, _, outcome = two(
        {0: want(-10)}, {2: want(5)}, bars, rules=FillRules(allow_short=False), costs=None
    )
    assert a.events == [(OrderStatus.REJECTED, "NO_SHORTING")]
    assert a.fills == []
    assert [fill[0] for fill in b.fills] == [5.0]
    assert (outcome.orders["qty"] // QTY).tolist() == [10, 5]


def test_timers_and_notes_of_sleeves_are_kept_apart():
    rung = []

    class Timed(Script):
        def on_timer(self, ctx, name):
            rung.append((self.name, name))
            ctx.log("rang")

    a = Timed("a", {0: lambda ctx: ctx.set_timer("x", bars=1)})
    both = Sleeves([Sleeve(a, 0.5), Sleeve(Script("b", {}), 0.5)])
    run_outcome(plan_backtest(both, tape([10.0, 10.0, 10.0], symbols=("A",))))
    assert rung == [("a", "x")]


def test_wrong_sleeves_are_refused():
    with pytest.raises(ConfigError, match=r"share is 0, wanted above 0"):
        Sleeve(Script("a", {}), 0)
    with pytest.raises(ConfigError, match="has no on_bar"):
        Sleeve(object(), 0.5)
    with pytest.raises(ConfigError, match=r"shares add up to 1\.1"):
        Sleeves([Sleeve(Script("a", {}), 0.6), Sleeve(Script("b", {}), 0.5)])
    with pytest.raises(ConfigError, match="'a' is taken"):
        Sleeves([Sleeve(Script("a", {}), 0.1), Sleeve(Script("a", {}), 0.1)])
    with pytest.raises(ConfigError, match="at least one"):
        Sleeves([])


def test_a_run_says_who_made_what_in_its_table_its_report_and_after_storing(tmp_path):
    from tradewright.services.results.extras import RunExtras

    bars = tape(np.linspace(10.0, 20.0, 60), symbols=("A",))
    both = Sleeves([Sleeve(Script("up", {0: want(100)}), 0.6), Sleeve(Script("idle", {}), 0.4)])
    run = backtest(both, bars, cash=10_000.0, costs=None)
    assert run.sleeves["sleeve"].to_list() == ["up", "idle", "reserve"]
    assert run.sleeves["profit"].sum() == pytest.approx(
        (run.outcome.equity[-1] - run.outcome.initial_cash) / 100
    )
    assert RunExtras.from_document(run.extras.as_document()).sleeves == run.extras.sleeves
    page = tmp_path / "report.html"
    run.to_html(page)
    assert 'id="sleeves"' in page.read_text(encoding="utf-8")
    assert backtest("buy_and_hold", bars).sleeves.is_empty()


def test_the_same_sleeves_run_again_the_same():
    bars = tape([10.0, 11.0, 12.0, 11.0], symbols=("A",))
    both = Sleeves(
        [Sleeve(Script("a", {0: want(10)}), 0.5), Sleeve(Script("b", {1: want(-3)}), 0.5)]
    )
    first = backtest(both, bars, cash=10_000.0)
    rows = both.rows()
    again = first.rerun()
    assert again.digest == first.digest
    assert backtest(copy.deepcopy(both), bars, cash=10_000.0).digest == first.digest
    assert both.rows() == rows
