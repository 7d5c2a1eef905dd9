"""Each seeded difference is named by its cause, and the causes sum to the gap."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.money import PRICE_UNIT, QTY_UNIT
from tradewright.domain.orders import Fill, FillReason, Order, OrderType, Side
from tradewright.services.beside.parity import Cause, ParityReport, TradeRecord, compare_records

DAY = 86_400_000_000_000
START = 1_400_000_000_000_000_000
MARKS = {"AAPL": 120.0, "KO": 40.0}


def order(number: int, symbol: str, side: Side, units: int, day: int) -> Order:
    return Order(
        client_order_id=f"o{number}",
        symbol=symbol,
        side=side,
        qty=units * QTY_UNIT,
        type=OrderType.MARKET,
        ts_decided=START + day * DAY,
    )


def fill(of: Order, price: float, *, fee: int = 100, slippage: int = 50, day: int = 1) -> Fill:
    return Fill(
        execution_id=f"x{of.client_order_id}",
        client_order_id=of.client_order_id,
        symbol=of.symbol,
        side=of.side,
        qty=of.qty,
        px=round(price * PRICE_UNIT),
        notional_minor=round(of.qty / QTY_UNIT * price * 100),
        fee_minor=fee,
        spread_minor=0,
        slippage_minor=slippage,
        impact_minor=0,
        ts_event=of.ts_decided + day * DAY,
        reason=FillReason.ORDER,
    )


def record(orders, fills, *, refused=None, financing: int = 0, **other) -> TradeRecord:
    cash = 10_000_000 + financing
    held: dict[str, int] = {}
    for one in fills:
        cash -= int(one.side) * one.notional_minor + one.cost_minor
        held[one.symbol] = held.get(one.symbol, 0) + int(one.side) * one.qty
    value = sum(round(qty / QTY_UNIT * MARKS[symbol] * 100) for symbol, qty in held.items())
    given = {
        "orders": orders,
        "refused": refused or {},
        "fills": fills,
        "initial_minor": 10_000_000,
        "cash_minor": cash,
        "equity_minor": cash + value,
        "marks": MARKS,
        "data_version": "v1",
    }
    return TradeRecord(**{**given, **other})


ORDERS = [
    order(1, "AAPL", Side.BUY, 10, 0),
    order(2, "KO", Side.BUY, 50, 1),
    order(3, "AAPL", Side.SELL, 4, 5),
]
FILLS = [fill(ORDERS[0], 100.0), fill(ORDERS[1], 38.0), fill(ORDERS[2], 110.0)]
USUAL = record(ORDERS, FILLS)


def causes(report: ParityReport) -> list[Cause]:
    assert sum(report.gaps.values()) == report.gap_minor
    assert sum((found.gap for found in report.differences), Fraction(0)) == pytest.approx(
        report.gap_minor, abs=len(MARKS) + 1
    )
    return [found.cause for found in report.differences]


def test_equal_records_have_no_difference() -> None:
    report = compare_records("s", USUAL, USUAL)
    assert causes(report) == []
    assert (report.matched_share, report.unexplained, report.gap_minor) == (1.0, 0, 0)
    assert report.slippage_realised_bps == pytest.approx(report.slippage_modelled_bps)


def with_fill(number: int, **changes) -> TradeRecord:
    fills = list(FILLS)
    fills[number] = replace(fills[number], **changes)
    return record(ORDERS, fills)


def test_data() -> None:
    traded = replace(with_fill(0, px=101 * PRICE_UNIT, notional_minor=101_000), data_version="v2")
    assert set(causes(compare_records("s", traded, USUAL))) == {Cause.DATA}


def test_decision() -> None:
    report = compare_records("s", record(ORDERS[:2], FILLS[:2]), USUAL)
    assert causes(report) == [Cause.DECISION]
    assert report.differences[0].symbol == "AAPL"
    assert "traded nothing; replayed sell 4 market" in report.differences[0].what
    assert report.gap_minor == 4 * 1000 + 150


def test_corporate_action() -> None:
    traded = with_fill(2, qty=8 * QTY_UNIT, notional_minor=88_000)
    moment = ORDERS[2].ts_decided + 1
    found = compare_records("s", traded, USUAL, actions={"AAPL": [moment]})
    assert causes(found) == [Cause.CORPORATE_ACTION]
    assert causes(compare_records("s", traded, USUAL, actions={"KO": [moment]})) == [Cause.SIZE]


def test_manual() -> None:
    extra = order(9, "KO", Side.SELL, 50, 6)
    traded = record([*ORDERS, extra], [*FILLS, fill(extra, 41.0)])
    since = extra.ts_decided
    assert causes(compare_records("s", traded, USUAL, manual_from_ns=since)) == [Cause.MANUAL]
    assert causes(compare_records("s", traded, USUAL, manual_from_ns=since + 1)) == [Cause.DECISION]


def test_rejected() -> None:
    traded = record(ORDERS, FILLS[:2], refused={"o3": "RISK_LIMIT"})
    report = compare_records("s", traded, USUAL)
    assert causes(report) == [Cause.REJECTED]
    assert "refused: RISK_LIMIT" in report.differences[0].what


def test_size() -> None:
    assert causes(
        compare_records("s", with_fill(1, qty=30 * QTY_UNIT, notional_minor=114_000), USUAL)
    ) == [Cause.SIZE]


def test_timing_price_and_fee_in_this_order() -> None:
    late = {"ts_event": FILLS[0].ts_event + DAY}
    dear = {"px": 101 * PRICE_UNIT, "notional_minor": 101_000}
    assert causes(compare_records("s", with_fill(0, **late, **dear), USUAL)) == [Cause.TIMING]
    assert causes(compare_records("s", with_fill(0, **dear, fee_minor=150), USUAL)) == [Cause.PRICE]
    assert causes(compare_records("s", with_fill(0, fee_minor=150), USUAL)) == [Cause.FEE]


def test_financing_and_unexplained() -> None:
    paid = record(ORDERS, FILLS, financing=-77)
    report = compare_records("s", paid, USUAL)
    assert causes(report) == [Cause.FINANCING]
    assert report.gaps == {Cause.FINANCING: -77}
    lost = replace(USUAL, equity_minor=USUAL.equity_minor - 500)
    report = compare_records("s", lost, USUAL)
    assert report.gaps == {Cause.UNEXPLAINED: -500}


def test_price_gap_and_the_slippage_it_suggests() -> None:
    traded = with_fill(0, px=round(100.1 * PRICE_UNIT), notional_minor=100_100)
    report = compare_records("s", traded, USUAL)
    assert report.p95_gap_bps > 5
    assert report.mean_gap_bps == pytest.approx(10 / 3)
    assert report.slippage_modelled_bps == pytest.approx(150 / 334_000 * 1e4)
    assert report.slippage_realised_bps > report.slippage_modelled_bps
    assert report.matched_share == pytest.approx(2 / 3)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.floats(20.0, 150.0), st.integers(0, 500), st.integers(1, 90)
        ),
        max_size=3,
    ),
    st.integers(-500, 500),
)
def test_causes_always_sum_to_the_gap(changes, financing) -> None:
    fills = list(FILLS)
    for number, price, fee, units in changes:
        cents = round(units * price * 100)
        fills[number] = replace(
            fills[number],
            qty=units * QTY_UNIT,
            px=round(price * PRICE_UNIT),
            notional_minor=cents,
            fee_minor=fee,
        )
    report = compare_records("s", record(ORDERS, fills, financing=financing), USUAL)
    causes(report)
    assert Cause.UNEXPLAINED not in report.gaps


def test_stop_and_target_belong_to_their_entry() -> None:
    entry = ORDERS[0]
    leave = replace(
        fill(entry, 110.0, day=3),
        execution_id="x9",
        client_order_id=f"{entry.client_order_id}:target",
        side=Side.SELL,
    )
    both = record(ORDERS[:1], [FILLS[0], leave])
    report = compare_records("s", both, both)
    assert (report.matched_share, causes(report)) == (1.0, [])
    stopped = replace(leave, px=90 * PRICE_UNIT, notional_minor=90_000)
    report = compare_records("s", record(ORDERS[:1], [FILLS[0], stopped]), both)
    assert causes(report) == [Cause.PRICE]
    held = compare_records("s", record(ORDERS[:1], FILLS[:1]), both)
    assert causes(held) == [Cause.SIZE]
