"""Each check of an order, its order among the others, and what it must never stop."""

import math
import threading

import numpy as np
import pytest
from tests.unit.risk.risk_bench import (
    DAY,
    NOW,
    PRICES,
    ask,
    ended,
    fill_of,
    gate_of,
    mark,
    order,
    take,
)

from tradewright.domain.orders import DenyReason, OrderStatus, Side
from tradewright.domain.time import NS_PER_SECOND
from tradewright.risk.control import CHECKS, Cause, State

SELL = Side.SELL


def refusal(gate, wanted, **how):
    decision = ask(gate, wanted, **how)
    assert not decision.is_approved
    return decision.failures[0]


# -- the twelve checks ----------------------------------------------------------------------------


def test_switch_refuses_entries_and_lets_exits_through_unless_halted():
    gate = gate_of()
    take(gate, order(qty=10))
    gate.trip("reduce", "account:paper", Cause("user", "Ann", "news", NOW))
    assert refusal(gate, order()).check == "switch"
    assert ask(gate, order(qty=4, side=SELL)).is_approved
    assert refusal(gate, order(qty=7, side=SELL)).check == "switch"  # 4 are on their way already
    gate.trip("halt", "portfolio", Cause("user", "Ann", "stop", NOW))
    failure = refusal(gate, order(qty=1, side=SELL))
    assert (failure.check, failure.scope, failure.reason) == (
        "switch",
        "portfolio",
        DenyReason.HALTED,
    )
    assert "stop" in failure.message


def test_session_refuses_while_the_venue_is_closed():
    gate = gate_of(is_open=lambda symbol, ts: symbol != "AAPL")
    assert refusal(gate, order()).check == "session"
    assert ask(gate, order("MSFT")).is_approved


def test_instrument_without_a_price_is_not_bought():
    gate = gate_of({"max_gross": 1.0})
    failure = refusal(gate, order("NVDA"))
    assert (failure.check, failure.rule, failure.reason) == (
        "tradable",
        "no_price",
        DenyReason.NO_BAR,
    )


def test_stale_price_refuses_entries_and_lets_exits_through():
    gate = gate_of({"stale_seconds": 60}, is_timed=True)
    take(gate, order(qty=10))
    later = NOW + 61 * NS_PER_SECOND
    assert refusal(gate, order(), ts=later).rule == "stale_seconds"
    assert ask(gate, order(qty=10, side=SELL), ts=later).is_approved
    mark(gate, ts=later)
    assert ask(gate, order(), ts=later).is_approved


def test_same_order_again_is_refused_for_two_seconds():
    gate = gate_of({"duplicate_seconds": 2}, is_timed=True)
    assert ask(gate, order(qty=3)).is_approved
    assert refusal(gate, order(qty=3), ts=NOW + NS_PER_SECOND).rule == "duplicate_seconds"
    assert ask(gate, order(qty=4), ts=NOW + NS_PER_SECOND).is_approved
    assert ask(gate, order(qty=3), ts=NOW + NS_PER_SECOND, strategy="other").is_approved
    assert ask(gate, order(qty=3), ts=NOW + 2 * NS_PER_SECOND).is_approved


def test_order_id_is_good_once():
    gate = gate_of()
    wanted = order()
    assert ask(gate, wanted).is_approved
    assert refusal(gate, wanted).rule == "client_order_id"


def test_price_collar_depends_on_the_class_of_instrument():
    gate = gate_of({"var_95": None}, profile="moderate", equity=1e6)
    gate.layer.volumes.update(AAPL=1e6, BTC=1e6)
    assert ask(gate, order(qty=150, limit=105.0)).is_approved
    assert refusal(gate, order(qty=150, limit=105.2)).rule == "price_collar"
    assert refusal(gate, order(qty=150, limit=94.0)).rule == "price_collar"
    away = order("BTC", qty=0.3, limit=43_900.0)  # 9.75 % is fine for crypto
    assert "price_collar" not in {f.rule for f in ask(gate, away, explain=True).failures}
    chosen = gate_of({"price_collar": 0.01})
    assert refusal(chosen, order("BTC", qty=0.3, limit=41_000.0)).rule == "price_collar"


@pytest.mark.parametrize(
    ("setting", "fits", "over"),
    [("max_trade_pct", 50, 50.1), ("max_order_notional", 50, 50.1)],
)
def test_order_that_is_too_large_is_refused(setting, fits, over):
    value = {"max_trade_pct": 0.05, "max_order_notional": 5000.0}[setting]
    assert ask(gate_of({setting: value}), order(qty=fits)).is_approved
    assert refusal(gate_of({setting: value}), order(qty=over)).rule == setting


