from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from tradewright.adapters.stores.parquet_bars import ParquetBarStore
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, DataError, EdgeError, NoDataError
from tradewright.domain.instruments import Instrument
from tradewright.domain.time import NS_PER_DAY, to_ns
from tradewright.marketdata import ImportOptions, read_bars, sample_bars
from tradewright.ports.feeds import FeedInfo, FetchRequest, FetchResult
from tradewright.services import data

NOW = to_ns(datetime(2014, 6, 11, 12, tzinfo=UTC))
DAYS = [np.datetime64("2014-06-05"), np.datetime64("2014-06-06"), np.datetime64("2014-06-09"),
        np.datetime64("2014-06-10"), np.datetime64("2014-06-11")]  # fmt: skip
DIVIDED = [92.4785714, 92.2242857, 93.70, 94.25, 93.86]
SPLIT = CorporateAction("AAPL", ActionKind.SPLIT, date(2014, 6, 9), 7.0, 1, "yahoo")


@dataclass
class StillClock:
    """A clock that stands."""

    now: int = NOW

    def now_ns(self) -> int:
        return self.now

    def sleep_until(self, ts_ns: int) -> bool:
        return True


class SplitFeed:
    """Delivers split-adjusted daily bars stamped with their date, as Yahoo does."""

    name = "yahoo"

    def __init__(self):
        self.requests = []
        self.extra = {}
        self.fail = set()

    def describe(self) -> FeedInfo:
        return FeedInfo("yahoo", "an in-memory twin", {"1d": "all"})

    def fetch_bars(self, request: FetchRequest) -> FetchResult:
        self.requests.append(request)
        good = [s for s in request.symbols if s not in self.fail]
        failures = {s: f"{s}: no data, as planned" for s in request.symbols if s in self.fail}
        if not good:
            return FetchResult(None, failures, stamp="session_date")
        close = np.tile(np.array(DIVIDED)[:, None], (1, len(good)))
        for (row, column), value in self.extra.items():
            close[row, column] = value
        ts = np.array([d.astype("datetime64[ns]").astype(np.int64) for d in DAYS])
        bars = Bars(
            tuple(Instrument(s) for s in good), ts, close, close * 1.01, close * 0.99, close,
            np.full(close.shape, 700.0), interval=request.interval, source="yahoo",
            adjustment="splits",
        )  # fmt: skip
        actions = tuple(replace(SPLIT, symbol=s) for s in good)
        return FetchResult(bars, failures, (), actions, "session_date")


@pytest.fixture
def feed():
    return SplitFeed()


@pytest.fixture
def workspace(tmp_path, feed):
    return SimpleNamespace(
        data_dir=tmp_path,
        bars=ParquetBarStore(tmp_path / "bars"),
        clock=StillClock(),
        feed=lambda name: feed,
    )


def test_prices_as_traded_are_stored_with_their_actions(workspace):
    report = data.fetch(workspace, ["aapl"], source="yahoo", interval="1d")
    bars = report.bars
    assert bars.adjustment == "none"
    assert bars.close[:, 0] == pytest.approx([647.35, 645.57, 93.70, 94.25], abs=1e-4)
    assert bars.volume[:, 0].tolist() == [100, 100, 700, 700]
    assert workspace.bars.read_actions(["AAPL"]) == (SPLIT,)
    # Daily bars carry the close of the session, not their date.
    assert str(bars.times[0]) == "2014-06-05T20:00:00.000000000"


def test_bar_that_has_not_closed_is_not_stored(workspace):
    report = data.fetch(workspace, ["AAPL"], source="yahoo", interval="1d")
    assert str(report.bars.times[-1])[:10] == "2014-06-10"


def test_adjusted_reads_are_point_in_time(workspace):
    data.fetch(workspace, ["AAPL"], source="yahoo", interval="1d")
    adjusted = data.load(workspace, ["AAPL"], adjustment="splits")
    assert adjusted.close[:, 0] == pytest.approx(DIVIDED[:4], abs=1e-4)
    later = replace(SPLIT, ts_known=NOW + 10)
    workspace.bars.write_actions([replace(later, ex_date=date(2014, 6, 10), value=2.0)])
    now = data.load(workspace, ["AAPL"], adjustment="splits", as_of_ns=NOW)
    assert now.close[0, 0] == pytest.approx(DIVIDED[0], abs=1e-4)


def test_second_fetch_stores_nothing_twice(workspace):
    first = data.fetch(workspace, ["AAPL", "MSFT"], source="yahoo", interval="1d")
    again = data.fetch(workspace, ["AAPL", "MSFT"], source="yahoo", interval="1d")
    assert (first.inserted, again.inserted, again.revised) == (8, 0, 0)
    assert again.unchanged == 8
    assert again.bars.data_version == first.bars.data_version


