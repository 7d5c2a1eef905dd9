"""Triple barrier: whichever of target, stop and time is touched first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.jit import jit
from tradewright.training.labels.values import (
    NO_CLASS,
    FloatArray,
    Labels,
    check_horizon,
    trailing_volatility,
)


def triple_barrier(bars: Bars, horizon: int, *, up: float = 1.0, down: float = 1.0) -> Labels:
    r"""Label each decision by the barrier its long position touches first.

    The position enters at :math:`O_{t+1}`. The target lies :math:`up \cdot \sigma_t\sqrt{h}` above,
    the stop :math:`down \cdot \sigma_t\sqrt{h}` below, both as fractions of the entry [1]_. Each
    bar from t + 1 on is looked at through its open, low and high: a gap beyond a barrier exits at
    the open, a bar that touches both exits at the stop. After h bars the position exits at the
    open of t + 1 + h.

    Parameters
    ----------
    bars : Bars
        Prices of shape (n_bars, n_instruments).
    horizon : int
        Bars h until the time barrier, >= 1.
    up, down : float
        Distances in volatilities of the horizon, > 0.

    Returns
    -------
    Labels
        The return at the exit, class 0 (target first), 2 (stop first) or 1 (time), and the row of
        the exit.

    Raises
    ------
    ConfigError
        If a distance or the horizon does not fit.

    Notes
    -----
    Timing: the volatility is known at the close of t, the rest looks forward.
    Missing data: no label where the entry or the exit price is missing; a missing bar in between
    touches nothing.

    References
    ----------
    .. [1] M. López de Prado, "Advances in Financial Machine Learning", 2018, ch. 3.4.
    """
    check_horizon(horizon, bars.n_bars, "next_open")
    for name, distance in (("up", up), ("down", down)):
        if not 0 < distance < np.inf:
            raise ConfigError(f"labels.{name} is {distance}, wanted above 0")
    width = trailing_volatility(bars.close) * np.sqrt(horizon)
    value = np.full(bars.close.shape, np.nan)
    end_row = np.tile(np.arange(bars.n_bars)[:, None], (1, bars.n_instruments))
    classes = np.full(bars.close.shape, NO_CLASS, dtype=np.int8)
    _touch(
        bars.open, bars.high, bars.low, up * width, down * width, horizon, value, end_row, classes
    )
    return Labels(
        symbols=bars.symbols,
        ts=bars.ts,
        value=value,
        end_row=end_row,
        classes=classes,
        horizon_bars=horizon,
        kind="triple_barrier",
    )


@jit
def _touch(  # noqa: PLR0917
    open_px: FloatArray,
    high: FloatArray,
    low: FloatArray,
    up: FloatArray,
    down: FloatArray,
    horizon: int,
    value: FloatArray,
    end_row: NDArray[np.int64],
    classes: NDArray[np.int8],
) -> None:
    n_bars, n_instruments = open_px.shape
    for column in range(n_instruments):
        # Decisions whose time barrier lies beyond the data get no label at all: keeping only those
        # that touched early would select winners and losers by speed.
        for row in range(n_bars - 1 - horizon):
            entry = open_px[row + 1, column]
            if np.isnan(entry) or np.isnan(up[row, column]):
                continue
            target = entry * (1.0 + up[row, column])
            stop = entry * (1.0 - down[row, column])
            for bar in range(row + 1, row + 2 + horizon):
                first = open_px[bar, column]
                exit_px = np.nan
                outcome = 1
                if bar > row + 1 and first <= stop:
                    exit_px, outcome = first, 2
                elif bar > row + 1 and first >= target:
                    exit_px, outcome = first, 0
                elif bar == row + 1 + horizon:
                    exit_px = first
                    if np.isnan(first):
                        break
                elif low[bar, column] <= stop:
                    exit_px, outcome = stop, 2
                elif high[bar, column] >= target:
                    exit_px, outcome = target, 0
                if not np.isnan(exit_px):
                    value[row, column] = exit_px / entry - 1.0
                    classes[row, column] = outcome
                    end_row[row, column] = bar
                    break
