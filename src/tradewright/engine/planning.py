"""What a strategy wants of an instrument, as a signed quantity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tradewright.engine.context import RunContext, WantedPosition
from tradewright.execution import target_quantity
from tradewright.risk import RiskLimits, limit_weights


def limited_weights(
    ctx: RunContext,
    wanted: Mapping[str, WantedPosition],
    limits: RiskLimits,
    sectors: Sequence[str],
) -> dict[str, float]:
    """Return the weights wanted, cut to the limits; every cut is noted in the run's log.

    Parameters
    ----------
    ctx : RunContext
        Who wants them; its held weights count.
    wanted : mapping of str to WantedPosition
        By symbol; those that are quantities are left out.
    limits : RiskLimits
        Limits in force.
    sectors : sequence of str
        Sector of each column.

    Returns
    -------
    dict of str to float
        Signed weights by symbol.
    """
    weights = {s: w.weight for s, w in wanted.items() if w.weight is not None}
    if not (limits.limits_weights and weights):
        return weights
    row = np.array([weights.get(symbol, np.nan) for symbol in ctx.symbols])
    cut, report = limit_weights(
        row, limits, symbols=ctx.symbols, sectors=sectors, held=ctx.weights()
    )
    for rule, name, value, limit in report.cuts:
        ctx.log(f"{rule} {name}: {value:.4f} cut to {limit:g}")
    return dict(zip(ctx.symbols, cut.tolist(), strict=True))


def quantity_wanted(
    ctx: RunContext,
    symbol: str,
    want: WantedPosition,
    weights: Mapping[str, float],
    currency: str,
) -> int | None:
    """Return the signed quantity that is wanted; None where no price tells what a weight is worth.

    Parameters
    ----------
    ctx : RunContext
        Who wants it; its equity is what a weight is a fraction of.
    symbol : str
        Instrument.
    want : WantedPosition
        What was asked for.
    weights : mapping of str to float
        From `limited_weights`.
    currency : str
        Base currency.

    Returns
    -------
    int or None
        In units of 1e-8.
    """
    if want.weight is None:
        return want.qty
    px = ctx.close_now(symbol)
    if not px > 0 and ctx.positions.get(symbol, 0):
        px = ctx.last_close(symbol)
    if not px > 0:
        return None
    return target_quantity(
        weights[symbol],
        equity_minor=ctx.account.equity_minor,
        px=px,
        lot=ctx.lot(symbol),
        currency=currency,
        factor=ctx.factor(symbol),
    )
