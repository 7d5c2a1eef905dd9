"""The trades that bring a portfolio to its targets, with their costs."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.costs import Costs
from tradewright.domain.errors import DataError
from tradewright.domain.money import minor_exponent
from tradewright.domain.orders import Side
from tradewright.portfolio.rebalancing.config import RebalancingConfig
from tradewright.portfolio.rebalancing.lots import Disposal
from tradewright.portfolio.rebalancing.tax import tax_of
from tradewright.portfolio.rebalancing.tax_plan import TaxSituation, heed_taxes
from tradewright.portfolio.rebalancing.triggers import Drift

DUST: Final = 1e-9
"""A smaller change of a weight is rounding, not a trade."""


@dataclass(frozen=True, slots=True)
class PlannedTrade:
    """One trade of a plan.

    Parameters
    ----------
    symbol : str
        Instrument.
    side : Side
        BUY or SELL.
    qty : float
        Units.
    notional : float
        In the account's currency.
    weight_before, weight_after : float
        Signed fractions of equity.
    cost : float
        Estimated, in the account's currency.
    """

    symbol: str
    side: Side
    qty: float
    notional: float
    weight_before: float
    weight_after: float
    cost: float

    def to_dict(self) -> dict[str, Any]:
        """Return it as values that JSON can hold."""
        return {
            "symbol": self.symbol,
            "side": self.side.name,
            "qty": self.qty,
            "notional": self.notional,
            "weight_before": self.weight_before,
            "weight_after": self.weight_after,
            "cost": self.cost,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RebalancePlan:
    """What to trade, and what it costs.

    Parameters
    ----------
    plan_id : str
        Equal for equal plans.
    trades : tuple of PlannedTrade
        Sells first, larger before smaller.
    symbols : tuple of str
        All instruments looked at.
    weights_before, weights_after, targets : ndarray of shape (n,)
        Signed weights.
    equity : float
        Of the account.
    cost : float
        Estimated trading cost, in the account's currency.
    tax : float
        Estimated tax on realised gains.
    notes : tuple of str
        What was left out and why: postponed gains, wash sales, missing prices.
    disposals : tuple of Disposal
        What the sales take out of tax lots.
    """

    plan_id: str
    trades: tuple[PlannedTrade, ...]
    symbols: tuple[str, ...]
    weights_before: NDArray[np.float64]
    weights_after: NDArray[np.float64]
    targets: NDArray[np.float64]
    equity: float
    cost: float
    tax: float = 0.0
    notes: tuple[str, ...] = ()
    disposals: tuple[Disposal, ...] = ()

    @property
    def cost_fraction(self) -> float:
        """Trading cost as a fraction of equity."""
        return self.cost / self.equity if self.equity > 0 else math.inf

    @property
    def turnover(self) -> float:
        """One-way turnover: half the sum of absolute changes of weights."""
        return 0.5 * float(np.abs(self.weights_after - self.weights_before).sum())

    @property
    def drift_before(self) -> float:
        """Largest distance of a weight from its target before the trades."""
        return float(np.abs(self.weights_before - self.targets).max(initial=0.0))

    @property
    def drift_after(self) -> float:
        """Largest distance of a weight from its target after the trades."""
        return float(np.abs(self.weights_after - self.targets).max(initial=0.0))

    @property
    def cash_after(self) -> float:
        """Weight of cash after the trades, before costs."""
        return 1.0 - float(self.weights_after.sum())

    def to_dict(self) -> dict[str, Any]:
        """Return it as values that JSON can hold."""
        return {
            "plan_id": self.plan_id,
            "trades": [trade.to_dict() for trade in self.trades],
            "turnover": self.turnover,
            "costs": self.cost,
            "cost_fraction": self.cost_fraction,
            "tax": self.tax,
            "drift_before": self.drift_before,
            "drift_after": self.drift_after,
            "cash_after": self.cash_after,
            "notes": list(self.notes),
        }


def band_edges(drift: Drift, config: RebalancingConfig) -> NDArray[np.float64]:
    """Return the weights to go to: the targets, or the near edge of each band.

    The band is the threshold times the target's size for ``percentage``, ``volatility`` and
    ``calendar``, the threshold itself for ``absolute``; a weight inside stays.

    Parameters
    ----------
    drift : Drift
        Where the portfolio is.
    config : RebalancingConfig
        With ``partial: true`` trades end at the edge.

    Returns
    -------
    ndarray of shape (n,)
        Signed weights.

    Examples
    --------
    >>> drift = Drift.of({"A": 0.60, "B": 0.40}, {"A": 0.5, "B": 0.5})
    >>> band_edges(drift, RebalancingConfig(partial=True)).round(4).tolist()
    [0.525, 0.475]
    """
    if not config.partial:
        return drift.targets.copy()
    band = np.full(len(drift.symbols), config.rebalance_threshold)
    if config.threshold_method != "absolute":
        band = band * np.abs(drift.targets)
    return np.clip(drift.weights, drift.targets - band, drift.targets + band)


def plan_rebalance(
    drift: Drift,
    config: RebalancingConfig,
    *,
    equity: float,
    prices: Mapping[str, float],
    costs: Costs | None = None,
    currency: str = "USD",
    tax: TaxSituation | None = None,
) -> RebalancePlan:
    """Plan the trades from weights to targets.

    Parameters
    ----------
    drift : Drift
        Weights now and wanted.
    config : RebalancingConfig
        Partial or whole, with or without taxes.
    equity : float
        Of the account, in its currency; > 0.
    prices : mapping of str to float
        Last prices; an instrument without one is left as it is, with a note.
    costs : Costs, optional
        Charged for each trade; free unless given.
    currency : str
        Of the account.
    tax : TaxSituation, optional
        Lots and trades of the user; looked at with `consider_tax_implications`.

    Returns
    -------
    RebalancePlan
        Trades, sells first, with cost and estimated tax.

    Raises
    ------
    DataError
        If the equity is not above 0.

    Notes
    -----
    Timing: known when weights and prices are.
    """
    if not 0 < equity < math.inf:
        raise DataError(f"rebalancing: equity is {equity}, wanted above 0")
    after, notes = band_edges(drift, config), list[str]()
    for at, symbol in enumerate(drift.symbols):
        price = prices.get(symbol, math.nan)
        if abs(after[at] - drift.weights[at]) > DUST and not 0 < price < math.inf:
            notes.append(f"{symbol} has no price and is left as it is")
            after[at] = drift.weights[at]
    taken: tuple[Disposal, ...] = ()
    if tax is not None and config.consider_tax_implications:
        taken, told = heed_taxes(drift, after, config, tax, equity=equity, prices=prices)
        notes += told + _funded(drift, after)
    trades = _trades(drift, after, equity=equity, prices=prices, costs=costs, currency=currency)
    return RebalancePlan(
        plan_id=_identity(drift, after, equity),
        trades=trades,
        symbols=drift.symbols,
        weights_before=drift.weights,
        weights_after=after,
        targets=drift.targets,
        equity=equity,
        cost=math.fsum(trade.cost for trade in trades),
        tax=tax_of(taken, tax.rates) if tax is not None else 0.0,
        notes=tuple(notes),
        disposals=taken,
    )


def _funded(drift: Drift, after: NDArray[np.float64]) -> list[str]:
    # Sales that wait pay for nothing: purchases are cut alike to what is left for them.
    allowed = max(float(drift.targets.sum()), float(drift.weights.sum()))
    excess = float(after.sum()) - allowed
    more = np.maximum(after - drift.weights, 0.0)
    if excess <= DUST or not more.any():
        return []
    share = max(0.0, 1.0 - excess / float(more.sum()))
    after[:] = np.where(more > 0, drift.weights + share * more, after)
    return [f"purchases are cut to {share:.0%}: the sales that wait do not pay for them"]


def _trades(
    drift: Drift,
    after: NDArray[np.float64],
    *,
    equity: float,
    prices: Mapping[str, float],
    costs: Costs | None,
    currency: str,
) -> tuple[PlannedTrade, ...]:
    scale = 10 ** minor_exponent(currency)
    found = []
    for at in np.flatnonzero(np.abs(after - drift.weights) > DUST).tolist():
        symbol = drift.symbols[at]
        change = float(after[at] - drift.weights[at])
        price, notional = prices[symbol], abs(change) * equity
        side, qty = (Side.BUY if change > 0 else Side.SELL), notional / price
        cost = 0.0
        if costs is not None and qty >= 1e-8:
            cost = costs.plan(qty, price, side=side, currency=currency).total / scale
        before = float(drift.weights[at])
        found.append(PlannedTrade(symbol, side, qty, notional, before, float(after[at]), cost))
    return tuple(sorted(found, key=lambda t: (t.side is Side.BUY, -t.notional, t.symbol)))


def _identity(drift: Drift, after: NDArray[np.float64], equity: float) -> str:
    text = "|".join(
        f"{symbol}:{before:.12f}:{then:.12f}"
        for symbol, before, then in zip(drift.symbols, drift.weights, after, strict=True)
    )
    return hashlib.sha256(f"{text}|{equity:.6f}".encode()).hexdigest()[:16]
