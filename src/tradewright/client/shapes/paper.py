"""Types of paper; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from tradewright.client.shapes.shared import PaperStatus


class FlattenResult(TypedDict):
    """What flattening did and what is left to be done at the next open."""

    status: PaperStatus
    cancelled_orders: int
    closing_positions: int


class PagePaperFill(TypedDict):
    """Page[PaperFill]."""

    items: list[PaperFill]
    next_cursor: NotRequired[str | None]


class PagePaperOrder(TypedDict):
    """Page[PaperOrder]."""

    items: list[PaperOrder]
    next_cursor: NotRequired[str | None]


class PaperEquity(TypedDict):
    """Equity of the account, as columns of equal length."""

    currency: str
    times: list[str]
    equity: list[float | None]
    cash: list[float | None]


class PaperFill(TypedDict):
    """An execution on the paper account."""

    execution_id: str
    order_id: str
    symbol: str
    side: Literal["BUY", "SELL"]
    at: str
    quantity: str
    price: str
    value: str
    cost: str
    reason: str


class PaperOrder(TypedDict):
    """An order and where it stands."""

    order_id: str
    symbol: str
    side: Literal["BUY", "SELL"]
    type: str
    quantity: str
    filled: str
    status: str
    reason: str
    limit_price: str | None
    stop_price: str | None
    decided_at: str


class PaperPosition(TypedDict):
    """A holding; a quantity of 0 means it was closed."""

    symbol: str
    quantity: str
    average_cost: float | None
    price: float | None
    value: str
    unrealised: str
    weight: float | None


class PaperSourceRow(TypedDict):
    """Something that can be traded on paper."""

    source: str
    name: str
    kind: Literal["run", "strategy"]
    description: str


class PaperStartBody(TypedDict):
    """What to trade on paper."""

    source: str
    cash: NotRequired[float | str]
    speed: NotRequired[float | None]
    replay_from: NotRequired[str | None]
    replay_to: NotRequired[str | None]