def test_interrupted_fetch_goes_on_where_it_was(workspace, feed):
    names = [f"S{n:02d}" for n in range(20)]
    original = feed.fetch_bars

    def stops(request):
        if "S10" in request.symbols:
            raise KeyboardInterrupt
        return original(request)

    feed.fetch_bars = stops
    with pytest.raises(KeyboardInterrupt):
        data.fetch(workspace, names, source="yahoo", interval="1d")
    assert {row.symbol for row in workspace.bars.list_series()} == set(names[:8])
    feed.fetch_bars = original
    resumed = data.fetch(workspace, names, source="yahoo", interval="1d")
    assert resumed.inserted == 12 * 4
    fresh = ParquetBarStore(workspace.data_dir / "other")
    twin = SimpleNamespace(**{**vars(workspace), "bars": fresh})
    whole = data.fetch(twin, names, source="yahoo", interval="1d")
    assert whole.bars.data_version == resumed.bars.data_version


def test_stored_span_is_asked_again_only_from_its_end(workspace, feed):
    data.fetch(workspace, ["AAPL"], source="yahoo", interval="1d", period="5d")
    data.fetch(workspace, ["AAPL"], source="yahoo", interval="1d", period="5d")
    assert feed.requests[0].start_ns is None
    last = workspace.bars.list_series()[0].last_ts
    assert feed.requests[1].start_ns == max(NOW - 5 * NS_PER_DAY, last - 7 * NS_PER_DAY)
    data.fetch(workspace, ["AAPL"], source="yahoo", interval="1d", period="10y")
    assert feed.requests[2].start_ns is None


def test_one_symbol_that_fails_leaves_the_others(workspace, feed):
    feed.fail = {"GONE"}
    report = data.fetch(workspace, ["AAPL", "GONE"], source="yahoo", interval="1d")
    assert report.rows == {"AAPL": 4}
    assert "as planned" in report.failures["GONE"]
    with pytest.raises(NoDataError, match="as planned"):
        data.fetch(workspace, ["GONE"], source="yahoo", interval="1d")


def test_broken_rows_of_a_source_are_counted_and_not_stored(workspace, feed):
    feed.extra = {(1, 0): -5.0}
    report = data.fetch(workspace, ["AAPL"], source="yahoo", interval="1d")
    assert (report.quarantined, report.inserted) == (1, 3)


@pytest.mark.parametrize(
    ("symbols", "options", "words"),
    [
        ([], {}, "no symbol"),
        (["AAPL"], {"interval": "7m"}, "interval '7m'"),
        (["AAPL"], {"source": "yaho"}, "did you mean 'yahoo'"),
        (["AAPL"], {"start_ns": 5, "end_ns": 5}, "start is not before the end"),
        (["AAPL"], {"source": "sample", "interval": "1h"}, "only 1d"),
    ],
)
def test_what_cannot_be_answered_is_refused_before_any_call(
    workspace, feed, symbols, options, words
):
    with pytest.raises(ConfigError, match=words):
        data.fetch(workspace, symbols, **options)
    assert feed.requests == []


def test_fetched_bars_are_shown_as_asked_and_stored_as_traded(workspace):
    ask = {"source": "yahoo", "interval": "1d"}
    plain = data.fetch(workspace, ["AAPL"], **ask)
    assert plain.to_dict()["last"]["AAPL"] == {
        "time": "2014-06-10T20:00:00+00:00", "close": pytest.approx(94.25)
    }  # fmt: skip
    shown = data.fetch(workspace, ["AAPL"], adjust="splits", **ask)
    assert (shown.adjustment, shown.revised) == ("splits", 0)
    assert shown.bars.close[:, 0] == pytest.approx(DIVIDED[:4], abs=1e-4)
    assert data.load(workspace, ["AAPL"]).close[0, 0] == pytest.approx(647.35, abs=1e-4)
    with pytest.raises(ConfigError, match="did you mean 'splits'"):
        data.fetch(workspace, ["AAPL"], adjust="split", **ask)


