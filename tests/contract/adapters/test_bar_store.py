"""What every bar store must do, run over the Parquet store."""

import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
from datetime import date

import numpy as np
import polars as pl
import pytest

from tradewright.adapters.stores.parquet_bars import ParquetBarStore
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.errors import ConfigError, DataError, EdgeError, NoDataError
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.marketdata import sample_bars

DAY = 86_400_000_000_000


@pytest.fixture(scope="module")
def sample() -> Bars:
    return sample_bars(["AAPL", "SPY", "GLD"], "2009-06-01", "2011-06-01")


@pytest.fixture
def store(tmp_path):
    return ParquetBarStore(tmp_path / "bars")


def changed(bars: Bars, **values) -> Bars:
    return dataclasses.replace(bars, **values)


def equal(left: Bars, right: Bars) -> bool:
    same = all(
        np.array_equal(getattr(left, name), getattr(right, name), equal_nan=True)
        for name in (*FIELDS, "ts")
    )
    return same and left.instruments == right.instruments


def files_of(store) -> list:
    return sorted(p for p in store._root.rglob("*.parquet") if "quarantine" not in p.parts)


def test_what_was_written_is_read(store, sample):
    result = store.write(sample, ts_known=5, query="all")
    present = int((~np.isnan(sample.close)).sum())
    assert (result.inserted, result.revised, result.unchanged) == (present, 0, 0)
    back = store.read(sample.symbols)
    assert equal(back, sample)
    assert (back.source, back.adjustment, back.notes) == ("sample", "source_adjusted", sample.notes)
    whole = sample_bars(["TLT", "SPY"])
    store.write(changed(whole, source="csv"), ts_known=5)
    assert store.read(whole.symbols, source="csv").data_version == whole.data_version


def test_second_write_inserts_nothing(store, sample):
    store.write(sample, ts_known=5)
    before = files_of(store)
    again = store.write(sample, ts_known=9)
    assert (again.inserted, again.revised) == (0, 0)
    assert again.unchanged == int((~np.isnan(sample.close)).sum())
    assert files_of(store) == before


def test_overlapping_write_adds_only_what_is_new(store, sample):
    store.write(sample.rows(0, 300), ts_known=5)
    result = store.write(sample.rows(200, sample.n_bars), ts_known=6)
    assert result.unchanged == int((~np.isnan(sample.close[200:300])).sum())
    assert equal(store.read(sample.symbols), sample)
    total = sum(row.rows for row in store.list_series())
    assert total == int((~np.isnan(sample.close)).sum())


def test_changed_value_is_a_revision_known_from_its_own_time(store, sample):
    store.write(sample, ts_known=1_000)
    close = sample.close.copy()
    close[10, 0] = sample.low[10, 0]
    revised = changed(sample, close=close)
    result = store.write(revised, ts_known=2_000)
    assert (result.inserted, result.revised) == (0, 1)
    assert equal(store.read(sample.symbols), revised)
    assert equal(store.read(sample.symbols, as_of_ns=1_999), sample)
    assert equal(store.read(sample.symbols, as_of_ns=2_000), revised)
    back = store.write(sample, ts_known=3_000)
    assert back.revised == 1
    assert equal(store.read(sample.symbols, as_of_ns=2_500), revised)
    assert equal(store.read(sample.symbols), sample)


def test_nothing_is_known_before_it_was_written(store, sample):
    store.write(sample, ts_known=1_000)
    with pytest.raises(NoDataError, match="no bar"):
        store.read(sample.symbols, as_of_ns=999)


def test_range_is_half_open_also_after_a_revision(store, sample):
    store.write(sample, ts_known=1)
    start, end = int(sample.ts[100]), int(sample.ts[110])
    assert equal(store.read(sample.symbols, start_ns=start, end_ns=end), sample.rows(100, 110))
    store.write(changed(sample, volume=sample.volume + 1), ts_known=2)
    back = store.read(sample.symbols, start_ns=start, end_ns=end)
    assert (back.ts[0], back.ts[-1]) == (start, sample.ts[109])


def test_columns_come_in_the_order_asked(store, sample):
    store.write(sample, ts_known=1)
    assert store.read(["SPY", "AAPL"]).symbols == ("SPY", "AAPL")


