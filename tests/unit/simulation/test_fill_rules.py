"""The fill table, one hand-worked bar at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders, Signals, TargetWeights
from tradewright.domain.errors import ConfigError, DataError, NoDataError
from tradewright.domain.instruments import Instrument
from tradewright.domain.orders import DenyReason, FillReason, Order, OrderStatus, OrderType, Side
from tradewright.domain.outcome import Outcome
from tradewright.domain.rules import FillRules
from tradewright.simulation import (
    SimulatedVenue,
    SteppedClock,
    run_orders,
    run_signals,
    run_weights,
)

DAY_NS = 86_400 * 10**9


def bars_of(*rows: tuple[float, float, float, float], volume: float = 1e6, **how: Any) -> Bars:
    """Bars of one instrument from (open, high, low, close)."""
    prices = np.array(rows, dtype=float).T[:, :, None]
    ts = np.arange(1, len(rows) + 1) * how.pop("step_ns", DAY_NS)
    interval = how.pop("interval", "1d")
    volumes = np.full((len(rows), 1), volume)
    return Bars((Instrument("A", **how),), ts, *prices.copy(), volumes, interval=interval)


def fills_of(bars: Bars, *orders: dict[str, Any], rules: FillRules | None = None) -> list[Any]:
    return outcome_of(bars, *orders, rules=rules).fills[["bar", "px"]].tolist()


def outcome_of(
    bars: Bars, *orders: dict[str, Any], rules: FillRules | None = None, costs: Costs | None = None
) -> Outcome:
    names = sorted({name for order in orders for name in order})
    table = {"bar": 0, "symbol": "A", "side": "BUY", "qty": 10.0}
    rows = [{**table, **order} for order in orders]
    columns = {name: [row.get(name) for row in rows] for name in [*table, *names]}
    return run_orders(
        bars, Orders(columns), cash_minor=1_000_000, costs=costs, rules=rules or FillRules()
    )


FLAT = (100, 100, 100, 100)


def units(price: float) -> int:
    return round(price * 1e8)


@pytest.mark.parametrize(
    ("order", "bar", "price"),
    [
        ({}, (101, 103, 99, 102), 101),
        ({"tif": "OPG"}, (101, 103, 99, 102), 101),
        ({"tif": "CLS"}, (101, 103, 99, 102), 102),
        ({"type": "LIMIT", "limit": 100.0}, (99, 103, 98, 102), 99),
        ({"type": "LIMIT", "limit": 100.0}, (101, 103, 99, 102), 100),
        ({"type": "LIMIT", "limit": 98.0}, (101, 103, 99, 102), None),
        ({"type": "LIMIT", "limit": 100.0, "tif": "OPG"}, (101, 103, 99, 102), None),
        ({"type": "LIMIT", "limit": 102.0, "tif": "CLS"}, (103, 104, 99, 102), 102),
        ({"type": "LIMIT", "limit": 101.0, "tif": "CLS"}, (103, 104, 99, 102), None),
        ({"type": "STOP", "stop": 102.0}, (103, 104, 101, 102), 103),
        ({"type": "STOP", "stop": 102.0}, (101, 104, 100, 103), 102),
        ({"type": "STOP", "stop": 105.0}, (101, 104, 100, 103), None),
        ({"type": "STOP_LIMIT", "stop": 102.0, "limit": 103.0}, (101, 104, 100, 103), 102),
        ({"type": "STOP_LIMIT", "stop": 102.0, "limit": 103.0}, (104, 106, 101, 105), None),
        ({"type": "STOP_LIMIT", "stop": 102.0, "limit": 103.0}, (104, 106, 101, 102), 103),
        ({"side": "SELL", "type": "LIMIT", "limit": 102.0}, (103, 104, 99, 100), 103),
        ({"side": "SELL", "type": "LIMIT", "limit": 102.0}, (101, 104, 99, 100), 102),
        ({"side": "SELL", "type": "STOP", "stop": 99.0}, (98, 99, 95, 96), 98),
        ({"side": "SELL", "type": "STOP", "stop": 99.0}, (100, 101, 95, 96), 99),
    ],
)
def test_an_order_fills_by_the_table(
    order: dict[str, Any], bar: tuple[float, float, float, float], price: float | None
) -> None:
    expected = [] if price is None else [(1, units(price))]
    assert fills_of(bars_of(FLAT, bar), order) == expected


def test_limits_that_must_be_passed_through_do_not_fill_at_a_touch() -> None:
    order = {"type": "LIMIT", "limit": 99.0}
    through = FillRules(limit_touch="through")
    assert fills_of(bars_of(FLAT, (101, 103, 99, 102)), order, rules=through) == []
    assert fills_of(bars_of(FLAT, (101, 103, 98.99, 102)), order, rules=through) == [(1, units(99))]


@pytest.mark.parametrize(
    ("intrabar", "price", "reason"),
    [
        ("pessimistic", 95, FillReason.STOP),
        ("optimistic", 105, FillReason.TARGET),
        ("ohlc", 95, FillReason.STOP),  # the bar rose: open, low, high, close
    ],
)
def test_stop_and_target_in_one_bar_fill_by_the_chosen_path(
    intrabar: str, price: float, reason: FillReason
) -> None:
    bars = bars_of(FLAT, (100, 101, 99, 100), (100, 106, 94, 102))
    order = {"stop_loss": 95.0, "take_profit": 105.0}
    outcome = outcome_of(bars, order, rules=FillRules(intrabar=intrabar))
    assert outcome.fills[1][["bar", "px", "reason"]].tolist() == (2, units(price), reason)
    assert outcome.path_dependent_fills == 1
    assert outcome.orders["status"].tolist() == [
        OrderStatus.FILLED,
        OrderStatus.FILLED if price == 95 else OrderStatus.CANCELLED,
        OrderStatus.CANCELLED if price == 95 else OrderStatus.FILLED,
    ]


def test_ohlc_path_of_a_falling_bar_touches_the_high_first() -> None:
    bars = bars_of(FLAT, (100, 101, 99, 100), (100, 106, 94, 98))
    order = {"stop_loss": 95.0, "take_profit": 105.0}
    rules = FillRules(intrabar="ohlc")
    assert fills_of(bars, order, rules=rules)[1] == (2, units(105))


@pytest.mark.parametrize(
    ("order", "bar", "leaves_at"),
    [
        # In at the open: both children are tested in that bar, the stop first.
        ({"stop_loss": 98.0, "take_profit": 104.0}, (100, 105, 97, 103), 98),
        # In below the open: the way down to the stop passed the entry.
        ({"type": "LIMIT", "limit": 99.0, "stop_loss": 97.0}, (100, 101, 96, 100), 97),
        # In below the open: the high may have come before the entry, the close is no proof.
        ({"type": "LIMIT", "limit": 99.0, "take_profit": 104.0}, (100, 105, 98, 103), None),
        # The close beyond the target is.
        ({"type": "LIMIT", "limit": 99.0, "take_profit": 104.0}, (100, 106, 98, 105), 104),
        # In above the open: the way to the target passed the entry.
        ({"type": "STOP", "stop": 101.0, "take_profit": 104.0}, (100, 105, 99, 102), 104),
        # In above the open: the low may have come before, the pessimist takes the loss.
        ({"type": "STOP", "stop": 101.0, "stop_loss": 99.5}, (100, 105, 99, 102), 99.5),
        # A stop above the price filled at sells at once.
        ({"stop_loss": 101.0}, (100, 102, 99, 101), 100),
    ],
)
def test_children_are_tested_in_the_bar_of_the_entry(
    order: dict[str, Any], bar: tuple[float, float, float, float], leaves_at: float | None
) -> None:
    fills = fills_of(bars_of(FLAT, bar), order)
    assert fills[1:] == ([] if leaves_at is None else [(1, units(leaves_at))])


def test_a_trailing_stop_tests_the_level_carried_over_first() -> None:
    bars = bars_of(FLAT, FLAT, (100, 110, 100, 109), (109, 109, 104, 106))
    buy, trail = {}, {"bar": 1, "side": "SELL", "type": "TRAILING_STOP", "trail": 4.0}
    outcome = outcome_of(bars, buy, trail)
    # 96 carried to bar 2; its high lifts the level to 106, and its close of 109 is not below.
    assert outcome.fills[["bar", "px"]].tolist()[1] == (3, units(106))
    assert outcome.fills["reason"][1] == FillReason.TRAIL


def test_a_trailing_stop_fills_at_its_new_level_when_the_close_is_beyond() -> None:
    bars = bars_of(FLAT, FLAT, (100, 110, 100, 103))
    buy, trail = {}, {"bar": 1, "side": "SELL", "type": "TRAILING_STOP", "trail": 4.0}
    assert fills_of(bars, buy, trail)[1] == (2, units(106))


def test_reducing_orders_come_before_adding_ones() -> None:
    bars = bars_of(FLAT, FLAT, FLAT, (100, 101, 99, 100))
    more = {"bar": 2, "qty": 5.0}
    less = {"bar": 2, "side": "SELL", "qty": 10.0}
    outcome = outcome_of(bars, {}, more, less)
    assert outcome.fills["side"].tolist() == [1, -1, 1]


def test_a_market_exit_ends_the_children_of_the_entry() -> None:
    bars = bars_of(FLAT, FLAT, FLAT, (100, 120, 80, 100))
    leave = {"bar": 1, "side": "SELL", "reduce_only": True}
    outcome = outcome_of(bars, {"stop_loss": 90.0, "take_profit": 110.0}, leave)
    assert len(outcome.fills) == 2
    assert outcome.orders["reason"].tolist()[1:3] == [DenyReason.SIBLING_FILLED] * 2


@pytest.mark.parametrize(
    ("tif", "filled"), [("GTC", [6.0, 4.0]), ("DAY", [6.0]), ("IOC", [6.0]), ("FOK", [])]
)
def test_the_volume_cap_leaves_the_rest_to_the_time_in_force(tif: str, filled: list[float]) -> None:
    bars = bars_of(FLAT, FLAT, FLAT, volume=60.0)
    rules = FillRules(max_participation=0.1)
    outcome = outcome_of(bars, {"tif": tif}, rules=rules)
    assert (outcome.fills["qty"] / 1e8).tolist() == filled


@pytest.mark.parametrize("intrabar", ["pessimistic", "ohlc"])
@pytest.mark.parametrize(
    "order",
    [
        {"type": "STOP", "stop": 95.0},
        {"type": "TRAILING_STOP", "trail": 5.0},
    ],
)
def test_a_stop_that_has_begun_to_fill_goes_on_as_a_market_order(
    order: dict[str, Any], intrabar: str
) -> None:
    bars = bars_of(FLAT, (100, 100, 94, 99), (99, 103, 98, 102), FLAT, volume=60.0)
    rules = FillRules(max_participation=0.1, intrabar=intrabar)
    fills = fills_of(bars, {**order, "side": "SELL"}, rules=rules)
    assert fills == [(1, units(95)), (2, units(99))]


def test_a_column_without_volume_trades_without_a_cap_and_a_note_says_so() -> None:
    outcome = outcome_of(
        bars_of(FLAT, FLAT, volume=0.0), {}, rules=FillRules(max_participation=0.1)
    )
    assert len(outcome.fills) == 1
    assert "no volume cap" in outcome.notes[0]


def test_cash_that_does_not_suffice_cuts_or_rejects_with_a_reason() -> None:
    bars = bars_of(FLAT, FLAT, lot_size=1.0)
    cut = outcome_of(bars, {"qty": 150.0}, costs=Costs(fee_bps=10))
    assert cut.fills["qty"].tolist() == [99 * 10**8]
    assert cut.orders[0][["status", "reason"]].tolist() == (
        OrderStatus.CANCELLED,
        DenyReason.INSUFFICIENT_CASH,
    )
    refused = outcome_of(bars, {"qty": 150.0}, rules=FillRules(on_insufficient="reject"))
    assert len(refused.fills) == 0
    assert refused.orders["status"].tolist() == [OrderStatus.REJECTED]


def test_a_short_sale_where_none_is_allowed_is_rejected() -> None:
    outcome = outcome_of(bars_of(FLAT, FLAT), {"side": "SELL"}, rules=FillRules(allow_short=False))
    assert outcome.orders[0][["status", "reason"]].tolist() == (
        OrderStatus.REJECTED,
        DenyReason.NO_SHORTING,
    )


def test_an_order_below_one_lot_is_rejected() -> None:
    outcome = outcome_of(bars_of(FLAT, FLAT, lot_size=1.0), {"qty": 0.5})
    assert outcome.orders["reason"].tolist() == [DenyReason.BELOW_LOT]


def test_a_missing_bar_fills_nothing_and_keeps_the_mark() -> None:
    nothing = (np.nan,) * 4
    bars = bars_of(FLAT, (100, 101, 99, 101), nothing, nothing, (102, 103, 101, 102))
    outcome = outcome_of(bars, {}, {"bar": 1, "side": "SELL"})
    assert outcome.fills["bar"].tolist() == [1, 4]
    assert outcome.equity.tolist() == [1_000_000, 1_001_000, 1_001_000, 1_001_000, 1_002_000]


def test_too_many_missing_bars_end_the_run_naming_instrument_and_dates() -> None:
    bars = bars_of(FLAT, FLAT, *[(np.nan,) * 4] * 7)
    with pytest.raises(DataError, match=r"A: no bar for 6 rows .* 1970-01-04"):
        outcome_of(bars, {})


def test_a_month_of_borrow_is_charged_by_the_day_act_360() -> None:
    bars = bars_of(FLAT, *[FLAT] * 31)
    short = {"side": "SELL", "qty": 60.0}
    outcome = outcome_of(bars, short, costs=Costs(borrow_rate=0.05))
    # 6,000.00 * 0.05 / 360 = 83.33 cents a day for 30 nights
    assert outcome.financing.sum() == 2500
    assert outcome.equity[-1] == 1_000_000 - 2500
    assert set(outcome.financing.tolist()) <= {0, 83, 84}


def test_open_positions_are_marked_or_closed_at_the_end_as_asked() -> None:
    bars = bars_of(FLAT, FLAT, (100, 104, 99, 103))
    assert len(outcome_of(bars, {}).fills) == 1
    closed = outcome_of(bars, {}, rules=FillRules(close_at_end=True))
    assert closed.fills[1][["bar", "px", "reason"]].tolist() == (
        2,
        units(103),
        FillReason.CLOSE_AT_END,
    )
    assert closed.equity[-1] == closed.cash[-1]


def test_decisions_of_the_last_bar_are_never_filled() -> None:
    bars = bars_of(FLAT, FLAT, FLAT)
    entries = np.array([False, False, True])
    outcome = run_signals(bars, Signals(entries, ~entries & False), cash_minor=10_000)
    assert len(outcome.fills) == 0
    assert outcome.orders["status"].tolist() == [OrderStatus.WORKING]


def test_a_ruined_account_ends_its_run() -> None:
    bars = bars_of(FLAT, FLAT, (300, 300, 300, 300), FLAT)
    outcome = outcome_of(bars, {"side": "SELL", "qty": 90.0})
    assert len(outcome.equity) == 3
    assert outcome.equity[-1] < 0
    assert "equity fell" in outcome.message


def test_opposite_entries_close_and_reverse() -> None:
    bars = bars_of(FLAT, FLAT, FLAT, FLAT, FLAT)
    entries = np.array([True, False, False, False, False])
    shorts = np.array([False, False, True, False, False])
    none = np.zeros(5, dtype=bool)
    outcome = run_signals(
        bars, Signals(entries, none, short_entries=shorts, size=0.5), cash_minor=1_000_000
    )
    assert outcome.fills["side"].tolist() == [1, -1, -1]
    assert outcome.short_value[-1] == -500_000


def test_weights_sell_before_they_buy_and_nan_leaves_a_position_alone() -> None:
    prices = np.full((4, 3), 100.0)
    names = tuple(Instrument(s) for s in "ABC")
    bars = Bars(names, np.arange(1, 5) * DAY_NS, *[prices.copy() for _ in range(4)], prices * 1e4)
    weights = np.array([[0.0, 0.6, 0.4], [0.6, 0.0, np.nan], [np.nan] * 3, [np.nan] * 3])
    outcome = run_weights(bars, TargetWeights(weights), cash_minor=1_000_000)
    assert outcome.fills[["bar", "instrument", "side"]].tolist() == [
        (1, 1, 1),
        (1, 2, 1),
        (2, 1, -1),
        (2, 0, 1),
    ]


def test_bad_input_is_refused_before_the_run() -> None:
    bars = bars_of(FLAT, FLAT, FLAT)
    nothing = np.zeros((2, 1), dtype=bool)
    with pytest.raises(ConfigError, match=r"Signals: shape \(2, 1\), wanted \(3, 1\)"):
        run_signals(bars, Signals(nothing, nothing), cash_minor=1)
    with pytest.raises(ConfigError, match="TargetWeights: shape"):
        run_weights(bars, TargetWeights(np.zeros((3, 2))), cash_minor=1)
    with pytest.raises(ConfigError, match="infinite"):
        TargetWeights(np.array([[np.inf]]))
    with pytest.raises(ConfigError, match=r"weights of row 1 .* add up to more"):
        run_weights(bars, TargetWeights(np.array([np.nan, 1.5, np.nan])), cash_minor=100)
    with pytest.raises(ConfigError, match="cash is 0"):
        run_weights(bars, TargetWeights(np.zeros((3, 1))), cash_minor=0)
    with pytest.raises(ConfigError, match="overflow"):
        run_weights(bars, TargetWeights(np.zeros((3, 1))), cash_minor=4 * 10**18)
    with pytest.raises(ConfigError, match="no rate for USD/EUR"):
        run_weights(bars, TargetWeights(np.zeros((3, 1))), cash_minor=1, currency="EUR")
    with pytest.raises(ConfigError, match="bar 9"):
        outcome_of(bars, {"bar": 9})
    with pytest.raises(ConfigError, match="'B' of row 0 is not in the bars"):
        outcome_of(bars, {"symbol": "B"})
    with pytest.raises(ConfigError, match="did you mean 'limit'"):
        Orders({"bar": [0], "symbol": ["A"], "side": ["BUY"], "qty": [1], "limt": [1]})


def test_a_repeated_order_changes_nothing_and_another_body_is_refused() -> None:
    venue = SimulatedVenue(bars_of(FLAT, FLAT, FLAT), cash_minor=1_000_000)
    order = Order("one", "A", Side.BUY, 10**8)
    venue.advance(0)
    venue.submit(order)
    venue.submit(order)
    assert venue.open_orders() == [order]
    with pytest.raises(ConfigError, match="another body"):
        venue.submit(Order("one", "A", Side.BUY, 2 * 10**8))
    venue.advance(1)
    venue.submit(order)
    fills, events = venue.poll()
    assert [fill.client_order_id for fill in fills] == ["one"]
    assert [event.status for event in events] == [OrderStatus.WORKING, OrderStatus.FILLED]
    assert venue.poll() == ((), ())


def test_a_venue_tells_of_children_and_cancels() -> None:
    venue = SimulatedVenue(bars_of(FLAT, FLAT, FLAT, FLAT), cash_minor=1_000_000)
    venue.advance(0)
    venue.submit(
        Order("in", "A", Side.BUY, 10**8, stop_loss_px=90 * 10**8, take_profit_px=110 * 10**8)
    )
    venue.advance(1)
    assert [order.client_order_id for order in venue.open_orders()] == ["in:stop", "in:target"]
    venue.cancel("in:target")
    venue.cancel("in:target")
    venue.cancel("never heard of")
    venue.advance(2)
    assert [order.type for order in venue.open_orders()] == [OrderType.STOP]
    state = venue.account()
    assert (state.cash_minor, state.equity_minor) == (990_000, 1_000_000)
    assert state.positions == {"A": 10**8}
    assert venue.poll()[1][-1].reason == DenyReason.USER


def test_a_venue_refuses_unknown_symbols_and_rows_it_has_passed() -> None:
    venue = SimulatedVenue(bars_of(FLAT, FLAT), cash_minor=1_000_000)
    with pytest.raises(NoDataError, match="'B' is not traded here"):
        venue.submit(Order("one", "B", Side.BUY, 10**8))
    venue.advance(1)
    with pytest.raises(ConfigError, match="stands at row 1"):
        venue.advance(1)
    with pytest.raises(ConfigError, match="asked for 2"):
        venue.advance(2)


def test_orders_of_the_day_end_with_the_session_of_intraday_bars() -> None:
    hour = 3_600 * 10**9
    rows = [FLAT] * 23 + [(100, 100, 100, 100)] * 3
    bars = bars_of(*rows, step_ns=hour, interval="1h")
    order = {"bar": 20, "type": "LIMIT", "limit": 90.0, "tif": "DAY"}
    outcome = outcome_of(bars, order)
    assert outcome.orders[0][["status", "done_bar"]].tolist() == (OrderStatus.EXPIRED, 23)


def test_the_stepped_clock_goes_forward_only() -> None:
    clock = SteppedClock(10)
    assert clock.sleep_until(20)
    assert clock.now_ns() == 20
    clock.step_to(30)
    with pytest.raises(ConfigError, match="cannot step back"):
        clock.step_to(29)
