"""What closed round trips tell: how often, how much, how long."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.jit import jit


def trade_metrics(trips: NDArray[np.void], *, minor_per_major: int = 100) -> dict[str, float]:
    """Summarise closed round trips; trips still open are left out and counted apart.

    Parameters
    ----------
    trips : structured ndarray of `tradewright.domain.outcome.TRIP_DTYPE`
        Round trips in order of their exit.
    minor_per_major : int
        Minor units of the currency in one major unit (100 cents in a dollar).

    Returns
    -------
    dict of str to float
        Names as in `tradewright.metrics.glossary`; amounts in major units, returns as fractions
        of the entry notional, holding periods in bars. NaN without a closed trip.

    Notes
    -----
    Missing data: a trip of exactly zero profit is neither a win nor a loss.
    """
    closed = trips[~trips["is_open"]]
    found: dict[str, float] = {
        "trades": float(len(closed)),
        "open_trades": float(len(trips) - len(closed)),
    }
    pnl = closed["pnl"].astype(np.float64) / minor_per_major
    wins, losses = pnl[pnl > 0], pnl[pnl < 0]
    held = (closed["exit_bar"] - closed["entry_bar"]).astype(np.float64)
    average_win, average_loss = _mean(wins), _mean(losses)
    found.update(
        win_rate=len(wins) / len(pnl) if len(pnl) else math.nan,
        average_win=average_win,
        average_loss=average_loss,
        payoff_ratio=-average_win / average_loss if len(losses) and len(wins) else math.nan,
        profit_factor=float(wins.sum() / -losses.sum()) if len(losses) else math.nan,
        expectancy=_mean(pnl),
        average_trade_return=_mean(closed["return_"]),
        best_trade=float(closed["return_"].max()) if len(closed) else math.nan,
        worst_trade=float(closed["return_"].min()) if len(closed) else math.nan,
        mean_holding_bars=_mean(held),
        median_holding_bars=float(np.median(held)) if len(held) else math.nan,
        longest_winning_streak=float(_longest_run(pnl > 0)),
        longest_losing_streak=float(_longest_run(pnl < 0)),
    )
    return found


def excursions(
    trips: NDArray[np.void], high: NDArray[np.float64], low: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the worst and the best price move within each round trip.

    Parameters
    ----------
    trips : structured ndarray of `TRIP_DTYPE`
        Round trips.
    high, low : ndarray of shape (n_bars, n_instruments)
        Prices; NaN where no bar traded.

    Returns
    -------
    adverse, favourable : ndarray of shape (n_trips,)
        Fractions of the entry price: adverse <= 0, favourable >= 0 (MAE and MFE), over the bars
        from the entry to the exit, both included.

    Notes
    -----
    The entry and exit bars count whole, so an extreme before the entry inside its bar may count.
    """
    entry, side = trips["entry_px"], trips["side"]
    worst, best = np.zeros((2, len(trips)))
    _walk(trips, high, low, worst, best)
    is_priced = entry > 0
    base = np.where(is_priced, entry, 1.0)
    up, down = best / base - 1.0, worst / base - 1.0
    adverse = np.where(is_priced, np.minimum(np.where(side > 0, down, -up), 0.0), 0.0)
    favourable = np.where(is_priced, np.maximum(np.where(side > 0, up, -down), 0.0), 0.0)
    return adverse, favourable


@jit
def _walk(
    trips: NDArray[Any],
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    worst: NDArray[np.float64],
    best: NDArray[np.float64],
) -> None:
    # The lowest low and the highest high of each trip; infinite where none of its bars traded.
    for at in range(len(trips)):
        trip = trips[at]
        column = trip["instrument"]
        lowest, highest = np.inf, -np.inf
        for row in range(trip["entry_bar"], trip["exit_bar"] + 1):
            if low[row, column] < lowest:  # noqa: PLR1730 - a NaN is neither
                lowest = low[row, column]
            if high[row, column] > highest:  # noqa: PLR1730
                highest = high[row, column]
        worst[at], best[at] = lowest, highest


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else math.nan


def _longest_run(flags: NDArray[np.bool_]) -> int:
    padded = np.concatenate(([False], flags, [False]))
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0
