"""Bars with a planted relation."""

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.domain.instruments import Instrument
from tradewright.marketdata import sample_bars

NAMES = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH")


def planted_bars(strength: float, seed: int = 1) -> Bars:
    """Daily bars in which the last five days' return partly repeats itself."""
    ts = sample_bars(["SPY"], start="2010-01-01", end="2013-01-01").ts
    random = np.random.default_rng(seed)
    n_bars, n_names = len(ts), len(NAMES)
    noise = random.normal(0, 0.012, (n_bars, n_names))
    change = np.zeros((n_bars, n_names))
    for row in range(1, n_bars):
        past = change[max(0, row - 5) : row].mean(axis=0)
        change[row] = strength * past + noise[row]
    close = 50 * np.exp(np.cumsum(change, axis=0))
    open_px = np.vstack([close[:1], close[:-1]]) * np.exp(random.normal(0, 0.001, close.shape))
    high = np.maximum(open_px, close) * 1.002
    low = np.minimum(open_px, close) * 0.998
    volume = random.integers(1_000_000, 2_000_000, close.shape).astype(float)
    return Bars(
        tuple(Instrument(name) for name in NAMES),
        ts,
        open_px.round(4),
        high.round(4),
        low.round(4),
        close.round(4),
        volume,
        source="planted",
    )