def test_share_of_the_daily_volume_is_limited_and_unknown_volume_refuses():
    gate = gate_of({"max_order_share_of_adv": 0.01})
    gate.layer.volumes["AAPL"] = 10_000.0
    assert ask(gate, order(qty=100)).is_approved
    assert refusal(gate, order(qty=101)).rule == "max_order_share_of_adv"
    assert math.isinf(refusal(gate, order("MSFT", qty=1)).value)


def test_order_rate_refuses_and_three_refusals_halt_the_strategy():
    gate = gate_of(
        {"strategy.orders_per_second": 5, "account.orders_per_second": 10}, is_timed=True
    )
    for n in range(5):
        assert ask(gate, order(qty=n + 1), ts=NOW + n).is_approved
    for n in range(3):
        assert refusal(gate, order(qty=10 + n), ts=NOW + 10 + n).rule == "orders_per_second"
    assert gate.layer.switch.state("strategy:trend") is State.HALTED
    assert ask(gate, order(qty=1), ts=NOW + 20, strategy="other").is_approved
    for n in range(4):
        assert ask(gate, order(qty=2 + n), ts=NOW + 30 + n, strategy="other").is_approved
    # Ten in a second for the account: a third strategy is refused though it sent nothing yet.
    failure = refusal(gate, order(qty=1), ts=NOW + 40, strategy="third")
    assert (failure.rule, failure.scope) == ("orders_per_second", "account:paper")
    assert ask(gate, order(qty=1), ts=NOW + 2 * NS_PER_SECOND, strategy="third").is_approved


def test_orders_per_minute_are_limited_too():
    gate = gate_of({"strategy.orders_per_minute": 3}, is_timed=True)
    for n in range(3):
        assert ask(gate, order(qty=n + 1), ts=NOW + n * 10 * NS_PER_SECOND).is_approved
    assert refusal(gate, order(), ts=NOW + 59 * NS_PER_SECOND).rule == "orders_per_minute"
    assert ask(gate, order(), ts=NOW + 61 * NS_PER_SECOND).is_approved


def test_cash_counts_what_working_orders_may_cost():
    gate = gate_of({"min_cash": 0.0}, equity=10_000.0, cost_rate=0.001)
    assert ask(gate, order(qty=60)).is_approved
    failure = refusal(gate, order(qty=40))  # 6006 + 4004 > 10 000
    assert (failure.check, failure.reason) == ("cash", DenyReason.INSUFFICIENT_CASH)
    assert failure.value == pytest.approx(-10.0)
    assert ask(gate, order(qty=39.9)).is_approved


def test_limit_order_reserves_its_limit_price():
    gate = gate_of({"min_cash": 0.0}, equity=10_000.0)
    assert refusal(gate, order(qty=96, limit=105.0)).rule == "min_cash"
    assert ask(gate, order(qty=95, limit=105.0)).is_approved


def test_holding_is_limited_with_working_orders():
    gate = gate_of({"max_position_size": 0.2})
    assert ask(gate, order(qty=150)).is_approved
    assert refusal(gate, order(qty=60)).rule == "max_position_size"
    assert ask(gate, order(qty=50)).is_approved


def test_holding_that_is_too_small_and_one_too_many_are_refused():
    gate = gate_of({"min_position_size": 0.01, "account.max_positions": 2})
    assert refusal(gate, order(qty=9)).rule == "min_position_size"
    take(gate, order(qty=10))
    take(gate, order("MSFT", qty=20))
    assert refusal(gate, order("XOM", qty=20)).rule == "max_positions"
    assert ask(gate, order(qty=10)).is_approved  # more of what is held


def test_sector_and_foreign_currency_are_limited():
    gate = gate_of({"max_sector_weight": 0.4, "max_currency_weight": 0.1})
    take(gate, order(qty=300))
    assert refusal(gate, order("MSFT", qty=201)).rule == "max_sector_weight"
    assert ask(gate, order("XOM", qty=100)).is_approved
    assert refusal(gate, order("SAP", qty=84)).rule in {"max_sector_weight", "max_currency_weight"}
    alone = gate_of({"max_currency_weight": 0.1})
    assert refusal(alone, order("SAP", qty=84)).rule == "max_currency_weight"
    assert ask(alone, order(qty=900)).is_approved  # the base currency has no such limit