def test_instrument_keeps_what_it_is(store, sample):
    pair = Instrument("BTC/USD", AssetClass.CRYPTO, "USDT", "24/7", 1e-6, 0.5, "")
    one = sample.select(["AAPL"])
    store.write(changed(one, instruments=(pair,), interval="1h", source="csv"), ts_known=1)
    assert store.read(["BTC/USD"], interval="1h").instruments == (pair,)


def test_unknown_symbol_names_the_nearest(store, sample):
    store.write(sample, ts_known=1)
    with pytest.raises(NoDataError, match="did you mean 'AAPL'"):
        store.read(["APPL"])


def test_two_sources_of_a_symbol_must_be_told_apart(store, sample):
    store.write(sample, ts_known=1)
    store.write(changed(sample, source="csv"), ts_known=1)
    with pytest.raises(DataError, match="source="):
        store.read(["AAPL"])
    assert store.read(["AAPL"], source="csv").source == "csv"


def test_other_adjustment_under_one_source_is_refused(store, sample):
    store.write(sample, ts_known=1)
    with pytest.raises(DataError, match="cannot be mixed"):
        store.write(changed(sample, adjustment="none"), ts_known=2)
    assert equal(store.read(sample.symbols), sample)


def test_snapshot_keeps_its_state_and_cannot_be_written(store, sample):
    store.write(sample.rows(0, 100), ts_known=1)
    held = store.snapshot()
    store.write(sample, ts_known=2)
    assert held.read(["AAPL"]).n_bars < store.read(["AAPL"]).n_bars
    with pytest.raises(ConfigError, match="snapshot"):
        held.write(sample, ts_known=3)


def test_many_small_writes_are_merged_and_nothing_is_lost(store, sample):
    for first in range(0, sample.n_bars, 20):
        store.write(sample.rows(first, min(first + 20, sample.n_bars)), ts_known=first)
    assert equal(store.read(sample.symbols), sample)
    assert max(len(p.counts) for p in store._manifest().parts) >= 1
    assert len(store._manifest().parts) < sample.n_bars // 20 * 3


def test_dataset_record_states_source_query_and_content(store, sample):
    result = store.write(sample, ts_known=DAY, query="sample 2009-2011")
    (record,) = store.datasets()
    assert record["id"] == result.dataset_id
    assert record["content_hash"] == sample.data_version
    assert (record["source"], record["query"]) == ("sample", "sample 2009-2011")
    assert record["fetched_at"].startswith("1970-01-02T00:00:00")
    assert (record["first_ts"], record["last_ts"]) == (sample.ts[0], sample.ts[-1])


@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_damaged_file_is_named_set_aside_and_never_skipped(store, sample, damage):
    store.write(sample, ts_known=1)
    victim = files_of(store)[0]
    raw = victim.read_bytes()
    victim.write_bytes(raw[: len(raw) // 2] if damage == "cut" else os.urandom(len(raw)))
    with pytest.raises(DataError, match=victim.name):
        store.read(sample.symbols)
    assert not victim.exists()
    assert list((store._root / "quarantine").iterdir())
    with pytest.raises(DataError, match="again"):
        store.read(sample.symbols)
    store.write(sample, ts_known=2)
    assert equal(store.read(sample.symbols), sample)


def test_verify_lists_damaged_files(store, sample):
    store.write(sample, ts_known=1)
    assert store.verify() == []
    victim = files_of(store)[0]
    victim.write_bytes(b"PAR1")
    assert store.verify() == [victim.relative_to(store._root).as_posix()]


def test_damaged_manifest_is_named(store, sample):
    store.write(sample, ts_known=1)
    (store._root / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"manifest\.json"):
        store.read(["AAPL"])


CHILD = """
    import os, signal, sys
    from pathlib import Path
    from tradewright.adapters.stores.parquet_bars import ParquetBarStore
    from tradewright.marketdata import sample_bars

    at = int(sys.argv[2])
    seen = 0
    def watch(name, original):
        def call(*args, **kwargs):
            global seen
            seen += 1
            if seen == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **kwargs)
        return call
    os.replace = watch("replace", os.replace)
    os.fsync = watch("fsync", os.fsync)
    bars = sample_bars(["AAPL", "SPY", "GLD"], "2009-06-01", "2011-06-01")
    ParquetBarStore(Path(sys.argv[1])).write(bars, ts_known=2)
"""


@pytest.mark.parametrize("at", [1, 2, 3, 7, 8, 9, 100])
def test_killed_writer_leaves_the_old_or_the_new_state(store, sample, at):
    old = sample.rows(0, 100)
    store.write(old, ts_known=1)
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(store._root), str(at)], check=False
    )
    assert child.returncode == (0 if at == 100 else -signal.SIGKILL)
    after = ParquetBarStore(store._root).read(sample.symbols)
    assert equal(after, old) or equal(after, sample)
    store.write(sample, ts_known=3)
    assert equal(store.read(sample.symbols), sample)


