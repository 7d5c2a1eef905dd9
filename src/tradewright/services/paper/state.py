"""The state of a session: the fold of its journal, in this process or any other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tradewright.domain.money import PRICE_UNIT, QTY_UNIT, from_minor, minor_exponent
from tradewright.domain.orders import Fill
from tradewright.domain.time import from_ns
from tradewright.execution import TrackedOrder
from tradewright.ledger import Ledger, LedgerEntry
from tradewright.ledger.entries import fill_from_json
from tradewright.ports.journal import JournalEntry
from tradewright.services.paper import events as e


def moment(ts_ns: int | None) -> str | None:
    """Return a time as RFC 3339 text in UTC; None for none."""
    return None if ts_ns is None else from_ns(ts_ns).isoformat().replace("+00:00", "Z")


def units(value: int | None, scale: int = QTY_UNIT) -> str | None:
    """Return an exact decimal text of a scaled integer, without trailing zeros."""
    if value is None:
        return None
    text = format(Decimal(int(value)) / scale, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


class SessionState:
    """What a session's journal says; `apply` each entry in order.

    Parameters
    ----------
    session_id : str
        The session.
    """

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.seq = 0
        self.started: dict[str, Any] = {}
        self.started_ns: int | None = None
        self.state = "STARTING"
        self.message = ""
        self.row = -1
        self.last_durable_row = -1
        self.cash_minor = 0
        self.equity_minor = 0
        self.unsettled_minor = 0
        self.tape_ns: int | None = None
        self.prices: dict[str, float] = {}
        self.worths: dict[str, float] = {}
        self.marks: list[tuple[int, int, int]] = []
        self.ledger = Ledger()
        self.orders: dict[str, TrackedOrder] = {}
        self.reasons: dict[str, str] = {}
        self.fills: list[Fill] = []
        self.fills_by_id: dict[str, Fill] = {}
        self.alerts: list[dict[str, Any]] = []
        self.ended = False

    @property
    def currency(self) -> str:
        """Base currency of the account."""
        return self.ledger.currency

    def apply(self, entry: JournalEntry) -> None:
        """Take the next entry of the session's stream."""
        self.seq = entry.seq
        handler = getattr(self, f"_on_{entry.kind}", None)
        if handler is not None:
            handler(entry.payload, entry.ts_event)
        if entry.kind in e.DURABLE:
            self.last_durable_row = max(self.last_durable_row, int(entry.payload["row"]))

    def _on_started(self, payload: Mapping[str, Any], ts: int) -> None:
        self.started = dict(payload)
        self.started_ns = ts
        self.ledger = Ledger(payload["currency"])
        self.cash_minor = self.equity_minor = int(payload["cash_minor"])

    def _on_status(self, payload: Mapping[str, Any], ts: int) -> None:
        self.state, self.message = payload["state"], payload.get("message", "")

    def _on_intent(self, payload: Mapping[str, Any], ts: int) -> None:
        order = e.order_from_json(payload["order"])
        self.orders[order.client_order_id] = TrackedOrder(order)

    def _on_order(self, payload: Mapping[str, Any], ts: int) -> None:
        event = e.event_from_json(payload["event"])
        tracked = self.orders.get(event.client_order_id)
        if tracked is not None:
            tracked.apply_event(event)
            if event.reason.value:
                self.reasons[event.client_order_id] = event.reason.name

    def _on_fill(self, payload: Mapping[str, Any], ts: int) -> None:
        fill = fill_from_json(payload["fill"])
        self.fills.append(fill)
        self.fills_by_id[fill.execution_id] = fill
        tracked = self.orders.get(fill.client_order_id)
        if tracked is not None:
            tracked.apply_fill(fill)

    def _on_restated(self, payload: Mapping[str, Any], ts: int) -> None:
        order = e.order_from_json(payload["order"])
        self.orders[order.client_order_id].order = order

    def _on_posting(self, payload: Mapping[str, Any], ts: int) -> None:
        self.ledger.append(LedgerEntry.from_json(payload["entry"]))

    def _on_alert(self, payload: Mapping[str, Any], ts: int) -> None:
        self.alerts.append({**payload, "at": moment(ts)})

    def _on_mark(self, payload: Mapping[str, Any], ts: int) -> None:
        if payload["row"] <= self.row:
            return
        self.row, self.tape_ns = int(payload["row"]), ts
        self.cash_minor, self.equity_minor = payload["cash_minor"], payload["equity_minor"]
        self.unsettled_minor = payload.get("unsettled_minor", 0)
        self.prices.update(payload["prices"])
        self.worths.update(payload.get("worths", {}))
        self.marks.append((ts, self.equity_minor, self.cash_minor))

    def _on_ended(self, payload: Mapping[str, Any], ts: int) -> None:
        self.ended = True
        self.state, self.message = payload["state"], payload.get("message", "")

    # -- for people and the API -----------------------------------------------------------------

    def money(self, minor: int) -> str:
        """Return an amount as decimal text."""
        return str(from_minor(minor, self.currency))

    def working(self) -> list[TrackedOrder]:
        """Return the orders that still work."""
        return [t for t in self.orders.values() if not t.status.is_terminal]

    @property
    def reserved_minor(self) -> int:
        """Worst-case cost of the purchases that work, those the venue has not answered too.

        Each counts at its limit, its stop or the last price, whichever is highest, with costs;
        all together take no more than the settled cash, beyond which the venue fills nothing.
        """
        factor = 10 ** minor_exponent(self.currency) * (1.0 + self.started.get("cost_rate", 0.0))
        cost = 0
        for tracked in self.working():
            order = tracked.order
            if order.side > 0 and not order.reduce_only:
                last = self.prices.get(order.symbol, 0.0)
                asked = max(order.limit_px or 0, order.stop_px or 0) / PRICE_UNIT
                left = (order.qty - tracked.filled_qty) / QTY_UNIT
                cost += math.ceil(
                    left * max(last, asked) * self.worths.get(order.symbol, 1.0) * factor
                )
        return min(cost, max(self.cash_minor - self.unsettled_minor, 0))

    def status(self) -> dict[str, Any]:
        """Return the line that says what the session does."""
        begun, n_bars = self.started, int(self.started.get("n_bars", 0))
        initial = int(begun.get("cash_minor", 0))
        held = [p for p in self.positions() if p["quantity"] != "0"]
        gross = sum(abs(float(p["value"])) for p in held)
        equity = float(self.money(self.equity_minor))
        settled, reserved = self.cash_minor - self.unsettled_minor, self.reserved_minor
        return {
            "mode": "PAPER",
            "state": self.state,
            "feed": "REPLAY",
            "session_id": self.session_id,
            "name": begun.get("name", ""),
            "source": begun.get("source", ""),
            "speed": begun.get("speed"),
            "currency": self.currency,
            "initial_cash": self.money(initial),
            "cash": self.money(self.cash_minor),
            "available": self.money(settled - reserved),
            "reserved": self.money(reserved),
            "unsettled": self.money(self.unsettled_minor),
            "equity": self.money(self.equity_minor),
            "profit": self.money(self.equity_minor - initial),
            "return": self.equity_minor / initial - 1.0 if initial else None,
            "exposure": gross / equity if equity > 0 else None,
            "positions": len(held),
            "open_orders": len(self.working()),
            "orders": len(self.orders),
            "fills": len(self.fills),
            "bars": n_bars,
            "bars_done": self.row + 1,
            "tape_at": moment(self.tape_ns),
            "tape_start": moment(begun.get("first_ns")),
            "tape_end": moment(begun.get("last_ns")),
            "progress": (self.row + 1) / n_bars if n_bars else 0.0,
            "started_at": moment(self.started_ns),
            "message": self.message,
        }

    def positions(self) -> list[dict[str, Any]]:
        """Return what is held, largest value first, from the book."""
        out = []
        for symbol, holding in self.ledger.holdings.items():
            if not holding.qty:
                continue
            worth = self.worths.get(symbol, 1.0)
            average = holding.average_cost(self.currency) / worth
            price = self.prices.get(symbol, average)
            value = holding.qty / QTY_UNIT * price * worth
            cost = holding.qty / QTY_UNIT * average * worth
            equity = float(self.money(self.equity_minor))
            out.append(
                {
                    "symbol": symbol,
                    "quantity": units(holding.qty),
                    "average_cost": average,
                    "price": price,
                    "value": f"{value:.2f}",
                    "unrealised": f"{value - cost:.2f}",
                    "realised": self.money(holding.realised_minor),
                    "weight": value / equity if equity > 0 else None,
                }
            )
        return sorted(out, key=lambda p: -abs(float(str(p["value"]))))

    def order_row(self, tracked: TrackedOrder) -> dict[str, Any]:
        """Return one order as a row."""
        order = tracked.order
        return {
            "order_id": order.client_order_id,
            "symbol": order.symbol,
            "side": order.side.name,
            "type": order.type.name,
            "quantity": units(order.qty),
            "filled": units(tracked.filled_qty),
            "status": tracked.status.name,
            "reason": self.reasons.get(order.client_order_id, "NONE"),
            "limit_price": units(order.limit_px, PRICE_UNIT),
            "stop_price": units(order.stop_px, PRICE_UNIT),
            "decided_at": moment(order.ts_decided),
        }

    def fill_row(self, fill: Fill) -> dict[str, Any]:
        """Return one execution as a row."""
        return {
            "execution_id": fill.execution_id,
            "order_id": fill.client_order_id,
            "symbol": fill.symbol,
            "side": fill.side.name,
            "at": moment(fill.ts_event),
            "quantity": units(fill.qty),
            "price": units(fill.px, PRICE_UNIT),
            "value": self.money(fill.notional_minor),
            "cost": self.money(fill.cost_minor),
            "reason": fill.reason.name,
        }

    def closed_row(self, symbol: str) -> dict[str, Any]:
        """Return the row of a position that is no longer held."""
        holding = self.ledger.holdings[symbol]
        return {
            "symbol": symbol,
            "quantity": "0",
            "average_cost": None,
            "price": self.prices.get(symbol),
            "value": "0.00",
            "unrealised": "0.00",
            "realised": self.money(holding.realised_minor),
            "weight": 0.0,
        }

    def equity_row(self, mark: tuple[int, int, int]) -> dict[str, Any]:
        """Return time, equity and cash of one bar."""
        ts, equity, cash = mark
        return {"at": moment(ts), "equity": self.money(equity), "cash": self.money(cash)}
