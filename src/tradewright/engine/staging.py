"""The desk beside a rebalance in stages: what the executor sees, and what it may want."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewright.domain.currencies.worth import WORTH_UNIT
from tradewright.engine.context import WantedPosition
from tradewright.engine.planning import limited_weights
from tradewright.execution import StagedRebalance, StageStatus, StageView

if TYPE_CHECKING:
    from tradewright.engine.desk import Desk


def stage(desk: Desk, staged: StagedRebalance) -> None:
    """Take the next step of a rebalance: what it wants now is wanted by the desk.

    Parameters
    ----------
    desk : Desk
        Limits, working orders and the context.
    staged : StagedRebalance
        The rebalance; weights of a new one are cut to the limits first.

    Notes
    -----
    Timing: after the fills of a bar, with its closes; orders fill at the next open.
    """
    ctx = desk.ctx
    if staged.is_new:
        staged.currency = desk.currency
        wanted = {s: WantedPosition(w, 0, (None, None)) for s, w in staged.weights.items()}
        staged.weights = limited_weights(ctx, wanted, desk.limits, desk.sectors)
    account = ctx.account
    view = StageView(
        now_ns=ctx.now_ns,
        equity_minor=account.equity_minor,
        cash_minor=account.cash_minor,
        positions=ctx.positions,
        # What one unit is worth in the base currency: contracts and currencies count.
        prices={
            symbol: ctx.last_close(symbol) * (ctx.factor(symbol) / WORTH_UNIT)
            for symbol in staged.weights
        },
        lots={symbol: ctx.lot(symbol) for symbol in staged.weights},
        working=frozenset(order.symbol for order in desk.venue.open_orders()),
    )
    for symbol, qty in staged.step(view).items():
        ctx.wanted[symbol] = WantedPosition(None, qty, (None, None))
    if staged.status is not StageStatus.WORKING:
        told = f"rebalance {staged.status.value}"
        ctx.log("; ".join([told, *staged.reasons]))
