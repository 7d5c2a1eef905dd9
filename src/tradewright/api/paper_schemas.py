"""What the API says of the paper account, and takes to steer it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from tradewright.api.schemas import Amount, Body, Moment, Number

State = Literal["IDLE", "STARTING", "RUNNING", "PAUSED", "FINISHED", "STOPPED", "FAILED"]


class PaperStatus(BaseModel):
    """What the paper account is doing."""

    mode: Literal["PAPER"] = "PAPER"
    state: State
    feed: Literal["REPLAY", "LIVE"] = Field(description="Replayed history, or the market of now")
    session_id: str | None
    name: str = Field(description="Study or run that trades")
    source: str
    speed: Number = Field(description="Bars a second; null is as fast as possible")
    currency: str
    initial_cash: Amount
    cash: Amount
    equity: Amount
    profit: Amount = Field(description="Equity less initial cash")
    return_: Number = Field(alias="return")
    exposure: Number = Field(description="Gross position value over equity")
    positions: int
    open_orders: int
    tape_at: Moment | None = Field(description="Close of the last bar seen")
    tape_start: Moment | None
    tape_end: Moment | None
    progress: Number = Field(description="Share of the tape played")
    started_at: Moment | None
    message: str
    is_interrupted: bool = Field(
        False, description="Its process ended in the middle; resume goes on behind the last event"
    )

    model_config = {"populate_by_name": True}


class PaperPosition(BaseModel):
    """A holding; a quantity of 0 means it was closed."""

    symbol: str
    quantity: Amount
    average_cost: Number
    price: Number
    value: Amount
    unrealised: Amount
    weight: Number


class PaperOrder(BaseModel):
    """An order and where it stands."""

    order_id: str
    symbol: str
    side: Literal["BUY", "SELL"]
    type: str
    quantity: Amount
    filled: Amount
    status: str
    reason: str
    limit_price: Amount | None
    stop_price: Amount | None
    decided_at: Moment


class PaperFill(BaseModel):
    """An execution on the paper account."""

    execution_id: str
    order_id: str
    symbol: str
    side: Literal["BUY", "SELL"]
    at: Moment
    quantity: Amount
    price: Amount
    value: Amount
    cost: Amount
    reason: str


class PaperEquity(BaseModel):
    """Equity of the account, as columns of equal length."""

    currency: str
    times: list[Moment]
    equity: list[Number]
    cash: list[Number]


class PaperStartBody(Body):
    """What to trade on paper."""

    source: Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            pattern=r"^[A-Za-z0-9_-]+$",
            description="Id of a run, or name of a study",
            examples=["latest"],
        ),
    ]
    cash: Annotated[Decimal, Field(gt=0, le=Decimal("1e12"), max_digits=15, decimal_places=2)] = (
        Decimal("100000")
    )
    speed: Annotated[
        float | None,
        Field(gt=0, le=10_000, allow_inf_nan=False, description="Bars a second; null: no waiting"),
    ] = 5.0
    replay_from: Annotated[date | None, Field(description="First day replayed")] = None
    replay_to: Annotated[date | None, Field(description="Last day replayed")] = None


class PaperSourceRow(BaseModel):
    """Something that can be traded on paper."""

    source: str = Field(description="What start takes")
    name: str
    kind: Literal["run", "strategy"]
    description: str


class ReasonBody(Body):
    """Why; kept with the event."""

    reason: Annotated[str, Field(max_length=200)] = ""


class FlattenResult(BaseModel):
    """What flattening did and what is left to be done at the next open."""

    status: PaperStatus
    cancelled_orders: int
    closing_positions: int