class HourFeed(SplitFeed):
    """Delivers hours stamped with their open, as Yahoo does; the last of a day is half an hour."""

    def describe(self) -> FeedInfo:
        return FeedInfo("yahoo", "an in-memory twin", {"1h": "730 days", "90m": "60 days"})

    def fetch_bars(self, request: FetchRequest) -> FetchResult:
        self.requests.append(request)
        days = np.arange("2014-06-03", "2014-06-06", dtype="datetime64[D]")
        opens = (days + np.timedelta64(13, "h") + np.timedelta64(30, "m"))[:, None]
        ts = (opens + np.arange(7) * np.timedelta64(1, "h")).ravel()
        ts = ts.astype("datetime64[ns]").astype(np.int64)
        if request.start_ns is not None:
            ts = ts[ts >= request.start_ns]
        price = 600.0 + ts // 3_600_000_000_000 % 24
        close = np.tile(price[:, None], (1, len(request.symbols)))
        bars = Bars(
            tuple(Instrument(s) for s in request.symbols), ts, close, close + 0.5, close - 0.5,
            close, np.full(close.shape, 10.0), interval=request.interval, source="yahoo",
        )  # fmt: skip
        return FetchResult(bars, {}, (), (), "open")


def test_four_hours_are_made_of_one_hour_and_never_revised_by_a_part(workspace):
    feed = HourFeed()
    workspace.feed = lambda name: feed
    first = data.fetch(workspace, ["AAPL", "IBM"], source="yahoo", interval="4h", period="1mo")
    assert {request.interval for request in feed.requests} == {"1h"}
    assert first.bars.interval == "4h"
    assert "resampled_from 1h" in first.bars.notes
    closes = [str(t)[5:16] for t in first.bars.times]
    assert closes[:4] == ["06-03T17:30", "06-03T20:00", "06-04T17:30", "06-04T20:00"]
    assert first.bars.volume[:2, 0].tolist() == [40.0, 30.0]
    # A fetch that begins in the middle of a session leaves the bar it has only a part of alone.
    middle = to_ns(datetime(2014, 6, 4, 15, tzinfo=UTC))
    ask = {"source": "yahoo", "interval": "4h", "start_ns": middle, "end_ns": NOW}
    again = data.fetch(workspace, ["AAPL", "IBM"], **ask)
    assert (again.inserted, again.revised) == (0, 0)
    assert again.bars.data_version == first.bars.data_version
    reach = {one.name: one.intervals for one in data.sources(workspace)}["yahoo"]
    assert reach["4h"] == "made of 1h: 730 days"
    with pytest.raises(ConfigError, match="interval"):
        data.fetch(workspace, ["AAPL"], source="sample", interval="4h")


def test_sample_is_a_source_without_a_network(workspace):
    workspace.clock = StillClock(to_ns(datetime(2026, 1, 1, tzinfo=UTC)))
    report = data.fetch(workspace, ["AAPL", "SPY"], source="sample", interval="1d")
    assert report.inserted == 3202 + 3201
    assert report.bars.data_version == sample_bars(["AAPL", "SPY"]).data_version
    again = data.fetch(workspace, ["AAPL", "SPY"], source="sample", interval="1d")
    assert (again.inserted, again.unchanged) == (0, 6403)
    with pytest.raises(NoDataError, match="did you mean 'AAPL'"):
        data.fetch(workspace, ["APPL"], source="sample", interval="1d")


def test_series_are_listed_with_expected_bars_and_coverage(workspace):
    workspace.bars.write(sample_bars(["CVX", "SPY"]), ts_known=1)
    rows = {row.info.symbol: row for row in data.list_series(workspace)}
    assert (rows["CVX"].info.rows, rows["CVX"].expected) == (3201, 3202)
    assert rows["SPY"].coverage == pytest.approx(3201 / 3202)
    assert rows["CVX"].health == ""
    assert [row.health for row in data.list_series(workspace, health=True)] == ["fails", "fails"]
    workspace.clock = StillClock(to_ns(datetime(2026, 1, 1, tzinfo=UTC)))
    judged = data.list_series(workspace, health=True)
    assert [row.health for row in judged] == ["ok", "ok"]
    assert judged[0].score == data.quality(workspace, ["CVX", "SPY"]).report.scores["CVX"]
    assert [r.info.symbol for r in data.list_series(workspace, sector="Energy")] == ["CVX"]
    with pytest.raises(ConfigError, match="did you mean 'Energy'"):
        data.list_series(workspace, sector="Enrgy")
    assert data.list_series(workspace, source="csv") == []


def test_one_symbol_is_shown(workspace):
    data.fetch(workspace, ["AAPL"], source="yahoo", interval="1d")
    found = data.show(workspace, "AAPL", rows=2)
    assert [round(bar["close"], 2) for bar in found["bars"]] == [93.7, 94.25]
    assert found["actions"] == [{"kind": "split", "ex_date": "2014-06-09", "value": 7.0}]
    with pytest.raises(NoDataError, match="did you mean 'AAPL'"):
        data.show(workspace, "APL")


