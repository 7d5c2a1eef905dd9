import gzip
import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.time import to_ns
from tradewright.marketdata import (
    ImportOptions,
    import_bars,
    read_bars,
    read_symbols_file,
    sample_bars,
)

SHARED = Path(__file__).parents[4] / "shared" / "data"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared data folder is not beside this checkout"
)

YAHOO = """Date,Open,High,Low,Close,Adj Close,Volume
2014-06-05,646.20,649.37,642.61,647.35,91.2,75951141
2014-06-06,649.90,651.26,644.47,645.57,91.0,87484600
"""
YAHOO_NEW = """Datetime,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits
2014-06-06 00:00:00-04:00,92.84,93.04,92.07,92.22,91.0,87484600,0.47,0.0
2014-06-09 00:00:00-04:00,92.70,93.88,91.75,93.70,92.0,75414997,0.0,7.0
2014-11-28 00:00:00-05:00,119.27,119.40,118.05,118.93,117.0,24814400,0.0,0.0
"""
KAGGLE = """Date,Open,High,Low,Close,Volume,OpenInt
2010-06-28,17,17,17,17,0,0
2010-06-29,19,25,17.54,23.89,18783276,0
"""
DUKASCOPY = """Time,Open,High,Low,Close,Volume
01.02.2017 22:00:00.000,1.05236,1.05253,1.05221,1.05227,143539993.3
01.02.2017 23:00:00.000,1.05227,1.05426,1.05226,1.05282,253139999.4
02.02.2017 00:00:00.000,1.05282,1.05426,1.05226,1.05290,253139999.4
"""
MANY = """Ticker,Date,Open,High,Low,Close,Volume,Adj Close
AAA,2000-03-01,118.5,132.0,118.5,130.3,9616100,4.18
AAA,2000-03-02,127.0,127.9,120.6,122.0,2779100,3.92
bbb,2000-03-01,10,11,9,10,100,10
"""
UNNAMED = """,Open,High,Low,Close,Volume
2017-04-19 09:00:00,1.0716,1.0722,1.07083,1.07219,1413
2017-04-19 10:00:00,1.07214,1.07296,1.07214,1.0726,1241
2017-04-19 11:00:00,1.0726,1.0730,1.0720,1.0727,1300
"""