def test_gross_net_and_leverage_are_limited():
    gate = gate_of({"max_gross": 1.0, "max_net": 0.6})
    take(gate, order(qty=600))
    assert refusal(gate, order("XOM", qty=10)).rule == "max_net"
    take(gate, order("XOM", qty=500, side=SELL))
    assert refusal(gate, order("MSFT", qty=1, side=SELL)).rule == "max_gross"
    assert refusal(gate_of({"max_leverage": 1.0}), order(qty=1001)).rule == "max_leverage"


def test_loss_limit_reached_between_marks_refuses():
    gate = gate_of({"account.daily_loss": 0.03})
    mark(gate, equity=96_000.0)
    assert gate.layer.switch.state("account:paper") is State.REDUCE_ONLY
    failures = ask(gate, order(), explain=True).failures
    assert {"switch", "loss"} <= {f.check for f in failures}


def test_value_at_risk_denies_what_raises_it_alone():
    gate = gate_of({"var_95": 0.01})
    gate.layer.use_covariance(["AAPL", "XOM"], np.array([[0.0004, 0.0003], [0.0003, 0.0004]]))
    # 1.645 * 0.02 * w = 0.01 -> w = 0.304
    take(gate, order(qty=300))
    assert refusal(gate, order(qty=10)).rule == "var_95"
    assert ask(gate, order("XOM", qty=100, side=SELL)).is_approved  # a hedge lowers it
    unknown = refusal(gate, order("MSFT", qty=1))
    assert math.isinf(unknown.value)


def test_restricted_symbol_is_not_bought_but_may_be_sold():
    gate = gate_of()
    take(gate, order(qty=10))
    gate.layer.restricted = frozenset({"AAPL"})
    assert refusal(gate, order()).check == "compliance"
    assert ask(gate, order(qty=10, side=SELL)).is_approved


# -- all of them ----------------------------------------------------------------------------------


def test_checks_are_made_in_the_stated_order_and_explain_gives_all():
    names = [name for name, _ in CHECKS]
    assert names == [
        "switch", "session", "tradable", "duplicate", "sanity", "rate", "cash", "position",
        "concentration", "leverage", "loss", "compliance",
    ]  # fmt: skip
    gate = gate_of(
        {"max_trade_pct": 0.01, "orders_per_second": 0, "min_cash": 0, "max_position_size": 0.01,
         "max_sector_weight": 0.01, "max_gross": 0.01, "var_95": 0.001, "stale_seconds": 1},
        is_timed=True, is_open=lambda *_: False, restricted=["AAPL"],
    )  # fmt: skip
    wanted = order(qty=2000)
    gate.layer.known_ids.add(wanted.client_order_id)
    gate.trip("reduce", "portfolio", Cause("user", "Ann", "x", NOW))
    later = NOW + 5 * NS_PER_SECOND
    found = list(dict.fromkeys(f.check for f in ask(gate, wanted, ts=later, explain=True).failures))
    assert found == names
    assert refusal(gate, order(qty=2000), ts=later).check == "switch"
    assert not gate.working  # nothing was reserved


def test_reductions_pass_every_limit_on_size():
    gate = gate_of(
        {"max_trade_pct": 0.9, "min_cash": 0, "max_position_size": 0.9, "max_gross": 0.9,
         "max_sector_weight": 0.9, "account.daily_loss": 0.5}
    )  # fmt: skip
    take(gate, order(qty=800))
    mark(gate, equity=30_000.0, cash=-50_000.0)
    assert gate.layer.switch.state("account:paper") is State.REDUCE_ONLY
    assert ask(gate, order(qty=800, side=SELL)).is_approved


def test_final_events_give_back_what_was_reserved():
    gate = gate_of({"max_position_size": 0.2, "min_cash": 0.0})
    for status in (OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REJECTED):
        wanted = order(qty=200)
        assert ask(gate, wanted).is_approved
        assert not ask(gate, order(qty=1)).is_approved
        gate.event(ended(wanted, status), NOW)
        assert gate.layer.scope("account:paper").reserved == pytest.approx(0.0, abs=1e-9)
    assert ask(gate, order(qty=200)).is_approved


