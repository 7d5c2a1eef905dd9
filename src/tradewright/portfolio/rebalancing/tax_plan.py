"""What taxes change in a plan: young gains wait, losses are harvested, wash sales are left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.portfolio.rebalancing.config import RebalancingConfig
from tradewright.portfolio.rebalancing.lots import Disposal, Lot, dispose
from tradewright.portfolio.rebalancing.tax import (
    PastTrade,
    TaxRates,
    harvest_candidates,
    waits_until,
    wash_blocks,
)
from tradewright.portfolio.rebalancing.triggers import Drift

LEAST: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxSituation:
    """What a plan must know to think of taxes.

    Parameters
    ----------
    lots : sequence of Lot
        Held in the account that is rebalanced.
    on : date
        Day of the plan.
    method : str
        See `lots.dispose`; ``specific`` is planned oldest first, since a plan names no lots.
    rates : TaxRates
        Of gains.
    history : sequence of PastTrade
        Of all accounts of the user.
    may_wait : callable
        Whether the signal of an instrument allows its sale to wait; True unless it says SELL.
    """

    lots: Sequence[Lot]
    on: date
    method: str = "fifo"
    rates: TaxRates = field(default_factory=TaxRates)
    history: Sequence[PastTrade] = ()
    may_wait: Callable[[str], bool] = lambda symbol: True


def heed_taxes(
    drift: Drift,
    after: NDArray[np.float64],
    config: RebalancingConfig,
    tax: TaxSituation,
    *,
    equity: float,
    prices: Mapping[str, float],
) -> tuple[tuple[Disposal, ...], list[str]]:
    """Change planned weights for taxes.

    Parameters
    ----------
    drift : Drift
        Weights now and wanted.
    after : ndarray of shape (n,)
        Weights planned; changed in place.
    config : RebalancingConfig
        Harvesting and wash-sale days.
    tax : TaxSituation
        Lots and history.
    equity : float
        Of the account.
    prices : mapping of str to float
        Last prices.

    Returns
    -------
    tuple of (tuple of Disposal, list of str)
        What the sales take out of lots, and what was changed, in words.
    """
    harvested, notes = _harvest(drift, after, config, tax, (equity, prices))
    blocked = wash_blocks(tax.history, tax.on, config)
    for at, symbol in enumerate(drift.symbols):
        if symbol in blocked and after[at] > drift.weights[at] + LEAST:
            notes.append(
                f"{symbol} was sold at a loss: not bought before {blocked[symbol]} (wash sale)"
            )
            after[at] = drift.weights[at]
    kept: list[Disposal] = []
    for at, symbol in enumerate(drift.symbols):
        lots = [lot for lot in tax.lots if lot.symbol == symbol]
        sold = (drift.weights[at] - after[at]) * equity
        if sold <= LEAST * equity or not lots:
            continue
        qty = min(sold / prices[symbol], math.fsum(lot.qty for lot in lots))
        for disposal in _taken(lots, qty, prices[symbol], tax, harvested.get(symbol, [])):
            until = waits_until(disposal, tax.on)
            if until is None or not tax.may_wait(symbol):
                kept.append(disposal)
                continue
            after[at] += disposal.qty * prices[symbol] / equity
            notes.append(
                f"{symbol}: the gain of {disposal.gain:.2f} on lot {disposal.lot.lot_id} "
                f"waits until {until} (long-term)"
            )
    return tuple(kept), notes


def _harvest(
    drift: Drift,
    after: NDArray[np.float64],
    config: RebalancingConfig,
    tax: TaxSituation,
    market: tuple[float, Mapping[str, float]],
) -> tuple[dict[str, list[str]], list[str]]:
    # Lots sold for their loss, by symbol; their instruments are not bought in the same plan.
    equity, prices = market
    harvested: dict[str, list[str]] = {}
    notes: list[str] = []
    if not config.harvest_losses:
        return harvested, notes
    columns = {symbol: at for at, symbol in enumerate(drift.symbols)}
    room: dict[str, float] = {}
    found = harvest_candidates(tax.lots, prices, tax.on, config, history=tax.history)
    for candidate in found:
        lot, blocker = candidate.lot, candidate.blocked_by
        if lot.symbol not in columns:
            continue
        if blocker is not None:
            notes.append(
                f"{lot.symbol}: the loss of {candidate.loss:.2f} on lot {lot.lot_id} is not "
                f"harvested, it was bought on {blocker.day} in account {blocker.account or 'own'} "
                "(wash sale)"
            )
            continue
        at = columns[lot.symbol]
        before = room.get(lot.symbol, float(drift.weights[at]))
        left = max(0.0, before - lot.qty * prices[lot.symbol] / equity)
        room[lot.symbol] = left
        after[at] = min(after[at], left)
        harvested.setdefault(lot.symbol, []).append(lot.lot_id)
        free = tax.on + timedelta(days=config.wash_sale_days + 1)
        notes.append(
            f"{lot.symbol}: loss of {candidate.loss:.2f} on lot {lot.lot_id} harvested, "
            f"not bought again before {free}"
        )
    return harvested, notes


def _taken(
    lots: list[Lot], qty: float, price: float, tax: TaxSituation, first: list[str]
) -> tuple[Disposal, ...]:
    taken: tuple[Disposal, ...] = ()
    if first:
        chosen = math.fsum(lot.qty for lot in lots if lot.lot_id in first)
        part = min(qty, chosen)
        taken, left = dispose(lots, part, price, tax.on, method="specific", lot_ids=first)
        lots, qty = list(left), qty - part
    if lots and qty > LEAST:
        method = "fifo" if tax.method == "specific" else tax.method
        more, _ = dispose(lots, min(qty, math.fsum(lot.qty for lot in lots)), price, tax.on,
                          method=method)  # fmt: skip
        taken += more
    return taken
