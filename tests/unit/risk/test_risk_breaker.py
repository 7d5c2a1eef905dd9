"""The circuit breaker: transitions, losses, re-arming, the record, and the table of limits."""

import pytest
from tests.unit.risk.risk_bench import DAY, NOW, ask, ended, fill_of, gate_of, mark, order, take

from tradewright.domain.errors import ConfigError, RefusedError
from tradewright.domain.orders import OrderStatus, Side
from tradewright.domain.time import NS_PER_SECOND
from tradewright.risk.control import (
    KINDS,
    Cause,
    Layer,
    LimitTable,
    RiskGate,
    State,
    Switch,
    distances,
    loosened,
    parse_scope,
    snapshot,
)

ANN = {"actor": "Ann", "reason": "looked at it", "ts": NOW}


def cause(rule="user", ts=NOW):
    return Cause(rule, "Ann", "because", ts)


# -- transitions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "verb", "end"),
    [
        (None, "reduce", State.REDUCE_ONLY), (None, "halt", State.HALTED),
        (None, "flatten", State.FLATTENING), ("reduce", "halt", State.HALTED),
        ("reduce", "flatten", State.FLATTENING), ("halt", "flatten", State.FLATTENING),
        ("halt", "reduce", State.HALTED), ("flatten", "reduce", State.FLATTENING),
        ("flatten", "halt", State.HALTED),
    ],
)  # fmt: skip
def test_transitions(start, verb, end):
    switch = Switch()
    if start:
        switch.trip(start, "portfolio", cause("first"))
    switch.trip(verb, "portfolio", cause("second"))
    assert switch.state("portfolio") is end


def test_flattening_ends_halted_and_the_wider_scope_wins():
    switch = Switch()
    switch.trip("flatten", "account:a", cause())
    assert switch.flattened("account:a", NOW).after is State.HALTED
    assert switch.flattened("account:a", NOW) is None
    switch.trip("reduce", "portfolio", cause())
    assert switch.effective(["strategy:x", "account:b", "portfolio"]) == (
        State.REDUCE_ONLY, "portfolio",
    )  # fmt: skip
    assert switch.effective(["strategy:x", "account:a", "portfolio"])[0] is State.HALTED


def test_halt_for_the_same_cause_is_told_once():
    switch = Switch()
    assert switch.trip("halt", "portfolio", cause()) is not None
    assert switch.trip("halt", "portfolio", cause()) is None


def test_daily_loss_is_released_in_the_next_session_and_a_users_order_never():
    switch = Switch()
    switch.trip("reduce", "account:a", cause("daily_loss"))
    switch.trip("reduce", "account:b", cause("user"))
    assert switch.next_session(NOW + 3600 * NS_PER_SECOND) == []
    released = switch.next_session(NOW + DAY)
    assert [(c.scope, c.after) for c in released] == [("account:a", State.NORMAL)]
    assert switch.state("account:b") is State.REDUCE_ONLY


def test_two_causes_hold_until_both_are_gone():
    switch = Switch()
    switch.trip("reduce", "account:a", cause("daily_loss"))
    switch.trip("reduce", "account:a", cause("user"))
    switch.next_session(NOW + DAY)
    assert switch.state("account:a") is State.REDUCE_ONLY
    assert [c.rule for c in switch.causes("account:a")] == ["user"]


def test_stale_data_is_released_after_60_stable_seconds():
    switch = Switch()
    switch.trip("reduce", "account:a", cause("stale_data"))
    assert switch.well("account:a", "stale_data", NOW) is None
    assert switch.well("account:a", "stale_data", NOW + 59 * NS_PER_SECOND) is None
    switch.trip("reduce", "account:a", cause("stale_data"))  # it came back: count anew
    assert switch.well("account:a", "stale_data", NOW + 70 * NS_PER_SECOND) is None
    change = switch.well("account:a", "stale_data", NOW + 130 * NS_PER_SECOND)
    assert change.after is State.NORMAL


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"actor": " "}, "a named person"), ({"reason": ""}, "a reason"),
        ({"may_write": False}, "no right risk:write"),
        ({"differences": ["AAPL: 3 here, 4 there"]}, "not clean: AAPL"),
    ],
)  # fmt: skip
def test_rearm_without_what_it_needs_changes_nothing(changed, said):
    switch = Switch()
    switch.trip("halt", "portfolio", cause())
    with pytest.raises(RefusedError, match=said):
        switch.rearm("portfolio", **{**ANN, **changed})
    assert switch.state("portfolio") is State.HALTED
    change = switch.rearm("portfolio", **ANN)
    assert (change.before, change.after, change.cause.actor) == (State.HALTED, State.NORMAL, "Ann")


