"""What the API takes to rebalance an account, and says of the plan."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from tradewright.api.schemas import Body, Number


class RebalanceBody(Body):
    """A target allocation."""

    target_allocation: Annotated[dict[str, float], Field(min_length=1, max_length=101)] = Field(
        description="Weights by symbol, with CASH; a sum below 1 is filled up with cash"
    )
    account: Literal["paper"] = "paper"
    dry_run: bool = Field(True, description="Plan only; no order is sent")
    threshold: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Only when a weight drifted by more than this share of its target"
    )


class RebalanceTrade(BaseModel):
    """One trade of a plan."""

    symbol: str
    side: Literal["BUY", "SELL"]
    qty: Number
    notional: Number
    weight_before: Number
    weight_after: Number
    cost: Number


class RebalanceResult(BaseModel):
    """What brings an account to its allocation."""

    plan_id: str
    status: Literal["planned", "ordered", "deferred", "within"]
    message: str
    target: dict[str, float]
    trades: list[RebalanceTrade] = Field(description="Sells first")
    turnover: Number = Field(description="Half the sum of absolute changes of weights")
    costs: Number = Field(description="Estimated, in the account's currency")
    cost_fraction: Number
    tax: Number
    equity: Number
    drift_before: Number = Field(description="Largest distance of a weight from its target")
    drift_after: Number
    cash_after: Number
    notes: list[str]
