"""Tax lots by hand: which lot a sale takes, what waits, what is harvested, wash sales."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.errors import ConfigError, DataError
from tradewright.portfolio.rebalancing import (
    Disposal,
    Drift,
    Lot,
    PastTrade,
    RebalancingConfig,
    TaxRates,
    TaxSituation,
    dispose,
    harvest_candidates,
    plan_rebalance,
    tax_of,
    wash_blocks,
)

ON = date(2015, 6, 1)
OLD = Lot("old", "A", 10.0, 50.0, date(2014, 1, 2))
DEAR = Lot("dear", "A", 10.0, 90.0, date(2014, 8, 1))
NEW = Lot("new", "A", 10.0, 70.0, date(2015, 5, 1))
LOTS = (OLD, DEAR, NEW)


def sold(method, qty=15.0, price=80.0, **given):
    taken, left = dispose(LOTS, qty, price, ON, method=method, **given)
    return [(t.lot.lot_id, t.qty, t.gain, t.long_term) for t in taken], {
        lot.lot_id: lot.qty for lot in left
    }


@pytest.mark.parametrize(
    ("method", "taken", "left"),
    [
        ("fifo", [("old", 10, 300, True), ("dear", 5, -50, False)], {"dear": 5, "new": 10}),
        ("lifo", [("new", 10, 100, False), ("dear", 5, -50, False)], {"old": 10, "dear": 5}),
        ("hifo", [("dear", 10, -100, False), ("new", 5, 50, False)], {"old": 10, "new": 5}),
        ("average", [("old", 10, 100, True), ("dear", 5, 50, False)], {"dear": 5, "new": 10}),
    ],
)
def test_which_lots_a_sale_takes(method, taken, left):
    found, rest = sold(method)
    assert [(a, q, pytest.approx(g), t) for a, q, g, t in taken] == found
    assert rest == left


def test_specific_lots_are_taken_in_the_order_named():
    found, _ = sold("specific", lot_ids=["new", "old"])
    assert [(name, qty) for name, qty, _, _ in found] == [("new", 10), ("old", 5)]
    with pytest.raises(ConfigError, match="lots: other named; known: old, dear, new"):
        sold("specific", lot_ids=["other"])


def test_lots_left_of_an_average_sale_carry_the_average():
    _, left = dispose(LOTS, 15.0, 80.0, ON, method="average")
    assert {lot.price for lot in left} == {70.0}


@pytest.mark.parametrize(
    ("qty", "on", "says"),
    [
        (31.0, ON, "31 are sold, but 30 are held"),
        (0.0, ON, "quantity sold is 0"),
        (25.0, date(2015, 4, 1), "lot new was bought on 2015-05-01, after the sale"),
    ],
)
def test_impossible_sales_are_refused(qty, on, says):
    with pytest.raises(DataError, match=says):
        dispose(LOTS, qty, 80.0, on)
    with pytest.raises(ConfigError, match="did you mean 'fifo'"):
        dispose(LOTS, 1.0, 80.0, ON, method="fif")


@pytest.mark.parametrize(
    ("days", "long"), [(365, False), (366, True), (367, True)]
)  # fmt: skip
def test_a_lot_is_long_term_from_its_366th_day(days, long):
    lot = Lot("1", "A", 1.0, 1.0, date.fromordinal(ON.toordinal() - days))
    assert lot.is_long_term(ON) is long


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["fifo", "lifo", "hifo", "average"]),
    st.floats(0.1, 30), st.floats(1, 200),
)  # fmt: skip
def test_units_and_cost_are_kept_whatever_the_method(method, qty, price):
    taken, left = dispose(LOTS, qty, price, ON, method=method)
    assert sum(t.qty for t in taken) == pytest.approx(qty)
    assert sum(t.qty for t in taken) + sum(lot.qty for lot in left) == pytest.approx(30)
    cost_left = sum(lot.qty * lot.price for lot in left)
    cost_sold = sum(t.qty * price - t.gain for t in taken)
    assert cost_left + cost_sold == pytest.approx(10 * (50 + 90 + 70))


def test_hifo_never_realises_more_gain_than_the_others():
    for qty in (3.0, 12.0, 28.0):
        gains = {
            method: sum(t.gain for t in dispose(LOTS, qty, 80.0, ON, method=method)[0])
            for method in ("fifo", "lifo", "hifo", "average")
        }
        assert min(gains.values()) == pytest.approx(gains["hifo"])


@pytest.mark.parametrize(
    ("short", "long", "expected"),
    [
        (100.0, 200.0, 35 + 30),
        (-100.0, 200.0, 0.15 * 100),
        (-300.0, 200.0, 0.0),
        (100.0, -40.0, 0.35 * 60),
        (100.0, -400.0, 0.0),
        (-5.0, -5.0, 0.0),
    ],
)
def test_tax_nets_each_kind_and_then_both(short, long, expected):
    disposals = [Disposal(NEW, 1.0, short, False), Disposal(OLD, 1.0, long, True)]
    assert tax_of(disposals, TaxRates()) == pytest.approx(expected)
    assert tax_of(disposals, TaxRates(short=0, long=0)) == 0
    with pytest.raises(ConfigError, match=r"portfolio.tax_short is 1.5"):
        TaxRates(short=1.5)


# -- in a plan -------------------------------------------------------------------------------------


def planned(weights, targets, lots, *, price=80.0, on=ON, history=(), may_wait=None, **config):
    tax = TaxSituation(
        lots=lots, on=on, history=history, **({"may_wait": may_wait} if may_wait else {})
    )
    return plan_rebalance(
        Drift.of(weights, targets), RebalancingConfig(**config), equity=10_000.0,
        prices={"A": price, "B": 10.0}, tax=tax,
    )  # fmt: skip


def after(plan):
    return dict(zip(plan.symbols, plan.weights_after.tolist(), strict=True))


def test_gain_on_a_young_lot_waits_where_the_signal_allows():
    # 20 units at 80: the old lot is long-term and is sold, the young gain waits.
    lots = (OLD, NEW)
    plan = planned({"A": 0.16}, {"A": 0.0}, lots)
    assert after(plan)["A"] == pytest.approx(0.08)
    assert [d.lot.lot_id for d in plan.disposals] == ["old"]
    assert plan.tax == pytest.approx(0.15 * 300)
    assert plan.notes == ("A: the gain of 100.00 on lot new waits until 2016-05-01 (long-term)",)
    must = planned({"A": 0.16}, {"A": 0.0}, lots, may_wait=lambda symbol: symbol != "A")
    assert after(must)["A"] == 0.0
    assert must.tax == pytest.approx(0.15 * 300 + 0.35 * 100)
    ignored = planned({"A": 0.16}, {"A": 0.0}, lots, consider_tax_implications=False)
    assert after(ignored)["A"] == 0.0


def test_loss_on_a_young_lot_does_not_wait():
    plan = planned({"A": 0.08}, {"A": 0.0}, (DEAR,))
    assert after(plan)["A"] == 0.0
    assert (plan.tax, plan.notes) == (0.0, ())


def test_losses_of_more_than_five_percent_are_harvested():
    edge = Lot("edge", "A", 10.0, 80.0 / 0.95, date(2014, 1, 2))  # exactly 5 %: not above it
    assert (
        harvest_candidates([DEAR, edge, OLD], {"A": 80.0}, ON, RebalancingConfig())[0].lot == DEAR
    )
    assert len(harvest_candidates([DEAR, edge, OLD], {"A": 80.0}, ON, RebalancingConfig())) == 1
    plan = planned({"A": 0.16}, {"A": 0.16}, (OLD, DEAR), harvest_losses=True)
    assert after(plan)["A"] == pytest.approx(0.08)
    assert [d.lot.lot_id for d in plan.disposals] == ["dear"]
    assert (
        "loss of 100.00 on lot dear harvested, not bought again before 2015-07-02" in plan.notes[0]
    )
    assert planned({"A": 0.16}, {"A": 0.16}, (OLD, DEAR)).trades == ()


def test_wash_sale_over_two_accounts():
    # Sold at a loss in one account: not bought in the other for thirty days.
    history = [PastTrade("A", date(2015, 5, 20), "first", gain=-250.0)]
    plan = planned({"B": 0.5}, {"A": 0.3, "B": 0.5}, (), history=history)
    assert after(plan)["A"] == 0.0
    assert plan.notes == ("A was sold at a loss: not bought before 2015-06-20 (wash sale)",)
    later = planned({}, {"A": 0.3}, (), history=history, on=date(2015, 6, 20))
    assert after(later)["A"] == pytest.approx(0.3)
    # Bought in the other account within thirty days: the loss is not harvested.
    bought = [PastTrade("A", date(2015, 5, 10), "second")]
    kept = planned({"A": 0.08}, {"A": 0.08}, (DEAR,), history=bought, harvest_losses=True)
    assert after(kept)["A"] == pytest.approx(0.08)
    assert "bought on 2015-05-10 in account second (wash sale)" in kept.notes[0]
    early = [PastTrade("A", date(2015, 5, 1), "second")]
    free = planned({"A": 0.08}, {"A": 0.08}, (DEAR,), history=early, harvest_losses=True)
    assert after(free)["A"] == pytest.approx(0.0)


def test_gain_or_another_instrument_blocks_nothing():
    config = RebalancingConfig()
    gain = [PastTrade("A", date(2015, 5, 20), "first", gain=250.0)]
    other = [PastTrade("B", date(2015, 5, 20), "first", gain=-1.0)]
    assert wash_blocks(gain, ON, config) == {}
    assert wash_blocks(other, ON, config) == {"B": date(2015, 6, 20)}
    future = [PastTrade("A", date(2015, 6, 2), "first", gain=-1.0)]
    assert wash_blocks(future, ON, config) == {}


def test_purchases_are_cut_to_what_the_sales_that_do_not_wait_pay_for():
    # A at 0.7 should be 0.5 and is a young gain: it waits, so that B's 0.2 has no money but the
    # 0.05 that C brings.
    drift = Drift.of({"A": 0.65, "B": 0.2, "C": 0.15}, {"A": 0.5, "B": 0.4, "C": 0.1})
    lots = [
        Lot("1", "A", 65.0, 50.0, date(2016, 1, 4)),
        Lot("2", "C", 15.0, 120.0, date(2016, 1, 4)),
    ]
    plan = plan_rebalance(
        drift,
        RebalancingConfig(),
        equity=10_000.0,
        prices=dict.fromkeys("ABC", 100.0),
        tax=TaxSituation(lots=lots, on=date(2016, 6, 1)),
    )
    assert plan.weights_after == pytest.approx([0.65, 0.25, 0.1])
    assert plan.cash_after == pytest.approx(0.0)
    assert any("purchases are cut to 25%" in note for note in plan.notes)
