"""Target weights of an optimiser, and the efficient frontier."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from tradewright.api.deps import Here, refusals
from tradewright.api.schemas import Body, Number
from tradewright.services.portfolio import (
    Question,
    default_choice,
    open_request,
    optimise,
    trace,
)

router = APIRouter(tags=["portfolio"])

Symbol = Annotated[str, Field(min_length=1, max_length=32)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Weights = Annotated[dict[str, float], Field(max_length=500)]


class OptimizeBody(Body):
    """What is asked of the optimiser."""

    optimization_method: str = Field(
        "maximum_sharpe", max_length=40, description="One of the twelve, in lower or upper case"
    )
    risk_tolerance: Annotated[float, Field(ge=0, le=1)] = Field(
        0.7, description="0 least variance, 1 most return; of mean_variance"
    )
    symbols: Annotated[list[Symbol], Field(max_length=100)] = Field(
        default_factory=list, description="All with bars if empty"
    )
    constraints: Annotated[list[Text], Field(max_length=50)] = Field(
        default_factory=list,
        description="Such as max_weight=0.2, AAPL=0.05:0.2, AAPL + MSFT <= 0.3",
    )
    views: Annotated[list[Text], Field(max_length=50)] = Field(
        default_factory=list, description="Such as AAPL - MSFT = 0.02 @ 0.7; of black_litterman"
    )
    current_weights: Weights | None = Field(None, description="Held now; trading costs enter")
    market_weights: Weights | None = Field(None, description="Of black_litterman")
    risk_free_rate: Annotated[float, Field(ge=-1, le=1)] = 0.02


class Diagnostics(BaseModel):
    """How the weights were found."""

    solver: str
    solve_ms: Number
    binding_constraints: list[str]
    risk_contributions: dict[str, float]
    effective_n: Number
    largest_weight: Number
    warnings: list[str]
    as_of: str
    periods: int
    data_version: str


class OptimizeReply(BaseModel):
    """Target weights with what they promise."""

    weights: dict[str, float]
    cash: Number
    expected_return: Number
    volatility: Number
    sharpe_ratio: Number
    optimization_method: str
    success: bool = Field(description="Whether the problem was solved as it was asked")
    message: str
    transaction_costs: Number
    turnover: Number
    fallbacks_used: list[str]
    diagnostics: Diagnostics


class FrontierQuery(BaseModel):
    """Which frontier."""

    model_config = ConfigDict(extra="forbid")

    symbols: Annotated[str, Field(max_length=2_000, description="Comma-separated")] = ""
    constraints: Annotated[list[Text], Field(max_length=50)] = []
    points: Annotated[int, Field(ge=2, le=200)] = 50


class FrontierPointBody(BaseModel):
    """One portfolio of the plane."""

    volatility: Number
    expected_return: Number
    weights: dict[str, float]


class FrontierReply(BaseModel):
    """The frontier, what is marked on it, and each instrument alone."""

    points: list[FrontierPointBody]
    marks: dict[str, FrontierPointBody]
    assets: dict[str, FrontierPointBody]


@router.post(
    "/trading/portfolio/optimize",
    operation_id="optimizePortfolio",
    summary="Target weights by one method",
    responses=refusals(400, 403, 404, 409, 413),
)
def optimize_portfolio(here: Here, body: OptimizeBody) -> OptimizeReply:
    """Optimise over the newest bars; contradicting constraints are named."""
    question = Question(
        method=body.optimization_method,
        constraints=body.constraints,
        views=body.views,
        current=body.current_weights,
        market=body.market_weights,
        risk_tolerance=body.risk_tolerance,
        risk_free_rate=body.risk_free_rate,
    )
    symbols = [symbol.upper() for symbol in body.symbols]
    request = open_request(here.workspace, question, default_choice(here.workspace, symbols))
    found: dict[str, Any] = optimise(request).to_mapping()
    fallback = found["fallback_used"]
    return OptimizeReply.model_validate(
        {
            **found,
            "volatility": found["expected_volatility"],
            "fallbacks_used": [] if fallback is None else [fallback],
            "diagnostics": {name: found[name] for name in Diagnostics.model_fields},
        }
    )


@router.get(
    "/trading/portfolio/frontier",
    operation_id="getFrontier",
    summary="Efficient frontier",
    responses=refusals(404),
)
def frontier(here: Here, query: Annotated[FrontierQuery, Query()]) -> FrontierReply:
    """Trace the frontier of the newest bars under the constraints."""
    symbols = [word.strip().upper() for word in query.symbols.split(",") if word.strip()]
    request = open_request(
        here.workspace,
        Question(constraints=query.constraints),
        default_choice(here.workspace, symbols),
    )
    return FrontierReply.model_validate(trace(request, points=query.points).to_mapping())
