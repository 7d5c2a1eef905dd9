"""Bars for tests of features."""

import numpy as np
import pytest

from tradewright.domain.bars import Bars
from tradewright.domain.instruments import Instrument

DAY = 86_400_000_000_000
START = 1_104_786_000_000_000_000  # Monday 2005-01-03, 21:00 UTC


def weekdays(count):
    days = np.arange(count)
    return START + (days // 5 * 7 + days % 5) * DAY


def make_bars(n_bars=400, n_instruments=4, seed=1, gaps=False, interval="1d"):
    rng = np.random.default_rng(seed)
    shape = (n_bars, n_instruments)
    close = 50 * np.exp(np.cumsum(rng.normal(0.0003, 0.015, shape), axis=0))
    open_ = close * np.exp(rng.normal(0, 0.006, shape))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 0.004, shape)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, 0.004, shape)))
    volume = rng.integers(1_000, 1_000_000, shape).astype(float)
    if gaps:
        missing = rng.random(shape) < 0.06
        missing[:, 0] = False
        missing[:70, 1] = True  # listed later
        missing[-50:, 2] = True  # delisted
        for field in (open_, high, low, close, volume):
            field[missing] = np.nan
    names = tuple(Instrument(f"S{i}") for i in range(n_instruments))
    ts = weekdays(n_bars)
    if interval != "1d":
        ts = START + np.arange(n_bars) * 3_600_000_000_000
    return Bars(names, ts, open_, high, low, close, volume, interval=interval)


@pytest.fixture(scope="session")
def bars():
    return make_bars()


@pytest.fixture(scope="session")
def gappy_bars():
    return make_bars(gaps=True, seed=2)


@pytest.fixture(scope="session")
def make():
    return make_bars
