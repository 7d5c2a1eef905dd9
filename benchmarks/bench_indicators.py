"""13 indicator columns on 500 symbols × 5,000 bars; ratio to TA-Lib called symbol by symbol.

Run: ``python benchmarks/bench_indicators.py [--symbols N] [--bars N] [--rounds N]``. Goal: above 1.
The peer holds one pandas frame a symbol, calls TA-Lib on its columns and keeps one frame of 13
columns a symbol. Both sides take turns in one process; medians are compared, values must agree.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import talib

from benchmarks.measure import tell
from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.instruments import Instrument
from tradewright.features import DEFAULT_13, technical_indicators


def make_bars(n_bars: int, n_symbols: int) -> Bars:
    rng = np.random.default_rng(7)
    shape = (n_bars, n_symbols)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, shape), axis=0))
    opened = close * np.exp(rng.normal(0, 0.003, shape))
    high, low = np.maximum(opened, close) * 1.004, np.minimum(opened, close) * 0.996
    volume = rng.integers(1_000, 1_000_000, shape).astype(float)
    ts = (np.arange(n_bars) + 4_000) * 86_400_000_000_000
    names = tuple(Instrument(f"S{i:03d}") for i in range(n_symbols))
    return Bars(names, ts, opened, high, low, close, volume)


def one_symbol(frame: pd.DataFrame) -> pd.DataFrame:
    high, low, close, volume = (frame[name] for name in ("high", "low", "close", "volume"))
    line, signal, histogram = talib.MACD(close)
    upper, middle, lower = talib.BBANDS(close, 20)
    value = (high + low + close) / 3 * volume
    columns = (
        talib.SMA(close, 20),
        talib.EMA(close, 12),
        talib.RSI(close, 14),
        line,
        signal,
        histogram,
        upper,
        lower,
        (upper - lower) / middle,
        ((close - lower) / (upper - lower)).clip(0, 1),
        talib.ATR(high, low, close, 14),
        talib.OBV(close, volume),
        talib.SUM(value, 20) / talib.SUM(volume, 20),
    )
    return pd.DataFrame(dict(zip(DEFAULT_13, columns, strict=True)))


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--bars", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    bars = make_bars(options.bars, options.symbols)
    frames = {
        symbol: pd.DataFrame({name: getattr(bars, name)[:, j].copy() for name in FIELDS})
        for j, symbol in enumerate(bars.symbols)
    }
    ours = technical_indicators(bars)  # compiles, or loads the cache
    for j in (0, options.symbols - 1):
        theirs = one_symbol(frames[bars.symbols[j]])
        for name in DEFAULT_13:
            np.testing.assert_allclose(ours.column(name)[:, j], theirs[name], rtol=1e-7, atol=1e-7)
    del ours
    times: dict[str, list[float]] = {"ours": [], "peer": []}
    for _ in range(options.rounds):
        times["peer"].append(
            seconds(lambda: {symbol: one_symbol(frame) for symbol, frame in frames.items()})
        )
        times["ours"].append(seconds(lambda: technical_indicators(bars)))
    ours_s, peer_s = statistics.median(times["ours"]), statistics.median(times["peer"])
    result = {
        "work": f"13 indicators, {options.symbols} symbols x {options.bars} bars",
        "ours_s": round(ours_s, 4),
        "peer_s": round(peer_s, 4),
        "peer": f"TA-Lib {talib.__version__} by pandas {pd.__version__}",
        "ratio": round(peer_s / ours_s, 2),
        "goal": "above 1",
    }
    tell("indicators", **result)


if __name__ == "__main__":
    main()
