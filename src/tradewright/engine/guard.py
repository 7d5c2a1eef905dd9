"""The risk layer at the desk: every order passes it, every bar is marked in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.domain.currencies.worth import WORTH_UNIT
from tradewright.domain.money import QTY_UNIT, minor_exponent
from tradewright.domain.orders import Fill, Order, OrderEvent, OrderType
from tradewright.domain.time import NS_PER_DAY
from tradewright.engine.context import WantedPosition
from tradewright.engine.soundness import Soundness
from tradewright.risk.control import LimitTable, RiskGate, State

if TYPE_CHECKING:
    from tradewright.engine.desk import Desk

COVARIANCE_ROWS: Final = 250
VOLUME_ROWS: Final = 20
SLICE: Final = 0.10
_STOPS: Final = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)


class Guard:
    """One strategy on one account behind a gate.

    Parameters
    ----------
    gate : RiskGate
        Checks and watches; it may have other strategies and accounts too.
    bars : Bars
        The tape; rows up to the present one are looked at.
    strategy, account : str
        Names of the scopes.
    currency : str
        Base currency.

    Notes
    -----
    Timing: a bar is marked after its fills and before its orders, with closes up to that bar.
    """

    def __init__(
        self, gate: RiskGate, bars: Bars, *, strategy: str, account: str, currency: str
    ) -> None:
        self.gate, self._bars = gate, bars
        self.strategy, self.account = strategy, account
        self._scale = float(10 ** minor_exponent(currency))
        self._state = State.NORMAL
        self.soundness = Soundness(gate, bars, account=account)
        self.use(gate.layer.table)

    def use(self, table: LimitTable) -> None:
        """Put limits in force; they hold for the next order."""
        self.gate.layer.table = table
        self._wants_covariance = table.has("var_95")
        self._wants_volume = table.has("max_order_share_of_adv")
        self._day = -1

    def receive(self, fills: Sequence[Fill], events: Sequence[OrderEvent], ts: int) -> None:
        """Take what the venue reported."""
        for fill in fills:
            self.gate.fill(fill, strategy=self.strategy, account=self.account, ts=ts)
        for event in events:
            self.gate.event(event, ts)

    def watch(self, desk: Desk) -> None:
        """Mark the bar, and do what the switch asks for."""
        ctx, row, ts = desk.ctx, desk.row, desk.ctx.now_ns
        if ts // NS_PER_DAY != self._day:
            self._day = ts // NS_PER_DAY
            self._look_back(row)
        if ctx.rates_change:
            self.gate.layer.worths.update(
                {symbol: ctx.factor(symbol) / WORTH_UNIT for symbol in ctx.symbols}
            )
        self.soundness.look(desk)
        closes = dict(zip(ctx.symbols, self._bars.close[row].tolist(), strict=True))
        state = self.gate.mark(
            ts,
            closes,
            account=self.account,
            equity=ctx.account.equity_minor / self._scale,
            cash=(ctx.account.cash_minor - ctx.account.unsettled_minor) / self._scale,
            strategy=self.strategy,
        )
        self.obey(desk, state)

    def obey(self, desk: Desk, state: State) -> None:
        """Stop entries, cancel what works, or close what is held."""
        if state is State.FLATTENING:
            self._close(desk)
        if state is not State.NORMAL and state is not self._state:
            ended = [
                order.client_order_id
                for order in desk.venue.open_orders()
                if not self._may_stay(desk, order, state)
            ]
            desk.ctx.cancels += ended
            self.soundness.cancelling(ended)
        self._state = state
        desk.guarded = "" if state is State.NORMAL else f"risk: {state.name}: {self._why()}"

    def _why(self) -> str:
        # The last cause of the strictest scope.
        layer = self.gate.layer
        _, where = layer.standing(layer.scopes_of(self.strategy, self.account))
        causes = layer.switch.causes(where)
        return causes[-1].reason if causes else layer.fault

    def clear(self, desk: Desk, orders: Sequence[Order]) -> list[Order]:
        """Return the orders that may be sent; the others are denied."""
        passed = []
        ts, closing = desk.ctx.now_ns, self._state is State.FLATTENING
        for order in orders:
            decision = self.gate.approve(
                order, strategy=self.strategy, account=self.account, ts=ts, is_closing=closing
            )
            if decision.is_approved:
                passed.append(decision.order)
            else:
                first = decision.failures[0]
                desk.deny(order.symbol, first.reason, first.message, order.client_order_id)
        return passed

    def _may_stay(self, desk: Desk, order: Order, state: State) -> bool:
        # Exits stay while entries are off; in a halt only the stops that protect a position do.
        held = desk.ctx.positions.get(order.symbol, 0)
        if not held * int(order.side) < 0 or order.qty > abs(held):
            return False
        return state is State.REDUCE_ONLY or order.type in _STOPS

    def _close(self, desk: Desk) -> None:
        ctx, volumes = desk.ctx, self._bars.volume[desk.row]
        ctx.orders, ctx.wanted = [], {}
        for column, symbol in enumerate(ctx.symbols):
            held = ctx.positions.get(symbol, 0)
            if not held:
                continue
            volume = volumes[column]
            # A tenth of the bar's volume at a time; where the volume is not known, all at once.
            most = round(SLICE * volume * QTY_UNIT) if volume > 0 else abs(held)
            lot = ctx.lot(symbol)
            slice_ = max(min(abs(held), most) // lot * lot, min(lot, abs(held)))
            left = held - slice_ if held > 0 else held + slice_
            ctx.wanted[symbol] = WantedPosition(None, left, (None, None))
        if not ctx.wanted:
            self.gate.flattened(ctx.now_ns)
            self._state = State.HALTED

    def _look_back(self, row: int) -> None:
        layer, symbols = self.gate.layer, self._bars.symbols
        if self._wants_volume:
            recent = self._bars.volume[max(0, row - VOLUME_ROWS + 1) : row + 1]
            known = np.isfinite(recent)
            mean = np.where(known, recent, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
            layer.volumes.update(zip(symbols, mean.tolist(), strict=True))
        if self._wants_covariance:
            closes = self._bars.close[max(0, row - COVARIANCE_ROWS) : row + 1]
            usable = np.asarray(np.isfinite(closes).all(axis=0))
            if len(closes) > 30 and usable.any():
                from tradewright.risk.measures import covariance

                kept = closes[:, usable]
                names = [s for s, ok in zip(symbols, usable.tolist(), strict=True) if ok]
                layer.use_covariance(names, covariance(kept[1:] / kept[:-1] - 1.0))
