"""Orders whose prices contradict each other are refused, naming both prices and what was wanted."""

from typing import Any

import numpy as np
import pytest

from tradewright.domain.decisions import Orders, Signals
from tradewright.domain.errors import ConfigError
from tradewright.domain.money import PRICE_UNIT
from tradewright.domain.orders import Order, OrderType, Side

KINDS = {"MARKET": (), "LIMIT": ("limit",), "STOP": ("stop",), "STOP_LIMIT": ("limit", "stop")}


def make(side: Side, **px: float | None) -> Order:
    kind = next(k for k, named in KINDS.items() if {*named} == {*px} & {"limit", "stop"})
    prices: dict[str, Any] = {
        f"{name}_px": None if price is None else round(price * PRICE_UNIT)
        for name, price in px.items()
    }
    return Order("x", "A", side, 100, OrderType[kind], **prices)


@pytest.mark.parametrize(
    ("px", "told"),
    [
        ({"stop_loss": 105, "take_profit": 95}, "stop_loss_px is 105 and take_profit_px 95"),
        ({"stop_loss": 95, "take_profit": 95}, "stop_loss_px is 95 and take_profit_px 95"),
        ({"limit": 100, "stop_loss": 101}, "stop_loss_px is 101 and limit_px 100"),
        ({"limit": 100, "take_profit": 99}, "limit_px is 100 and take_profit_px 99"),
        ({"stop": 100, "stop_loss": 100}, "stop_loss_px is 100 and stop_px 100"),
        ({"stop": 100, "take_profit": 90}, "stop_px is 100 and take_profit_px 90"),
    ],
)
def test_a_bracket_on_the_wrong_side_is_refused_for_longs_and_mirrored_for_shorts(
    px: dict[str, float], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        make(Side.BUY, **px)
    mirrored = {name: 200 - price for name, price in px.items()}
    with pytest.raises(ConfigError, match=r"wanted .* above .* for a SELL"):
        make(Side.SELL, **mirrored)


@pytest.mark.parametrize(
    "px",
    [
        {"stop_loss": 95, "take_profit": 105},
        {"limit": 100, "stop_loss": 95, "take_profit": 105},
        {"limit": 99, "stop": 100, "stop_loss": 95, "take_profit": 105},
        {"limit": 101, "stop": 100, "stop_loss": 95},
    ],
)
def test_a_bracket_around_its_entry_is_taken(px: dict[str, float]) -> None:
    assert make(Side.BUY, **px).stop_loss_px == 95 * PRICE_UNIT
    assert make(Side.SELL, **{name: 200 - price for name, price in px.items()}).qty == 100


def test_a_table_of_orders_names_the_row() -> None:
    row = {"bar": [3], "symbol": ["A"], "side": ["BUY"], "qty": [1]}
    with pytest.raises(ConfigError, match="order order-0: stop_loss_px is 9 and take_profit_px 8"):
        Orders({**row, "stop_loss": [9.0], "take_profit": [8.0]})


@pytest.mark.parametrize(
    ("name", "side"), [("stop", "long"), ("trail", "long"), ("target", "short")]
)
def test_a_distance_of_the_whole_price_is_refused_where_it_is_never_reached(
    name: str, side: str
) -> None:
    some, none = np.array([[True], [False]]), np.zeros((2, 1), dtype=bool)
    enters = {"entries": some} if side == "long" else {"entries": none, "short_entries": some}
    with pytest.raises(ConfigError, match=f"{name} is 1.5 of the price, which a {side} never"):
        Signals(**enters, exits=none, **{name: 1.5})
    other = {"entries": some} if side == "short" else {"entries": none, "short_entries": some}
    assert getattr(Signals(**other, exits=none, **{name: 1.5}), name) == 1.5
