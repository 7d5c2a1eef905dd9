"""Random orders, fills and cancels: no limit is ever passed by what was approved together."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.risk.risk_bench import NOW, PRICES, ask, ended, fill_of, gate_of, mark, order

from tradewright.domain.money import QTY_UNIT
from tradewright.domain.orders import Side
from tradewright.risk.control import Cause, Switch

LIMITS = {
    "max_position_size": 0.2,
    "max_sector_weight": 0.35,
    "max_gross": 0.6,
    "strategy.max_gross": 0.4,
    "account.max_positions": 4,
    "min_cash": 0.0,
}
step = st.tuples(
    st.sampled_from(sorted(PRICES)), st.floats(0.1, 30_000), st.sampled_from([Side.BUY, Side.SELL]),
    st.sampled_from(["one", "two"]), st.sampled_from(["keep", "fill", "half", "cancel"]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(step, min_size=1, max_size=40))
def test_limits_are_never_passed_together(steps):
    gate = gate_of(LIMITS)
    mark(gate, strategy="one")
    mark(gate, strategy="two")
    sector_of = {s: i.sector or "unclassified" for s, i in gate.layer.instruments.items()}
    open_orders = {}
    for symbol, value, side, strategy, fate in steps:
        wanted = order(symbol, max(value / PRICES[symbol], 1e-6), side)
        if ask(gate, wanted, strategy=strategy).is_approved:
            open_orders[wanted.client_order_id] = (wanted, strategy)
        if open_orders and fate != "keep":
            known, owner = open_orders.pop(next(iter(open_orders)))
            if fate == "cancel":
                gate.event(ended(known), NOW)
            else:
                part = known.qty if fate == "fill" else max(known.qty // 2, 1)
                done = fill_of(known, qty=part / QTY_UNIT)
                gate.fill(done, strategy=owner, account="paper", ts=NOW)
                if part < known.qty:
                    gate.event(ended(known), NOW)
        for name in ("account:paper", "portfolio"):
            book = gate.layer.scope(name).book
            slack = 1e-6
            assert book.gross <= 60_000 + slack
            assert all(value <= 20_000 + slack for value in book.worst.values())
            for sector in set(sector_of.values()):
                total = sum(v for s, v in book.worst.items() if sector_of[s] == sector)
                assert total <= 35_000 + slack
                assert book.by_sector.get(sector, 0.0) == pytest.approx(total, abs=1e-5)
        for strategy in ("one", "two"):
            assert gate.layer.scope(f"strategy:{strategy}").book.gross <= 40_000 + 1e-6
        assert gate.layer.scope("account:paper").book.positions <= 4


@settings(max_examples=60, deadline=None)
@given(st.lists(step, min_size=1, max_size=25))
def test_values_kept_by_change_are_those_added_up_anew(steps):
    gate = gate_of()
    for symbol, value, side, strategy, fate in steps:
        wanted = order(symbol, value / PRICES[symbol], side)
        ask(gate, wanted, strategy=strategy)
        if fate != "keep":
            gate.fill(fill_of(wanted), strategy=strategy, account="paper", ts=NOW)
    book = gate.layer.scope("account:paper").book
    kept = (book.gross, book.net, dict(book.worst), dict(book.by_sector))
    book.reprice()
    assert kept[:2] == pytest.approx((book.gross, book.net), rel=1e-9, abs=1e-6)
    assert kept[2] == pytest.approx(book.worst, rel=1e-9, abs=1e-6)
    known = {s: v for s, v in kept[3].items() if abs(v) > 1e-6}
    assert known == pytest.approx({s: v for s, v in book.by_sector.items() if abs(v) > 1e-6})


verbs = st.tuples(
    st.sampled_from(["reduce", "halt", "flatten", "flattened", "session", "well", "rearm"]),
    st.sampled_from(["strategy:x", "account:a", "portfolio"]),
    st.sampled_from(["user", "daily_loss", "stale_data", "drawdown"]),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(verbs, max_size=30))
def test_fold_of_the_record_is_the_switch(acts):
    switch, changes, ts = Switch(), [], NOW
    for verb, scope, rule in acts:
        ts += 40_000_000_000
        if verb in ("reduce", "halt", "flatten"):
            changes.append(switch.trip(verb, scope, Cause(rule, "Ann", "x", ts)))
        elif verb == "flattened":
            changes.append(switch.flattened(scope, ts))
        elif verb == "session":
            ts += 86_400_000_000_000
            changes += switch.next_session(ts)
        elif verb == "well":
            changes.append(switch.well(scope, rule, ts))
        elif switch.state(scope).name in ("REDUCE_ONLY", "HALTED"):
            changes.append(switch.rearm(scope, actor="Ann", reason="x", ts=ts))
    twin = Switch()
    for change in changes:
        if change is not None:
            twin.read(change.to_json())
    assert twin.scopes() == switch.scopes()
    for scope in ("strategy:x", "account:a", "portfolio"):
        assert [c.rule for c in twin.causes(scope)] == [c.rule for c in switch.causes(scope)]