@pytest.fixture
def write(tmp_path):
    def make(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return make


def closes(bars) -> list[str]:
    return [str(t)[:16] for t in bars.times]


def test_classic_yahoo_file(write):
    found = import_bars(write("AAPL.csv", YAHOO))
    assert found.bars.symbols == ("AAPL",)
    assert closes(found.bars) == ["2014-06-05T20:00", "2014-06-06T20:00"]
    assert found.bars.close[:, 0].tolist() == [647.35, 645.57]
    assert found.bars.adjustment == "splits"
    assert found.adjusted_close["adj_close"].to_list() == [91.2, 91.0]
    assert "adjusted close" in found.detected["adjustment"]


def test_newer_yahoo_export_with_offsets_and_actions(write):
    found = import_bars(write("AAPL.csv", YAHOO_NEW))
    # The last day is a half day, which closes at 13:00 New York.
    assert closes(found.bars) == ["2014-06-06T20:00", "2014-06-09T20:00", "2014-11-28T18:00"]
    assert [(str(a.kind), a.ex_date.isoformat(), round(a.value, 4)) for a in found.actions] == [
        ("split", "2014-06-09", 7.0),
        ("cash_dividend", "2014-06-06", 3.29),
    ]


def test_kaggle_file(write):
    found = import_bars(write("tsla.us.txt", KAGGLE))
    assert found.bars.symbols == ("TSLA",)
    assert found.bars.adjustment == "source_adjusted"
    assert found.bars.volume[0, 0] == 0


def test_file_of_many_symbols(write):
    found = import_bars(write("stocks.csv.gz", MANY))
    assert found.bars.symbols == ("AAA", "BBB")
    assert np.isnan(found.bars.close[1, 1])
    assert "'Ticker'" in found.detected["symbol"]


def test_dates_that_could_be_day_first_are_asked_for(write):
    path = write("EURUSD_1H_ASK.csv", DUKASCOPY)
    with pytest.raises(ConfigError, match="day_first=True or False"):
        read_bars(path, timezone="UTC")
    found = import_bars(path, ImportOptions(day_first=True, timezone="UTC", stamp="open"))
    assert closes(found.bars)[0] == "2017-02-01T23:00"
    assert found.bars.instruments[0].calendar == "24/5"
    other = import_bars(path, ImportOptions(day_first=False, timezone="UTC", stamp="open"))
    assert closes(other.bars)[0] == "2017-01-02T23:00"


def test_day_above_twelve_shows_the_order(write):
    shown = DUKASCOPY.replace("01.02.2017", "31.01.2017").replace("02.02.2017", "01.02.2017")
    path = write("EURUSD.csv", shown)
    found = import_bars(path, ImportOptions(timezone="UTC", stamp="open"))
    assert found.detected["time"].startswith("day, month, year")
    with pytest.raises(ConfigError, match="day-first"):
        read_bars(path, timezone="UTC", stamp="open", day_first=False)


def test_mixed_order_of_dates_is_refused(write):
    mixed = DUKASCOPY.replace("01.02.2017 22", "31.01.2017 22").replace("02.02.2017", "02.28.2017")
    with pytest.raises(DataError, match="mix day-first and month-first"):
        read_bars(write("EURUSD.csv", mixed), timezone="UTC", stamp="open")


def test_zone_and_stamp_that_cannot_be_told_are_asked_for(write):
    path = write("EURUSD.csv", UNNAMED)
    with pytest.raises(ConfigError, match="timezone="):
        read_bars(path)
    with pytest.raises(ConfigError, match="stamp="):
        read_bars(path, timezone="UTC")
    bars = read_bars(path, timezone="UTC", stamp="open")
    assert closes(bars) == ["2017-04-19T10:00", "2017-04-19T11:00", "2017-04-19T12:00"]
    assert read_bars(path, timezone="UTC", stamp="close").ts[0] == bars.ts[0] - 3_600 * 10**9


def session(first: str, n: int, minutes: int) -> str:
    start = datetime.fromisoformat(first)
    times = [datetime.fromtimestamp(start.timestamp() + 60 * minutes * k, UTC) for k in range(n)]
    rows = [f"{moment:%Y-%m-%d %H:%M}Z,1,1,1,1,5" for moment in times]
    return "time,open,high,low,close,volume\n" + "\n".join(rows) + "\n"


def test_stamping_of_a_whole_session_shows_itself(write):
    opens = import_bars(write("AAPL.csv", session("2023-11-22T14:30:00+00:00", 13, 30)))
    assert opens.detected["stamp"].startswith("open")
    ends = import_bars(write("MSFT.csv", session("2023-11-22T15:00:00+00:00", 13, 30)))
    assert ends.detected["stamp"].startswith("close")
    assert np.array_equal(opens.bars.ts, ends.bars.ts)
    assert closes(opens.bars)[-1] == "2023-11-22T21:00"


def test_last_hour_of_a_session_ends_at_its_close(write):
    bars = import_bars(write("AAPL.csv", session("2023-11-22T14:30:00+00:00", 7, 60))).bars
    assert closes(bars)[-2:] == ["2023-11-22T20:30", "2023-11-22T21:00"]


def test_column_map_names_unknown_columns(write):
    text = "Stamp;O;H;L;Last;Lots\n2020-01-02;1,5;2,5;1,0;2,0;10\n2020-01-03;1,5;2,5;1,0;2,25;11\n"
    path = write("XYZ.csv", text)
    with pytest.raises(ConfigError, match="no column for time"):
        read_bars(path)
    found = import_bars(path, ImportOptions(columns={"time": "Stamp", "volume": "Lots"}))
    assert found.bars.close[:, 0].tolist() == [2.0, 2.25]
    assert found.detected["decimal"] == ","
    with pytest.raises(ConfigError, match="did you mean 'Lots'"):
        read_bars(path, {"time": "Stamp", "volume": "Lot"})
    with pytest.raises(ConfigError, match="did you mean 'volume'"):
        read_bars(path, {"volum": "Lots"})


def test_two_columns_for_one_field_are_asked_for(write):
    text = "date,open,high,low,close,last,volume\n2020-01-02,1,1,1,1,1,1\n"
    with pytest.raises(ConfigError, match="'close' and 'last' could both be close"):
        read_bars(write("A.csv", text))


def test_thousands_and_decimals_that_cannot_be_told_apart_are_asked_for(write):
    text = "date;open;high;low;close\n2020-01-02;1,234;1,300;1,200;1,250\n"
    path = write("A.csv", text)
    with pytest.raises(ConfigError, match="decimal="):
        read_bars(path)
    assert read_bars(path, decimal=",").close[0, 0] == 1.25
    assert read_bars(path, decimal=".").close[0, 0] == 1250


def test_file_without_a_symbol_is_asked_for(write):
    with pytest.raises(ConfigError, match="symbol="):
        read_bars(write("my prices 2020.csv", YAHOO))
    assert read_bars(write("my prices.csv", YAHOO), symbol=" aapl").symbols == ("AAPL",)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("2014-06-09,93,94,92,-1,1,1", "price_not_positive"),
        ("2014-06-09,93,91,92,93,1,1", "high_below_low"),
        ("2014-06-09,93,94,92,,1,1", "not_a_number"),
        ("2014-06-09,93,94,92,=1+1,1,1", "not_a_number"),
        ("2014-13-09,93,94,92,93,1,1", "time_missing"),
        ("2999-06-09,93,94,92,93,1,1", "future"),
        ("2014-06-09,93,94,92,93,1,-7", "volume_negative"),
        ("2014-06-05,1,1,1,1,1,1", "conflict"),
    ],
)
def test_bad_row_is_named_with_line_and_rule_or_set_aside(write, row, rule):
    path = write("AAPL.csv", f"{YAHOO}{row}\n")
    with pytest.raises(DataError, match=f"line 4: {rule}"):
        read_bars(path)
    found = import_bars(path, ImportOptions(on_bad="quarantine"))
    assert found.quarantined["rule"].to_list() == [rule]
    assert found.quarantined["line"].to_list() == [4]
    assert (found.rows_in, found.bars.n_bars) == (3, 2)


