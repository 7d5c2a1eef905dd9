"""Labels of every decision, with the row at which each became known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, ModelError, nearest
from tradewright.jit import jit

FloatArray = NDArray[np.float64]
BUY, HOLD, SELL = 0, 1, 2
NO_CLASS: Final = -1
ENTRIES: Final = ("next_open", "close")
MIN_RETURNS: Final = 20
"""Returns behind the first volatility."""


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What happened after each decision; training only.

    Parameters
    ----------
    symbols : tuple of str
        Columns.
    ts : ndarray of shape (n_bars,), int64
        Close of each row, UTC nanoseconds.
    value : ndarray of shape (n_bars, n_instruments)
        Simple return that the decision at the close of the row would have earned before costs;
        NaN where it is not known.
    end_row : ndarray of shape (n_bars, n_instruments), int64
        Last row whose prices the label uses; the row itself where there is no label.
    classes : ndarray of shape (n_bars, n_instruments), int8, or None
        0 Buy, 1 Hold, 2 Sell, -1 unknown; None for a regression label.
    horizon_bars : int
        Bars from entry to exit, at most.
    kind : str
        ``forward_return``, ``three_class`` or ``triple_barrier``.
    """

    symbols: tuple[str, ...]
    ts: NDArray[np.int64]
    value: FloatArray
    end_row: NDArray[np.int64]
    classes: NDArray[np.int8] | None
    horizon_bars: int
    kind: str

    def __post_init__(self) -> None:
        shape = (len(self.ts), len(self.symbols))
        if self.value.shape != shape or self.end_row.shape != shape:
            raise ModelError(f"labels {self.kind}: shape {self.value.shape}, wanted {shape}")
        rows = np.arange(shape[0])[:, None]
        if (self.end_row < rows).any() or (self.end_row >= shape[0]).any():
            raise ModelError(
                f"labels {self.kind}: an end row lies before its row or after the data"
            )

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Whether each decision has a label, shape (n_bars, n_instruments)."""
        known: NDArray[np.bool_] = np.isfinite(self.value)
        return known if self.classes is None else known & (self.classes != NO_CLASS)


def check_horizon(horizon: int, n_bars: int, entry: str) -> None:
    """Refuse a horizon or entry that cannot give a label.

    Raises
    ------
    ConfigError
        If the horizon is below 1 or longer than the data, or the entry is unknown.
    """
    if entry not in ENTRIES:
        raise ConfigError(f"labels.entry is {entry!r}; {nearest(entry, ENTRIES)}")
    if horizon < 1:
        raise ConfigError(f"labels.horizon is {horizon}, wanted at least 1 bar")
    if horizon + 1 >= n_bars:
        raise ConfigError(f"labels.horizon is {horizon} bars, but the data have only {n_bars} bars")


def trailing_volatility(close: FloatArray, halflife: float = 32.0) -> FloatArray:
    """Return the exponentially weighted volatility of one-bar returns known at each close.

    Parameters
    ----------
    close : ndarray of shape (n_bars, n_instruments)
        Closes; NaN where an instrument has no bar.
    halflife : float
        Bars after which a return weighs half as much.

    Returns
    -------
    ndarray of shape (n_bars, n_instruments)
        Volatility per bar as a fraction; NaN before 20 returns.

    Notes
    -----
    Timing: row ``t`` uses rows ``0..t``.
    Missing data: a missing close gives no return; the estimate stands still.
    """
    out = np.full(close.shape, np.nan)
    _trail(np.ascontiguousarray(close), 0.5 ** (1.0 / halflife), MIN_RETURNS, out)
    return out


# Compiled: the leak guard makes every label anew at every date, rows times dates in all.
@jit
def _trail(close: FloatArray, decay: float, least: int, out: FloatArray) -> None:
    for column in range(close.shape[1]):
        last, square, weight, count = np.nan, 0.0, 0.0, 0
        for row in range(close.shape[0]):
            price = close[row, column]
            change = price / last - 1.0 if last != 0.0 else np.nan
            if np.isfinite(change):
                square = decay * square + change * change
                weight = decay * weight + 1.0
                count += 1
            if count >= least:
                out[row, column] = np.sqrt(square / weight)
            if np.isfinite(price):
                last = price
