"""What corporate actions did, told to whoever polls the venue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from tradewright.domain.actions import ActionEffect, ActionKind, ActionSchedule, effects_of
from tradewright.domain.bars import Bars
from tradewright.domain.orders import Order
from tradewright.simulation.tables import Books

RESTATING: Final = (ActionKind.SPLIT, ActionKind.STOCK_DIVIDEND, ActionKind.SYMBOL_CHANGE)
"""Kinds that change what rests at the venue."""


class NewsOfActions:
    """Effects of a venue's books, and orders that they changed, each told once.

    Parameters
    ----------
    books : Books
        The venue's.
    bars : Bars
        The market.
    schedule : ActionSchedule or None
        What the effects number.
    """

    def __init__(self, books: Books, bars: Bars, schedule: ActionSchedule | None) -> None:
        self._books, self._bars = books, bars
        self._actions = () if schedule is None else schedule.actions
        self._coming = [
            (int(row), action.symbol)
            for row, action in zip(schedule.rows, schedule.actions, strict=True)
            if action.kind in RESTATING
        ] if schedule is not None else []  # fmt: skip
        self._asked: dict[int, Order] = {}
        self._changed: dict[int, Order] = {}
        self.told = 0

    def poll(self) -> tuple[Sequence[ActionEffect], Sequence[Order]]:
        """Return the effects since the last call, in order, and the orders as they stand now."""
        first, self.told = self.told, self._books.number("n_effects")
        changed = tuple(self._changed.values())
        self._changed.clear()
        if first == self.told:
            return (), changed
        table = self._books.inputs["effects"][first : self.told]
        return effects_of(table, self._actions, self._bars.symbols, self._bars.ts), changed

    def asked(self, at: int, order: Order) -> Order:
        """Return what was submitted as the order of a row, before it was restated."""
        return self._asked.get(at, order)

    def restate(self, given: dict[int, Order], row: int) -> None:
        """Bring the orders that were given to how splits and new symbols up to a row left them."""
        touched = set()
        while self._coming and self._coming[0][0] <= row:
            touched.add(self._coming.pop(0)[1])
        if not touched:
            return
        for at, order in given.items():
            if order.symbol in touched:
                now = self._standing(order, self._books.orders[at])
                if now != order:
                    self._asked.setdefault(at, order)
                    given[at] = self._changed[at] = now

    def _standing(self, order: Order, row: Any) -> Order:
        def level(given: int | None, name: str) -> int | None:
            return None if given is None else int(row[name])

        trail = "trail_px" if int(row["trail_px"]) else "child_trail"
        return replace(
            order,
            symbol=self._bars.symbols[int(row["instrument"])],
            qty=int(row["qty"]) or order.qty,
            limit_px=level(order.limit_px, "limit_px"),
            stop_px=level(order.stop_px, "stop_px"),
            stop_loss_px=level(order.stop_loss_px, "child_stop"),
            take_profit_px=level(order.take_profit_px, "child_target"),
            trail_px=level(order.trail_px, trail),
        )
