"""A strategy's own sets, waiting orders and times in force."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.instruments import Instrument
from tradewright.domain.orders import OrderStatus, TimeInForce
from tradewright.services.backtest import backtest
from tradewright.strategies import Strategy

DAY_NS = 86_400 * 10**9


class Linked(Strategy):
    """Break out of a range, with a stop that trails from the fill, and one order with a date."""

    name = "linked"

    def on_bar(self, ctx: Any, bar: Any) -> None:
        if bar.row != 0:
            return
        up = ctx.buy(10, stop=105.0, oco="range")
        ctx.sell(10, stop=95.0, oco="range")
        ctx.sell(10, trail_fraction=0.02, after=up)
        ctx.buy(1, limit=50.0, expires=datetime(1970, 1, 3, tzinfo=UTC))


def test_a_strategy_links_orders_by_label_and_id() -> None:
    rows = [(100, 100, 100, 100), (105, 106, 105, 106), (106, 110, 106, 109), (109, 109, 106, 107)]
    prices = np.array(rows, dtype=float).T[:, :, None]
    ts = np.arange(1, 5) * DAY_NS
    bars = Bars((Instrument("A"),), ts, *prices.copy(), np.full((4, 1), 1e6))
    run = backtest(Linked(), bars, cash=10_000, costs=Costs())
    fills = [(int(f["bar"]), int(f["order"]), f["px"] / 1e8) for f in run.outcome.fills]
    # The stop of 102.9 from the fill at 105 trails the high of 110 to 107.8.
    assert fills == [(1, 0, 105.0), (3, 2, 107.8)]
    orders = run.outcome.orders
    assert orders["status"].tolist()[1] == OrderStatus.CANCELLED
    assert orders[["tif", "status", "done_bar"]].tolist()[3] == (
        TimeInForce.GTD,
        OrderStatus.EXPIRED,
        1,
    )
