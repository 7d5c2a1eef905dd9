"""13 indicator columns on 500 symbols × 5,000 bars; ratio to TA-Lib called symbol by symbol.

Also: the same 13 updated with one new bar of 500 symbols, and the whole catalogue on 500 symbols ×
2,520 days.

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
from tradewright.features import DEFAULT_13, FeatureStream, compute, technical_indicators
from tradewright.features.document import example_spec
from tradewright.features.registry import definitions


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
    tell_updates(options.symbols)
    tell_catalogue(options.symbols)


def tell_updates(n_symbols: int, n_updates: int = 400) -> None:
    """Measure one new bar at a time, after a warm-up."""
    bars = make_bars(300 + n_updates, n_symbols)
    texts = [str(spec) for spec in technical_indicators(bars).specs]
    stream = FeatureStream(texts, bars.symbols)
    stream.update(bars.rows(0, 300))
    rows = [bars.rows(at, at + 1) for at in range(300, bars.n_bars)]
    spans, found = [], []
    for row in rows:
        start = time.perf_counter()
        found.append(stream.update(row))
        spans.append(time.perf_counter() - start)
    np.testing.assert_array_equal(np.concatenate(found), compute(texts, bars).values[300:])
    tell(
        "indicator_updates",
        work=f"one new bar of {n_symbols} symbols, 13 indicators, 95th percentile",
        ours_s=round(float(np.quantile(spans, 0.95)), 5),
        median_s=round(statistics.median(spans), 5),
        goal="<= 50 ms, equal to the batch form to the last bit",
    )


def tell_catalogue(n_symbols: int) -> None:
    """Measure every feature with its default parameters, once compiled."""
    bars = make_bars(2_520, n_symbols)
    specs = [example_spec(definition) for definition in definitions()]
    compute(specs, make_bars(300, 4))

    def whole() -> None:
        for at in range(0, len(specs), 16):  # a few at a time: all panels would fill the memory
            compute(specs[at : at + 16], bars)

    tell(
        "catalogue",
        work=f"all {len(specs)} features, {n_symbols} symbols x 2,520 days",
        ours_s=round(seconds(whole), 2),
        goal="<= 10 s",
    )


if __name__ == "__main__":
    main()
