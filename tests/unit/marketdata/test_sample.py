import hashlib
from datetime import date, datetime
from importlib.resources import files

import exchange_calendars
import numpy as np
import polars as pl
import pytest

from tradewright.domain.errors import DataError, NoDataError
from tradewright.marketdata import sample_bars, sectors

PARQUET = files("tradewright.marketdata.sample").joinpath("sample_universe.parquet")


def test_file_is_the_one_whose_origin_is_stated():
    origin = files("tradewright.marketdata.sample").joinpath("ORIGIN.md").read_text("utf-8")
    assert hashlib.sha256(PARQUET.read_bytes()).hexdigest() in origin
    assert "CC0" in origin


def test_every_row_of_the_file_is_in_the_panel_under_its_session_close():
    bars = sample_bars()
    raw = pl.read_parquet(PARQUET.read_bytes())
    assert (bars.n_instruments, int((~np.isnan(bars.close)).sum())) == (32, raw.height)
    sessions = exchange_calendars.get_calendar("XNYS", start="2005-01-01", end="2018-01-01")
    closes = sessions.closes.dt.tz_convert(None).to_numpy().astype("datetime64[ns]")
    assert np.isin(bars.times, closes).all()
    wanted = raw.filter(pl.col("symbol") == "IBM").sort("timestamp")["close"].to_numpy()
    got = bars.close[:, bars.column("IBM")]
    assert np.array_equal(got[~np.isnan(got)], wanted)


def test_says_where_it_comes_from():
    bars = sample_bars("SPY")
    assert (bars.source, bars.adjustment, bars.interval) == ("sample", "source_adjusted", "1d")
    assert any("survivorship" in note for note in bars.notes)
    assert bars.data_version == sample_bars("SPY").data_version != sample_bars("QQQ").data_version


def test_instruments_carry_their_sector():
    bars = sample_bars(["JPM", "SPY"])
    assert [i.sector for i in bars.instruments] == ["Financials", ""]
    assert bars.instruments[1].asset_class == "etf"
    assert len(set(sectors().values())) == 12


def test_range_is_half_open():
    bars = sample_bars(["AAPL"], start="2010-01-04", end=date(2010, 1, 6))
    assert [str(t)[:10] for t in bars.times] == ["2010-01-04", "2010-01-05"]


def test_unknown_symbol_names_the_nearest():
    with pytest.raises(NoDataError, match="did you mean 'AAPL'"):
        sample_bars(["APPL"])


def test_naive_time_is_refused():
    with pytest.raises(DataError, match="time zone missing"):
        sample_bars(start=datetime(2010, 1, 4))  # noqa: DTZ001


def test_range_without_data_is_refused():
    with pytest.raises(NoDataError, match="no bar in this range"):
        sample_bars(start="2020-01-01")