def test_repeated_and_disordered_rows_are_counted(write):
    lines = YAHOO.splitlines()
    found = import_bars(write("AAPL.csv", "\n".join([lines[0], lines[2], lines[1], lines[1]])))
    assert (found.duplicates, found.rows_in, found.bars.n_bars) == (1, 3, 2)
    assert "sorted" in found.detected["order"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("A.csv", "", "empty"),
        ("A.csv", "Date,Open,High,Low,Close\n", "no row"),
        ("A.csv", '{"a": 1}\n', "JSON"),
        ("A.csv", "PAR1\0\0", "no text file"),
        ("A.parquet", "nonsense", "cannot be read"),
        ("A.feather", "nonsense", "cannot be read"),
        ("A.csv", "timestamp,bid,ask\n2013-01-01,1,2\n", "quotes"),
        ("A.csv", "timestamp,price,qty,side\n1,1,2,b\n", "order-book|trades"),
        ("A.csv", "timestamp,asks[0].price,bids[0].price\n1,1,2\n", "order-book"),
        ("A.csv", "Date,Open,High,Low,Close\nx,1,1,1,1\n", "no time that can be read"),
    ],
)
def test_what_is_no_table_of_bars_is_refused_by_name(write, name, text, words):
    with pytest.raises(DataError, match=words):
        read_bars(write(name, text))