def test_nothing_to_release_and_closing_are_refused():
    switch = Switch()
    with pytest.raises(RefusedError, match="it is NORMAL"):
        switch.rearm("portfolio", **ANN)
    switch.trip("flatten", "portfolio", cause())
    with pytest.raises(RefusedError, match="still being closed"):
        switch.rearm("portfolio", **ANN)


def test_record_of_changes_gives_the_same_switch():
    gate = gate_of({"daily_loss": 0.02, "drawdown": 0.10, "drawdown_flatten": 0.2})
    changes = []
    gate.subscribe(changed=changes.append)
    mark(gate, equity=97_000.0)
    mark(gate, ts=NOW + DAY, equity=96_900.0)
    mark(gate, ts=NOW + 2 * DAY, equity=85_000.0)
    gate.rearm("account:paper", **{**ANN, "ts": NOW + 2 * DAY})
    mark(gate, ts=NOW + 3 * DAY, equity=75_000.0)
    gate.flattened(NOW + 3 * DAY)
    twin = Switch()
    for change in changes:
        twin.read(change.to_json())
    scopes = ("strategy:trend", "account:paper", "portfolio")
    assert [twin.state(s) for s in scopes] == [gate.layer.switch.state(s) for s in scopes]
    assert [[c.rule for c in twin.causes(s)] for s in scopes] == [
        [c.rule for c in gate.layer.switch.causes(s)] for s in scopes
    ]
    assert {c.verb for c in changes} == {
        "reduce",
        "halt",
        "flatten",
        "flattened",
        "release",
        "rearm",
    }


def test_scopes_are_read_and_refused():
    assert [parse_scope(s) for s in ("all", "account:paper", "strategy:x")] == [
        "portfolio", "account:paper", "strategy:x",
    ]  # fmt: skip
    for wrong in ("account", "account:", "desk:x", ""):
        with pytest.raises(ConfigError, match="scope"):
            parse_scope(wrong)


# -- losses ---------------------------------------------------------------------------------------


def test_daily_loss_reduces_until_the_next_session():
    gate = gate_of({"account.daily_loss": 0.03})
    assert mark(gate, equity=97_001.0) is State.NORMAL
    assert mark(gate, equity=97_000.0) is State.REDUCE_ONLY
    assert mark(gate, equity=99_000.0) is State.REDUCE_ONLY  # back is not enough
    assert mark(gate, ts=NOW + DAY, equity=98_000.0) is State.NORMAL
    # The new day is measured from the last equity of the day before, 99 000.
    assert mark(gate, ts=NOW + DAY, equity=96_030.0) is State.REDUCE_ONLY


def test_weekly_loss_and_drawdown_halt_and_stay_halted():
    weekly = gate_of({"weekly_loss": 0.06})
    for day, equity in ((0, 100_000.0), (1, 97_000.0), (3, 95_000.0)):
        mark(weekly, ts=(20_003 + day) * DAY, equity=equity)  # a Monday
    assert weekly.layer.switch.state("account:paper") is State.NORMAL
    mark(weekly, ts=20_007 * DAY, equity=94_000.0)
    assert weekly.layer.switch.state("account:paper") is State.HALTED
    fall = gate_of({"account.drawdown": 0.15})
    mark(fall, ts=NOW + DAY, equity=120_000.0)
    mark(fall, ts=NOW + 2 * DAY, equity=102_001.0)
    assert fall.layer.switch.state("account:paper") is State.NORMAL
    mark(fall, ts=NOW + 3 * DAY, equity=102_000.0)
    assert fall.layer.switch.state("account:paper") is State.HALTED
    mark(fall, ts=NOW + 30 * DAY, equity=130_000.0)
    assert fall.layer.switch.state("account:paper") is State.HALTED


