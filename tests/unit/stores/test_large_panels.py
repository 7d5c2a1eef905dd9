"""Panels large enough that files and fields are worked on beside each other."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tradewright.adapters.stores import parquet_bars
from tradewright.adapters.stores.parquet_bars import ParquetBarStore
from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.errors import EdgeError
from tradewright.domain.instruments import Instrument

MINUTE = 60_000_000_000
START = 1_609_430_000_000_000_000  # 2020-12-31: the panel spans two partitions of each bucket


def panel(rows: int, gaps: bool) -> Bars:
    random = np.random.default_rng(3)
    close = 100 + random.normal(0, 0.1, (rows, 9)).cumsum(axis=0)
    fields = {
        "open": close - 0.01,
        "high": close + 0.05,
        "low": close - 0.05,
        "close": close,
        "volume": random.integers(1, 99, close.shape).astype(float),
    }
    if gaps:
        missing = random.random(close.shape) < 0.1
        missing[: rows // 2, 4] = True  # an instrument that is listed later
        for values in fields.values():
            values[missing] = np.nan
    ts = START + np.arange(rows) * MINUTE
    symbols = [f"S{at}" for at in range(9)]
    return Bars(
        instruments=tuple(Instrument(symbol, calendar="24/7") for symbol in symbols),
        ts=ts,
        **fields,
        interval="1m",
        source="made",
    )


@pytest.mark.parametrize("gaps", [False, True])
def test_large_panel_comes_back_equal_and_with_its_version(tmp_path: Path, gaps: bool) -> None:
    bars = panel(20_011, gaps)
    store = ParquetBarStore(tmp_path)
    store.write(bars, ts_known=0)
    back = store.read(bars.symbols, interval="1m")
    np.testing.assert_array_equal(back.ts, bars.ts)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(back, name), getattr(bars, name))
    assert back.data_version == bars.data_version


def test_second_write_counts_what_is_new_changed_and_known(tmp_path: Path) -> None:
    bars = panel(4_000, gaps=True)
    store = ParquetBarStore(tmp_path)
    first = store.write(bars, ts_known=0)
    assert first.inserted == int((~np.isnan(bars.close)).sum())
    volume = bars.volume.copy()
    volume[10:20] += 1
    again = store.write(replace(bars, volume=volume), ts_known=1)
    changed = int((~np.isnan(bars.close[10:20])).sum())
    assert (again.inserted, again.revised) == (0, changed)
    assert again.unchanged == first.inserted - changed


def test_one_file_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = parquet_bars.store_batch
    asked = []

    def fail_late(*args, **named):
        asked.append(args)
        if len(asked) == 3:
            raise OSError(28, "No space left on device")
        return whole(*args, **named)

    monkeypatch.setattr(parquet_bars, "store_batch", fail_late)
    store = ParquetBarStore(tmp_path)
    with pytest.raises(EdgeError, match="nothing was stored"):
        store.write(panel(4_000, gaps=False), ts_known=0)
    assert not list(tmp_path.rglob("*.parquet"))
    assert store.list_series() == []
