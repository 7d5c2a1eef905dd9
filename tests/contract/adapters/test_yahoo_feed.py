"""The Yahoo feed against a local server that answers like Yahoo's chart service."""

import json
import threading
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tradewright.adapters.feeds import open_feed
from tradewright.adapters.feeds.limits import Backoff, BusyError, TokenBucket
from tradewright.adapters.feeds.yahoo import YahooFeed, YahooSettings
from tradewright.adapters.feeds.yahoo_windows import PERIODS, WINDOW_DAYS, plan_requests
from tradewright.adapters.stores.parquet_bars import ParquetBarStore
from tradewright.domain.errors import ConfigError, EdgeError, TransientEdgeError
from tradewright.domain.time import NS_PER_DAY, to_ns
from tradewright.ports.feeds import FetchRequest
from tradewright.services import data

yfinance = pytest.importorskip("yfinance")

pytestmark = pytest.mark.filterwarnings("ignore:.*inplace.*")

NEW_YORK = ZoneInfo("America/New_York")
NOW = to_ns(datetime(2014, 7, 1, 12, tzinfo=UTC))


def stamp(day: str, hour: int = 9, minute: int = 30) -> int:
    year, month, number = map(int, day.split("-"))
    return int(datetime(year, month, number, hour, minute, tzinfo=NEW_YORK).timestamp())


# AAPL around its 7:1 split of 2014-06-09: traded 645.57 on the Friday, 93.70 on the Monday.
AAPL = {
    "2014-06-04": (91.0627, 92.5557, 90.8727, 92.1171, 83870521),
    "2014-06-05": (92.3143, 92.7670, 91.8014, 92.4786, 75951141),
    "2014-06-06": (92.8429, 93.0370, 92.0671, 92.2243, 87484600),
    "2014-06-09": (92.7000, 93.8800, 91.7500, 93.7000, 75414997),
    "2014-06-10": (94.7300, 95.0500, 93.5700, 94.2500, 62777000),
}


def chart(symbol: str, rows, *, interval: str = "1d", events=None) -> dict:
    columns = list(zip(*[values for _, values in rows], strict=True))
    names = ("open", "high", "low", "close", "volume")
    meta = {
        "currency": "USD",
        "symbol": symbol,
        "instrumentType": "EQUITY",
        "exchangeTimezoneName": "America/New_York",
        "timezone": "EDT",
        "gmtoffset": -14400,
        "exchangeName": "NMS",
        "dataGranularity": interval,
        "range": "",
        "validRanges": list(PERIODS),
        "regularMarketPrice": 94.25,
        "firstTradeDate": 345479400,
        "priceHint": 2,
        "tradingPeriods": [
            [{"timezone": "EDT", "start": start, "end": end, "gmtoffset": -14400}]
            for start, end in sorted({(_day(t, 9, 30), _day(t, 16, 0)) for t, _ in rows})
        ],
    }
    quote = {name: list(column) for name, column in zip(names, columns, strict=True)}
    result = {
        "meta": meta,
        "timestamp": [moment for moment, _ in rows],
        "indicators": {"quote": [quote], "adjclose": [{"adjclose": quote["close"]}]},
    }
    if interval != "1d":
        del result["indicators"]["adjclose"]
    if events:
        result["events"] = events
    return {"chart": {"result": [result], "error": None}}


def _day(moment: int, hour: int, minute: int) -> int:
    local = datetime.fromtimestamp(moment, NEW_YORK)
    return int(local.replace(hour=hour, minute=minute, second=0).timestamp())


SPLIT = {"date": stamp("2014-06-09"), "numerator": 7, "denominator": 1, "splitRatio": "7:1"}
PAID = {"amount": 0.47, "date": stamp("2014-06-05")}
EVENTS = {
    "splits": {str(SPLIT["date"]): SPLIT},
    "dividends": {str(PAID["date"]): PAID},
}


