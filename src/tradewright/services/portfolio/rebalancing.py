"""An account brought to a target allocation: a plan, and where it is wanted its orders."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from tradewright.costs import Costs
from tradewright.domain.errors import ConfigError, NoDataError, RefusedError, nearest
from tradewright.portfolio.rebalancing import (
    CASH,
    Drift,
    RebalancePlan,
    RebalancingConfig,
    parse_allocation,
    plan_rebalance,
    triggered,
)
from tradewright.services.catalogues import available_bars
from tradewright.services.portfolio.holdings import PAPER, account_state
from tradewright.services.workspace import Workspace

TOPIC: Final = "portfolio.rebalance"
"""Topic of alerts of the kinds ``trigger``, ``plan``, ``order``, ``completion``, ``deferral``."""


class OrdersTargets(Protocol):
    """An account that can be sent wanted weights."""

    def rebalance(self, weights: Mapping[str, float], reason: str = "") -> Any:
        """Want weights at the next bar."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class AccountPlan:
    """A plan for an account, and what became of it.

    Parameters
    ----------
    plan : RebalancePlan
        Trades, costs, turnover.
    target : mapping of str to float
        The allocation wanted, with ``CASH``.
    status : str
        ``planned``, ``ordered``, ``deferred`` (it costs more than the threshold) or ``within``
        (no weight drifted beyond the threshold).
    message : str
        In words.
    """

    plan: RebalancePlan
    target: Mapping[str, float]
    status: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as values that JSON can hold."""
        return {
            **self.plan.to_dict(),
            "equity": self.plan.equity,
            "target": dict(self.target),
            "status": self.status,
            "message": self.message,
        }


def rebalance_account(
    workspace: Workspace,
    target: Mapping[str, float],
    *,
    account: str = PAPER,
    threshold: float | None = None,
    orders: OrdersTargets | None = None,
    costs: Costs | None = None,
) -> AccountPlan:
    """Plan, and where `orders` is given also order, what brings an account to an allocation.

    Parameters
    ----------
    workspace : Workspace
        Journal, bus, settings.
    target : mapping of str to float
        Weights by symbol, with ``CASH``; see `portfolio.rebalancing.parse_allocation`.
    account : str
        ``paper``: its newest session.
    threshold : float, optional
        Nothing is planned unless a weight drifted from its target by more than this share of it.
    orders : OrdersTargets, optional
        The account; only a plan is made unless given.
    costs : Costs, optional
        What trades are estimated with; the standard costs unless given.

    Returns
    -------
    AccountPlan
        A plan that costs more than ``portfolio.transaction_cost_threshold`` is not ordered.

    Raises
    ------
    ConfigError
        If the allocation is not valid, or names what the session cannot trade.
    NoDataError
        If there is no session.
    RefusedError
        If the session has ended.
    """
    wanted = parse_allocation(target)
    if account != PAPER:
        raise ConfigError(f"account {account!r} is not known; known: {PAPER}")
    state = account_state(workspace)
    tape = list(state.started["symbols"])
    for symbol in wanted.weights:
        if symbol not in tape:
            raise ConfigError(
                f"target allocation: the session does not trade {symbol}; {nearest(symbol, tape)}"
            )
    if orders is not None and state.ended:
        raise RefusedError(f"portfolio rebalance: session {state.session_id} has ended")
    equity = float(state.money(state.equity_minor))
    held = {row["symbol"]: float(row["weight"] or 0.0) for row in state.positions()}
    drift = Drift.of(held, wanted.weights)
    config = replace(workspace.rebalancing, consider_tax_implications=False)
    plan = plan_rebalance(
        drift,
        config,
        equity=equity,
        prices=_prices(workspace, state, drift.symbols),
        costs=costs or Costs.standard(),
        currency=state.currency,
    )
    allocation = {**wanted.weights, CASH: wanted.cash}
    status, message = _judge(plan, drift, config, threshold)
    told = {"plan_id": plan.plan_id, "account": account, "message": message}
    if status == "planned":
        workspace.bus.publish(TOPIC, {"kind": "trigger", **told})
        workspace.bus.publish(TOPIC, {"kind": "plan", **told, **plan.to_dict()})
    elif status == "deferred":
        workspace.bus.publish(TOPIC, {"kind": "deferral", **told})
    if status == "planned" and orders is not None:
        after = dict(zip(plan.symbols, plan.weights_after.tolist(), strict=True))
        moved = {trade.symbol: after[trade.symbol] for trade in plan.trades}
        orders.rebalance(moved, f"rebalance {plan.plan_id}")
        status, message = "ordered", f"{len(moved)} targets sent, they trade at the next bar"
        workspace.bus.publish(TOPIC, {"kind": "order", **told})
    return AccountPlan(plan, allocation, status, message)


def method_target(
    workspace: Workspace, method: str, *, max_weight: float = 1.0
) -> dict[str, float]:
    """Return the allocation that an optimisation method wants of the session's instruments.

    Parameters
    ----------
    workspace : Workspace
        Journal and bars.
    method : str
        One of the twelve of `portfolio.optimisation`.
    max_weight : float
        Largest weight of one instrument.

    Returns
    -------
    dict of str to float
        Weights by symbol, from the tape up to the session's time and not beyond.

    Raises
    ------
    ConfigError
        If the method is not known.
    DataError
        If there is too little history.
    NoDataError
        If there is no session.
    """
    from tradewright.portfolio.constraints import OptimizationConstraints
    from tradewright.services.paper.sources import resolve_source
    from tradewright.services.portfolio.optimising import PortfolioRequest, optimise

    state = account_state(workspace)
    spec = state.started["spec"]
    given = spec if spec["kind"] == "strategy" else {}
    source = resolve_source(
        workspace,
        spec.get("run_id", spec["source"]),
        symbols=given.get("symbols"),
        parameters=given.get("parameters"),
    )
    now = state.started["first_ns"] if state.tape_ns is None else state.tape_ns
    request = PortfolioRequest(
        bars=source.bars.between(None, int(now) + 1),
        method=method,
        constraints=OptimizationConstraints(max_weight=max_weight),
    )
    # Solvers leave weights of 1e-12, and sums a rounding above 1.
    weights = optimise(request).result.weights
    return {symbol: round(weight, 9) for symbol, weight in weights.items() if weight > 1e-6}


def _judge(
    plan: RebalancePlan, drift: Drift, config: RebalancingConfig, threshold: float | None
) -> tuple[str, str]:
    if threshold is not None:
        due = triggered(
            drift,
            replace(config, threshold_method="percentage", rebalance_threshold=threshold),
        )
        if due is None:
            return "within", f"no weight drifted by more than {threshold:g} of its target"
        return _affordable(plan, config, str(due))
    if not plan.trades:
        return "within", "every weight is at its target"
    return _affordable(plan, config, f"{len(plan.trades)} trades bring it to the target")


def _affordable(plan: RebalancePlan, config: RebalancingConfig, why: str) -> tuple[str, str]:
    limit = config.transaction_cost_threshold
    if plan.cost_fraction > limit:
        return (
            "deferred",
            f"costs {plan.cost_fraction:.3%} of equity, "
            f"portfolio.transaction_cost_threshold allows {limit:.3%}",
        )
    return "planned", why


def _prices(workspace: Workspace, state: Any, symbols: tuple[str, ...]) -> dict[str, float]:
    # The session's own prices; what it never held has its last stored close until its time.
    found: dict[str, float] = {}
    for symbol in symbols:
        price = state.prices.get(symbol, math.nan)
        if math.isnan(price):
            price = _stored(workspace, symbol, state)
        if not math.isnan(price):
            found[symbol] = float(price)
    return found


def _stored(workspace: Workspace, symbol: str, state: Any) -> float:
    end = None if state.tape_ns is None else state.tape_ns + 1
    try:
        bars = available_bars(workspace, symbol, interval=state.started["interval"], end_ns=end)
    except NoDataError:
        return math.nan
    closes = bars.close[:, 0]
    closes = closes[closes == closes]  # noqa: PLR0124 (NaN differs from itself)
    return float(closes[-1]) if len(closes) else math.nan