def test_partial_fill_keeps_the_rest_reserved():
    gate = gate_of({"max_position_size": 0.2})
    wanted = order(qty=200)
    ask(gate, wanted)
    gate.fill(fill_of(wanted, qty=50), strategy="trend", account="paper", ts=NOW)
    book = gate.layer.scope("account:paper").book
    assert book.worst["AAPL"] == pytest.approx(20_000.0)
    assert not ask(gate, order(qty=1)).is_approved
    gate.event(ended(wanted), NOW)
    assert book.worst["AAPL"] == pytest.approx(5_000.0)


def test_opening_order_gets_a_stop_and_a_target_on_the_tick():
    gate = gate_of({"stop_loss_pct": 0.05, "take_profit_pct": 0.15})
    ready = ask(gate, order(qty=1, limit=99.99)).order
    assert (ready.stop_loss_px, ready.take_profit_px) == (95_00000000, 115_00000000)
    short = ask(gate, order("MSFT", qty=1, side=SELL)).order
    assert (short.stop_loss_px, short.take_profit_px) == (52_50000000, 42_50000000)
    own = ask(gate, order(qty=1, stop_loss_px=90_00000000)).order
    assert own.stop_loss_px == 90_00000000
    take(gate, order("XOM", qty=5))
    assert ask(gate, order("XOM", qty=5, side=SELL)).order.stop_loss_px is None


def test_exits_that_fill_for_certain_make_room_on_bars_alone():
    for exits_fill, passes in ((True, True), (False, False)):
        gate = gate_of({"max_gross": 1.0, "min_cash": 0.0}, exits_fill=exits_fill)
        take(gate, order(qty=1000))
        assert ask(gate, order(qty=1000, side=SELL)).is_approved
        assert ask(gate, order("XOM", qty=1250)).is_approved is passes


def test_200_concurrent_orders_at_the_limit_pass_exactly_as_many_as_fit():
    gate = gate_of({"max_position_size": 0.2, "min_cash": 0.0})
    orders = [order(qty=5) for _ in range(200)]  # 500 each; 20 000 allowed
    passed = []
    barrier = threading.Barrier(20)

    def submit(some):
        barrier.wait()
        passed.extend(ask(gate, wanted).is_approved for wanted in some)

    threads = [threading.Thread(target=submit, args=(orders[i::20],)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(passed), sum(passed)) == (200, 40)
    assert gate.layer.scope("account:paper").reserved == pytest.approx(20_000.0)


def test_two_strategies_within_their_limits_are_denied_together():
    gate = gate_of({"strategy.max_gross": 0.8, "portfolio.max_gross": 1.0})
    mark(gate, strategy="other")
    take(gate, order(qty=700))
    failure = refusal(gate, order("XOM", qty=800), strategy="other")
    assert (failure.rule, failure.scope) == ("max_gross", "portfolio")
    assert ask(gate, order("XOM", qty=375), strategy="other").is_approved


def test_same_instrument_under_two_symbols_counts_together():
    gate = gate_of({"max_position_size": 0.2}, same_as={"MSFT": "AAPL"})
    take(gate, order(qty=150))
    assert refusal(gate, order("MSFT", qty=101)).rule == "max_position_size"
    assert ask(gate, order("MSFT", qty=100)).is_approved
    apart = gate_of({"max_position_size": 0.2})
    take(apart, order(qty=150))
    assert ask(apart, order("MSFT", qty=101)).is_approved


def test_clock_that_runs_backwards_and_a_fault_let_reductions_through_alone():
    gate = gate_of()
    take(gate, order(qty=10))
    assert refusal(gate, order(), ts=NOW - DAY).check == "switch"
    assert ask(gate, order(qty=1, side=SELL), ts=NOW - DAY).is_approved
    assert ask(gate, order(), ts=NOW).is_approved
    gate.set_fault("the journal does not answer")
    assert "journal" in refusal(gate, order(), ts=NOW).message
    assert ask(gate, order(qty=1, side=SELL), ts=NOW).is_approved
    gate.set_fault("")
    assert ask(gate, order(), ts=NOW).is_approved


def test_alert_scales_limits_down():
    gate = gate_of({"max_position_size": 0.2})
    gate.layer.size_down["account:paper"] = 0.5
    assert refusal(gate, order(qty=101)).limit == pytest.approx(0.1)
    gate.layer.size_down.clear()
    assert ask(gate, order(qty=200)).is_approved


def test_prices_of_the_bench_are_those_the_gate_has():
    assert gate_of().layer.prices == PRICES