def daily(symbol: str, query: dict) -> dict:
    start, end = (int(query.get(name, ["0"])[0]) for name in ("period1", "period2"))
    rows = [(stamp(day), values) for day, values in AAPL.items()]
    wanted = [row for row in rows if start <= row[0] < end] if end else rows
    events = {
        kind: {key: value for key, value in group.items() if start <= int(key) < (end or 2**40)}
        for kind, group in EVENTS.items()
    }
    if not wanted:
        return {
            "chart": {
                "result": [{"meta": chart(symbol, rows)["chart"]["result"][0]["meta"]}],
                "error": None,
            }
        }
    return chart(symbol, wanted, events=events)


class Server(ThreadingHTTPServer):
    """Answers from a script of responses per symbol, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []
        self.script = {}
        self.answer = daily

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def charts(self, symbol: str) -> list[dict]:
        return [q for path, q in self.asked if path.endswith(f"/chart/{symbol}") and "period1" in q]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        self.server.asked.append((parts.path, query))
        symbol = parts.path.rsplit("/", 1)[-1]
        if "/chart/" not in parts.path:
            return self.reply(200, b"crumb")
        planned = self.server.script.get(symbol)
        if planned and "period1" in query:
            status, body, headers = planned.pop(0)
            return self.reply(status, body, headers)
        if symbol == "GONE" and "period1" in query:
            reason = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            body = {"chart": {"result": None, "error": reason}}
            return self.reply(404, json.dumps(body).encode())
        return self.reply(200, json.dumps(self.server.answer(symbol, query)).encode())

    def reply(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        return


@pytest.fixture
def server(tmp_path):
    yfinance.set_tz_cache_location(str(tmp_path))
    from yfinance.data import YfData

    YfData.cache_get.cache_clear()
    running = Server()
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()


@pytest.fixture
def waits():
    return []


@pytest.fixture
def feed(server, waits):
    settings = YahooSettings(requests_per_second=1e6, tries=4, base_url=server.url)
    return YahooFeed(settings, sleep=waits.append, now_ns=lambda: NOW)


RANGE = {
    "start_ns": to_ns(datetime(2014, 6, 1, tzinfo=UTC)),
    "end_ns": NOW,
    "interval": "1d",
}


def test_bars_splits_and_dividends_are_read(feed, server):
    result = feed.fetch_bars(FetchRequest(("AAPL",), **RANGE))
    assert (result.failures, result.stamp) == ({}, "session_date")
    bars = result.bars
    assert (bars.source, bars.adjustment, bars.symbols) == ("yahoo", "splits", ("AAPL",))
    assert [str(t)[:10] for t in bars.times] == list(AAPL)
    assert bars.close[:, 0] == pytest.approx([row[3] for row in AAPL.values()])
    assert bars.volume[0, 0] == 83870521
    split = next(a for a in result.actions if a.kind == "split")
    paid = next(a for a in result.actions if a.kind == "cash_dividend")
    assert (split.ex_date, split.value) == (date(2014, 6, 9), 7.0)
    # 0.47 a share of today is 3.29 a share as it was paid before the split.
    assert (paid.ex_date, paid.value) == (date(2014, 6, 5), pytest.approx(3.29))


def test_fetch_stores_prices_as_traded_once(feed, server, tmp_path):
    workspace = SimpleNamespace(
        data_dir=tmp_path,
        bars=ParquetBarStore(tmp_path / "bars"),
        clock=SimpleNamespace(now_ns=lambda: NOW),
        feed=lambda name: feed,
    )
    dates = {"start_ns": RANGE["start_ns"], "end_ns": NOW}
    first = data.fetch(workspace, ["AAPL"], source="yahoo", interval="1d", **dates)
    # The closes that were printed on the tape on these days.
    tape = [644.82, 647.35, 645.57, 93.70, 94.25]
    assert first.bars.close[:, 0] == pytest.approx(tape, abs=2e-3)
    assert (first.inserted, first.bars.adjustment) == (5, "none")
    again = data.fetch(workspace, ["AAPL"], source="yahoo", interval="1d", **dates)
    assert (again.inserted, again.revised, again.unchanged) == (0, 0, 5)
    adjusted = data.load(workspace, ["AAPL"], adjustment="splits")
    assert np.abs(np.diff(np.log(adjusted.close[:, 0]))).max() < 0.02


def test_request_asks_for_unadjusted_prices_with_actions(feed, server):
    feed.fetch_bars(FetchRequest(("AAPL",), **RANGE))
    (query,) = server.charts("AAPL")
    assert query["interval"] == ["1d"]
    assert "splits" in query["events"][0]
    assert int(query["period1"][0]) * 10**9 == RANGE["start_ns"]


def test_splits_after_the_range_are_asked_too(feed, server):
    end = to_ns(datetime(2014, 6, 7, tzinfo=UTC))
    result = feed.fetch_bars(FetchRequest(("AAPL",), "1d", None, RANGE["start_ns"], end))
    assert result.bars.n_bars == 3
    assert [a.value for a in result.actions if a.kind == "split"] == [7.0]
    assert len(server.charts("AAPL")) == 2


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_passing_failures_are_tried_again(feed, server, waits, status):
    server.script["AAPL"] = [(status, b"<html>busy</html>", {})] * 2
    result = feed.fetch_bars(FetchRequest(("AAPL",), **RANGE))
    assert result.failures == {}
    assert len(waits) == 2
    assert 0 <= waits[0] <= 1.0
    assert 0 <= waits[1] <= 2.0


def test_retry_after_is_honoured(feed, server, waits):
    server.script["AAPL"] = [(429, b"", {"Retry-After": "17"})]
    assert feed.fetch_bars(FetchRequest(("AAPL",), **RANGE)).failures == {}
    assert waits == [17.0]


def test_lasting_failure_fails_that_symbol_only(feed, server, waits):
    server.script["BAD"] = [(500, b"no", {})] * 50
    result = feed.fetch_bars(FetchRequest(("BAD", "AAPL"), **RANGE))
    assert result.bars.symbols == ("AAPL",)
    assert "500" in result.failures["BAD"]
    assert len(waits) == 3


def test_garbage_is_shown_in_part_and_not_tried_again(feed, server, waits):
    server.script["AAPL"] = [(200, b"<html>token=abc sorry" + b"x" * 500, {})]
    result = feed.fetch_bars(FetchRequest(("AAPL",), **RANGE))
    assert result.bars is None
    assert "no chart" in result.failures["AAPL"]
    assert "abc" not in result.failures["AAPL"]
    assert len(result.failures["AAPL"]) < 350
    assert waits == []


def test_empty_body_is_a_failure_with_its_reason(feed, server):
    server.script["AAPL"] = [(200, b"", {})]
    assert "no chart" in feed.fetch_bars(FetchRequest(("AAPL",), **RANGE)).failures["AAPL"]


def test_delisted_symbol_is_no_data_with_yahoos_words(feed):
    result = feed.fetch_bars(FetchRequest(("GONE",), **RANGE))
    assert result.bars is None
    assert "may be delisted" in result.failures["GONE"]


def test_range_without_bars_is_no_data(feed):
    start = to_ns(datetime(2014, 6, 20, tzinfo=UTC))
    result = feed.fetch_bars(FetchRequest(("AAPL",), "1d", None, start, NOW))
    assert "no bar" in result.failures["AAPL"]


def test_server_that_is_gone_is_a_transient_failure(server, waits):
    dead = YahooSettings(requests_per_second=1e6, tries=2, base_url="http://127.0.0.1:9")
    gone = YahooFeed(dead, sleep=waits.append, now_ns=lambda: NOW)
    result = gone.fetch_bars(FetchRequest(("AAPL",), **RANGE))
    assert "no answer" in result.failures["AAPL"]
    assert len(waits) == 1


def test_minute_bars_are_asked_a_week_at_a_time(feed, server):
    def minutes(symbol, query):
        first = int(query["period1"][0]) if "period1" in query else stamp("2014-06-23")
        day = datetime.fromtimestamp(first + 86_400, NEW_YORK)
        while day.weekday() > 4:
            day = datetime.fromtimestamp(day.timestamp() + 86_400, NEW_YORK)
        opened = int(day.replace(hour=9, minute=30, second=0).timestamp())
        rows = [(opened + 60 * k, (10.0, 11.0, 9.0, 10.5, 100 + k)) for k in range(3)]
        return chart(symbol, rows, interval="1m")

    server.answer = minutes
    start = NOW - 20 * NS_PER_DAY
    result = feed.fetch_bars(FetchRequest(("AAPL",), "1m", None, start, NOW))
    spans = [(int(q["period1"][0]), int(q["period2"][0])) for q in server.charts("AAPL")]
    assert len(spans) == 3
    assert all(end - first <= 7 * 86_400 for first, end in spans)
    assert [a[1] for a in spans[:-1]] == [b[0] for b in spans[1:]]
    assert result.stamp == "open"
    assert result.bars.n_bars == 9


@pytest.mark.parametrize("interval", sorted(WINDOW_DAYS))
@pytest.mark.parametrize("period", PERIODS)
def test_every_period_and_interval_is_answered_within_its_window(period, interval):
    plan = plan_requests(FetchRequest(("A",), interval, period), NOW)
    first, last = plan.spans[0][0], plan.spans[-1][1]
    days = WINDOW_DAYS[interval]
    assert last == NOW
    assert days is None or first > NOW - days * NS_PER_DAY
    wanted = {"1d": 1, "5d": 5, "1mo": 30, "1y": 365, "10y": 3652}.get(period)
    if wanted and (days is None or wanted < days):
        assert first == NOW - wanted * NS_PER_DAY
        assert plan.notes == ()
    elif wanted and wanted > (days or 10**6):
        assert "not obtainable" in plan.notes[0]


def test_window_that_lies_in_the_past_is_refused_before_any_call(feed, server):
    old = to_ns(datetime(2010, 1, 1, tzinfo=UTC))
    with pytest.raises(ConfigError, match="reach back 60 days"):
        feed.fetch_bars(FetchRequest(("AAPL",), "5m", None, old, old + NS_PER_DAY))
    with pytest.raises(ConfigError, match="4h"):
        feed.fetch_bars(FetchRequest(("AAPL",), "4h"))
    with pytest.raises(ConfigError, match="did you mean '1mo'"):
        feed.fetch_bars(FetchRequest(("AAPL",), "1d", "1mon"))
    with pytest.raises(ConfigError, match="empty"):
        feed.fetch_bars(FetchRequest(("AAPL",), "1d", None, NOW, NOW - 1))
    assert server.asked == []


def test_future_end_is_cut_at_now():
    plan = plan_requests(FetchRequest(("A",), "1d", None, NOW - NS_PER_DAY, NOW + NS_PER_DAY), NOW)
    assert plan.spans[-1][1] == NOW
    assert "cut at now" in plan.notes[0]


def test_token_bucket_holds_the_rate():
    clock = [0.0]

    def sleep(seconds):
        clock[0] += seconds

    bucket = TokenBucket(4.0, burst=2, now=lambda: clock[0], sleep=sleep)
    for _ in range(42):
        bucket.take()
    assert clock[0] == pytest.approx((42 - 2) / 4.0)


def test_backoff_waits_within_its_growing_bound_and_gives_up():
    waits, calls = [], []

    def fail():
        calls.append(1)
        raise BusyError("busy")

    backoff = Backoff(
        tries=8, base_s=1.0, cap_s=10.0, sleep=waits.append, jitter=np.random.default_rng(1)
    )
    with pytest.raises(TransientEdgeError):
        backoff.call(fail)
    assert len(calls) == 8
    assert all(0 <= w <= min(10.0, 2.0**n) for n, w in enumerate(waits))


def test_backoff_does_not_repeat_a_lasting_error():
    calls = []

    def fail():
        calls.append(1)
        raise EdgeError("wrong schema")

    with pytest.raises(EdgeError):
        Backoff(sleep=calls.append).call(fail)
    assert calls == [1]


def test_feed_takes_rate_and_tries_from_the_settings():
    class Values:
        yahoo = YahooSettings(requests_per_second=7.0, tries=2)

    assert "7 requests a second" in open_feed("yahoo", Values()).describe().limits
    with pytest.raises(ConfigError, match="did you mean 'yahoo'"):
        open_feed("yaho")
