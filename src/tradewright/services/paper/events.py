"""Orders and what happens to them, as values that JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from enum import IntEnum
from typing import Any, Final

from tradewright.domain.orders import (
    DenyReason,
    Order,
    OrderEvent,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)

STARTED, INTENT, FILL, ORDER, POSTING = "started", "intent", "fill", "order", "posting"
MARK, COMMAND, STATUS, ENDED, RESTATED = "mark", "command", "status", "ended", "restated"
ALERT: Final = "alert"
SIGNAL: Final = "signal"
DURABLE: Final = (INTENT, FILL, ORDER, POSTING, ALERT, SIGNAL, RESTATED)
"""Kinds that a recovery must produce again, one by one."""

_ENUMS: Final[dict[str, type[IntEnum]]] = {"side": Side, "type": OrderType, "tif": TimeInForce}


def order_to_json(order: Order) -> dict[str, Any]:
    """Return an order; enumerations by name."""
    values = {item.name: getattr(order, item.name) for item in fields(order)}
    return {k: v.name if isinstance(v, IntEnum) else v for k, v in values.items()}


def order_from_json(payload: Mapping[str, Any]) -> Order:
    """Read an order written by `order_to_json`."""
    values: dict[str, Any] = {k: _ENUMS[k][v] if k in _ENUMS else v for k, v in payload.items()}
    return Order(**values)


def event_to_json(event: OrderEvent) -> dict[str, Any]:
    """Return an order event; enumerations by name."""
    return {
        "client_order_id": event.client_order_id,
        "symbol": event.symbol,
        "status": event.status.name,
        "ts_event": int(event.ts_event),
        "reason": event.reason.name,
        "message": event.message,
    }


def event_from_json(payload: Mapping[str, Any]) -> OrderEvent:
    """Read an event written by `event_to_json`."""
    values = dict(payload)
    values["status"] = OrderStatus[values["status"]]
    values["reason"] = DenyReason[values["reason"]]
    return OrderEvent(**values)
