"""Stored prices as traded are brought to total return before anything is made of them."""

from datetime import date

import numpy as np
import pytest

from tradewright.adapters.stores.parquet_bars import ParquetBarStore
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import Bars
from tradewright.domain.instruments import Instrument
from tradewright.domain.time import NS_PER_DAY, to_ns
from tradewright.services.data import load_adjusted


@pytest.fixture
def store(tmp_path):
    from datetime import UTC, datetime

    start = to_ns(datetime(2014, 6, 2, 20, tzinfo=UTC))
    close = np.array([[700.0], [700.0], [100.0], [101.0]])
    bars = Bars(
        (Instrument("AAPL"),),
        start + np.arange(4) * NS_PER_DAY,
        close,
        close,
        close,
        close,
        np.full((4, 1), 1000.0),
        source="yahoo",
    )
    made = ParquetBarStore(tmp_path)
    made.write(bars, ts_known=start + 10 * NS_PER_DAY)
    split = CorporateAction(
        "AAPL", ActionKind.SPLIT, date(2014, 6, 4), value=7.0, ts_known=start, source="yahoo"
    )
    made.write_actions([split])
    return made


class Place:
    def __init__(self, bars):
        self.bars = bars


def test_a_split_is_no_loss(store):
    bars = load_adjusted(Place(store), ["AAPL"])
    assert bars.adjustment == "total_return"
    np.testing.assert_allclose(bars.close[:, 0], [100.0, 100.0, 100.0, 101.0])


def test_prices_as_traded_can_be_asked_for(store):
    bars = load_adjusted(Place(store), ["AAPL"], adjust="none")
    assert bars.close[0, 0] == 700.0
