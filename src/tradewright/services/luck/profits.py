"""Profit and values of what a run held, in its base currency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.currencies.worth import worth_of
from tradewright.domain.money import QTY_UNIT, minor_exponent
from tradewright.metrics.attribution.profits import Profits, instrument_profits

if TYPE_CHECKING:
    from tradewright.services.runs import Run

FloatArray = NDArray[np.float64]


def worth_lines(run: Run) -> FloatArray:
    """Return what a price of 1 was worth at each close, (n_bars or 1, n_instruments)."""
    worth = worth_of(run.bars, run.outcome.currency)
    return np.ones((1, run.bars.n_instruments)) if worth is None else worth.lines()


def profits_of(run: Run) -> Profits:
    """Return the profit of every instrument of a run at every bar, that of the rates apart."""
    return instrument_profits(
        run.outcome.fills,
        run.bars.close,
        effects=run.outcome.effects,
        minor_per_major=10 ** minor_exponent(run.outcome.currency),
        worth=worth_lines(run),
    )


def entry_values(run: Run, trips: NDArray[np.void]) -> FloatArray:
    """Return what each round trip was worth at its average entry, minor units."""
    lines = worth_lines(run)
    rows = np.maximum(trips["entry_bar"].astype(np.int64) - 1, 0) if len(lines) > 1 else 0
    worths = lines[rows, trips["instrument"]]
    minor = 10 ** minor_exponent(run.outcome.currency)
    values: FloatArray = trips["qty"] / QTY_UNIT * trips["entry_px"] * worths * minor
    return values


def currency_profit(run: Run) -> float:
    """Return what rates of exchange did to what was held over the measured span, major units."""
    if len(worth_lines(run)) == 1 or run.is_condensed:
        return 0.0
    return float(profits_of(run).currency[run.timeline.first + 1 :].sum())
