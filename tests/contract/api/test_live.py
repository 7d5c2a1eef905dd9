"""The live stream's protocol, spoken by an independent client."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

API = "/api/v1/ws/live"


def open_stream(server, **options):
    url = server.url.replace("http", "ws") + API
    return connect(url, open_timeout=10, close_timeout=5, **options)


def receive(stream) -> dict:
    return json.loads(stream.recv(timeout=10))


def until_type(stream, kind: str, topic: str | None = None) -> dict:
    """Return the next message of a type; others are skipped."""
    while True:
        message = receive(stream)
        if message["type"] == kind and topic in (None, message.get("topic")):
            return message


def publish_jobs(server, count: int) -> None:
    for number in range(count):
        payload = {"job_id": f"job-{number}", "status": "COMPLETED", "progress": 1.0}
        server.workspace.bus.publish("jobs", payload)


def test_first_message_introduces_the_server(empty_server):
    with open_stream(empty_server) as stream:
        hello = receive(stream)
    assert hello["type"] == "connection_established"
    assert set(hello["data"]) == {
        "connection_id", "user", "server_time", "heartbeat_s", "version",
    }  # fmt: skip


def test_snapshot_comes_before_changes_and_changes_are_numbered(empty_server):
    with open_stream(empty_server) as stream:
        receive(stream)
        stream.send('{"type": "subscribe", "id": "s1", "topics": ["jobs"]}')
        assert receive(stream)["topics"] == ["jobs"]
        snapshot = receive(stream)
        assert (snapshot["type"], snapshot["topic"], snapshot["data"]) == ("snapshot", "jobs", [])
        publish_jobs(empty_server, 3)
        seen = [receive(stream) for _ in range(3)]
    assert [message["data"]["job_id"] for message in seen] == ["job-0", "job-1", "job-2"]
    numbers = [snapshot["seq"], *(message["seq"] for message in seen)]
    assert numbers == [1, 2, 3, 4]


def test_star_is_every_topic_of_paper(empty_server):
    with open_stream(empty_server) as stream:
        receive(stream)
        stream.send('{"type": "subscribe", "topics": ["paper.*"]}')
        topics = receive(stream)["topics"]
        snapshots = [receive(stream) for _ in topics]
    assert set(topics) == {
        "paper.status", "paper.position", "paper.order", "paper.fill", "paper.equity",
    }  # fmt: skip
    by_topic = {message["topic"]: message["data"] for message in snapshots}
    assert by_topic["paper.status"]["state"] == "IDLE"
    assert by_topic["paper.position"] == []


def test_nothing_comes_after_unsubscribing(empty_server):
    with open_stream(empty_server) as stream:
        receive(stream)
        stream.send('{"type": "subscribe", "topics": ["jobs"]}')
        until_type(stream, "snapshot")
        stream.send('{"type": "unsubscribe", "topics": ["jobs"]}')
        until_type(stream, "unsubscribed")
        publish_jobs(empty_server, 2)
        stream.send('{"type": "ping", "id": "p"}')
        assert receive(stream)["type"] == "pong"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "invalid_message"),
        ("[]", "invalid_message"),
        ('{"type": "trade"}', "unknown_type"),
        ('{"type": "subscribe"}', "invalid_message"),
        ('{"type": "subscribe", "topics": []}', "invalid_message"),
        ('{"type": "subscribe", "topics": ["x"], "secret": 1}', "invalid_message"),
        ('{"type": "subscribe", "topics": ["orders:other-user"]}', "unknown_topic"),
        ('{"type": "ping", "id": 5}', "invalid_message"),
        (b"\x00\x01", "invalid_message"),
    ],
)
def test_invalid_message_is_answered_and_the_stream_stays(empty_server, text, code):
    with open_stream(empty_server) as stream:
        receive(stream)
        stream.send(text)
        error = until_type(stream, "error")
        assert error["data"]["code"] == code
        stream.send('{"type": "ping", "id": "still here"}')
        assert until_type(stream, "pong")["id"] == "still here"


def test_twenty_invalid_messages_end_the_stream(empty_server):
    with open_stream(empty_server) as stream:
        receive(stream)
        with pytest.raises(ConnectionClosed) as closed:
            for _ in range(25):
                stream.send("{")
                receive(stream)
            while True:
                receive(stream)
    assert closed.value.rcvd.code == 1008


def test_too_big_a_message_ends_the_stream(empty_server):
    with open_stream(empty_server) as stream:
        receive(stream)
        stream.send('{"type": "ping", "id": "' + "x" * (70 << 10) + '"}')
        with pytest.raises(ConnectionClosed) as closed:
            receive(stream)
    assert closed.value.rcvd.code == 1009


def test_one_stream_too_many_is_refused(new_server):
    with new_server(max_connections=1).running() as server, open_stream(server) as first:
        receive(first)
        with open_stream(server) as second, pytest.raises(ConnectionClosed) as closed:
            receive(second)
    assert closed.value.rcvd.code == 4429


def test_silent_stream_gets_a_sign_of_life(new_server):
    with new_server(heartbeat_s=0.05).running() as server, open_stream(server) as stream:
        assert [receive(stream)["type"] for _ in range(3)][1:] == ["ping", "ping"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_stream_of_another_site_is_refused(empty_server, origin):
    with pytest.raises(InvalidStatus) as refused:
        open_stream(empty_server, origin=origin)
    assert refused.value.response.status_code == 403


def test_own_page_may_open_the_stream(empty_server):
    with open_stream(empty_server, origin=empty_server.url) as stream:
        assert receive(stream)["type"] == "connection_established"


def test_slow_reader_is_told_of_the_gap_and_closed(empty_server):
    # The server of this fixture holds 50 messages; a burst larger than that comes at once.
    with open_stream(empty_server) as stream:
        receive(stream)
        stream.send('{"type": "subscribe", "topics": ["jobs"]}')
        until_type(stream, "snapshot")
        publish_jobs(empty_server, 50_000)
        kinds = []
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                kinds.append(receive(stream)["type"])
    assert kinds[-1] == "gap"
    assert closed.value.rcvd.code == 4409


def test_points_of_a_series_are_joined_for_a_slow_reader(empty_server):
    bus = empty_server.workspace.bus
    with open_stream(empty_server) as stream:
        receive(stream)
        stream.send('{"type": "subscribe", "topics": ["paper.equity"]}')
        until_type(stream, "snapshot")
        for number in range(5_000):
            bus.publish("paper.equity", {"at": f"t{number:05}", "equity": number, "cash": 0})
        seen = [receive(stream)]
        while seen[-1]["data"]["points"][-1]["at"] != "t04999":
            seen.append(receive(stream))
    assert [message["seq"] for message in seen] == list(range(2, len(seen) + 2))
    points = [point["at"] for message in seen for point in message["data"]["points"]]
    assert points == [f"t{number:05}" for number in range(5_000)]
    assert len(seen) < 5_000


@pytest.fixture
def wide_server(new_server):
    """A server over an empty workspace with queues of the size that users have."""
    with new_server().running() as server:
        yield server


def test_paper_session_is_told_as_it_happens(wide_server):
    with open_stream(wide_server) as stream:
        receive(stream)
        stream.send('{"type": "subscribe", "topics": ["paper.*"]}')
        body = {"source": "buy_and_hold", "speed": None, "replay_from": "2017-06-01"}
        reply = httpx2.post(f"{wide_server.url}/api/v1/paper/start", json=body, timeout=30)
        assert reply.status_code == 200, reply.text
        seen: dict[str, list[dict]] = {"position_update": []}

        def read_until(is_done: Callable[[dict], bool]) -> None:
            while not is_done(message := receive(stream)):
                seen.setdefault(message["type"], []).append(message)
            seen.setdefault(message["type"], []).append(message)

        read_until(lambda m: m["type"] == "system_status" and m["data"]["state"] == "FINISHED")
        positions = httpx2.get(f"{wide_server.url}/api/v1/paper/positions").json()
        smallest = positions[-1]["symbol"]
        read_until(lambda m: m["type"] == "position_update" and m["data"]["symbol"] == smallest)
    fills = httpx2.get(f"{wide_server.url}/api/v1/paper/fills?limit=500").json()["items"]
    snapshots = {message["topic"]: message["data"] for message in seen["snapshot"]}
    told = {row["execution_id"] for row in snapshots["paper.fill"]}
    told |= {message["data"]["execution_id"] for message in seen.get("fill", [])}
    assert told == {row["execution_id"] for row in fills}
    last = {m["data"]["symbol"]: m["data"] for m in seen["position_update"]}
    assert {symbol: row["quantity"] for symbol, row in last.items()} == {
        row["symbol"]: row["quantity"] for row in positions
    }


def test_stopping_server_closes_streams_with_its_own_code(new_server):
    server = new_server()
    closed: list[int] = []
    ready = threading.Event()

    def read() -> None:
        with open_stream(server) as stream:
            receive(stream)
            ready.set()
            try:
                receive(stream)
            except ConnectionClosed as end:
                closed.append(end.rcvd.code)

    with server.running():
        reader = threading.Thread(target=read)
        reader.start()
        assert ready.wait(10)
    reader.join(10)
    assert closed == [1012]


def test_gauges_keep_only_their_newest_value_for_a_slow_reader(empty_server):
    bus = empty_server.workspace.bus
    with open_stream(empty_server) as stream:
        receive(stream)
        stream.send('{"type": "subscribe", "topics": ["paper.status"]}')
        until_type(stream, "snapshot")
        for number in range(2_000):
            bus.publish("paper.status", {"state": "RUNNING", "message": str(number)})
        seen = [receive(stream)]
        while seen[-1]["data"]["message"] != "1999":
            seen.append(receive(stream))
    told = [int(message["data"]["message"]) for message in seen]
    assert told == sorted(told)
    assert len(told) < 2_000


def test_a_signal_is_pushed_as_it_was_published(empty_server):
    signal = {"id": "a1", "symbol": "AAPL", "action": "BUY", "confidence": 0.8}
    with open_stream(empty_server) as stream:
        receive(stream)
        stream.send('{"type": "subscribe", "topics": ["signals"]}')
        assert until_type(stream, "snapshot")["data"] == []
        empty_server.workspace.bus.publish("signals", signal)
        pushed = until_type(stream, "signal_generated")
    assert (pushed["topic"], pushed["seq"], pushed["data"]) == ("signals", 2, signal)


def test_risk_is_told_as_it_stands_and_as_it_happens(empty_server):
    ann = {"scope": "account:paper", "actor": "Ann", "reason": "news"}
    with open_stream(empty_server) as stream:
        receive(stream)
        stream.send('{"type": "subscribe", "topics": ["risk", "risk.event"]}')
        status = until_type(stream, "snapshot", "risk")
        events = until_type(stream, "snapshot", "risk.event")
        assert (status["data"]["state"], events["data"]) == ("NORMAL", [])
        httpx2.post(f"{empty_server.url}/api/v1/risk/halt", json=ann, timeout=20)
        event = until_type(stream, "risk_update", "risk.event")["data"]
        assert (event["kind"], event["scope"]) == ("TradingHalted", "account:paper")
        assert event["message"] == "Ann: news"
        assert event["is_critical"]
        after = until_type(stream, "risk_update", "risk")["data"]
        assert after == httpx2.get(f"{empty_server.url}/api/v1/risk", timeout=20).json()
        assert after["scopes"][0]["causes"][0]["reason"] == "news"
    listed = httpx2.get(f"{empty_server.url}/api/v1/risk/events", timeout=20).json()
    assert listed == [event]


def test_limits_of_a_running_session_and_what_breaks_them_are_told(wide_server):
    limits = {"drawdown": 0.001, "max_gross": 2.0}
    with open_stream(wide_server) as stream:
        receive(stream)
        stream.send('{"type": "subscribe", "topics": ["risk", "risk.event"]}')
        put_limits(wide_server, limits)
        body = {"source": "buy_and_hold", "speed": 200, "replay_from": "2017-01-03"}
        reply = httpx2.post(f"{wide_server.url}/api/v1/paper/start", json=body, timeout=30)
        assert reply.status_code == 200, reply.text
        seen = {"risk": [], "risk.event": []}
        while not (
            any(data["kind"] == "RiskLimitBreached" for data in seen["risk.event"])
            and any(data["state"] != "NORMAL" for data in seen["risk"])
        ):
            message = receive(stream)
            if message["type"] == "risk_update":
                seen[message["topic"]].append(message["data"])
    breach = next(data for data in seen["risk.event"] if data["kind"] == "RiskLimitBreached")
    assert breach["rule"] == "drawdown"
    assert breach["value"] > breach["limit"] == 0.001
    last = seen["risk"][-1]
    rows = {row["limit"]: row for row in last["paper"]["limits"] if row["scope"] == "portfolio"}
    assert rows["max_gross"]["allowed"] == 2.0
    assert 0 < rows["max_gross"]["fraction"] < 1
    assert last["scopes"][0]["causes"][0]["rule"] == "drawdown"
    httpx2.post(f"{wide_server.url}/api/v1/paper/stop", timeout=20)


def put_limits(server, limits: dict) -> None:
    """Put limits on everything the user runs, as ``risk limits`` does."""
    from tradewright.services.risk.limits import StoredLimits

    stored = StoredLimits(server.workspace.journal, server.workspace.clock)
    stored.change(limits, author="Ann", reason="test")
