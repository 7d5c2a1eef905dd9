"""Books, orders, prices and cancels that are not sound: what may be sent, and what is told."""

from dataclasses import replace

import numpy as np
from tests.contract.doubles.next_open_venue import NextOpenVenue
from tests.unit.engine.test_loop import Rows, Scripted, tape

from tradewright.domain.money import QTY_UNIT
from tradewright.domain.orders import DenyReason, OrderStatus
from tradewright.domain.outcome import RunStatus
from tradewright.engine import LoopSetup, run_loop
from tradewright.engine.guard import Guard
from tradewright.ports.broker import AccountState
from tradewright.risk.control import Cause, Layer, LimitTable, RiskGate, State

CASH = 10_000_00


class Quiet:
    """A recorder that keeps nothing; with one the book is compared with the venue."""

    def intents(self, row, orders):
        pass

    def results(self, row, fills, events, entries):
        pass

    def bar_done(self, row, account):
        pass


class WrongVenue(NextOpenVenue):
    """Says another position on some rows, loses an order, or ignores cancels."""

    def __init__(self, bars, *, wrong=(), loses=(), deaf_until=-1):
        super().__init__(bars, CASH)
        self.wrong, self.loses, self.deaf_until = wrong, loses, deaf_until
        self.cancels, self.hidden = [], {}

    def account(self):
        found = super().account()
        if self.row not in self.wrong:
            return found
        positions = {**found.positions, "AAPL": found.positions.get("AAPL", 0) + QTY_UNIT}
        return AccountState(found.cash_minor, found.equity_minor, positions)

    def advance(self, row):
        if row in self.loses:
            self.hidden |= {k: o for k, o in self.working.items() if o.limit_px}
            for order_id in self.hidden:
                self.working.pop(order_id, None)
        else:
            self.working |= self.hidden
            self.hidden = {}
        super().advance(row)

    def cancel(self, order_id):
        self.cancels.append((self.row, order_id))
        if self.row > self.deaf_until:
            super().cancel(order_id)


def run(acts, bars, venue, settings=None, *, trips=None):
    instruments = {i.symbol: i for i in bars.instruments}
    gate = RiskGate(Layer(LimitTable.of(settings), instruments, exits_fill=True))
    told = []
    gate.subscribe(lambda event: told.append((event.kind, event.rule, event.message)))

    class Feed(Rows):
        def rows(self, desk):
            for row in super().rows(desk):
                if trips and row in trips:
                    gate.trip(
                        trips[row], "account:a", Cause("user", "Ann", "stop", int(bars.ts[row]))
                    )
                yield row

    strategy = Scripted(acts)
    result = run_loop(
        LoopSetup(
            bars=bars, feed=Feed(bars.n_bars), venue=venue, strategy=strategy, initial_cash=CASH,
            recorder=Quiet(),
            guard=Guard(gate, bars, strategy="s", account="a", currency="USD"),
        )
    )  # fmt: skip
    assert result.status is RunStatus.COMPLETED, result.message
    return result, gate, strategy, told


def test_books_that_differ_twice_reduce_the_account_until_they_agree_again():
    bars = tape([10.0] * 10)
    acts = {row: lambda ctx: ctx.buy(1) for row in range(10)}
    acts[4] = lambda ctx: ctx.sell(2)
    result, gate, strategy, told = run(acts, bars, WrongVenue(bars, wrong=(3, 4, 5)))
    # Rows 3 and 4 differ: from 4 on entries are off; row 6 agrees, row 7 is a day later.
    assert [round((e.ts_event - bars.ts[0]) / 86_400e9) for e in result.denied] == [5, 6]
    assert all(e.reason is DenyReason.HALTED for e in result.denied)
    assert "the book has 400000000, the venue 500000000" in result.denied[0].message
    assert (-1, 2 * QTY_UNIT) in [(f[2], f[3]) for f in strategy.fills]
    assert gate.layer.switch.scopes() == {}
    assert [kind for kind, rule, _ in told if rule == "reconciliation"] == [
        "TradingReduced", "TradingResumed",
    ]  # fmt: skip


def test_books_that_differ_for_one_bar_are_not_yet_a_difference():
    bars = tape([10.0] * 6)
    acts = {row: lambda ctx: ctx.buy(1) for row in range(6)}
    result, *_ = run(acts, bars, WrongVenue(bars, wrong=(3,)))
    assert result.denied == ()


def test_an_order_the_venue_does_not_know_reduces_the_account_until_it_is_found():
    bars = tape([10.0] * 12)
    acts = {0: lambda ctx: ctx.buy(1), 1: lambda ctx: ctx.buy(1, limit=5.0)}
    acts |= {row: lambda ctx: ctx.buy(2) for row in range(4, 12)}
    result, gate, _strategy, told = run(acts, bars, WrongVenue(bars, loses=(3, 4, 5)))
    denied = [round((e.ts_event - bars.ts[0]) / 86_400e9) for e in result.denied]
    assert denied[0] == 4
    assert denied == list(range(4, denied[-1] + 1))
    assert denied[-1] < 8
    assert "the outcome of 1 orders is not known: " in result.denied[0].message
    assert gate.layer.switch.scopes() == {}
    assert [k for k, rule, _ in told if rule == "unknown_orders"][-1] == "TradingResumed"


def test_an_instrument_without_a_price_for_too_long_may_only_be_reduced():
    bars = tape([10.0] * 9)
    close = bars.close.copy()
    close[3:7] = np.nan
    open_ = bars.open.copy()
    open_[3:7] = np.nan
    bars = replace(bars, close=close, open=open_, high=open_, low=open_)
    acts = {0: lambda ctx: ctx.buy(10)}
    acts |= {row: lambda ctx: (ctx.buy(1), ctx.sell(1)) for row in (4, 5, 6, 7)}
    result, _gate, strategy, _ = run(acts, bars, WrongVenue(bars), {"stale_bars": 2})
    # Row 4 is the second bar without a price, 5 and 6 the third and fourth; 7 has one again.
    assert [round((e.ts_event - bars.ts[0]) / 86_400e9) for e in result.denied] == [5, 6]
    assert "no price for 3 bars, it may only be reduced" in result.denied[0].message
    assert sum(f[2] < 0 for f in strategy.fills) == 4


def test_cancels_that_do_not_take_effect_are_told_with_their_orders_and_sent_again():
    bars = tape([10.0] * 9)
    acts = {0: lambda ctx: (ctx.buy(1, limit=5.0), ctx.buy(1, limit=4.0))}
    venue = WrongVenue(bars, deaf_until=5)
    _, gate, _, told = run(acts, bars, venue, trips={3: "halt"})
    ids = [order.client_order_id for order in venue.submitted]
    assert gate.layer.switch.state("account:a") is State.HALTED
    assert sorted(row for row, _ in venue.cancels) == [3, 3, 4, 4, 5, 5, 6, 6]
    failed = [message for kind, _, message in told if kind == "CancelFailed"]
    assert len(failed) == 3
    assert all(text == f"2 orders could not be cancelled yet: {', '.join(ids)}" for text in failed)
    assert venue.open_orders() == []
    assert {e.status for e in venue.events} <= {OrderStatus.CANCELLED, OrderStatus.WORKING}
