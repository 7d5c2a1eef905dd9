"""The Broker port's twin in memory: whole orders at the next open, no costs, nothing else."""

import numpy as np

from tradewright.domain.money import PRICE_UNIT, QTY_UNIT
from tradewright.domain.orders import Fill, OrderEvent, OrderStatus
from tradewright.ports.broker import AccountState


class NextOpenVenue:
    """Fills market orders whole at the next open; keeps everything else working."""

    def __init__(self, bars, cash_minor):
        self.bars = bars
        self.cash = cash_minor
        self.positions = dict.fromkeys(bars.symbols, 0)
        self.working = {}
        self.submitted = []
        self.fills = []
        self.events = []
        self.marks = [float("nan")] * bars.n_instruments
        self.row = -1

    def advance(self, row):
        self.row = row
        for order in list(self.working.values()):
            column = self.bars.column(order.symbol)
            px = self.bars.open[row, column]
            if order.type == 0 and not np.isnan(px):
                self._fill(order, round(px * PRICE_UNIT))
        for column, close in enumerate(self.bars.close[row]):
            if not np.isnan(close):
                self.marks[column] = float(close)

    def _fill(self, order, px):
        notional = round(order.qty * px / (QTY_UNIT * PRICE_UNIT) * 100)
        self.cash -= int(order.side) * notional
        self.positions[order.symbol] += int(order.side) * order.qty
        ts = int(self.bars.ts[self.row])
        number = len(self.fills) + 1
        self.fills.append(
            Fill(
                f"x{ts}-{number}",
                order.client_order_id,
                order.symbol,
                order.side,
                order.qty,
                px,
                notional,
                0,
                0,
                0,
                0,
                ts,
            )
        )
        self.events.append(OrderEvent(order.client_order_id, order.symbol, OrderStatus.FILLED, ts))
        del self.working[order.client_order_id]

    def submit(self, order):
        if order.client_order_id in self.working:
            return
        self.working[order.client_order_id] = order
        self.submitted.append(order)
        ts = int(self.bars.ts[max(self.row, 0)])
        self.events.append(OrderEvent(order.client_order_id, order.symbol, OrderStatus.WORKING, ts))

    def cancel(self, client_order_id):
        order = self.working.pop(client_order_id, None)
        if order is not None:
            ts = int(self.bars.ts[self.row])
            self.events.append(OrderEvent(client_order_id, order.symbol, OrderStatus.CANCELLED, ts))

    def open_orders(self):
        return list(self.working.values())

    def account(self):
        value = sum(
            round(qty / QTY_UNIT * self.marks[column] * 100)
            for column, qty in enumerate(self.positions.values())
            if qty
        )
        return AccountState(self.cash, self.cash + value, dict(self.positions))

    def poll(self):
        fills, events = tuple(self.fills), tuple(self.events)
        self.fills, self.events = [], []
        return fills, events