def test_missing_file_unknown_kind_and_damaged_archive_are_named(write, tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_bars(tmp_path / "none.csv")
    with pytest.raises(ConfigError, match=r"\.xlsx"):
        read_bars(write("a.xlsx", "x"))
    broken = tmp_path / "a.csv.gz"
    broken.write_bytes(gzip.compress(YAHOO.encode())[:40])
    with pytest.raises(DataError, match="cannot be read"):
        read_bars(broken)
    with pytest.raises(ConfigError, match="int"):
        read_bars(42)


def test_times_with_and_without_offset_are_not_mixed(write):
    text = UNNAMED.replace("10:00:00,", "10:00:00+00:00,")
    with pytest.raises(DataError, match="mixed; the first without is on line 2"):
        read_bars(write("EURUSD.csv", text))


def test_frames_parquet_and_feather_give_the_same_bars(tmp_path):
    bars = sample_bars(["AAPL", "SPY"], "2012-01-01", "2013-01-01")
    columns = bars.columns()
    frame = pl.DataFrame({**columns, "symbol": columns["symbol"].tolist()}).with_columns(
        pl.col("timestamp").dt.replace_time_zone("UTC")
    )
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ipc(tmp_path / "a.feather")
    sources = [frame, frame.lazy(), tmp_path / "a.parquet", tmp_path / "a.feather"]
    sources += [pd.DataFrame(columns).assign(timestamp=lambda f: f.timestamp.dt.tz_localize("UTC"))]
    for source in sources:
        back = read_bars(source, stamp="close", interval="1d")
        assert np.array_equal(back.ts, bars.ts)
        assert np.array_equal(back.close, bars.close, equal_nan=True)
        assert back.data_version == bars.data_version or bars.n_bars < 3202


def test_pandas_frame_with_times_as_index():
    index = pd.date_range("2020-01-02", periods=3, freq="D", name="Date")
    frame = pd.DataFrame(
        {n: [1.0, 2.0, 3.0] for n in ("Open", "High", "Low", "Close")}, index=index
    )
    bars = read_bars(frame, symbol="A")
    assert bars.n_bars == 3
    assert np.isnan(bars.volume).all()


def test_repeated_hour_is_told_apart_by_order_and_the_skipped_one_refused():
    wall = ["2023-11-05 01:00", "2023-11-05 01:30", "2023-11-05 01:00", "2023-11-05 01:30"]
    frame = pl.DataFrame({"time": wall, **{n: [1.0] * 4 for n in ("open", "high", "low", "close")}})
    options = {"symbol": "BTC/USD", "timezone": "America/New_York", "stamp": "open"}
    bars = read_bars(frame, interval="30m", **options)
    assert closes(bars) == [
        "2023-11-05T05:30", "2023-11-05T06:00", "2023-11-05T06:30", "2023-11-05T07:00",
    ]  # fmt: skip
    skipped = frame.with_columns(time=pl.Series([w.replace("11-05 01", "03-12 02") for w in wall]))
    with pytest.raises(DataError, match="time_missing"):
        read_bars(skipped, interval="30m", **options)


ZONES = ("UTC", "America/New_York", "Europe/London", "Australia/Sydney")


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1_000_000_000, 1_600_000_000),
    st.sampled_from(ZONES),
    st.sampled_from(["T", " "]),
)
def test_formatted_times_are_parsed_to_what_they_were(second, zone, separator):
    moment = datetime.fromtimestamp(second // 60 * 60, ZoneInfo(zone))
    later = datetime.fromtimestamp(second // 60 * 60 + 60, ZoneInfo(zone))
    frame = pl.DataFrame(
        {
            "time": [m.isoformat(sep=separator) for m in (moment, later)],
            **{n: [1.0, 1.0] for n in ("open", "high", "low", "close")},
        }
    )
    bars = read_bars(frame, symbol="BTC/USD", stamp="close", interval="1m")
    assert bars.ts.tolist() == [to_ns(moment), to_ns(later)]


def test_options_that_do_not_exist_are_refused():
    with pytest.raises(ConfigError, match="did you mean 'quarantine'"):
        ImportOptions(on_bad="quarantin")
    with pytest.raises(ConfigError, match="America/New_York"):
        ImportOptions(timezone="America/NewYork")


def test_symbols_file_skips_and_names_what_is_wrong(tmp_path):
    path = tmp_path / "symbols.txt"
    path.write_bytes(b"# mine\r\naapl\r\n\r\nMSFT\r\nb@d\r\nAAPL\r\n")
    symbols, warnings = read_symbols_file(path)
    assert symbols == ("AAPL", "MSFT")
    assert ["line 5" in warnings[0], "line 6" in warnings[1]] == [True, True]
    path.write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="no valid symbol"):
        read_symbols_file(path)


@needs_shared
@pytest.mark.parametrize(
    ("name", "options", "rows"),
    [
        ("yahoo_like/GOOGL.csv", {}, 2335),
        ("yahoo_like/wiki_stocks.csv.gz", {}, 12154),
        ("kaggle_huge/aapl.us.txt", {}, 8364),
        ("kaggle_huge/tsla.us.txt", {}, 1858),
        ("backtesting/EURUSD.csv", {"timezone": "UTC", "stamp": "open"}, 5000),
        ("dukascopy_like/EURUSD_1H_ASK.csv", {"timezone": "UTC", "stamp": "open"}, 6225),
        ("freqtrade/XRP_ETH-1m.feather", {}, 2469),
        ("yfinance/CALM-1d-no-bad-divs.csv", {"symbol": "CALM"}, 662),
        ("yfinance/AET-L-1d-100x-error.csv", {"symbol": "AET.L", "calendar": "XLON"}, 23),
        ("yfinance/AET-L-1d-100x-error-fixed.csv", {"symbol": "AET.L", "calendar": "XLON"}, 23),
        ("yfinance/ALPHA-PA-1d-bad-stock-split.csv", {"symbol": "A.PA", "calendar": "XPAR"}, 29),
        (
            "yfinance/ALPHA-PA-1d-bad-stock-split-fixed.csv",
            {"symbol": "A.PA", "calendar": "XPAR"},
            29,
        ),
        ("yfinance/SSNLF-1d-bad-div.csv", {"symbol": "SSNLF", "on_bad": "quarantine"}, 6259),
    ],
)
def test_bar_file_of_the_shared_folder_is_read(name, options, rows):
    found = import_bars(SHARED / "raw" / name, ImportOptions(**options))
    accepted = int((~np.isnan(found.bars.close)).sum())
    assert found.rows_in == rows == accepted + found.quarantined.height + found.duplicates
    if options.get("on_bad") != "quarantine":
        assert accepted == rows


@needs_shared
@pytest.mark.parametrize(
    "name",
    [
        "truefx/usdjpy-ticks.csv",
        "binance/btcusdt-depth-snap.csv",
        "binance_stream/btcusdt_20240808.gz",
        "tardis/binance-futures_book_snapshot_25_BTCUSDT.csv",
        "news/cnbc_headlines.csv",
    ],
)
def test_file_of_the_shared_folder_that_is_no_bars_is_refused(name):
    with pytest.raises(DataError, match=r"not bars|not a table of bars"):
        read_bars(SHARED / "raw" / name, symbol="X", timezone="UTC")


@needs_shared
@pytest.mark.parametrize(
    ("name", "options", "interval"),
    [
        ("equity_daily/index_sp500.parquet", {}, "1d"),
        ("crypto/btcusd_daily_coinbase.parquet", {}, "1d"),
        ("crypto/btcusd_hour_bitfinex.parquet", {"stamp": "open"}, "1h"),
        ("crypto/crosses_5m_freqtrade.parquet", {"stamp": "open"}, "5m"),
        ("fx/eurusd_minute_oanda.parquet", {"stamp": "open"}, "1m"),
    ],
)
def test_parquet_of_the_shared_folder_is_read(name, options, interval):
    found = import_bars(SHARED / name, ImportOptions(**options))
    assert found.bars.interval == interval
    assert found.quarantined.height == 0


ROWS = "2020-01-02,10,11,9,10,5\n2020-01-03,10,11,9,10,5\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Date,Open,High,Low,Close,Close,Volume\n2020-01-02,1,2,1,1,2,5\n", "'Close' stands twice"),
        (
            f"Date,Open,High,Low,Close,Volume\n{ROWS}2020-01-06,1,2,1,1,5,6,7\n",
            "line 4 has 8 cells",
        ),
        ("Date,Open,High,Low,Close,Volume\n2020-01-02,abc,11,9,10,5\n", "open abc, high 11"),
        ("Date,Symbol,Open,High,Low,Close\n2020-01-02,A B/..,10,11,9,10\n", "A B/.. 2020-01-02"),
    ],
)
def test_what_was_written_is_shown_beside_what_was_wanted(write, text, told):
    with pytest.raises(DataError) as found:
        read_bars(write("XYZ.csv", text))
    assert told in str(found.value)


def test_a_utf_16_export_is_read_and_a_pipe_is_not(tmp_path):
    file = tmp_path / "XYZ.txt"
    header = "Date\tOpen\tHigh\tLow\tClose\tVolume\n"
    file.write_bytes((header + ROWS.replace(",", "\t")).encode("utf-16"))
    assert read_bars(file).n_bars == 2
    pipe = tmp_path / "PIPE.csv"
    os.mkfifo(pipe)
    with pytest.raises(DataError, match="no regular file"):
        read_bars(pipe)
