"""Put the risk layer in front of a planned run; the same for a backtest and for paper."""

from __future__ import annotations

from typing import Any, Final

from tradewright.costs import Costs
from tradewright.engine.guard import Guard
from tradewright.risk.control import Layer, RiskGate
from tradewright.services.backtest_config import limit_table
from tradewright.services.backtest_plan import BacktestPlan

PAPER: Final = "paper"
BACKTEST: Final = "backtest"


def guard_for(plan: BacktestPlan, *, account: str = BACKTEST, always: bool = False) -> Guard | None:
    """Return the guard of a planned run.

    Parameters
    ----------
    plan : BacktestPlan
        Its configuration names the limits.
    account : str
        Name of the account; paper and live accounts are never summed with backtests.
    always : bool
        Whether a run without limits has a guard too, so that it can be halted.

    Returns
    -------
    Guard or None
        None for a run without limits: nothing of the layer is paid for.

    Notes
    -----
    Limits that count seconds are off on a tape, whose bars have none; market orders that only
    reduce count as done, because on a tape they fill at the next open with the entries.
    """
    table = limit_table(plan.config)
    if table.is_empty and not always:
        return None
    layer = Layer(
        table,
        {instrument.symbol: instrument for instrument in plan.bars.instruments},
        currency=plan.config.currency,
        exits_fill=True,
        cost_rate=cost_rate(plan.costs),
    )
    return Guard(
        RiskGate(layer),
        plan.bars,
        strategy=plan.name,
        account=account,
        currency=plan.config.currency,
    )


def risk_settings(plan: BacktestPlan) -> dict[str, Any]:
    """Return what the layer of a run is made of, as values that JSON can hold."""
    table = limit_table(plan.config)
    return {
        "profile": table.profile,
        "limits": table.to_mapping(),
        "strategy": plan.name,
        "instruments": {i.symbol: [i.sector, i.currency] for i in plan.bars.instruments},
    }


def cost_rate(costs: Costs | None) -> float:
    """Return the proportional costs of a trade as a fraction of its value.

    Examples
    --------
    >>> cost_rate(Costs(fee_bps=10, spread_bps=4, slippage_bps=3)), cost_rate(None)
    (0.0015, 0.0)
    """
    if costs is None:
        return 0.0
    return (costs.fee_bps + costs.spread_bps / 2 + costs.slippage_bps) / 10_000.0