def test_rearm_restarts_the_counts_and_keeps_the_high_water_mark():
    gate = gate_of({"account.drawdown": 0.15, "account.daily_loss": 0.5})
    mark(gate, equity=80_000.0)
    gate.rearm("account:paper", **ANN)
    assert mark(gate, equity=80_000.0) is State.HALTED  # the fall is as deep as before
    gate.rearm("account:paper", **ANN, reset_high_water=True)
    assert mark(gate, equity=80_000.0) is State.NORMAL
    assert gate.layer.scope("account:paper").losses.high_water == 8_000_000


def test_portfolio_drawdown_flattens_then_halts():
    gate = gate_of({"drawdown_flatten": 0.20})
    take(gate, order(qty=100))
    assert mark(gate, equity=80_000.0) is State.FLATTENING
    assert any(event.is_critical for event in gate.events)
    closing = order(qty=100, side=Side.SELL)
    assert not ask(gate, order("XOM", qty=1)).is_approved
    assert not ask(gate, order(qty=100, side=Side.SELL)).is_approved  # the strategy's own
    assert ask(gate, closing, is_closing=True).is_approved
    gate.flattened(NOW)
    assert gate.layer.switch.state("portfolio") is State.FLATTENING
    gate.fill(fill_of(closing), strategy="trend", account="paper", ts=NOW)
    gate.flattened(NOW)
    assert gate.layer.switch.state("portfolio") is State.HALTED


def test_losing_round_trips_pause_entries_for_a_session():
    gate = gate_of({"losing_trades": 3})
    for loss in (1, 1, 0, 1, 1, 1):
        take(gate, order(qty=1))
        gate.fill(fill_of(order(qty=1, side=Side.SELL), px=99.0 if loss else 101.0),
                  strategy="trend", account="paper", ts=NOW)  # fmt: skip
    assert gate.layer.switch.state("strategy:trend") is State.REDUCE_ONLY
    assert ask(gate, order(qty=1), strategy="other").is_approved
    mark(gate, ts=NOW + DAY)
    assert gate.layer.switch.state("strategy:trend") is State.NORMAL


def test_costs_make_a_flat_trip_a_losing_one_and_turning_closes_the_first():
    gate = gate_of({"losing_trades": 2})
    trips = gate.layer.scope("strategy:trend").trips
    buy, sell = order(qty=1), order(qty=1, side=Side.SELL)
    trips.fill(fill_of(buy, px=100.0, fee=5))
    assert trips.fill(fill_of(sell, px=100.0)) == 1
    trips.fill(fill_of(buy, px=100.0))
    assert trips.fill(fill_of(order(qty=2, side=Side.SELL), px=110.0)) == 0  # won 10, now short 1
    assert trips.fill(fill_of(buy, px=111.0)) == 1  # the short lost 1


# -- flow -----------------------------------------------------------------------------------------


def test_repeated_fills_and_rejects_halt_the_strategy():
    gate = gate_of({"repeated_fills": 10}, is_timed=True)
    for n in range(10):
        gate.fill(fill_of(order(qty=1)), strategy="trend", account="paper", ts=NOW + n)
    assert gate.layer.switch.state("strategy:trend") is State.NORMAL
    gate.fill(fill_of(order(qty=1)), strategy="trend", account="paper", ts=NOW + 11)
    assert gate.layer.switch.state("strategy:trend") is State.HALTED
    gate = gate_of({"broker_rejects": 5}, is_timed=True)
    for n in range(6):
        wanted = order(qty=n + 1)
        assert ask(gate, wanted, ts=NOW + n).is_approved
        gate.event(ended(wanted, OrderStatus.REJECTED), NOW + n)
        halted = gate.layer.switch.state("strategy:trend") is State.HALTED
        assert halted is (n == 5)


def test_order_sent_twice_or_without_approval_halts():
    gate = gate_of()
    wanted = order()
    ask(gate, wanted)
    gate.sent(wanted.client_order_id, NOW)
    assert gate.layer.switch.scopes() == {}
    gate.sent(wanted.client_order_id, NOW)
    assert gate.layer.switch.state("account:paper") is State.HALTED
    assert any(event.is_critical and "twice" in event.message for event in gate.events)
    other = gate_of()
    other.sent("never-seen", NOW)
    assert other.layer.switch.state("portfolio") is State.HALTED


# -- events and distances -------------------------------------------------------------------------


