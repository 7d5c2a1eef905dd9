"""Sets that cancel each other, orders that wait for others, and how long orders work."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders
from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import Instrument
from tradewright.domain.orders import (
    DenyReason,
    Order,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from tradewright.domain.outcome import Outcome
from tradewright.domain.rules import FillRules
from tradewright.simulation import SimulatedVenue, run_orders

DAY_NS = 86_400 * 10**9
FLAT = (100, 100, 100, 100)
UNIT = 10**8


def bars_of(*rows: tuple[float, float, float, float], volume: Any = 1e6) -> Bars:
    """Daily bars of one instrument from (open, high, low, close)."""
    prices = np.array(rows, dtype=float).T[:, :, None]
    ts = np.arange(1, len(rows) + 1) * DAY_NS
    return Bars((Instrument("A"),), ts, *prices.copy(), np.full((len(rows), 1), volume))


def outcome_of(bars: Bars, *orders: dict[str, Any], **rules: Any) -> Outcome:
    table = {"bar": 0, "symbol": "A", "side": "BUY", "qty": 10.0}
    names = sorted({name for order in orders for name in order} - set(table))
    rows = [{**table, **order} for order in orders]
    columns = {name: [row.get(name) for row in rows] for name in [*table, *names]}
    return run_orders(bars, Orders(columns), cash_minor=1_000_000, rules=FillRules(**rules))


def fills_of(outcome: Outcome) -> list[tuple[int, int, float]]:
    """Row of the bar, row of the order, price."""
    return [(int(f["bar"]), int(f["order"]), f["px"] / 1e8) for f in outcome.fills]


def ends_of(outcome: Outcome) -> list[tuple[int, int]]:
    return [(int(o["status"]), int(o["reason"])) for o in outcome.orders]


FILLED = (OrderStatus.FILLED, DenyReason.NONE)
CANCELLED_BY_SIBLING = (OrderStatus.CANCELLED, DenyReason.SIBLING_FILLED)
BREAKOUT = (
    {"type": "STOP", "stop": 105.0, "oco": "x"},
    {"side": "SELL", "type": "STOP", "stop": 95.0, "oco": "x"},
)


def test_a_fill_of_one_cancels_the_other_of_its_set() -> None:
    outcome = outcome_of(bars_of(FLAT, (100, 106, 99, 104), (104, 104, 90, 91)), *BREAKOUT)
    assert fills_of(outcome) == [(1, 0, 105.0)]
    assert ends_of(outcome) == [FILLED, CANCELLED_BY_SIBLING]
    assert outcome.path_dependent_fills == 0


@pytest.mark.parametrize(
    ("intrabar", "close", "order", "price"),
    [
        # Both touched: what the close shows to have been the worse trade, or the better one.
        ("pessimistic", 97.0, 0, 105.0),
        ("optimistic", 97.0, 1, 95.0),
        ("pessimistic", 103.0, 1, 95.0),
        ("ohlc", 103.0, 1, 95.0),  # the bar rose: its low came first
        ("ohlc", 97.0, 0, 105.0),
    ],
)
def test_two_touches_of_a_set_in_one_bar_follow_the_rule_and_are_counted(
    intrabar: str, close: float, order: int, price: float
) -> None:
    bars = bars_of(FLAT, (100, 106, 94, close), FLAT)
    outcome = outcome_of(bars, *BREAKOUT, intrabar=intrabar)
    assert fills_of(outcome) == [(1, order, price)]
    assert outcome.path_dependent_fills == 1


def test_a_partial_fill_leaves_the_other_the_rest_of_the_shared_quantity() -> None:
    volume = [[1e6], [40.0], [1e6]]
    bars = bars_of(FLAT, (100, 106, 99, 104), (104, 104, 90, 91), volume=volume)
    legs = (
        {"side": "SELL", "type": "LIMIT", "limit": 105.0, "oco": "x"},
        {"type": "LIMIT", "limit": 95.0, "oco": "x"},
    )
    outcome = outcome_of(bars, *legs, max_participation=0.1)
    assert fills_of(outcome) == [(1, 0, 105.0), (2, 1, 95.0)]
    assert outcome.fills["qty"].tolist() == [4 * UNIT, 6 * UNIT]
    assert ends_of(outcome) == [CANCELLED_BY_SIBLING, FILLED]


def test_three_orders_of_a_set_share_one_quantity() -> None:
    more = {"type": "LIMIT", "limit": 80.0, "oco": "x"}
    outcome = outcome_of(bars_of(FLAT, (100, 106, 99, 104), FLAT), *BREAKOUT, more)
    assert ends_of(outcome) == [FILLED, CANCELLED_BY_SIBLING, CANCELLED_BY_SIBLING]


@pytest.mark.parametrize(
    ("waiting", "bar", "expected"),
    [
        # In at the open: what waited is tested in that bar like any other order.
        ({"side": "SELL", "type": "STOP", "stop": 98.0}, (100, 101, 97, 99), (1, 1, 98.0)),
        ({"side": "SELL", "type": "LIMIT", "limit": 100.5}, (100, 101, 97, 99), (1, 1, 100.5)),
        ({"side": "SELL"}, (100, 101, 97, 99), (1, 1, 100.0)),
        ({"side": "SELL", "tif": "CLS"}, (100, 101, 97, 99), (1, 1, 99.0)),
        ({"side": "SELL", "tif": "OPG"}, (100, 101, 97, 99), (1, 1, 100.0)),
    ],
)
def test_what_waits_lives_from_the_fill_at_the_open(
    waiting: dict[str, Any], bar: tuple[float, ...], expected: tuple[int, int, float]
) -> None:
    outcome = outcome_of(bars_of(FLAT, bar, FLAT), {}, {**waiting, "after": 0})  # type: ignore[arg-type]
    assert fills_of(outcome) == [(1, 0, 100.0), expected]


@pytest.mark.parametrize(
    ("waiting", "expected"),
    [
        # Bought at 99 inside the bar (O 100, H 103, L 97, C 101).
        ({"side": "SELL"}, (1, 1, 99.0)),  # a market order, at the price of that moment
        ({"side": "SELL", "type": "STOP", "stop": 98.0}, (1, 1, 98.0)),  # the fall went on
        ({"side": "SELL", "type": "LIMIT", "limit": 102.0}, None),  # the high may have come before
        ({"side": "SELL", "type": "LIMIT", "limit": 100.5}, (1, 1, 100.5)),  # the close proves it
        ({"side": "SELL", "tif": "CLS"}, (1, 1, 101.0)),
        ({"side": "SELL", "tif": "OPG"}, (2, 1, 100.0)),  # this open is past
        ({"side": "SELL", "type": "STOP_LIMIT", "stop": 98.0, "limit": 90.0}, None),
    ],
)
def test_what_waits_for_a_fill_inside_the_bar_needs_proof_of_what_came_later(
    waiting: dict[str, Any], expected: tuple[int, int, float] | None
) -> None:
    entry = {"type": "LIMIT", "limit": 99.0}
    bars = bars_of(FLAT, (100, 103, 97, 101), FLAT)
    fills = fills_of(outcome_of(bars, entry, {**waiting, "after": 0}))
    assert fills == [(1, 0, 99.0)] + ([] if expected is None else [expected])


def test_a_chain_inside_one_bar_goes_on_in_the_next() -> None:
    entry = {"type": "LIMIT", "limit": 99.0}
    bars = bars_of(FLAT, (100, 103, 97, 101), (102, 102, 102, 102))
    outcome = outcome_of(bars, entry, {"side": "SELL", "after": 0}, {"after": 1})
    assert fills_of(outcome) == [(1, 0, 99.0), (1, 1, 99.0), (2, 2, 102.0)]


def test_what_waits_for_an_order_that_ends_unfilled_is_cancelled_down_the_chain() -> None:
    entry = {"type": "LIMIT", "limit": 50.0, "tif": "DAY"}
    outcome = outcome_of(bars_of(FLAT, FLAT, FLAT), entry, {"after": 0}, {"after": 1})
    ended = (OrderStatus.CANCELLED, DenyReason.TRIGGER_ENDED)
    assert ends_of(outcome) == [(OrderStatus.EXPIRED, DenyReason.NONE), ended, ended]
    assert len(outcome.fills) == 0


def test_a_trailing_stop_that_waited_starts_from_the_fill() -> None:
    trail = {"side": "SELL", "type": "TRAILING_STOP", "trail_fraction": 0.05, "after": 0}
    bars = bars_of(FLAT, (110, 110, 110, 110), (110, 120, 110, 118), (118, 118, 113, 114))
    # Bought at 110: level 104.5; the high of 120 lifts it to 114.
    assert fills_of(outcome_of(bars, {}, trail)) == [(1, 0, 110.0), (3, 1, 114.0)]


def test_an_order_good_until_a_date_works_in_the_last_bar_that_closes_by_then() -> None:
    limit = {"type": "LIMIT", "limit": 95.0, "tif": "GTD"}
    dip = (100, 100, 94, 100)
    in_time = outcome_of(bars_of(FLAT, FLAT, dip), {**limit, "expires": 3 * DAY_NS})
    assert fills_of(in_time) == [(2, 0, 95.0)]
    too_late = outcome_of(bars_of(FLAT, FLAT, dip), {**limit, "expires": 3 * DAY_NS - 1})
    assert len(too_late.fills) == 0
    assert too_late.orders[0][["status", "done_bar"]].tolist() == (OrderStatus.EXPIRED, 1)
    before_it_lives = outcome_of(bars_of(FLAT, dip), {**limit, "expires": "1970-01-02T00:00+00:00"})
    assert before_it_lives.orders[0][["status", "done_bar"]].tolist() == (OrderStatus.EXPIRED, 0)


@pytest.mark.parametrize("latency", [0, 1, 2])
def test_latency_delays_the_first_bar_of_an_order_but_not_its_children(latency: int) -> None:
    rows = [FLAT, *[(101 + i, 103 + i, 99 + i, 101 + i) for i in range(4)]]
    outcome = outcome_of(bars_of(*rows), {"stop_loss": 100.5 + latency}, latency_bars=latency)
    bought = 1 + latency
    assert fills_of(outcome) == [(bought, 0, 101.0 + latency), (bought, 1, 100.5 + latency)]


@pytest.mark.parametrize("tif", ["GTC", "DAY", "IOC", "FOK", "GTD"])
@pytest.mark.parametrize(
    "order",
    [
        {"type": "LIMIT", "limit": 95.0},
        {"type": "STOP", "stop": 105.0},
        {"type": "STOP_LIMIT", "stop": 105.0, "limit": 106.0},
        {"side": "SELL", "type": "TRAILING_STOP", "trail": 5.0},
    ],
)
def test_every_type_ends_as_its_time_in_force_says(order: dict[str, Any], tif: str) -> None:
    quiet = bars_of(FLAT, (100, 101, 99, 100), (100, 101, 99, 100), (100, 101, 99, 100))
    expires = 3 * DAY_NS if tif == "GTD" else None
    outcome = outcome_of(quiet, {**order, "tif": tif, "expires": expires})
    assert len(outcome.fills) == 0
    ended = {
        "GTC": (OrderStatus.WORKING, -1),
        "DAY": (OrderStatus.EXPIRED, 1),
        "IOC": (OrderStatus.CANCELLED, 1),
        "FOK": (OrderStatus.CANCELLED, 1),
        "GTD": (OrderStatus.EXPIRED, 2),
    }[tif]
    assert outcome.orders[0][["status", "done_bar"]].tolist() == ended


def test_a_venue_ends_what_waits_when_its_trigger_is_cancelled() -> None:
    venue = SimulatedVenue(bars_of(FLAT, FLAT, FLAT, FLAT), cash_minor=1_000_000)
    venue.advance(0)
    entry = Order("in", "A", Side.BUY, UNIT, type=OrderType.LIMIT, limit_px=50 * UNIT)
    venue.submit(entry)
    venue.submit(Order("out", "A", Side.SELL, UNIT, after="in"))
    venue.advance(1)
    venue.cancel("in")
    venue.advance(2)
    assert venue.open_orders() == []
    assert venue.poll()[1][-1].reason == DenyReason.TRIGGER_ENDED
    venue.submit(Order("late", "A", Side.SELL, UNIT, after="in"))
    assert venue.poll()[1][-1].reason == DenyReason.TRIGGER_ENDED


def test_orders_that_contradict_themselves_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"order-0: OPG is for MARKET and LIMIT, found STOP"):
        outcome_of(bars_of(FLAT, FLAT), {"type": "STOP", "stop": 101.0, "tif": "OPG"})
    with pytest.raises(ConfigError, match=r"expires_ns is 0 with GTD"):
        outcome_of(bars_of(FLAT, FLAT), {"tif": "GTD"})
    with pytest.raises(ConfigError, match=r"expires_ns is 5 with GTC"):
        outcome_of(bars_of(FLAT, FLAT), {"expires": 5})
    with pytest.raises(ConfigError, match=r"after of row 0 is 1"):
        outcome_of(bars_of(FLAT, FLAT), {"after": 1}, {})
    with pytest.raises(ConfigError, match=r"trail_fraction is 1.5"):
        outcome_of(bars_of(FLAT, FLAT), {"type": "TRAILING_STOP", "trail_fraction": 1.5})
    with pytest.raises(ConfigError, match="TRAILING_STOP needs trail_px"):
        outcome_of(bars_of(FLAT, FLAT), {"type": "TRAILING_STOP"})
    with pytest.raises(ConfigError, match=r"latency_bars is 1 with size_at 'fill_open'"):
        FillRules(latency_bars=1, size_at="fill_open")
    with pytest.raises(ConfigError, match="latency_bars is -1"):
        FillRules(latency_bars=-1)
    venue = SimulatedVenue(bars_of(FLAT, FLAT), cash_minor=1_000_000)
    with pytest.raises(ConfigError, match="after is 'nobody'"):
        venue.submit(Order("one", "A", Side.BUY, UNIT, after="nobody"))
    assert venue.open_orders() == []


def test_a_good_until_order_keeps_its_time_when_written_and_read_again() -> None:
    from tradewright.services.paper.events import order_from_json, order_to_json

    order = Order("a", "A", Side.BUY, UNIT, tif=TimeInForce.GTD, expires_ns=9, oco="x", after="b")
    assert order_from_json(order_to_json(order)) == order
