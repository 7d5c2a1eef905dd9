"""Corporate actions by hand: what a holder has afterwards, to the cent."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from tradewright.domain.actions import ActionKind, ActionRules, CorporateAction
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders, TargetWeights
from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.instruments import Instrument
from tradewright.domain.orders import DenyReason, FillReason, OrderStatus
from tradewright.domain.time import to_ns
from tradewright.ledger import Ledger, ledger_of, reconcile, round_trips
from tradewright.marketdata import schedule_actions
from tradewright.simulation import SimulatedVenue, run_orders, run_weights

CASH = 1_000_000_00


def bars_of(closes, *, lot=1.0, first=2, interval="1d"):
    """Daily bars of June 2014, all four prices the same; a column for each symbol."""
    names = tuple(Instrument(symbol, lot_size=lot) for symbol in closes)
    close = np.column_stack([np.array(values, dtype=float) for values in closes.values()])
    ts = [to_ns(datetime(2014, 6, first + i, 20, tzinfo=UTC)) for i in range(len(close))]
    volume = np.where(np.isnan(close), np.nan, 1e9)
    return Bars(names, np.array(ts), close, close, close, close, volume, interval=interval)


def act(symbol, kind, day, value=0.0, **fields):
    return CorporateAction(symbol, ActionKind(kind), date(2014, 6, day), value, **fields)


def run(bars, actions, rows, rules=None, **how):
    table = {name: [row.get(name) for row in rows] for name in rows[0]}
    for row in rows:
        for name in row:
            table[name] = [r.get(name) for r in rows]
    known = bars.with_actions(actions)
    outcome = run_orders(
        known, Orders(table), cash_minor=CASH, actions=schedule_actions(known, rules), **how
    )
    reconcile(outcome)
    return outcome


def buy(qty=100, bar=0, symbol="A", **more):
    return {"bar": bar, "symbol": symbol, "side": 1, "qty": qty, **more}


def sell(qty=100, bar=0, symbol="A", **more):
    return {"bar": bar, "symbol": symbol, "side": -1, "qty": qty, **more}


def test_apple_seven_for_one_restates_position_brackets_and_resting_orders():
    # Closes of 2014-06-04 to 06-10; the split took effect on 06-09, a Monday.
    bars = bars_of({"AAPL": [644.82, 647.35, 645.57, 93.70, 94.25]}, first=4)
    ts = [to_ns(datetime(2014, 6, day, 20, tzinfo=UTC)) for day in (4, 5, 6, 9, 10)]
    bars = Bars(bars.instruments, np.array(ts), *[bars.close] * 4, bars.volume)
    split = act("AAPL", "split", 9, 7.0)
    bars = bars.with_actions([split, split])
    venue = SimulatedVenue(bars, cash_minor=CASH, actions=schedule_actions(bars))
    orders = [row[1] for row in Orders({
        "bar": [0, 0, 0, 0], "symbol": ["AAPL"] * 4, "side": [1, 1, -1, 1], "qty": [100, 10, 30, 5],
        "type": ["MARKET", "LIMIT", "TRAILING_STOP", "STOP_LIMIT"],
        "limit": [None, 560.0, None, 770.0], "stop": [None, None, None, 763.0],
        "trail": [None, None, 70.0, None],
        "stop_loss": [602.0, None, None, None], "take_profit": [721.0, None, None, None],
    }).rows]  # fmt: skip
    venue.advance(0)
    for order in orders:
        venue.submit(order)
    venue.advance(2)
    before = venue.equity_minor
    assert before == CASH + 100 * (64557 - 64735)
    venue.advance(3)
    assert venue.position_units(0) == 700 * 10**8
    assert venue.equity_minor == CASH - 100 * 64735 + 700 * 9370
    standing = {o.client_order_id.split(":")[-1]: o for o in venue.open_orders()}
    kinds = [(o.type.name, o.qty // 10**8, o.limit_px, o.stop_px) for o in venue.open_orders()]
    assert ("LIMIT", 70, 80_00000000, None) in kinds  # 10 at 560
    assert ("STOP_LIMIT", 35, 110_00000000, 109_00000000) in kinds  # 5 at 763, up to 770
    assert standing["stop"].stop_px == 86_00000000  # 602 / 7
    assert standing["target"].limit_px == 103_00000000  # 721 / 7
    assert standing["stop"].qty == standing["target"].qty == 700 * 10**8
    trail = next(o for o in venue.open_orders() if o.type.name == "TRAILING_STOP")
    assert (trail.qty, trail.trail_px) == (210 * 10**8, 10_00000000)
    effects, restated = venue.poll_actions()
    assert [e.change for e in effects] == [600 * 10**8]
    assert {o.qty // 10**8 for o in restated} == {70, 35, 210}
    venue.submit(orders[1])  # the same order again: nothing happens, although it was restated
    assert venue.advance(4) is not None


def test_the_fraction_of_a_lot_is_paid_in_cash_at_the_last_close():
    outcome = run(bars_of({"A": [60, 60, 60, 40.5]}), [act("A", "split", 5, 1.5)], [buy(15)])
    effect = outcome.effects[0]
    assert (effect["qty"] + effect["change"]) == 22 * 10**8  # 22.5, less half a share
    assert effect["cash"] == 20_00  # half a share at 60 / 1.5
    assert outcome.equity[3] == CASH - 15 * 60_00 + 20_00 + 22 * 40_50
    short = run(bars_of({"A": [60, 60, 60, 40.5]}), [act("A", "split", 5, 1.5)], [sell(15)])
    assert short.effects[0]["cash"] == -20_00
    # Its share of the cost is realised: 22.5 shares cost 900.
    ledger = ledger_of(outcome)
    assert ledger.holdings["A"].cost_minor == 880_00
    assert ledger.holdings["A"].realised_minor == 0


def test_a_reverse_split_below_one_lot_ends_the_position_in_cash():
    rows = [buy(10), sell(10, bar=1, type="LIMIT", limit=9.0)]
    outcome = run(bars_of({"A": [2, 2, 2, 40]}), [act("A", "split", 5, 0.05)], rows)
    assert outcome.cash[-1] == outcome.equity[-1] == CASH  # half a share at 2 / 0.05
    trip = round_trips(outcome)[0]
    assert (trip["is_open"], trip["pnl"], trip["exit_bar"]) == (False, 0, 3)
    assert trip["exit_reason"] == FillReason.CORPORATE_ACTION
    assert outcome.orders[1]["status"] == OrderStatus.CANCELLED
    assert outcome.orders[1]["reason"] == DenyReason.CORPORATE_ACTION


def test_who_holds_at_the_last_close_is_entitled_and_paid_on_the_pay_date():
    paid = act("A", "cash_dividend", 4, 1.25, pay_date=date(2014, 6, 6))
    closes = {"A": [50, 50, 48, 49, 49, 49]}
    early = run(bars_of(closes), [paid], [buy(), sell(bar=1)])  # sold on the ex-date
    assert early.dividends_due().tolist() == [0, 0, 125_00, 125_00, 0, 0]
    assert early.cash.tolist()[2:] == [CASH - 200_00, CASH - 200_00, CASH - 75_00, CASH - 75_00]
    assert early.equity[2:].tolist() == [CASH - 75_00] * 4
    assert early.effects["bar"].tolist() == [2, 4]
    late = run(bars_of(closes), [paid], [buy(bar=1)])  # bought on the ex-date
    assert len(late.effects) == 0
    assert late.equity[-1] == CASH + 100_00


def test_a_dividend_without_a_pay_date_is_paid_on_its_ex_date():
    outcome = run(bars_of({"A": [50, 50, 48]}), [act("A", "cash_dividend", 4, 1.25)], [buy()])
    assert outcome.cash[2] == CASH - 5000_00 + 125_00
    assert outcome.dividends_due()[2] == 0


def test_shorts_pay_in_full_and_longs_less_what_is_withheld():
    paid, rules = [act("A", "cash_dividend", 4, 1.25)], ActionRules(withholding=0.15)
    long = run(bars_of({"A": [50, 50, 50]}), paid, [buy()], rules)
    assert (long.effects["due"][0], long.effects["withheld"][0]) == (106_25, 18_75)
    assert long.equity[-1] == CASH + 106_25
    short = run(bars_of({"A": [50, 50, 50]}), paid, [sell()], rules)
    assert short.equity[-1] == CASH - 125_00
    ledger = ledger_of(long)
    assert ledger.balances["withholding", "USD"] == 18_75
    assert ledger.balances["dividend:A", "USD"] == -125_00
    assert round_trips(long)[0]["dividends"] == 106_25


def test_a_stock_dividend_is_a_split_of_one_and_its_share():
    outcome = run(bars_of({"A": [21, 21, 20]}), [act("A", "stock_dividend", 4, 0.05)], [buy()])
    assert outcome.equity[-1] == CASH - 2100_00 + 105 * 20_00
    assert ledger_of(outcome).holdings["A"].cost_minor == 2100_00


def test_a_spin_off_gives_shares_and_their_part_of_the_cost():
    # One B for four A: A falls from 100 to 90, B opens at 40; 102 A give 25 B and half a B in cash.
    closes = {"A": [100, 100, 90, 91], "B": [np.nan, np.nan, 40, 44]}
    outcome = run(bars_of(closes), [act("A", "spin_off", 4, 0.25, other="B")], [buy(102)])
    assert outcome.cash[-1] == CASH - 10200_00 + 20_00
    assert outcome.equity[2] == CASH - 10200_00 + 20_00 + 102 * 90_00 + 25 * 40_00
    assert outcome.equity[3] == CASH - 10200_00 + 20_00 + 102 * 91_00 + 25 * 44_00
    # Worth 1020 beside 9180: a tenth of the cost goes with it, 1000/1020 of that into B.
    ledger = ledger_of(outcome)
    assert ledger.holdings["A"].cost_minor == 9180_00
    assert ledger.holdings["B"].cost_minor == 1000_00
    assert ledger.holdings["A"].realised_minor == 0
    trips = {t["instrument"]: t for t in round_trips(outcome)}
    assert trips[0]["pnl"] == 102 * 1_00
    assert trips[1]["pnl"] == 25 * 4_00


def test_a_spin_off_whose_shares_do_not_trade_here_is_paid_at_its_price():
    spun = act("A", "spin_off", 4, 0.25, price=40.0)
    outcome = run(bars_of({"A": [100, 100, 90]}), [spun], [buy()])
    assert outcome.equity[-1] == CASH - 10000_00 + 9000_00 + 25 * 40_00


def test_a_merger_for_cash_closes_the_position_at_its_price_without_costs():
    from tradewright.costs import Costs

    closes = {"A": [30, 30, 31, np.nan, np.nan]}
    rows = [buy(), sell(bar=1, type="LIMIT", limit=40.0)]
    outcome = run(
        bars_of(closes), [act("A", "merger", 5, price=33.5)], rows, costs=Costs(fee_bps=10)
    )
    fill = outcome.fills[-1]
    assert (fill["px"], fill["fee"], fill["reason"]) == (33_50000000, 0, 7)
    assert outcome.equity[-1] == CASH - 3000_00 - 3_00 + 3350_00
    assert outcome.orders[1]["status"] == OrderStatus.CANCELLED
    trip = round_trips(outcome)[0]
    assert (trip["pnl"], trip["exit_bar"], trip["is_open"]) == (347_00, 3, False)


def test_a_merger_for_shares_and_cash_carries_the_cost_over():
    # Half a B and 10 in cash for each A; B stands at 50. 101 A give 50 B, half a B and 1010.
    closes = {"A": [30, 30, 34, np.nan], "B": [48, 48, 49, 50]}
    deal = act("A", "merger", 5, 0.5, other="B", price=10.0)
    outcome = run(bars_of(closes), [deal], [buy(101)])
    assert outcome.cash[-1] == CASH - 3030_00 + 1010_00 + 25_00
    assert outcome.equity[-1] == outcome.cash[-1] + 50 * 50_00
    # 1035 of 3535 was cash: that share of the cost, 887.14, is realised against it.
    ledger = ledger_of(outcome)
    assert ledger.holdings["A"].qty == 0
    assert ledger.holdings["A"].realised_minor == 1035_00 - 887_14
    assert ledger.holdings["B"].cost_minor == 3030_00 - 887_14
    trip = round_trips(outcome)[0]  # one trip goes on in B
    assert (trip["instrument"], trip["is_open"], trip["qty"]) == (1, True, 50_50000000)
    assert trip["pnl"] == outcome.equity[-1] - CASH


def test_shares_of_a_merger_close_an_opposite_position_in_the_acquirer():
    closes = {"A": [30, 30, 34, np.nan], "B": [50, 50, 50, 50]}
    rows = [buy(100), sell(80, symbol="B")]
    outcome = run(bars_of(closes), [act("A", "merger", 5, 0.6, other="B")], rows)
    ledger = ledger_of(outcome)
    assert ledger.position("B") == -20 * 10**8
    # 60 B that cost 3000 cover 60 that were sold for 3000.
    assert ledger.holdings["B"].realised_minor == 0
    assert outcome.equity[-1] == CASH - 3000_00 + 4000_00 - 20 * 50_00


def test_a_new_symbol_takes_position_cost_and_orders_along():
    closes = {"A": [30, 30, 31, np.nan, np.nan], "B": [np.nan, np.nan, np.nan, 32, 40]}
    rows = [buy(stop_loss=25.0, take_profit=39.0)]
    outcome = run(bars_of(closes), [act("A", "symbol_change", 5, 1.0, other="B")], rows)
    assert outcome.fills["instrument"].tolist() == [0, 1]
    assert outcome.fills["reason"].tolist() == [FillReason.ORDER, FillReason.TARGET]
    assert outcome.equity[-1] == CASH + 100 * (40_00 - 30_00)  # the target gaps to the open
    trips = round_trips(outcome)
    assert [(t["instrument"], t["entry_px"], t["pnl"]) for t in trips] == [(1, 30.0, 1000_00)]


@pytest.mark.parametrize(
    ("fields", "px"),
    [
        ({"price": 1.5}, 1.5),
        ({"price": 0.0}, 0.0),
        ({}, 7.0),
        ({"reason": "performance"}, 7.0),
        ({"reason": "merger"}, 10.0),
        ({"reason": "exchange"}, 10.0),
    ],
)
def test_a_delisting_pays_its_price_or_what_its_reason_leaves(fields, px):
    closes = {"A": [12, 12, 10, *[np.nan] * 8]}
    rows = [buy(), sell(bar=1, type="LIMIT", limit=20.0)]
    outcome = run(bars_of(closes), [act("A", "delisting", 5, **fields)], rows)
    assert len(outcome.equity) == 11  # no data after it, and none needed
    assert outcome.equity[-1] == CASH - 1200_00 + round(px * 100_00)
    assert outcome.fills[-1]["reason"] == FillReason.DELISTING
    assert outcome.orders[1]["status"] == OrderStatus.CANCELLED
    assert outcome.effects["kind"].tolist() == [5]
    assert round_trips(outcome)[0]["pnl"] == outcome.equity[-1] - CASH


def test_the_delisting_return_is_a_setting():
    rules = ActionRules(delisting_return=-1.0)
    outcome = run(bars_of({"A": [12, 12, np.nan]}), [act("A", "delisting", 4)], [buy()], rules)
    assert outcome.equity[-1] == CASH - 1200_00


def test_what_was_before_the_bars_or_comes_after_them_changes_nothing():
    known = bars_of({"A": [12, 12, 12]}).with_actions(
        [act("A", "split", 1, 2.0), act("A", "split", 2, 2.0), act("A", "split", 20, 2.0)]
    )
    assert schedule_actions(known).actions == ()
    outcome = run_orders(known, Orders({"bar": [0], "symbol": ["A"], "side": [1], "qty": [1]}),
                         cash_minor=CASH, actions=schedule_actions(known))  # fmt: skip
    assert len(outcome.effects) == 0


def test_weights_decided_before_a_split_are_filled_after_it():
    known = bars_of({"A": [100, 100, 100, 50, 50]}).with_actions([act("A", "split", 5, 2.0)])
    weights = np.array([[0.5], [np.nan], [0.2], [np.nan], [np.nan]])
    how = {"cash_minor": CASH, "actions": schedule_actions(known)}
    outcome = run_weights(known, TargetWeights(weights), **how)
    # 5000 held; 2000 wanted: 3000 to sell become 6000 of 10000.
    assert outcome.fills["qty"].tolist() == [5000 * 10**8, 6000 * 10**8]
    assert outcome.equity[-1] == CASH


def test_adjusted_prices_take_no_actions():
    known = bars_of({"A": [1, 1]})
    for adjustment in ("splits", "total_return", "source_adjusted"):
        fields = {name: getattr(known, name) for name in ("open", "high", "low", "close", "volume")}
        adjusted = Bars(known.instruments, known.ts, **fields, adjustment=adjustment)
        with pytest.raises(DataError, match="adjusted prices hold them already"):
            adjusted.with_actions([act("A", "split", 3, 2.0)])
        assert adjusted.with_actions([act("B", "split", 3, 2.0)]) is adjusted


def test_a_venue_refuses_bars_whose_actions_it_was_not_told():
    known = bars_of({"A": [1, 1]}).with_actions([act("A", "split", 3, 2.0)])
    with pytest.raises(ConfigError, match="schedule_actions"):
        SimulatedVenue(known, cash_minor=CASH)


def test_an_action_inside_a_week_is_refused():
    weekly = bars_of({"A": [1, 1, 1]}, interval="1wk").with_actions([act("A", "split", 3, 2.0)])
    with pytest.raises(DataError, match="A: split of 2014-06-03 lies inside a bar of 1wk"):
        schedule_actions(weekly)


def test_shares_that_do_not_trade_here_are_refused():
    known = bars_of({"A": [1, 1, 1], "B": [np.nan] * 2 + [5]})
    missing = known.with_actions([act("A", "merger", 3, 0.5, other="C")])
    with pytest.raises(DataError, match="wanted bars of C, whose shares are given"):
        schedule_actions(missing)
    early = known.with_actions([act("A", "spin_off", 3, 0.5, other="B")])
    with pytest.raises(DataError, match="B has no bar up to 2014-06-03"):
        schedule_actions(early)


def test_a_fill_before_an_action_is_not_taken_back():
    from tradewright.domain.errors import LedgerError

    outcome = run(bars_of({"A": [60, 60, 60, 30]}), [act("A", "split", 5, 2.0)], [buy(15)])
    ledger: Ledger = ledger_of(outcome)
    with pytest.raises(LedgerError, match="a corporate action of A was booked after it"):
        ledger.bust("x0", ts_event=1)