def test_handler_that_fails_does_not_stop_the_halt():
    gate = gate_of({"account.drawdown": 0.1})
    told = []

    def broken(_):
        raise OSError("no network")

    gate.subscribe(broken)
    gate.subscribe(told.append)
    mark(gate, equity=80_000.0)
    assert gate.layer.switch.state("account:paper") is State.HALTED
    assert [event.kind for event in told][:2] == ["RiskLimitBreached", "TradingHalted"]
    assert gate.handler_failures == len(told)


def test_warning_comes_once_at_80_percent_of_a_limit():
    gate = gate_of({"account.drawdown": 0.10, "account.max_gross": 1.0})
    mark(gate, equity=92_000.0)
    mark(gate, equity=91_900.0)
    warned = [e for e in gate.events if e.kind == "RiskLimitWarned"]
    assert [(e.rule, e.scope) for e in warned] == [("drawdown", "account:paper")]
    assert warned[0].value == pytest.approx(0.08)
    take(gate, order(qty=750))
    mark(gate, equity=91_900.0)
    assert [e.rule for e in gate.events if e.kind == "RiskLimitWarned"] == ["drawdown", "max_gross"]


def test_distance_shows_use_now_and_with_open_orders():
    gate = gate_of({"account.max_position_size": 0.2, "account.max_gross": 1.0,
                    "account.daily_loss": 0.03, "account.max_positions": 10})  # fmt: skip
    take(gate, order(qty=100))
    ask(gate, order(qty=50))
    ask(gate, order("XOM", qty=100))
    mark(gate, equity=99_000.0, cash=89_000.0)
    rows = {row.key: row for row in distances(gate.layer, gate.layer.scope("account:paper"))}
    assert rows["max_position_size"].name == "AAPL"
    assert rows["max_position_size"].used == pytest.approx(10_000 / 99_000)
    assert rows["max_position_size"].projected == pytest.approx(15_000 / 99_000)
    assert rows["max_position_size"].fraction == pytest.approx(15_000 / 99_000 / 0.2)
    assert rows["max_gross"].projected == pytest.approx(23_000 / 99_000)
    assert rows["daily_loss"].used == pytest.approx(0.01)
    assert (rows["max_positions"].used, rows["max_positions"].projected) == (1, 2)


def test_snapshot_follows_prices_and_says_what_is_stale():
    gate = gate_of()
    take(gate, order(qty=100))
    take(gate, order("XOM", qty=50, side=Side.SELL))
    mark(gate, ts=NOW, equity=100_000.0, cash=94_000.0)
    scope = gate.layer.scope("account:paper")
    gate.layer.prices["AAPL"] = 90.0
    gate.layer.priced_at["AAPL"] = NOW + 100 * NS_PER_SECOND
    found = snapshot(gate.layer, scope, NOW + 100 * NS_PER_SECOND)
    assert found.equity == pytest.approx(94_000 + 9_000 - 4_000)
    assert found.day_profit == pytest.approx(-1_000)
    assert (found.gross, found.net) == pytest.approx((13_000, 5_000))
    assert found.drawdown == pytest.approx(-0.01)
    assert (found.oldest_price_s, found.stale) == (100.0, True)
    assert not snapshot(gate.layer, scope, NOW + 30 * NS_PER_SECOND).stale
    scope.book.move("NVDA", 10**8)
    blind = snapshot(gate.layer, scope, NOW)
    assert (blind.stale, blind.unpriced, blind.equity) == (True, ("NVDA",), 100_000.0)


# -- the table ------------------------------------------------------------------------------------


