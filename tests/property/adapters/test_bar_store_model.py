"""The bar store against a dictionary, for random writes and reads."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.adapters.stores.parquet_bars import ParquetBarStore
from tradewright.domain.bars import Bars
from tradewright.domain.errors import NoDataError
from tradewright.domain.instruments import Instrument

SYMBOLS = ("A", "B", "C")
ROW = st.tuples(st.sampled_from(SYMBOLS), st.integers(0, 40), st.integers(1, 4))
WRITE = st.lists(ROW, min_size=1, max_size=25, unique_by=lambda r: r[:2])
STEP = 400 * 86_400_000_000_000


def panel(rows) -> Bars:
    times = sorted({time for _, time, _ in rows})
    names = sorted({symbol for symbol, _, _ in rows})
    close = np.full((len(times), len(names)), np.nan)
    for symbol, time, value in rows:
        close[times.index(time), names.index(symbol)] = value
    fields = dict.fromkeys(("open", "high", "low", "close", "volume"), close)
    stamps = np.array(times) * STEP // 10
    return Bars(tuple(Instrument(n) for n in names), stamps, **fields)


@settings(max_examples=25, deadline=None)
@given(st.lists(WRITE, min_size=1, max_size=5), st.integers(0, 5), st.integers(0, 40))
def test_store_equals_a_dictionary_of_last_known_values(writes, as_of, start):
    with tempfile.TemporaryDirectory() as folder:
        store = ParquetBarStore(Path(folder))
        model: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for known, rows in enumerate(writes):
            result = store.write(panel(rows), ts_known=known)
            inserted = revised = 0
            for symbol, time, value in rows:
                history = model.setdefault((symbol, time), [])
                if not history:
                    inserted += 1
                elif history[-1][1] != value:
                    revised += 1
                if not history or history[-1][1] != value:
                    history.append((known, value))
            assert (result.inserted, result.revised) == (inserted, revised)
            assert result.unchanged == len(rows) - inserted - revised
        wanted = {
            key: [value for known, value in history if known <= as_of][-1]
            for key, history in model.items()
            if history[0][0] <= as_of and key[1] >= start
        }
        names = sorted({symbol for symbol, _ in model})
        try:
            bars = store.read(names, as_of_ns=as_of, start_ns=start * STEP // 10)
        except NoDataError:
            assert not wanted
            return
        found = {
            (symbol, int(ts * 10 // STEP)): value
            for column, symbol in enumerate(bars.symbols)
            for ts, value in zip(bars.ts, bars.close[:, column], strict=True)
            if not np.isnan(value)
        }
        assert found == wanted
