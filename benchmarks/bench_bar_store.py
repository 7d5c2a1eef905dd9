"""Write and read back 5,000,000 bars; ratio to bare Polars Parquet in the same run.

Run: ``python -m benchmarks.bench_bar_store [--rows N] [--rounds N]``. Goal: within 1.5 times.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.measure import seconds, tell
from tradewright.adapters.stores.parquet_bars import ParquetBarStore
from tradewright.domain.bars import Bars
from tradewright.domain.instruments import Instrument

SYMBOLS = 10


def make_bars(rows: int) -> Bars:
    random = np.random.default_rng(7)
    shape = rows // SYMBOLS, SYMBOLS
    close = 100 * np.exp(np.cumsum(random.normal(0, 1e-4, shape), axis=0)).round(4)
    opened = np.vstack([close[:1], close[:-1]])
    spread = random.integers(0, 20, shape) / 1000
    fields = {
        "open": opened,
        "high": np.maximum(opened, close) + spread,
        "low": np.minimum(opened, close) - spread,
        "close": close,
        "volume": random.integers(0, 10_000, shape).astype(float),
    }
    ts = 1_577_836_860_000_000_000 + np.arange(shape[0]) * 60_000_000_000
    symbols = [f"S{n:02d}" for n in range(SYMBOLS)]
    return Bars(
        instruments=tuple(Instrument(s, calendar="24/7") for s in symbols),
        ts=ts,
        **fields,
        interval="1m",
        source="synthetic",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    bars = make_bars(options.rows)
    columns = bars.columns()
    frame = pl.DataFrame({**columns, "symbol": pl.Series(columns["symbol"].tolist())})
    times: dict[str, list[float]] = {name: [] for name in ("pw", "pr", "sw", "sr", "hash")}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bare.parquet"
            times["pw"].append(seconds(lambda p=path: frame.write_parquet(p, compression="zstd")))
            times["pr"].append(seconds(lambda p=path: pl.read_parquet(p, memory_map=False)))
            store = ParquetBarStore(Path(folder) / "bars")
            times["sw"].append(seconds(lambda s=store: s.write(bars, ts_known=0)))
            times["sr"].append(seconds(lambda s=store: s.read(bars.symbols, interval="1m")))
            back = store.read(bars.symbols, interval="1m")
            times["hash"].append(seconds(lambda b=back: b.data_version))
            assert back.data_version == bars.data_version
    middle = {name: statistics.median(values) for name, values in times.items()}
    ours, bare = middle["sw"] + middle["sr"], middle["pw"] + middle["pr"]
    tell(
        "bar_store",
        work=f"bar store: write and read back {options.rows:,} bars",
        ours_s=round(ours, 3),
        peer="bare Polars Parquet",
        peer_s=round(bare, 3),
        ratio=round(bare / ours, 2),
        write_s=round(middle["sw"], 3),
        read_s=round(middle["sr"], 3),
        version_s=round(middle["hash"], 3),
        goal="at least 0.67x (within 1.5 times)",
    )


if __name__ == "__main__":
    main()