def test_standard_table_has_the_documented_defaults():
    table = LimitTable.of(profile="moderate")
    wanted = {
        ("max_trade_pct", "account:a"): 0.05, ("max_position_size", "strategy:x"): 0.20,
        ("max_sector_weight", "portfolio"): 0.40, ("max_currency_weight", "account:a"): 0.50,
        ("max_gross", "portfolio"): 1.0, ("max_leverage", "account:a"): 1.0,
        ("max_positions", "account:a"): 100, ("min_position_size", "account:a"): 0.01,
        ("max_order_notional", "account:a"): 50_000, ("max_order_share_of_adv", "account:a"): 0.01,
        ("orders_per_second", "strategy:x"): 5, ("orders_per_second", "account:a"): 10,
        ("orders_per_minute", "strategy:x"): 100, ("orders_per_minute", "account:a"): 200,
        ("duplicate_seconds", "strategy:x"): 2, ("repeated_fills", "strategy:x"): 10,
        ("broker_rejects", "strategy:x"): 5, ("daily_loss", "strategy:x"): 0.02,
        ("daily_loss", "account:a"): 0.03, ("daily_loss", "portfolio"): 0.03,
        ("weekly_loss", "account:a"): 0.06, ("drawdown", "strategy:x"): 0.15,
        ("drawdown", "account:a"): 0.15, ("drawdown_flatten", "portfolio"): 0.20,
        ("losing_trades", "strategy:x"): 5, ("var_95", "account:a"): 0.03,
        ("stop_loss_pct", "account:a"): 0.05, ("take_profit_pct", "account:a"): 0.15,
    }  # fmt: skip
    assert {place: table.limit(*place) for place in wanted} == wanted
    assert LimitTable.of().is_empty


def test_profiles_scale_position_sector_and_loss_limits_alone():
    tables = {
        name: LimitTable.of(profile=name) for name in ("conservative", "moderate", "aggressive")
    }
    for key, kind in KINDS.items():
        for scope in kind.defaults:
            low, middle, high = (tables[n].limit(key, scope) for n in tables)
            factors = (0.5, 1.5) if kind.scales else (1.0, 1.0)
            assert (low, high) == pytest.approx((middle * factors[0], middle * factors[1])), key
    assert not any(KINDS[k].scales for k in ("max_leverage", "drawdown", "drawdown_flatten"))


def test_tightest_of_kind_and_name_wins_and_none_switches_off():
    table = LimitTable.of({"max_gross": 0.9, "account:paper.max_gross": 0.5,
                           "strategy:x.max_gross": 2.0, "min_cash": 0.1,
                           "account:paper.min_cash": 0.3})  # fmt: skip
    assert table.limit("max_gross", "account:paper") == 0.5
    assert table.limit("max_gross", "account:other") == 0.9
    assert table.limit("max_gross", "strategy:x") == 0.9
    assert table.limit("min_cash", "account:paper") == 0.3  # of least values the largest
    off = LimitTable.of({"daily_loss": None}, profile="moderate")
    assert off.limit("daily_loss", "account:paper") is None
    merged = table.merged(LimitTable.of({"max_gross": 0.7}))
    assert merged.limit("max_gross", "portfolio") == 0.7
    assert LimitTable.of(table.to_mapping()).values == table.values


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"max_gross": -1}, "max_gross is -1"),
        ({"max_gross": 3.1}, "above its ceiling 3"),
        ({"max_leverage": 4}, "above its ceiling 3"),
        ({"max_grosss": 1}, "did you mean 'max_gross'"),
        ({"acount.max_gross": 1}, "did you mean 'account'"),
        ({"max_gross": "1"}, "wanted a number"),
        ({"max_gross": float("nan")}, "wanted a number"),
        ({"max_positions": 2.5}, "a whole number"),
        ({"max_gross": True}, "wanted a number"), ({"account:.max_gross": 1}, "scope"),
    ],
)  # fmt: skip
def test_wrong_limit_is_refused_by_name(settings, said):
    with pytest.raises(ConfigError, match=said):
        LimitTable.of(settings)


def test_warning_above_the_limit_and_unknown_profile_are_refused():
    with pytest.raises(ConfigError, match=r"warn_at is 1\.1"):
        LimitTable.of(warn_at=1.1)
    with pytest.raises(ConfigError, match="did you mean 'moderate'"):
        LimitTable.of(profile="modrate")


def test_loosening_is_told_from_tightening():
    before = LimitTable.of({"account.drawdown": 0.1, "account.min_cash": 0.2})
    assert (
        loosened(before, LimitTable.of({"account.drawdown": 0.05, "account.min_cash": 0.3})) == []
    )
    after = LimitTable.of({"account.drawdown": 0.1, "account.min_cash": 0.1})
    assert loosened(before, after) == ["account.min_cash"]
    assert loosened(before, LimitTable.of()) == ["account.drawdown", "account.min_cash"]


def test_gate_without_limits_lets_everything_through():
    gate = RiskGate(Layer(LimitTable.of(), {}))
    mark(gate)
    assert ask(gate, order(qty=1e6)).is_approved