FULL = """
    import resource, signal, sys
    from pathlib import Path
    from tradewright.adapters.stores.parquet_bars import ParquetBarStore
    from tradewright.domain.errors import EdgeError
    from tradewright.marketdata import sample_bars

    bars = sample_bars(["AAPL", "SPY", "GLD"], "2009-06-01", "2011-06-01")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    try:
        ParquetBarStore(Path(sys.argv[1])).write(bars, ts_known=2)
    except EdgeError as error:
        print(error)
        sys.exit(7)
"""


def test_full_disk_stores_nothing_and_says_so(store, sample):
    old = sample.rows(0, 50).select(["AAPL"])
    store.write(old, ts_known=1)
    before = sorted(p.name for p in store._root.rglob("*") if p.is_file())
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL), str(store._root)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert child.returncode == 7, child.stderr
    assert "cannot be written" in child.stdout
    assert sorted(p.name for p in store._root.rglob("*") if p.is_file()) == before
    assert equal(store.read(["AAPL"]), old)


def test_two_writers_wait_for_each_other(store, sample):
    code = """
        import sys
        from pathlib import Path
        from tradewright.adapters.stores.parquet_bars import ParquetBarStore
        from tradewright.marketdata import sample_bars

        bars = sample_bars(["AAPL", "SPY", "GLD"], "2009-06-01", "2011-06-01")
        store = ParquetBarStore(Path(sys.argv[1]))
        for first in range(int(sys.argv[2]), bars.n_bars, 100):
            store.write(bars.rows(first, min(first + 50, bars.n_bars)), ts_known=1)
    """
    arguments = [sys.executable, "-c", textwrap.dedent(code), str(store._root)]
    children = [subprocess.Popen([*arguments, start]) for start in ("0", "50")]
    assert [child.wait(60) for child in children] == [0, 0]
    assert equal(store.read(sample.symbols), sample)


def test_actions_are_kept_once_and_read_as_of_a_time(store):
    split = CorporateAction("AAPL", ActionKind.SPLIT, date(2014, 6, 9), 7.0, 100, "yahoo")
    paid = CorporateAction("AAPL", ActionKind.CASH_DIVIDEND, date(2014, 8, 7), 0.47, 200, "yahoo")
    assert store.write_actions([split]) == 1
    assert store.write_actions([split, paid]) == 1
    assert store.read_actions(["AAPL"]) == (split, paid)
    assert store.read_actions(["AAPL"], as_of_ns=150) == (split,)
    assert store.read_actions(["MSFT"]) == ()


def test_unwritable_folder_is_named(tmp_path, sample):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", encoding="utf-8")
    with pytest.raises(EdgeError, match="file"):
        ParquetBarStore(blocked / "bars").write(sample, ts_known=1)


def test_source_name_cannot_leave_the_store(store, sample):
    with pytest.raises(ConfigError, match="source"):
        store.write(changed(sample, source="../x"), ts_known=1)


def test_files_are_zstd_parquet(store, sample):
    store.write(sample, ts_known=1)
    import pyarrow.parquet

    meta = pyarrow.parquet.ParquetFile(files_of(store)[0]).metadata
    assert meta.row_group(0).column(0).compression == "ZSTD"
    assert pl.read_parquet(files_of(store)[0]).columns[:2] == ["symbol", "ts"]
