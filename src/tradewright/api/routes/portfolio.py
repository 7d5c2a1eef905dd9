"""The portfolio of an account: what brings it to a target allocation."""

from __future__ import annotations

from fastapi import APIRouter

from tradewright.api.deps import Here, refusals
from tradewright.api.portfolio_schemas import RebalanceBody, RebalanceResult

router = APIRouter(tags=["portfolio"])


@router.post(
    "/trading/portfolio/rebalance",
    operation_id="rebalancePortfolio",
    summary="Rebalance to a target allocation",
    responses=refusals(400, 403, 404, 409, 413),
)
def rebalance_portfolio(here: Here, body: RebalanceBody) -> RebalanceResult:
    """Plan the trades; with ``dry_run: false`` send them unless they cost too much."""
    from tradewright.services.portfolio import rebalance_account

    found = rebalance_account(
        here.workspace,
        body.target_allocation,
        account=body.account,
        threshold=body.threshold,
        orders=None if body.dry_run else here.paper,
    )
    return RebalanceResult.model_validate(found.to_dict())