def test_verdict_knows_the_stored_actions(workspace):
    data.fetch(workspace, ["AAPL"], source="yahoo", interval="1d")
    assert data.quality(workspace, ["AAPL"]).ok
    workspace.clock = StillClock(to_ns(datetime(2026, 1, 1, tzinfo=UTC)))
    workspace.bars.write(sample_bars(["IBM"]), ts_known=1)
    assert data.quality(workspace, ["IBM"], source="sample").ok


def test_file_is_imported_and_exported_unchanged(workspace, tmp_path):
    bars = sample_bars(["IBM", "KO"], "2012-01-01", "2013-01-01")
    workspace.bars.write(bars, ts_known=1)
    for name in ("a.csv", "a.parquet"):
        out = tmp_path / name
        done = data.export(workspace, ["IBM", "KO"], out)
        assert done.rows == bars.n_bars * 2
        back = read_bars(out, stamp="close", interval="1d")
        assert np.array_equal(back.ts, bars.ts)
        assert np.array_equal(back.close, bars.close)


def test_import_counts_and_keeps_refused_rows(workspace, tmp_path):
    path = tmp_path / "IBM.csv"
    path.write_text(
        "Date,Open,High,Low,Close,Volume\n2014-06-05,1,2,1,2,9\n2014-06-06,1,2,1,-2,9\n"
        "2014-06-05,1,2,1,2,9\n",
        encoding="utf-8",
    )
    with pytest.raises(DataError, match="line 3: price_not_positive"):
        data.import_file(workspace, path)
    assert workspace.bars.list_series() == []
    dry = data.import_file(workspace, path, ImportOptions(on_bad="quarantine"), dry_run=True)
    assert (dry.stored, dry.rows_in, dry.accepted) == (False, 3, 1)
    assert workspace.bars.list_series() == []
    done = data.import_file(workspace, path, ImportOptions(on_bad="quarantine"))
    assert (done.accepted, done.quarantined, done.duplicates, done.inserted) == (1, 1, 1, 1)
    (kept,) = (workspace.data_dir / "quarantine").glob("*.parquet")
    assert pl.read_parquet(kept)["rule"].to_list() == ["price_not_positive"]
    again = data.import_file(workspace, path, ImportOptions(on_bad="quarantine"))
    assert (again.inserted, again.unchanged) == (0, 1)


@pytest.mark.parametrize(
    ("stamp", "options", "zone"),
    [
        ("2014-06-05 10:00:00", ImportOptions(timezone="Europe/Berlin"), "Europe/Berlin"),
        ("2014-06-05 10:00:00+02:00", ImportOptions(), "offset in the data"),
    ],
)
def test_the_zone_that_times_were_written_in_is_kept(workspace, tmp_path, stamp, options, zone):
    path = tmp_path / "IBM.csv"
    rows = [f"{stamp.replace('10:', f'{hour}:')},1,2,1,2,9" for hour in (10, 11, 12)]
    path.write_text("\n".join(["Date,Open,High,Low,Close,Volume", *rows]), encoding="utf-8")
    data.import_file(workspace, path, replace(options, calendar="24/7", stamp="close"))
    (record,) = workspace.bars.datasets()
    assert record["query"] == f"file IBM.csv, times: {zone}"
    assert (record["first_ts"] // 10**9) % 86_400 == 8 * 3600


def test_existing_file_is_replaced_only_when_told_to(workspace, tmp_path):
    workspace.bars.write(sample_bars(["KO"]), ts_known=1)
    out = tmp_path / "ko.csv"
    out.write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="--overwrite"):
        data.export(workspace, ["KO"], out)
    assert out.read_text(encoding="utf-8") == "mine"
    data.export(workspace, ["KO"], out, overwrite=True)
    assert out.read_text(encoding="utf-8").startswith("symbol,timestamp,open")
    assert [p.name for p in tmp_path.glob(".*")] == []


def test_export_that_cannot_be_written_leaves_nothing(workspace, tmp_path):
    workspace.bars.write(sample_bars(["KO"]), ts_known=1)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(EdgeError, match=r"ko\.csv"):
        data.export(workspace, ["KO"], tmp_path / "file" / "ko.csv")
    with pytest.raises(ConfigError, match=r"\.xls"):
        data.export(workspace, ["KO"], tmp_path / "ko.xls")


def test_sources_are_described_without_a_call(workspace, feed):
    assert [info.name for info in data.sources(workspace)] == ["sample", "yahoo"]
    assert feed.requests == []
