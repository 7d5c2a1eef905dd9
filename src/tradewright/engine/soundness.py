"""What must be sound before an account may grow: its books, its orders, its prices, its cancels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.risk.control import Cause, RiskEvent, RiskGate, announce
from tradewright.risk.control.events import CANCEL_FAILED

if TYPE_CHECKING:
    from tradewright.engine.desk import Desk

RECONCILIATION: Final = "reconciliation"
UNKNOWN: Final = "unknown_orders"
_SHOWN: Final = 5


class Soundness:
    """Looks at an account bar by bar; what is not sound lets its scope only shrink.

    A position that differs from the venue's, or an order of ours that the venue neither works nor
    ended, on two bars running, reduces the account until it is well again for 60 s. An instrument
    without a price for more than ``stale_bars`` may only be reduced. A cancel that did not take
    effect by the next bar is sent again, and told with every order it concerns.

    Parameters
    ----------
    gate : RiskGate
        Told what was found.
    bars : Bars
        The tape.
    account : str
        Name of the account.
    """

    def __init__(self, gate: RiskGate, bars: Bars, *, account: str) -> None:
        self._gate, self._bars = gate, bars
        self._scope = f"account:{account}"
        self._before: dict[str, str] = {}
        self._priced = np.full(bars.n_instruments, -1, dtype=np.int64)
        self._seen = -1
        self.recovering: set[tuple[str, str]] = set()
        self.asked: dict[str, int] = {}
        """Cancels sent, by order, with how often."""

    def look(self, desk: Desk) -> None:
        """Look at prices, books, orders and cancels as they are now."""
        ts = desk.ctx.now_ns
        self._look_at_prices(desk.row)
        if desk.recorder is not None:
            self._judge(RECONCILIATION, differences(desk), ts)
            self._judge(UNKNOWN, unknown_orders(desk), ts)
        for scope, rule in list(self.recovering):
            self._gate.well(scope, rule, ts)
            if all(cause.rule != rule for cause in self._gate.layer.switch.causes(scope)):
                self.recovering.discard((scope, rule))
        self._look_at_cancels(desk, ts)

    def cancelling(self, order_ids: Iterable[str]) -> None:
        """Note that orders were asked to be cancelled."""
        for order_id in order_ids:
            self.asked[order_id] = self.asked.get(order_id, 0) + 1

    def _judge(self, rule: str, found: str, ts: int) -> None:
        before, self._before[rule] = self._before.get(rule, ""), found
        if found and before:
            self._gate.trip("reduce", self._scope, Cause(rule, "risk", found, ts))
            self.recovering.discard((self._scope, rule))
        elif not found and any(
            cause.rule == rule for cause in self._gate.layer.switch.causes(self._scope)
        ):
            self.recovering.add((self._scope, rule))

    def _look_at_prices(self, row: int) -> None:
        layer = self._gate.layer
        most = layer.limit("stale_bars", self._scope)
        if most is None:
            return
        for at in range(self._seen + 1, row + 1):
            self._priced[np.isfinite(self._bars.close[at])] = at
        self._seen = row
        age = row - self._priced
        old = np.flatnonzero((self._priced >= 0) & (age > most)).tolist()
        layer.stale = {self._bars.symbols[column]: int(age[column]) for column in old}

    def _look_at_cancels(self, desk: Desk, ts: int) -> None:
        if not self.asked:
            return
        working = {order.client_order_id for order in desk.venue.open_orders()}
        left = [order_id for order_id in self.asked if order_id in working]
        self.asked = {order_id: self.asked[order_id] for order_id in left}
        if not left:
            return
        why = f"{len(left)} orders could not be cancelled yet: {', '.join(left)}"
        event = RiskEvent(CANCEL_FAILED, self._scope, "cancel", ts, len(left), 0, why, True)
        announce(self._gate, event)
        desk.ctx.cancels += left


def differences(desk: Desk) -> str:
    """Return where the book's positions differ from the venue's; empty where they do not."""
    ledger, theirs = desk.ledger, desk.ctx.account.positions
    found = [
        f"{symbol}: the book has {ledger.position(symbol)}, the venue {theirs.get(symbol, 0)}"
        for symbol in sorted({*theirs, *ledger.holdings})
        if ledger.position(symbol) != theirs.get(symbol, 0)
    ]
    return "; ".join(found[:_SHOWN])


def unknown_orders(desk: Desk) -> str:
    """Return orders of ours that the venue neither works nor has ended; empty where none are."""
    if not desk.working:
        return ""
    theirs = {order.client_order_id for order in desk.venue.open_orders()}
    lost = [order_id for order_id in desk.working if order_id not in theirs]
    if not lost:
        return ""
    shown = ", ".join(lost[:_SHOWN])
    return f"the outcome of {len(lost)} orders is not known: {shown}"
